"""Evaluating a written-out calculation: numbers, four operations, powers, brackets, fractions."""

from __future__ import annotations

import math
from dataclasses import dataclass

from erranal.judge.rules.tokens import OPERATORS, Token

MAX_DEPTH = 12
MAX_POWER = 64
MAX_DIGITS = 18
_UNIT_LIKE = frozenset({"unit", "degree"})


class NotACalculationError(Exception):
    """The tokens are no calculation that can be evaluated."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a calculation may be read: people write percentages and precedence in two ways."""

    percent_as_fraction: bool = True
    left_to_right: bool = False


_READINGS = tuple(Reading(p, flat) for flat in (False, True) for p in (True, False))
_ADDITIVE = frozenset({"plus", "minus"})
_MULTIPLICATIVE = frozenset({"times", "divide"})


def readings(tokens: list[Token]) -> list[Reading]:
    """Return the readings that can make a difference to a calculation, the usual one first."""
    kinds = {token.kind for token in tokens}
    mixed = bool(kinds & _ADDITIVE and kinds & _MULTIPLICATIVE)
    return [
        reading
        for reading in _READINGS
        if (reading.percent_as_fraction or "percent" in kinds)
        and (not reading.left_to_right or mixed)
    ]


class Parser:
    """Recursive descent over the tokens from one position on; it stops where no operand follows."""

    def __init__(self, tokens: list[Token], position: int, end: int, reading: Reading) -> None:
        self.tokens = tokens
        self.position = position
        self.end = end
        self.reading = reading
        self.depth = 0

    def value(self) -> float:
        """Evaluate the longest calculation that starts here.

        Raises
        ------
        NotACalculationError
            When there is none, or its value is out of range.
        """
        result = self._flat() if self.reading.left_to_right else self._sum()
        if not math.isfinite(result):
            raise NotACalculationError
        return result

    def operand(self) -> float:
        """Evaluate the first operand only.

        Raises
        ------
        NotACalculationError
            When there is none.
        """
        return self._power()

    def _peek(self, ahead: int = 0) -> str:
        place = self.position + ahead
        return self.tokens[place].kind if place < self.end else ""

    def _operator(self, kinds: frozenset[str]) -> str:
        """Consume an operator if an operand follows it."""
        kind = self._peek()
        if kind in kinds and self._peek(1) in _STARTS_OPERAND:
            self.position += 1
            return kind
        return ""

    def _sum(self) -> float:
        result = self._product()
        while kind := self._operator(_ADDITIVE):
            result = _apply(kind, result, self._product())
        return result

    def _product(self) -> float:
        result = self._power()
        while True:
            if kind := self._operator(_MULTIPLICATIVE):
                result = _apply(kind, result, self._power())
            elif self._peek() == "open" and self._peek(1) in _STARTS_OPERAND - {"open"}:
                if self.tokens[self.position - 1].end != self.tokens[self.position].start:
                    raise NotACalculationError  # "13 (2014)" is a remark, "13(2)" a product
                result *= self._power()
            else:
                return result

    def _flat(self) -> float:
        result = self._power()
        while kind := self._operator(OPERATORS):
            result = _apply(kind, result, self._power())
        return result

    def _power(self) -> float:
        base = self._operand()
        if self._peek() != "power":
            return base
        if self._peek(1) not in _STARTS_OPERAND:
            raise NotACalculationError
        self.position += 1
        exponent = self._operand()
        if (
            abs(exponent) > MAX_POWER
            or abs(base) > 1e9
            or (base <= 0 and exponent != int(exponent))
        ):
            raise NotACalculationError
        if base == 0 and exponent < 0:
            raise NotACalculationError
        return float(base**exponent)

    def _operand(self) -> float:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotACalculationError
        while self._peek() == "currency":
            self.position += 1
        kind = self._peek()
        if kind == "minus":
            self.position += 1
            result = -self._operand()
        elif kind == "number":
            result = self._number()
        elif kind == "fraction":
            self.position += 1
            top = self._bracketed("brace", "unbrace")
            result = _apply("divide", top, self._bracketed("brace", "unbrace"))
        elif kind in _BRACKETS:
            result = self._bracketed(kind, _BRACKETS[kind])
        else:
            raise NotACalculationError
        self._skip_units()
        self.depth -= 1
        return result

    def _bracketed(self, opening: str, closing: str) -> float:
        if self._peek() != opening:
            raise NotACalculationError
        self.position += 1
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotACalculationError
        result = self.value()
        self.depth -= 1
        if self._peek() != closing:
            raise NotACalculationError
        self.position += 1
        if self._peek() == "percent":
            self.position += 1
            result = result / 100 if self.reading.percent_as_fraction else result
        return result

    def _number(self) -> float:
        digits = self.tokens[self.position].text.replace("{,}", "").replace(",", "")
        if len(digits) > MAX_DIGITS:
            raise NotACalculationError
        self.position += 1
        result = float(digits)
        if self._peek() == "percent":
            self.position += 1
            result = result / 100 if self.reading.percent_as_fraction else result
        return result

    def _skip_units(self) -> None:
        while True:
            kind = self._peek()
            if kind in _UNIT_LIKE:
                self.position += 1
                self._skip_unit_power()
            # A closing dollar sign ends inline mathematics; before a number it is money.
            elif kind == "currency" and self._peek(1) not in {"number", "open"}:
                self.position += 1
            else:
                return

    def _skip_unit_power(self) -> None:
        """Skip the exponent of a unit, as in ``m^2`` or ``m^{-1}``."""
        if self._peek() != "power":
            return
        ahead = 1 + (self._peek(1) == "brace")
        ahead += self._peek(ahead) == "minus"
        if self._peek(ahead) == "number":
            self.position += ahead + 1
            if self._peek() == "unbrace":
                self.position += 1


_BRACKETS = {"open": "close", "brace": "unbrace"}
_STARTS_OPERAND = frozenset({"number", "open", "brace", "fraction", "currency", "minus"})


def _apply(kind: str, left: float, right: float) -> float:
    if kind == "plus":
        return left + right
    if kind == "minus":
        return left - right
    if kind == "times":
        return left * right
    if right == 0:
        raise NotACalculationError
    return left / right
