"""Worked solutions: steps of whole-number arithmetic, and the ways in which they go wrong.

A ``Task`` rebuilds its steps from its parameters, so that a planted error runs through everything
that follows it: a misread number is used to the end, a slip of arithmetic spoils the later results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from random import Random

Params = Mapping[str, int]


class UnfitError(ValueError):
    """These numbers make no fair problem: a division is uneven, or an error cannot be planted."""


@dataclass(frozen=True)
class Step:
    """One operation; an operand is a number, or "s1" for the result of the first step."""

    label: str
    left: str | int
    op: str
    right: str | int


@dataclass(frozen=True)
class Worked:
    """Steps to an answer: the last result, or with ``among`` the name with the largest result."""

    readings: tuple[str, ...]
    steps: tuple[Step, ...]
    remarks: tuple[str, ...] = ()
    among: tuple[tuple[str, str], ...] = ()
    verdict: str = ""


@dataclass(frozen=True)
class Equation:
    """One line of arithmetic as written; it need not hold."""

    label: str
    left: int
    op: str
    right: int
    result: int


@dataclass(frozen=True)
class Solution:
    """What a response says before its final answer, and that answer."""

    answer: str
    readings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    equations: tuple[Equation, ...] = ()
    verdict: str = ""


def compute(left: int, op: str, right: int) -> int:
    """Apply one operation to whole numbers.

    Raises
    ------
    UnfitError
        If "/" leaves a remainder or anything is divided by zero.
    """
    if op == "+":
        return left + right
    if op == "-":
        return left - right
    if op == "*":
        return left * right
    if right == 0 or (op == "/" and left % right):
        raise UnfitError(f"{left} {op} {right} is not whole")
    return left // right


def follow(worked: Worked, slip: tuple[int, int] | None = None) -> Solution:
    """Carry out the steps; ``slip`` = (step index, amount by which its result comes out wrong)."""
    results: dict[str, int] = {}
    equations = []
    for index, step in enumerate(worked.steps):
        left = results[step.left] if isinstance(step.left, str) else step.left
        right = results[step.right] if isinstance(step.right, str) else step.right
        result = compute(left, step.op, right)
        if slip is not None and slip[0] == index:
            result += slip[1]
        results[f"s{index + 1}"] = result
        equations.append(Equation(step.label, left, step.op, right, result))
    answer = str(equations[-1].result)
    if worked.among:
        answer = _winner(worked.among, results)
    return Solution(answer, worked.readings, worked.remarks, tuple(equations), worked.verdict)


def _winner(among: tuple[tuple[str, str], ...], results: Mapping[str, int]) -> str:
    best = max(results[step] for _, step in among)
    names = [name for name, step in among if results[step] == best]
    if len(names) > 1:
        raise UnfitError(f"{' and '.join(names)} share the largest result")
    return names[0]


LOOKALIKES = {"0": "68", "1": "74", "2": "7", "3": "85", "4": "91", "5": "63", "6": "80", "7": "12"}
LOOKALIKES |= {"8": "36", "9": "40"}


def misreadings(number: int) -> list[int]:
    """Numbers that are easily read for this one: a look-alike digit, or two digits swapped."""
    digits = str(number)
    found = [
        digits[:place] + other + digits[place + 1 :]
        for place, digit in enumerate(digits)
        for other in LOOKALIKES[digit]
    ]
    found += [
        digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
        for place in range(len(digits) - 1)
    ]
    return [int(text) for text in found if text[0] != "0" and text != digits]


def slips(equation: Equation) -> list[int]:
    """Amounts by which a hurried sum is off: a unit, a pair, or a lost carry."""
    small = [1, -1, 2, -2]
    carries = [10, -10] if equation.result >= 20 else []
    large = [100, -100] if equation.result >= 200 else []
    return [by for by in small + carries + large if equation.result + by > 0]


@dataclass(frozen=True)
class Task:
    """A problem with drawn parameters.

    Attributes
    ----------
    build : callable
        ``build(params, variant)`` gives the steps; variant is "right", or "missed", "reasoning" or
        "knowledge" for the ways of going wrong that belong to the problem.
    choices : tuple of str
        Options the answer has to be among; empty for an open answer.
    """

    params: Params
    build: Callable[[Params, str], Worked]
    choices: tuple[str, ...] = ()

    @cached_property
    def right(self) -> Solution:
        """The right solution."""
        return follow(self.build(self.params, "right"))

    def wrong(self, code: str, rng: Random) -> Solution:
        """Return a solution with this error in it and with another answer than the right one.

        Raises
        ------
        UnfitError
            If these parameters leave no such solution.
        """
        for solution in self._candidates(code, rng):
            answer = solution.answer
            positive = not answer.startswith("-") and answer != "0"
            listed = not self.choices or answer in self.choices
            if answer != self.right.answer and positive and listed:
                return solution
        raise UnfitError(f"no way to plant {code}")

    def _candidates(self, code: str, rng: Random) -> Iterator[Solution]:
        if code == "reading.value_misread":
            yield from self._misread(rng)
        elif code == "thinking.calculation":
            yield from self._slipped(rng)
        else:
            yield follow(self.build(self.params, VARIANTS[code]))

    def _misread(self, rng: Random) -> Iterator[Solution]:
        pairs = [(name, m) for name, value in self.params.items() for m in misreadings(value)]
        for name, value in rng.sample(pairs, len(pairs)):
            try:
                solution = follow(self.build({**self.params, name: value}, "right"))
            except UnfitError:
                continue
            if all(equation.result >= 0 for equation in solution.equations):
                yield solution

    def _slipped(self, rng: Random) -> Iterator[Solution]:
        worked = self.build(self.params, "right")
        pairs = [
            (index, by)
            for index, equation in enumerate(self.right.equations)
            # 4 + 0 and the like are not where people, or models, slip.
            if min(equation.left, equation.right) > 1
            for by in slips(equation)
        ]
        for slip in rng.sample(pairs, len(pairs)):
            try:
                yield follow(worked, slip)
            except UnfitError:
                continue


VARIANTS = {
    "reading.content_missed": "missed",
    "thinking.reasoning": "reasoning",
    "thinking.knowledge": "knowledge",
}
