"""Science facts: multiple-choice questions of our own (facts.json), each with a tempting lure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random

from erranal.demo.worked import Solution

VERDICTS = (
    "So the option that fits is: {answer}.",
    "This points to “{answer}”.",
    "Going through the options with this in mind leaves “{answer}”.",
    "None of the other options agrees with that, which leaves: {answer}.",
    "That matches “{answer}”.",
)


@dataclass(frozen=True)
class Fact:
    """One question with its right answer and why, and a lure with the false claim behind it."""

    subject: str
    question: str
    right: str
    wrong: list[str]
    why: str
    lure: str
    claim: str

    def solve(self, code: str | None, rng: Random) -> Solution:
        """Return the right solution, or one that goes wrong in the way of ``code``."""
        verdict = rng.choice(VERDICTS)
        if code is None:
            return Solution(self.right, remarks=(self.why,), verdict=verdict)
        belief = f"{self.claim}."
        if code == "thinking.knowledge":
            return Solution(self.lure, remarks=(belief,), verdict=verdict)
        seen = f"The options given are “{'”, “'.join(self.wrong)}”."
        verdict = "Of the options I can see, the best one is “{answer}”."
        return Solution(self.lure, remarks=(seen,), verdict=verdict)


@cache
def facts() -> tuple[Fact, ...]:
    """Read the facts that come with the package."""
    text = files("erranal.demo").joinpath("facts.json").read_text("utf-8")
    return tuple(Fact(**row) for row in json.loads(text))
