"""Missing and shortened work, measured against the response under the other arm.

A step is a sentence or line of four words or more that is not the bare statement of an answer or
an option, or a line with a calculation. What is counted is form: not whether the steps are right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from erranal.judge.verdict import Evidence, Record, span

NO_STEPS = "collapse.no_steps"
SHORTENED = "collapse.shortened_steps"
REFERENCE_STEPS = 3
SHORT = 0.15  # of the length of the reference
MAX_CHARS = 4_000
ANSWER_ALONE = frozenset({"direct", "answer-only", "answer_only", "no-cot", "no_cot", "short"})

_MARK = re.compile(r"[.!?;\n。！？]")
_CALCULATION = re.compile(r"[\d)}%]\s?(?:=|≈|\\approx)\s?[-+$(\\]{0,3}\d")
_WORDS = re.compile(r"(?:\S+\s+){3}\S")
_NO_STEP = re.compile(
    r"[\s*_#>(\[-]{0,9}(?:"
    r"(?:so|thus|hence|therefore)?,?\s?(?:the|my)?\s?(?:best|correct|final|right|closest)?\s?"
    r"(?:answer|option|choice|solution)\b"
    r"|[A-J][).:*\]]|options?\b|choices?\b|question\b|answer\b|<answer)",
    re.IGNORECASE,
)
_CJK_STEP = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]{6}")


def assess(record: Record) -> list[Evidence]:
    """Return evidence that steps of the reference are missing here."""
    if record.outcome != "incorrect" or record.status != "ok":
        return []
    if record.prompt_style.lower() in ANSWER_ALONE or record.reference_status not in {None, "ok"}:
        return []
    ours = record.response + record.reasoning
    theirs = record.reference + record.reference_reasoning
    needed = len(theirs) - _copied(record)
    if len(ours) >= max(SHORT * needed, _BARE) or len(ours) >= needed:
        return []
    here = count(ours)
    if here and len(ours) >= SHORT * needed:
        return []
    there = count(theirs)
    if there < REFERENCE_STEPS or there <= here:
        return []
    return _evidence(record, here, there, len(ours), len(theirs))


_BARE = 200  # a response without any step is not longer than this


def _evidence(record: Record, here: int, there: int, ours: int, theirs: int) -> list[Evidence]:
    code = SHORTENED if here else NO_STEPS
    arm = record.reference_arm or "the other arm"
    note = f"{here} steps in {ours} characters; under {arm} {there} steps in {theirs}"
    found = [span(code, record, "response", (0, len(record.response)), note)]
    first = next(steps(record.reference), None)
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


def count(text: str) -> int:
    """Return the number of steps in the first ``MAX_CHARS`` characters of a text."""
    return sum(1 for _ in steps(text))


def steps(text: str) -> Iterator[tuple[int, int]]:
    """Yield the extents of the steps of a text."""
    text = text[:MAX_CHARS]
    start = 0
    for end in [*_ends(text), len(text)]:
        while start < end and text[start].isspace():
            start += 1
        if end - start > 4 and _is_step(text, start, end):
            yield start, end
        start = end


def _ends(text: str) -> Iterator[int]:
    """Yield where sentences and lines end; ``A.`` labels an option and ends no sentence."""
    for mark in _MARK.finditer(text):
        end = mark.end()
        sentence = text[end : end + 1].isspace() and text[end - 3 : end - 2].isalnum()
        if sentence or mark.group() in "\n。！？":
            yield end


def _is_step(text: str, start: int, end: int) -> bool:
    if _CALCULATION.search(text, start, end):
        return True
    if _NO_STEP.match(text, start, end):
        return False
    return bool(_WORDS.search(text, start, end) or _CJK_STEP.search(text, start, end))
