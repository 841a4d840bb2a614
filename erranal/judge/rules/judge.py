"""Putting the rules together: which of them speak, and which code is the root cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from erranal.judge.rules import answers, arithmetic, measuring, misread, repetition, seen, steps
from erranal.judge.verdict import Evidence, JudgeSpec, Record, Verdict

if TYPE_CHECKING:
    from erranal.codebook import Codebook

NAME = "rules"
# Raise it whenever a rule changes: verdicts of another version are not mixed up with these.
VERSION = "1"

RULES: dict[str, Callable[[Record], list[Evidence]]] = {
    measuring.INFRASTRUCTURE: measuring.infrastructure,
    measuring.SCORER: measuring.scorer_error,
    seen.CODE: seen.assess,
    answers.REFUSAL: answers.refusal,
    repetition.CODE: repetition.assess,
    answers.TRUNCATED: answers.truncated,
    answers.FORMAT: answers.wrapped,
    answers.NO_ANSWER: answers.absent,
    misread.CODE: misread.assess,
    arithmetic.CODE: arithmetic.assess,
    steps.NO_STEPS: steps.assess,
}
ASSESSES = frozenset({*RULES, steps.SHORTENED})

# What a code rules out when it is given, as the codebook's definitions say.
EXCLUDES = {
    measuring.INFRASTRUCTURE: ASSESSES - {measuring.INFRASTRUCTURE},
    seen.CODE: frozenset({answers.REFUSAL, answers.FORMAT, answers.NO_ANSWER}),
    answers.REFUSAL: frozenset({answers.FORMAT, answers.NO_ANSWER}),
    repetition.CODE: frozenset({answers.NO_ANSWER}),
    answers.TRUNCATED: frozenset({answers.NO_ANSWER}),
    answers.FORMAT: frozenset({answers.NO_ANSWER}),
}


class RuleJudge:
    """Judges by rules, under the decision order of a codebook.

    Parameters
    ----------
    book
        The codebook; codes that it does not have are not given.
    scorer
        Name and version of the scorer whose outcomes the records carry: verdicts depend on them.
    """

    def __init__(self, book: Codebook, *, scorer: str = "erranal") -> None:
        self._book = book
        self._known = frozenset(code.code for code in book.codes)
        unseen = ", ".join(sorted(self._known - ASSESSES))
        self._nothing = f"no rule fired; the rules do not look for {unseen}"
        params = {"assesses": sorted(self.assesses), "scorer": scorer}
        self._spec = JudgeSpec(kind="rules", name=NAME, version=VERSION, params=params)

    @property
    def spec(self) -> JudgeSpec:
        """What determines its verdicts."""
        return self._spec

    @property
    def assesses(self) -> frozenset[str]:
        """The codes it can give."""
        return ASSESSES & self._known

    def judge(self, record: Record) -> Verdict:
        """Judge one record; a right answer is no error, and gets no code."""
        if record.outcome == "correct":
            return Verdict(record.output_id, "ok", None, (), "graded as correct: not an error")
        evidence = _without_excluded(self._evidence(record))
        given = {item.code for item in evidence}
        codes = tuple(code for code in self._book.order if code in given)
        return Verdict(
            output_id=record.output_id,
            status="ok",
            primary_code=self._book.primary(codes),
            codes=codes,
            rationale=self._rationale(codes, evidence),
            evidence=tuple(evidence),
        )

    def _evidence(self, record: Record) -> list[Evidence]:
        found: list[Evidence] = []
        for rule in RULES.values():
            found += [item for item in rule(record) if item.code in self._known]
        return found

    def _rationale(self, codes: tuple[str, ...], evidence: list[Evidence]) -> str:
        if not codes:
            return self._nothing
        first = {item.code: item.note for item in reversed(evidence)}
        return "; ".join(f"{code}: {first[code]}" for code in codes)


def _without_excluded(evidence: list[Evidence]) -> list[Evidence]:
    given = {item.code for item in evidence}
    if len(given) < 2:
        return evidence
    excluded = frozenset().union(*(EXCLUDES.get(code, frozenset()) for code in given))
    return [item for item in evidence if item.code not in excluded]
