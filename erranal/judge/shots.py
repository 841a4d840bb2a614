"""A worked example that a judge is shown: a record with the codes people gave it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from erranal.judge.verdict import Record

LEFT_OUT = " [...] "
# Longest texts of an example, in characters.
_QUESTION, _RESPONSE, _REFERENCE = 800, 1_600, 800


@dataclass(frozen=True, slots=True)
class Shot:
    """One few-shot example.

    ``codes`` is empty where none applies; ``rationale`` is empty where the labels came without one.
    """

    record: Record
    codes: tuple[str, ...]
    primary: str | None
    rationale: str


def shortened(record: Record) -> Record:
    """Return a record without the middle of its long texts: answers stand at the end."""
    return replace(
        record,
        question=_short(record.question, _QUESTION),
        response=_short(record.response, _RESPONSE),
        reasoning=_short(record.reasoning, _RESPONSE),
        reference=_short(record.reference, _REFERENCE),
        reference_reasoning="",
    )


def _short(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    half = (longest - len(LEFT_OUT)) // 2
    return text[:half] + LEFT_OUT + text[-half:]
