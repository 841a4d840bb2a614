"""Named SQL in files: blocks of ``-- name: x`` or ``-- view: x``, a line of description, SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

_HEAD = re.compile(r"^-- (?:name|view): (\w+)\n((?:--[^\n]*\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class Named:
    """One named statement: its name, what it is for, and its SQL without the final semicolon."""

    name: str
    description: str
    sql: str


def _parse(text: str) -> dict[str, Named]:
    heads = list(_HEAD.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    blocks = {}
    for head, end in zip(heads, ends, strict=True):
        description = " ".join(line.lstrip("- ") for line in head[2].splitlines())
        blocks[head[1]] = Named(head[1], description, text[head.end() : end].strip().rstrip(";"))
    return blocks


@cache
def views() -> dict[str, Named]:
    """Return the definitions of ``views.sql`` in file order: later ones may use earlier ones."""
    return _parse(resources.files(__package__).joinpath("views.sql").read_text("utf-8"))


@cache
def queries() -> dict[str, Named]:
    """Return the named statements of ``queries/*.sql``; a name is used once over all files."""
    found: dict[str, Named] = {}
    folder = resources.files(__package__).joinpath("queries")
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".sql"):
            blocks = _parse(file.read_text("utf-8"))
            if twice := found.keys() & blocks.keys():
                raise ValueError(f"{file.name}: query names used twice: {sorted(twice)}")
            found |= blocks
    return found


def query(name: str, where: str | None = None) -> str:
    """Return the SQL of one named statement, narrowed by a condition where it has a place for one.

    The place is ``(TRUE /* where */)``; the condition is the user's own SQL.
    """
    sql = queries()[name].sql
    return sql if where is None else sql.replace(_PLACE, f"({where}\n)")


_PLACE = "(TRUE /* where */)"
_FRAME = re.compile(r"^-- frame: (\w+) AS (SELECT [^\n]+)$", re.MULTILINE)


def frames(block: Named) -> list[Named]:
    """Return the shapes of the frames a statement is handed (``-- frame: x AS SELECT ...``)."""
    return [Named(f[1], "", f[2]) for f in _FRAME.finditer(block.sql)]
