"""Which key does what in a labelling form: the same key for the same code of the same codebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from erranal.rounds.form import GAP, NONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from erranal.codebook import Codebook

# Left hand, one row for each text, so that a span is marked without looking down.
RESPONSE = {"Evidence": "q", "Correct step": "w"}
REFERENCE = {"Evidence": "a", "Correct step": "s"}
FLAGS = {"GOLD": "g", "AMB": "b", "GAP": "k"}
CONFIDENCE = "c"
ANSWERS = {NONE: "0", GAP: "x"}

# Read from left to right and from top to bottom, as the codes are. Label Studio keeps u (drop the
# selection), h and v (move an image) for itself.
_ROWS = "123456789" + "ertyiop" + "dfjl" + "znm"
_SHIFTED = "qwetyuiopasdfghjklzxcvbnm"


def assign(book: Codebook) -> dict[str, str]:
    """Return the key of each code, and of the two answers beside them.

    Codes get the digits, then single letters, then letters with Shift, in the order in which the
    form shows them. Codes beyond the last key (48 with all families) are left out.
    """
    keys = dict(zip(ordered(book), _free(), strict=False))
    return keys | ANSWERS


def ordered(book: Codebook) -> list[str]:
    """Return every code, family by family, in the order of the book."""
    return [
        code.code for family in book.families for code in book.codes if code.family == family.id
    ]


def _free() -> Iterator[str]:
    yield from _ROWS
    yield from (f"shift+{letter}" for letter in _SHIFTED)
