"""The table of disagreements as a sheet that is filled in by hand: written, and read row by row."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from erranal.errors import StageError

if TYPE_CHECKING:
    import pandas as pd

FILLED_IN = ("primary", "codes", "gap", "reason")
JOINED = "; "
LONGEST_CELL = 64 << 20  # characters
_SEPARATOR = re.compile(r"[;,|\n]")
_LIST_MARKS = " \t[]()'\""
_YES = frozenset({"yes", "y", "true", "1", "1.0", "x"})
_NO = frozenset({"", "no", "n", "false", "0", "0.0"})
# What a spreadsheet would take for a formula at the start of a cell.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def save(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table of disagreements as CSV that a spreadsheet shows and does not calculate.

    A cell that begins like a formula gets an apostrophe before it: responses of models and memos
    are texts of others.
    """
    from pandas.api.types import is_numeric_dtype

    texts = [name for name in table.columns if not is_numeric_dtype(table[name])]
    safe = table.assign(**{str(name): table[name].map(_inert) for name in texts})
    # The mark at the start tells spreadsheets that it is UTF-8.
    safe.to_csv(path, index=False, encoding="utf-8-sig", errors="replace", lineterminator="\r\n")


def _inert(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def rows(table: pd.DataFrame | str | Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the rows of a filled-in table, each with its line (of a frame: its place, from 1).

    Raises
    ------
    StageError
        When there is no such file, it is no CSV in UTF-8, or it lacks a column.
    """
    if isinstance(table, str | Path):
        path = Path(table)
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                yield from _lines(file, path)
        except FileNotFoundError:
            raise StageError(f"there is no file {path}") from None
        except (UnicodeDecodeError, csv.Error) as error:
            raise StageError(f"{path} is no CSV ({error}): save it as CSV in UTF-8") from error
        return
    _require_columns([str(name) for name in table.columns], "the table")
    yield from enumerate(table.to_dict("records"), 1)


def _lines(file: TextIO, path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    csv.field_size_limit(LONGEST_CELL)
    # Spreadsheets of many countries write semicolons.
    head = file.readline()
    file.seek(0)
    reader = csv.reader(file, delimiter=max(",;\t", key=head.count))
    names = next(reader, [])
    _require_columns(names, str(path))
    before = reader.line_num
    for cells in reader:
        if any(cell.strip() for cell in cells):
            # A row has as many lines as its texts; it is found by its first one.
            yield before + 1, dict(zip(names, cells, strict=False))
        before = reader.line_num


def _require_columns(names: list[str], what: str) -> None:
    missing = [name for name in ("unit_id", *FILLED_IN) if name not in names]
    if missing:
        raise StageError(
            f"{what} has no column {missing[0]!r}: fill in the table of disagreements as it is"
        )


def text(value: Any) -> str:
    """Return a cell as text; what is missing is empty."""
    import pandas as pd

    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return ""
    return str(value).strip()


def listed(value: Any) -> list[str]:
    """Return the parts of a cell that lists something."""
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        value = _SEPARATOR.split(text(value))
    parts = [text(part).strip(_LIST_MARKS) for part in value]
    return [part for part in parts if part]


def truth(value: Any) -> bool:
    """Return the yes or no of a cell; empty is no.

    Raises
    ------
    StageError
        When it is neither.
    """
    said = text(value).casefold()
    if said in _YES or said in _NO:
        return said in _YES
    raise StageError(f"gap is neither yes nor no: {said[:60]!r}")


def blank(row: Mapping[str, Any]) -> bool:
    """Return whether nobody filled in a row."""
    return not any(listed(row.get(name)) for name in FILLED_IN)
