"""Errors of the measurement: failed calls, and right answers that one of two scorers missed."""

from __future__ import annotations

import re

from erranal.judge.rules.quantities import pieces
from erranal.judge.verdict import Evidence, Record, span

INFRASTRUCTURE = "measurement.infrastructure"
SCORER = "measurement.scorer_error"
FAILED = frozenset({"api_error", "filtered"})
MAX_CHARS = 20_000

_STATED = re.compile(
    r"(?:\b(?:answer|option|choice)\b|\\boxed)(?:\s(?:is|would be|should be))?"
    r"[\s:*_(\[{$\\]{0,8}(?:text\{)?(?P<letter>[A-Z])(?![\w'’])"
)
_CONCLUDES = re.compile(
    r"\b(?:answer|total|maximum|therefore|thus|hence|conclusion|final|result)\b", re.IGNORECASE
)
_LEADING = re.compile(r"[\s*_(\[]{0,6}(?P<letter>[A-Z])(?:[).:\]*]|\s*$)")


def infrastructure(record: Record) -> list[Evidence]:
    """Return the status of a call that failed or was blocked."""
    if record.status not in FAILED and record.outcome != "failed":
        return []
    note = f"status {record.status}, graded {record.outcome}"
    return [Evidence(INFRASTRUCTURE, "status", None, None, None, "exact", note)]


def scorer_error(record: Record) -> list[Evidence]:
    """Return the right answer where the other scorer saw it, and the response does state it.

    That two scorers differ is not enough: either may be wrong.
    """
    if record.outcome != "incorrect" or record.other_outcome != "correct" or not record.gold:
        return []
    extent = _stated_gold(record)
    if extent is None:
        return []
    note = f"states the gold answer; read as {record.extracted!r}, the other scorer graded it right"
    return [span(SCORER, record, "response", extent, note)]


def _stated_gold(record: Record) -> tuple[int, int] | None:
    gold = (record.gold or "").strip()
    text = record.response[:MAX_CHARS]
    if record.choices and len(gold) == 1:
        stated = list(_STATED.finditer(text))
        match = stated[-1] if stated else _LEADING.match(text)
        if match and match["letter"] == gold.upper():
            return match.span("letter")
        return None
    return _ends_with(text, gold)


def _ends_with(text: str, gold: str) -> tuple[int, int] | None:
    """Return where the conclusion gives the gold text, or the gold number as its last number."""
    start, end = _conclusion(text)
    wanted = [piece for piece in pieces(gold) if piece.number]
    if not wanted:
        place = text.find(gold, start, end)
        return (place, place + len(gold)) if len(gold) > 2 and place >= 0 else None
    numbers = [piece for piece in pieces(text, start, end) if piece.number]
    if not numbers or len(wanted) > 1 or numbers[-1].number != wanted[0].number:
        return None
    return numbers[-1].start, numbers[-1].end


def _conclusion(text: str) -> tuple[int, int]:
    """Return the extent of the last line that concludes something, or of the last line."""
    start, last = 0, (0, len(text))
    found = None
    for line in text.rstrip().split("\n"):
        last = (start, start + len(line))
        if _CONCLUDES.search(line[:300]):
            found = last
        start += len(line) + 1
    return found or last
