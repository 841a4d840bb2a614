"""The response of a simulated model to one item, with one error planted in it or none."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from erranal.demo import phrases
from erranal.demo.bank import Item
from erranal.demo.design import WRONG_GOLD, Condition
from erranal.demo.voice import Voice, bare, check, draw_voice, equation_text, final, steps
from erranal.demo.worked import Solution

MAX_TOKENS = 256
CHARS_PER_TOKEN = 4
MAX_CHARS = MAX_TOKENS * CHARS_PER_TOKEN


@dataclass(frozen=True)
class Reply:
    """One response with the reason why it ended: stop, length or error."""

    text: str
    finish_reason: str = "stop"

    @property
    def tokens(self) -> int:
        """Length in tokens, taken as four characters each; none where the call failed."""
        if self.finish_reason == "error":
            return 0
        if self.finish_reason == "length":
            return MAX_TOKENS
        return math.ceil(len(self.text) / CHARS_PER_TOKEN)


def reply(item: Item, condition: Condition, code: str | None, rng: Random) -> Reply:
    """Respond to one item; ``code`` is the error to plant, None for a right answer.

    Behind a wrong gold answer (``measurement.wrong_gold``) stands a right response.
    """
    voice = draw_voice(condition.model, condition.modality, condition.terse, rng)
    if code in FAILING:
        return FAILING[code](item, voice, rng)
    if code in (None, WRONG_GOLD):
        if rng.random() < condition.bare:
            return Reply(bare(item, item.answer, rng))
        return Reply(_told(item, item.solve(None, rng), voice, rng))
    return Reply(_told(item, item.solve(code, rng), voice, rng))


def _told(item: Item, solution: Solution, voice: Voice, rng: Random) -> str:
    closing = final(item, solution.answer, voice, rng)
    return "\n\n".join([*steps(solution, voice, rng), *check(voice, rng), closing])


def _start(item: Item, rng: Random) -> Solution:
    """Return the right solution up to where the answer would first be mentioned."""
    whole = item.solve(None, rng)
    equations = []
    # A verdict would follow on the last equation, which so gives the answer away as well.
    for equation in whole.equations[: -1 if whole.verdict else None]:
        if item.answer in (str(equation.left), str(equation.right), str(equation.result)):
            break
        equations.append(equation)
    return Solution(
        item.answer,
        tuple(text for text in whole.readings if not mentions(text, item.answer)),
        # The remark on a fact gives its answer away.
        tuple(r for r in whole.remarks if whole.equations and not mentions(r, item.answer)),
        tuple(equations),
    )


def mentions(text: str, answer: str) -> bool:
    """Tell whether the answer stands in the text as a word or number of its own."""
    return re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", text) is not None


def _no_steps(item: Item, voice: Voice, rng: Random) -> Reply:
    return Reply(bare(item, item.other(rng), rng))


def _repetition(item: Item, voice: Voice, rng: Random) -> Reply:
    start = _start(item, rng)
    loop = rng.choice(phrases.LOOPS)
    if start.equations and rng.random() < 0.7:
        loop += f" We have {equation_text(start.equations[-1], voice)}."
    else:
        loop += " " + rng.choice(phrases.LOOPS)
    text = "\n\n".join([*steps(start, voice, rng), " ".join([loop] * (MAX_CHARS // len(loop) + 1))])
    return Reply(_cut(text), "length")


def _truncated(item: Item, voice: Voice, rng: Random) -> Reply:
    cut = rng.randint(3, 7)
    before, after = phrases.MUSINGS[:cut], phrases.MUSINGS[cut:]
    parts = [" ".join(before), *steps(_start(item, rng), voice, rng), " ".join(after)]
    return Reply(_cut("\n\n".join(parts)), "length")


def _no_answer(item: Item, voice: Voice, rng: Random) -> Reply:
    return Reply("\n\n".join([*steps(_start(item, rng), voice, rng), rng.choice(phrases.HEDGES)]))


def _cut(text: str) -> str:
    """End the text at the limit, between two words: half a number would be another number."""
    return text[:MAX_CHARS].rsplit(" ", 1)[0]


def _refusal(item: Item, voice: Voice, rng: Random) -> Reply:
    return Reply(rng.choice(phrases.REFUSALS[voice.modality]))


def _not_seen(item: Item, voice: Voice, rng: Random) -> Reply:
    text = rng.choice(phrases.NOT_SEEN)
    if item.choices and rng.random() < 0.3:
        guess = final(item, item.other(rng), voice, rng)
        text += "\n\n" + rng.choice(phrases.GUESSES).format(final=guess)
    return Reply(text)


def _infrastructure(item: Item, voice: Voice, rng: Random) -> Reply:
    return Reply(rng.choice(phrases.FAILURES), "error")


FAILING: dict[str | None, Callable[[Item, Voice, Random], Reply]] = {
    "collapse.no_steps": _no_steps,
    "collapse.repetition": _repetition,
    "output.truncated": _truncated,
    "output.no_answer": _no_answer,
    "output.refusal": _refusal,
    "reading.not_seen": _not_seen,
    "measurement.infrastructure": _infrastructure,
}
