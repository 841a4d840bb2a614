"""Steps ``a op b = c`` that do not hold.

Precision before recall: a step counts as false only if it can be evaluated whole, under every usual
way of writing percentages, precedence, rounding and chains, and nothing around it says that it is a
test, a correction or a conversion of units. Everything else is left alone.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass

from erranal.judge.rules.expression import NotACalculationError, Parser, Reading, readings
from erranal.judge.rules.quantities import DIGITS
from erranal.judge.rules.tokens import OPERATORS, Token, tokenise
from erranal.judge.rules.tolerance import Result, converts, holds, plausible
from erranal.judge.verdict import Evidence, Record, span

CODE = "thinking.calculation"
MAX_CHARS = 20_000
MAX_LINE = 1_500
MAX_TOKENS = 60  # of one side of one equation
MAX_FOUND = 5

_CLOSING = frozenset({"close", "unbrace", "unit", "degree", "percent"})
_OPENING = frozenset({"open", "brace", "fraction", "currency"})
_RUN = OPERATORS | _CLOSING | _OPENING | {"number", "power"}
_FOLLOWS_UNIT = OPERATORS | _CLOSING | {"power"}

# What may stand before a calculation, and after its result, without being part of it.
_BEFORE_WORD = re.compile(
    r"(?:by|root|squared|cubed|half|twice|double|triple|thrice|minus|plus|times|over|sqrt|sin"
    r"|cos|tan|log|ln|exp|max|min|gcd|lcm|mod|per|pages?|questions?|chapters?|ages?|years?|mean"
    r"|average|median|sum|product|digits?|base|binary|if|suppose|assume|whether|check|modulo|step)",
    re.IGNORECASE,
)
_AFTER_WORD = re.compile(
    r"(?:remainder|rem|r|mod|modulo|squared|cubed|million|thousand|hundred|billion|trillion|dozen"
    r"|percent|per|out|x|times|plus|minus|over|divided|or|to|and|more|less|if|pi)",
    re.IGNORECASE,
)
_ADDS_UP = frozenset({"total", "sum", "cost", "amount", "score"})
_AFTER_OK = frozenset({"word", "equals", "close", "currency", "arrow", "stop"})
_PUNCTUATION = frozenset(".,;:)!>*|\"'”’`]\\")
_SINGLE_UNITS = frozenset("NmVAgsJWLCFKhTΩ")
_TAKEN_BACK = re.compile(
    r"\b(?:wait|actually|mistake|correction|correct(?:ed|ing)|let me re|recalculat\w+|re-?check"
    r"|incorrect|wrong|false|not (?:equal|correct|right|possible|true))\b|≠|[✗✘❌?]|\bnot\b|\(no\b",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"(?:about|around|approx\w*|roughly|nearly|almost|~|some)\b|~", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FalseStep:
    """A step that does not hold, with its place in the text."""

    start: int
    end: int
    left: str
    value: float
    right: str

    @property
    def note(self) -> str:
        """What is wrong, in words."""
        return f"{self.left} is {self.value:.10g}, not {self.right}"


def assess(record: Record) -> list[Evidence]:
    """Return evidence of steps in the response whose stated result is wrong."""
    question = _squeezed(record.question)
    return [
        span(CODE, record, "response", (step.start, step.end), step.note)
        for step in false_steps(record.response)
        if _squeezed(record.response[step.start : step.end]).rstrip(_LETTERS) not in question
    ]


def false_steps(text: str) -> list[FalseStep]:
    """Return the steps of a text that do not hold, in order, ``MAX_FOUND`` at most.

    Only the first ``MAX_CHARS`` characters are read.
    """
    signs = tuple(sign for sign in _EQUALS if sign in text)
    found: list[FalseStep] = []
    for start, end in _lines(text, signs):
        for step in _steps(text, tokenise(text, start, end)):
            if not _TAKEN_BACK.search(text, step.end, min(step.end + 60, end)):
                found.append(step)
            if len(found) == MAX_FOUND:
                return found
    return found


# A unit after the result need not stand in the question's own equation.
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _lines(text: str, signs: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """Yield the extents of lines that hold an equals sign and an operator."""
    limit = min(len(text), MAX_CHARS)
    end = 0
    while (sign := _next_equals(text, signs, end, limit)) >= 0:
        start = max(end, text.rfind("\n", end, sign) + 1)
        end = text.find("\n", sign, limit)
        end = limit if end < 0 else end
        if _has_operator(text, start, end) and not _plainly_true(text, signs, start, end):
            bullet = _BULLET.match(text, start, end)
            yield bullet.end() if bullet else start, min(end, start + MAX_LINE)


def _next_equals(text: str, signs: tuple[str, ...], start: int, end: int) -> int:
    places = [text.find(sign, start, end) for sign in signs]
    return min((place for place in places if place >= 0), default=-1)


def _has_operator(text: str, start: int, end: int) -> bool:
    if _OPERATOR.search(text, start, end):
        return True
    latex = text.find("\\", start, end) >= 0 and _LATEX_OPERATOR.search(text, start, end)
    return bool(latex) or text.find("% of", start, end) >= 0


def _plainly_true(text: str, signs: tuple[str, ...], start: int, end: int) -> bool:
    """Tell whether every equation of a line is a simple one that holds, as most are."""
    held = 0
    for match in _SIMPLE.finditer(text, start, end):
        if _JOINED.search(text, max(start, match.start() - 3), match.start()):
            return False
        a, b, c = (float(match[group].replace(",", "")) for group in (1, 3, 4))
        sign = match[2]
        if not b and sign in "/÷":
            return False
        if abs(_VALUE[sign](a, b) - c) > 1e-9 * max(1.0, c):
            return False
        held += 1
    return held > 0 and held == sum(text.count(sign, start, end) for sign in signs)


_EQUALS = ("=", "≈", "\\approx")
_OPERATOR = re.compile(r"[-+*/×·÷−–xX^]\s*[\d($€£\\{]")
_LATEX_OPERATOR = re.compile(r"\\(?:times|cdot|div|[dt]?frac)")
# A pattern that begins with a plain class is searched for fast; what stands before it comes after.
_SIMPLE = re.compile(
    rf"({DIGITS})\s?([-+*/×÷])\s?\$?({DIGITS})\s?=\s?\$?({DIGITS})(?![.,]?\d|\s?[%^/*×÷x])"
)
_JOINED = re.compile(r"[-+*/×÷^.,)\dx−–]\s?\$?$")
_VALUE = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "×": operator.mul,
    "/": operator.truediv,
    "÷": operator.truediv,
}
_BULLET = re.compile(r"[ \t]{0,20}(?:[-*•+][ \t]{1,9})?")


def _steps(text: str, tokens: list[Token]) -> Iterator[FalseStep]:
    for index, token in enumerate(tokens):
        if token.kind != "equals":
            continue
        begin = _trimmed(tokens, _run_start(tokens, index), index)
        if begin == index or not _may_begin(text, tokens, begin):
            continue
        step = _compare(text, tokens, begin, index)
        if step is not None:
            yield step


def _run_start(tokens: list[Token], end: int) -> int:
    """Return where the longest run of calculation tokens that ends before ``end`` begins."""
    depth = 0
    index = end
    lowest = max(0, end - MAX_TOKENS)
    while index > lowest:
        kind = tokens[index - 1].kind
        after = tokens[index].kind if index < end else ""
        if kind not in _RUN or (kind == "unit" and after and after not in _FOLLOWS_UNIT):
            break
        if kind in {"close", "unbrace"}:
            depth += 1
        if kind in {"open", "brace"}:
            if depth == 0:
                break
            depth -= 1
        index -= 1
    return index


def _trimmed(tokens: list[Token], begin: int, end: int) -> int:
    """Leave out the opening dollar signs of mathematics."""
    while begin + 1 < end and tokens[begin].kind == tokens[begin + 1].kind == "currency":
        begin += 1
    return begin


def _may_begin(text: str, tokens: list[Token], begin: int) -> bool:
    """Tell whether a calculation can begin here, and nothing before it belongs to it."""
    first = tokens[begin]
    if first.start and text[first.start - 1] in ",.'’:_" and not text[first.start - 1].isspace():
        return False
    if begin == 0:
        return True
    before = tokens[begin - 1]
    if before.kind in {"word", "unit"}:
        plain = before.text.lower()
        if plain == "of":
            return begin > 1 and tokens[begin - 2].text.lower() in _ADDS_UP
        return len(plain) > 1 and not _BEFORE_WORD.fullmatch(plain)
    if before.kind in {"equals", "arrow", "open", "currency", "label"}:
        return True
    return before.kind == "other" and before.text in ":,;.<>\"'“`…•"


def _compare(text: str, tokens: list[Token], begin: int, equals: int) -> FalseStep | None:
    """Return the step as false when no reading of it holds."""
    left = tokens[begin:equals]
    if not plausible(left):
        return None
    loose = tokens[equals].text != "=" or bool(_ABOUT.search(text, *_between(tokens, equals)))
    results = []
    try:
        for reading in readings(tokens[begin : equals + MAX_TOKENS]):
            result = _read(tokens, begin, equals, reading)
            if holds(left, tokens[equals + 1 : result.after], result, loose=loose):
                return None
            results.append(result)
    except NotACalculationError:
        return None
    after = results[0].after
    if not _may_end(text, tokens, after) or converts(left, tokens[equals + 1 : after], results):
        return None
    while tokens[after - 1].kind == "currency":
        after -= 1
    start, end = tokens[begin].start, tokens[after - 1].end
    stated = text[tokens[equals + 1].start : end]
    return FalseStep(start, end, text[start : left[-1].end], results[0].left, stated)


def _between(tokens: list[Token], equals: int) -> tuple[int, int]:
    return tokens[equals].end, tokens[equals + 1].start if equals + 1 < len(tokens) else -1


def _read(tokens: list[Token], begin: int, equals: int, reading: Reading) -> Result:
    """Evaluate the left side of the equals sign whole, and the right side as far as it goes."""
    left = Parser(tokens, begin, equals, reading)
    value = left.value()
    if left.position != equals:
        raise NotACalculationError
    last = min(len(tokens), equals + 1 + MAX_TOKENS)
    first = Parser(tokens, equals + 1, last, reading).operand()
    right = Parser(tokens, equals + 1, last, reading)
    return Result(value, right.value(), first, right.position)


def _may_end(text: str, tokens: list[Token], after: int) -> bool:
    """Tell whether the result is complete, and the text does not go on calculating."""
    if after >= len(tokens):
        return True
    follows = tokens[after]
    if follows.kind == "word":
        if len(follows.text) == 1:
            apart = text[follows.start - 1].isspace() and follows.text in _SINGLE_UNITS
            return apart and (after + 1 == len(tokens) or tokens[after + 1].kind not in _RUN)
        return not _AFTER_WORD.fullmatch(follows.text)
    if follows.kind == "other":
        digit_follows = text[follows.end : follows.end + 1].isdigit()
        return follows.text in _PUNCTUATION and not digit_follows
    if follows.kind == "open":
        return after + 1 < len(tokens) and tokens[after + 1].kind == "word"
    return follows.kind in _AFTER_OK
