"""The items of the example study, drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from erranal.demo import code_reading, tables, word_problems
from erranal.demo.design import item_ids, stream
from erranal.demo.facts import facts
from erranal.demo.worked import Solution, Task, UnfitError

TRIES = 2000
LETTERS = "ABCDE"


@dataclass(frozen=True)
class Item:
    """One item; ``answer`` is the number or option that is right, whatever the files say."""

    benchmark: str
    native_id: str
    subject: str
    question: str
    choices: tuple[str, ...]
    answer: str
    unit: str
    solve: Callable[[str | None, Random], Solution]

    @property
    def item_id(self) -> str:
        """``benchmark/native_id``, as everywhere in a study."""
        return f"{self.benchmark}/{self.native_id}"

    def label(self, answer: str) -> str:
        """Return what a response gives for an answer: the letter of the option, or the number."""
        return LETTERS[self.choices.index(answer)] if self.choices else answer

    def other(self, rng: Random) -> str:
        """Return a wrong answer somebody might give."""
        if self.choices:
            return rng.choice([choice for choice in self.choices if choice != self.answer])
        return self.solve("thinking.calculation", rng).answer


@dataclass(frozen=True)
class _Draft:
    subject: str
    question: str
    task: Task
    unit: str = ""


def _word_problem(position: int, rng: Random) -> _Draft:
    scenarios = word_problems.scenarios()
    scenario = scenarios[position % len(scenarios)]
    question, task = word_problems.task(scenario, rng)
    return _Draft(scenario.subject, question, task, scenario.unit)


def _table(position: int, rng: Random) -> _Draft:
    return _Draft(*tables.task(tables.KINDS[position % len(tables.KINDS)], rng))


def _program(position: int, rng: Random) -> _Draft:
    return _Draft(*code_reading.KINDS[position % len(code_reading.KINDS)](rng))


MAKERS = {"word-problems": _word_problem, "table-reading": _table, "code-reading": _program}


def _every_error_fits(draft: _Draft, benchmark: str, rng: Random) -> None:
    codes = (*tables.ERRORS, "thinking.knowledge") if benchmark == "code-reading" else tables.ERRORS
    answer = draft.task.right.answer
    # Two digits at least, so that the number of a step is never taken for the answer.
    if not draft.task.choices and int(answer) < 10:
        raise UnfitError("the answer has one digit only")
    for code in codes:
        draft.task.wrong(code, rng)


def _drawn_item(benchmark: str, native_id: str, position: int, rng: Random, seen: set[str]) -> Item:
    for _ in range(TRIES):
        try:
            draft = MAKERS[benchmark](position, rng)
            _every_error_fits(draft, benchmark, rng)
        except UnfitError:
            continue
        if draft.question not in seen:
            seen.add(draft.question)
            return _finished(benchmark, native_id, draft)
    raise UnfitError(f"no fair numbers for {benchmark}/{native_id} in {TRIES} tries")


def _finished(benchmark: str, native_id: str, draft: _Draft) -> Item:
    task = draft.task

    def solve(code: str | None, rng: Random) -> Solution:
        return task.right if code is None else task.wrong(code, rng)

    answer = task.right.answer
    question = draft.question
    return Item(
        benchmark, native_id, draft.subject, question, task.choices, answer, draft.unit, solve
    )


def _fact_item(native_id: str, position: int, rng: Random) -> Item:
    fact = facts()[position]
    choices = rng.sample([fact.right, *fact.wrong], 4)
    return Item(
        "science-facts",
        native_id,
        fact.subject,
        fact.question,
        tuple(choices),
        fact.right,
        "",
        fact.solve,
    )


def bank(seed: int = 0, items: int | None = None) -> Iterator[Item]:
    """Yield the items of the study, the same ones for the same seed and number."""
    seen: set[str] = set()
    for benchmark, native_id in item_ids(items):
        position = int(native_id[3:]) - 1
        rng = stream(seed, "item", benchmark, native_id)
        if benchmark == "science-facts":
            yield _fact_item(native_id, position, rng)
        else:
            yield _drawn_item(benchmark, native_id, position, rng, seen)
