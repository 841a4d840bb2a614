"""Missing and shortened work, measured against the response under the other arm.

What a step is, as a matter of form, is said in :mod:`erranal.steps`.
"""

from __future__ import annotations

from erranal import steps
from erranal.judge.verdict import Evidence, Record, span

NO_STEPS = "collapse.no_steps"
SHORTENED = "collapse.shortened_steps"
REFERENCE_STEPS = 3
SHORT = 0.15  # of the length of the reference
ANSWER_ALONE = frozenset({"direct", "answer-only", "answer_only", "no-cot", "no_cot", "short"})


def assess(record: Record) -> list[Evidence]:
    """Return evidence that steps of the reference are missing here."""
    if record.outcome != "incorrect" or record.status != "ok":
        return []
    if record.prompt_style.lower() in ANSWER_ALONE or record.reference_status not in {None, "ok"}:
        return []
    ours = record.response + record.reasoning
    theirs = record.reference + record.reference_reasoning
    needed = len(theirs) - _copied(record)
    if len(ours) >= max(SHORT * needed, steps.LONG) or len(ours) >= needed:
        return []
    bare = not steps.shown(record.response, record.reasoning)
    if not bare and len(ours) >= SHORT * needed:
        return []
    here, there = steps.count(ours), steps.count(theirs)
    if there < REFERENCE_STEPS or there <= here:
        return []
    arm = record.reference_arm or "the other arm"
    did = "no step" if bare else f"{here} steps"
    note = f"{did} in {len(ours)} characters; under {arm} {there} steps in {len(theirs)}"
    return _evidence(record, NO_STEPS if bare else SHORTENED, note)


def _evidence(record: Record, code: str, note: str) -> list[Evidence]:
    found = [span(code, record, "response", (0, len(record.response)), note)]
    first = next(steps.extents(record.reference), None)
    if first is not None:
        found.append(span(code, record, "reference", first, "the first step under the other arm"))
    return found


def _copied(record: Record) -> int:
    """Return how much of the reference is a copy of the item, which needs no counterpart here."""
    copied = sum(len(choice) for choice in record.choices if choice and choice in record.reference)
    opening = record.question[:60].strip()
    if len(opening) > 20 and opening in record.reference:
        copied += len(record.question)
    return min(copied, len(record.reference) // 2)
