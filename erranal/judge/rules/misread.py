"""A given quantity that reappears in the response with another value.

The rule wants four things at once: a number that is stated near the beginning, or goes into a
calculation, without being the result of one, and that the item does not hold; a number of the item
that the whole response lacks; that the two look alike; and that they stand among the same words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import permutations
from typing import NamedTuple

from erranal.judge.rules.quantities import DIGITS, NUMBER, Piece, canonical, pieces
from erranal.judge.verdict import Evidence, Record, span

CODE = "reading.value_misread"
HEAD = 1_200  # characters at the beginning in which the givens are restated
MAX_TEXT = 20_000
MIN_NUMBERS, MAX_NUMBERS = 2, 40
WINDOW = 5  # words on either side that make up a number's company

_SEGMENT_END = re.compile(r"(?<=[.!?;])\s|\n|,\s(?=and\b)")
_OPERATOR_NEAR = re.compile(r"[+*/×÷^\\{}<>|\[\]_]|(?<=\s)[-−–](?=\s*[\d$])|\d\s?[xX]\s?\d")
_LABEL = re.compile(r"[^\W\d_][*\s]{0,4}:\s*[*$€£\s]{0,4}$")
_RESULT = re.compile(
    r"(?:[=≈]|\\approx)[\s$€£*\\({\[<-]{0,6}(\d[\d,]*+(?:\.\d+)?+)"
    r"(?!\s?[-+*/×÷xX−–]\s?[$(]?\d)"
)
_OPERAND_AFTER = re.compile(rf"\s?%?\s?[-+*/×÷xX−–]\s?[$(]{{0,2}}({DIGITS})?")
_OPERAND_BEFORE = re.compile(r"(\d[\d,.]*)?[)%]?\s?[-+*/×÷xX−–]\s?[$(]{0,2}$")
_FUNCTION_WORDS = (
    "the and for are was were has have had with that this from its his her their they she you our"
    " each per all but not then than into who how many much what which when where will would can"
    " given there here also only one two"
)
_EMPTY = frozenset(_FUNCTION_WORDS.split())


class Given(NamedTuple):
    """A number of the item: its canonical form, its piece, and the words around it."""

    number: str
    piece: Piece
    before: str
    after: str
    company: frozenset[str]


def assess(record: Record) -> list[Evidence]:
    """Return evidence of one given value that was taken in wrongly, or nothing."""
    pairs = _candidates(record)
    if not pairs:
        return []
    givens = _givens(record.question)
    known = {given.number for given in givens}
    if not MIN_NUMBERS <= len(known) <= MAX_NUMBERS:
        return []
    text = record.response[:MAX_TEXT]
    results = {canonical(match[1]) for match in _RESULT.finditer(text)}
    said = {piece.number for piece in pieces(text) if piece.number}
    pairs = {(s, q) for s, q in pairs if s not in known | results and q not in said}
    percent = "%" in record.question or "percent" in record.question
    wanted = {s for s, _ in pairs if not _derivable(s, known, percent=percent)}
    for stated in _stated(text, wanted):
        for given in givens:
            if (stated.number, given.number) in pairs and _same_place(stated, given, record):
                return _evidence(record, stated, given)
    return []


def _candidates(record: Record) -> set[tuple[str, str]]:
    """Return pairs (number only in the response, number only in the item) that look alike."""
    given = _digits(record.question)
    written = {canonical(digits) for digits in NUMBER.findall(record.response, 0, MAX_TEXT)}
    lost = given - written - {"0", "1"}
    strange = written - given - _in_choices(record.choices)
    if len(lost) * len(strange) > MAX_NUMBERS * MAX_NUMBERS:
        return set()
    return {(s, q) for s in strange for q in lost if look_alike(s, q)}


@lru_cache(maxsize=2048)
def _digits(question: str) -> frozenset[str]:
    return frozenset(canonical(digits) for digits in NUMBER.findall(question, 0, MAX_TEXT))


def _evidence(record: Record, stated: Given, given: Given) -> list[Evidence]:
    note = f"the item gives {given.piece.text}, the response says {stated.piece.text}"
    there = (stated.piece.start, stated.piece.end)
    here = (given.piece.start, given.piece.end)
    return [
        span(CODE, record, "response", there, note),
        span(CODE, record, "question", here, "the value as it is given"),
    ]


def look_alike(one: str, other: str) -> bool:
    """Tell whether two numbers differ by one digit, two swapped neighbours, or a decimal point."""
    if one == other:
        return False
    if len(one) == len(other):
        differing = [i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
        if len(differing) == 1:
            return "." not in one[differing[0]] + other[differing[0]]
        swapped = len(differing) == 2 and differing[1] - differing[0] == 1
        return swapped and one[differing[0]] == other[differing[1]]
    if one.replace(".", "") == other.replace(".", ""):
        return True
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) != 1 or len(short) < 2:
        return False
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


@lru_cache(maxsize=2048)
def _givens(question: str) -> tuple[Given, ...]:
    return tuple(_numbers_in_company(question[:MAX_TEXT], 0, min(len(question), MAX_TEXT)))


@lru_cache(maxsize=2048)
def _in_choices(choices: tuple[str, ...]) -> frozenset[str]:
    return frozenset(canonical(n) for choice in choices for n in NUMBER.findall(choice, 0, 300))


def _numbers_in_company(text: str, start: int, end: int) -> Iterator[Given]:
    row = pieces(text, start, end)
    for index, piece in enumerate(row):
        if piece.number:
            low, high = max(0, index - WINDOW), index + WINDOW + 1
            yield Given(
                piece.number,
                piece,
                row[index - 1].text.lower() if index else "",
                row[index + 1].text.lower() if index + 1 < len(row) else "",
                frozenset(_stems(row[low:high])),
            )


def _stems(row: Iterable[Piece]) -> Iterator[str]:
    for piece in row:
        word = piece.text.lower()
        if len(word) > 2 and not piece.number and word not in _EMPTY:
            yield _stem(word)


def _stem(word: str) -> str:
    return word.removesuffix("s")


def _stated(response: str, wanted: set[str]) -> Iterator[Given]:
    """Yield the wanted numbers of the head, segment by segment."""
    if not wanted:
        return
    start = 0
    head = response[:HEAD]
    for end in [*(match.start() for match in _SEGMENT_END.finditer(head)), len(head)]:
        for given in _numbers_in_company(head, start, end):
            if given.number in wanted:
                yield given
        start = end


def _same_place(stated: Given, given: Given, record: Record) -> bool:
    """Tell whether the two numbers stand among the same words, or with the same operand."""
    shared = len(stated.company & given.company)
    left = bool(stated.before) and stated.before == given.before
    right = bool(stated.after) and _stem(stated.after) == _stem(given.after)
    text, start, end = record.response, stated.piece.start, stated.piece.end
    percent = text.startswith("%", end), record.question.startswith("%", given.piece.end)
    if percent[0] != percent[1]:
        return False
    if _OPERATOR_NEAR.search(text, max(0, start - 3), end + 5):
        # Where a figure holds values too, an operand that the text lacks may come from there.
        elsewhere = len(stated.number) == 1 or "<image" in record.question
        partner = _partner(text, start, end)
        known = partner in _digits(record.question)
        return not elsewhere and partner is not None and (known or shared >= 1 or right)
    labelled = bool(_LABEL.search(text[max(0, start - 12) : start]))
    if labelled and stated.before:
        left = left or _stem(stated.before) == _stem(given.after)
    if len(stated.number) == 1 or len(given.number) == 1:
        return (left and right and shared >= 2) or (labelled and shared >= 2)
    if labelled:
        return shared >= 2 or (shared >= 1 and (left or right))
    return (shared >= 1 and left and right) or (shared >= 2 and (left or right)) or shared >= 4


def _partner(text: str, start: int, end: int) -> str | None:
    """Return the other operand of the operation a number is in, "" if unclear, None if in none."""
    match = _OPERAND_AFTER.match(text, end, end + 20)
    match = match or _OPERAND_BEFORE.search(text[max(0, start - 20) : start])
    if match is None:
        return None
    return canonical(match[1].rstrip(".,")) if match[1] else ""


def _derivable(number: str, known: set[str], *, percent: bool) -> bool:
    """Tell whether one operation on two given numbers, or a change of unit, leads to the number."""
    target = float(number)
    values = [float(value) for value in sorted(known)[:20]]
    factors = (60.0, 100.0, 1000.0, 12.0, 7.0, 24.0, 2.0)
    for value in values:
        if any(_close(target, value * f) or _close(target * f, value) for f in factors):
            return True
        if percent and (_close(target, 100 + value) or _close(target, 100 - value)):
            return True
    for a, b in permutations(values, 2):
        if _close(target, a + b) or _close(target, a - b) or _close(target, a * b):
            return True
        if b and (_close(target, a / b) or _close(target, a * b / 100)):
            return True
    return False


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-6 * max(1.0, abs(one))
