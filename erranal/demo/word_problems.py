"""Word problems: scenarios of our own (scenarios.json) with drawn numbers.

A scenario gives its steps as text, "label: left op right", with parameter letters, numbers, or s1,
s2 ... for earlier results; ``missed`` and ``reasoning`` are the steps of a solver who overlooks a
condition or follows a wrong plan.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random

from erranal.demo.worked import Params, Step, Task, Worked


@dataclass(frozen=True)
class Scenario:
    """One kind of word problem.

    Attributes
    ----------
    given : mapping of str to [label, low, high, step]
        What each parameter is called and the range it is drawn from.
    unit : str
        What the answer counts; "$" for dollars.
    """

    subject: str
    text: str
    given: Mapping[str, tuple[str, int, int, int]]
    right: list[str]
    missed: list[str]
    reasoning: list[str]
    unit: str

    def draw(self, rng: Random) -> dict[str, int]:
        """Draw the parameters."""
        return {
            name: rng.randrange(low, high + 1, step)
            for name, (_, low, high, step) in self.given.items()
        }

    def build(self, params: Params, variant: str) -> Worked:
        """Return the steps of one variant with the parameters filled in."""
        lines = {"right": self.right, "missed": self.missed, "reasoning": self.reasoning}[variant]
        used = {name for line in lines for name in parse(line)[1:] if isinstance(name, str)}
        readings = tuple(
            f"{label}: {params[name]}"
            for name, (label, *_) in self.given.items()
            if name in used or variant != "missed"
        )
        return Worked(readings, tuple(fill(line, params) for line in lines))


@cache
def parse(line: str) -> tuple[str, str | int, str, str | int]:
    """Split "label: left op right" into its four parts."""
    label, formula = line.split(": ")
    left, op, right = formula.split(" ")
    return label, _operand(left), op, _operand(right)


def _operand(text: str) -> str | int:
    return int(text) if text.isdigit() else text


def fill(line: str, params: Params) -> Step:
    """Return the step of one line with parameters replaced by their numbers."""
    label, left, op, right = parse(line)
    return Step(label, params.get(str(left), left), op, params.get(str(right), right))


def task(scenario: Scenario, rng: Random) -> tuple[str, Task]:
    """Return the question and the task of one scenario with drawn numbers."""
    params = scenario.draw(rng)
    return scenario.text.format(**params), Task(params, scenario.build)


@cache
def scenarios() -> tuple[Scenario, ...]:
    """Read the scenarios that come with the package."""
    text = files("erranal.demo").joinpath("scenarios.json").read_text("utf-8")
    return tuple(Scenario(**row) for row in json.loads(text))
