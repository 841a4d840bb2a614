"""Numbers in prose, written in digits or in words, with their places."""

from __future__ import annotations

import re
from typing import NamedTuple

_TO_NINETEEN = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    " fifteen sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
WORDS = {word: value for value, word in enumerate(_TO_NINETEEN.split())}
WORDS |= {word: 10 * tens for tens, word in enumerate(_TENS.split(), start=2)}
WORDS |= {"once": 1, "twice": 2, "double": 2, "thrice": 3, "triple": 3, "half": 2, "quarter": 4}
WORDS |= {"third": 3, "fourth": 4, "fifth": 5, "dozen": 12, "hundred": 100, "thousand": 1000}

DIGITS = r"\d+(?:,\d{3}(?!\d))*(?:\.\d+)?"
NUMBER = re.compile(DIGITS)
PIECE = re.compile(rf"(?P<number>{DIGITS})|(?P<word>[^\W\d_]+)")


class Piece(NamedTuple):
    """A number or a word of a text; ``number`` is its canonical form, empty for other words."""

    text: str
    number: str
    start: int
    end: int


def pieces(text: str, start: int = 0, end: int | None = None) -> list[Piece]:
    """Return the words and numbers of ``text[start:end]``, in order."""
    found: list[Piece] = []
    for match in PIECE.finditer(text, start, len(text) if end is None else end):
        piece = match.group()
        number = canonical(piece) if match.lastgroup == "number" else word_number(piece)
        found.append(Piece(piece, number, match.start(), match.end()))
    return found


def canonical(digits: str) -> str:
    """Return a number without separators and idle zeros: ``1,200.50`` becomes ``1200.5``."""
    whole, point, decimals = digits.replace(",", "").partition(".")
    decimals = decimals.rstrip("0")
    return (whole.lstrip("0") or "0") + (point + decimals if decimals else "")


def word_number(word: str) -> str:
    """Return the number that a word stands for, or an empty text."""
    value = WORDS.get(word.lower())
    return "" if value is None else str(value)


def spoken(words: list[str]) -> str:
    """Return the number that a list of words reads as (``fifty four``), or an empty text."""
    total = 0
    for word in words:
        value = WORDS.get(word.lower())
        if value is None:
            return ""
        total = (total or 1) * value if value in {100, 1000} else total + value
    return str(total) if words else ""
