"""One table of a paper: heads, rows of text in groups, and what is said below."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from erranal.report import wording as w

if TYPE_CHECKING:
    from erranal.report.plain import Row

FAMILIES, CODES = "Families", "Codes"


@dataclass
class Table:
    """One table: heads, rows of text in named groups, and what has to be said below it.

    Attributes
    ----------
    name
        Which it is, without spaces.
    caption
        What it shows.
    heads
        Heads of the columns; ``words`` says which of them hold words, the others hold numbers.
    groups
        Pairs of a title (empty for none) and rows.
    notes
        Sentences below it.
    """

    name: str
    caption: str
    heads: list[str]
    groups: list[tuple[str, list[list[str]]]]
    words: tuple[int, ...] = (0,)
    notes: list[str] = field(default_factory=list)


def grouped(lines: list[Row], rows: list[list[list[str]]]) -> list[tuple[str, list[list[str]]]]:
    """Return the rows of families, then those of codes."""
    groups: dict[str, list[list[str]]] = {}
    for line, own in zip(lines, rows, strict=True):
        groups.setdefault(FAMILIES if line["family"] is None else CODES, []).extend(own)
    return list(groups.items())


def never(titles: list[str]) -> list[str]:
    """Say what nobody gave, in one sentence or none."""
    return [f"Given by nobody: {w.listed(titles)}."] if titles else []
