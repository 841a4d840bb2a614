"""When a stated result counts as right: rounding, units and loose ways of writing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise, takewhile

from erranal.judge.rules.tokens import OPERATORS, Token

RELATIVE = 0.005  # hidden digits of intermediate results
LOOSE = 0.05  # after "about" or an approximation sign
MOST = 0.05  # that rounded operands may add

# Factors between everyday units: a step that is off by one of them converts rather than errs.
_CONVERSIONS = (
    3, 4, 7, 8, 12, 14, 16, 24, 30, 36, 48, 52, 60, 144, 168, 360, 365, 1440, 3600, 5280,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """The two sides of one equation under one reading.

    ``first`` is the first operand of the right side alone: in a running chain such as
    ``5 * 3 = 15 + 2 = 17`` it is what the left side is compared with. ``after`` is the index of the
    token after the right side.
    """

    left: float
    right: float
    first: float
    after: int


def plausible(left: list[Token]) -> bool:
    """Tell whether these tokens look like a step of decimal arithmetic at all."""
    operators = [
        token.kind
        for before, token in pairwise(left)
        if token.kind in OPERATORS or (token.kind == "power" and before.kind != "unit")
    ]
    if not operators:
        return False
    numbers = [t.text for t in left if t.kind == "number"]
    if all(set(number) <= {"0", "1"} for number in numbers) and any(len(n) > 1 for n in numbers):
        return False  # binary
    return not (_is_range(left) or _is_date(left) or _mixes_terms(left, operators))


def _is_date(left: list[Token]) -> bool:
    """``2010/3/1``, or a year that names something: ``2015 sales - 2014 sales``."""
    year = [t.kind == "number" and t.text.isdigit() and 1900 <= int(t.text) <= 2100 for t in left]
    if any(
        is_year and after.kind == "unit" for is_year, after in zip(year, left[1:], strict=False)
    ):
        return True
    kinds = [t.kind for t in left]
    return any(year) and kinds == ["number", "divide", "number", "divide", "number"]


def _is_range(left: list[Token]) -> bool:
    """``pages 5-10``: a hyphen without spaces, and no smaller number after it."""
    if [t.kind for t in left] != ["number", "minus", "number"]:
        return False
    first, hyphen, second = left
    tight = first.end == hyphen.start and hyphen.end == second.start
    return tight and _literal(first) <= _literal(second)


def _mixes_terms(left: list[Token], operators: list[str]) -> bool:
    """Terms added up in different units, or percentages added to plain numbers."""
    if not {"plus", "minus"} & set(operators):
        return False
    terms: list[set[str]] = [set()]
    percents = [False]
    for token in left:
        if token.kind in {"plus", "minus"}:
            terms.append(set())
            percents.append(False)
        elif token.kind == "unit":
            terms[-1].add(_unit(token))
        elif token.kind == "percent":
            percents[-1] = True
    return any(term != terms[0] for term in terms) or len(set(percents)) > 1


def _unit(token: Token) -> str:
    return token.text.lower().removesuffix("s")


def converts(left: list[Token], right: list[Token], results: list[Result]) -> bool:
    """Tell whether the sides differ by a factor between units, and are in different ones."""
    ours = {_unit(t) for t in left if t.kind == "unit"}
    theirs = {_unit(t) for t in right if t.kind == "unit"}
    if not (theirs - ours) and not (ours and not theirs):
        return False
    return any(_by_a_factor(result.left, result.right) for result in results)


def _by_a_factor(left: float, right: float) -> bool:
    if left == 0 or right == 0:
        return False
    ratio = abs(left / right)
    ratio = ratio if ratio > 1 else 1 / ratio
    power_of_ten = math.log10(ratio)
    if power_of_ten > 0.9 and abs(power_of_ten - round(power_of_ten)) < RELATIVE:
        return True
    return any(abs(ratio - factor) < RELATIVE * factor for factor in _CONVERSIONS)


def holds(left: list[Token], right: list[Token], result: Result, *, loose: bool) -> bool:
    """Tell whether the right side is the left side's value, as well as it is written down."""
    allowed = _tolerance(left, right, result.left)
    if loose:
        allowed = max(allowed, LOOSE * abs(result.left), _resolution(right))
        if result.right == 0:
            return True  # "about 0" has no scale
    # A difference is often stated without its sign.
    size = abs(result.left)
    distance = min(abs(size - abs(result.right)), abs(size - abs(result.first)))
    return distance <= allowed + 1e-9 + 1e-12 * size


def _tolerance(left: list[Token], right: list[Token], value: float) -> float:
    kinds = {t.kind for t in left}
    literals = [t for t in left if t.kind == "number"]
    rounded = [t for t in literals if "." in t.text]
    resolution = _resolution(right)
    if not kinds & {"times", "divide", "fraction", "power", "percent", "open"}:
        return sum(_half_unit(t) for t in rounded) + (resolution if rounded else 0.0)
    if not rounded and abs(value - round(value)) < 1e-9:
        return resolution if resolution > 1 else 0.0
    spread = sum(_half_unit(t) / max(abs(_literal(t)), 1e-12) for t in rounded)
    return max(resolution, abs(value) * (RELATIVE + min(MOST, spread)))


def _resolution(right: list[Token]) -> float:
    """One unit of the last digit written of the right side: 0.1 for 3.4, 10 for 1.23 * 10^3."""
    bare = list(takewhile(lambda token: token.kind != "unit", right))
    numbers = [t for t in bare if t.kind == "number"]
    if not numbers:
        return 0.0
    unit = 2 * _half_unit(numbers[0])
    if len(numbers) == 1:
        return unit
    powers = [t.kind for t in bare]
    if "power" in powers and len(numbers) == 3 and numbers[1].text == "10":
        sign = -1 if powers[powers.index("power") + 1 :].count("minus") else 1
        exponent = sign * _literal(numbers[2])
        return unit * 10.0**exponent if abs(exponent) < 100 else 0.0
    return 0.0


def _half_unit(token: Token) -> float:
    return float(0.5 * 10.0 ** -len(token.text.partition(".")[2]))


def _literal(token: Token) -> float:
    return float(token.text.replace("{,}", "").replace(",", ""))
