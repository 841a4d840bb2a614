"""From the database to records: the errors of one scorer, each with its reference response."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING

from erranal.judge.verdict import Record

if TYPE_CHECKING:
    from erranal.store import Study

BATCH = 2_000
_TEXTS = ("question", "response", "reasoning", "reference", "reference_reasoning")
_NAMES = tuple(field.name for field in fields(Record))


def pending(
    study: Study, *, scorer: str, judge_id: str, codebook_id: str, limit: int | None
) -> list[tuple[str, str | None]]:
    """Return (output, reference output) of the errors that this judge has not judged yet.

    A verdict that is older than the output or its reference counts as not given.
    """
    table = study.arrow("judge_pending", scorer=scorer, judge_id=judge_id, codebook_id=codebook_id)
    pairs = zip(table["output_id"].to_pylist(), table["reference_id"].to_pylist(), strict=True)
    return list(pairs)[:limit]


def batches(
    study: Study, pairs: list[tuple[str, str | None]], *, scorer: str
) -> Iterator[list[Record]]:
    """Yield the records of these outputs, ``BATCH`` at a time; each batch is one short read."""
    for start in range(0, len(pairs), BATCH):
        chunk = pairs[start : start + BATCH]
        rows = study.arrow(
            "judge_records",
            outputs=[output for output, _ in chunk],
            references=[reference for _, reference in chunk],
            scorer=scorer,
        ).select(_NAMES)
        columns = [_filled(name, rows[name].to_pylist()) for name in _NAMES]
        yield [Record(*values) for values in zip(*columns, strict=True)]


def _filled(name: str, values: list[object]) -> list[object]:
    if name == "choices":
        return [tuple(value) if isinstance(value, list) else () for value in values]
    return ["" if value is None else value for value in values] if name in _TEXTS else values
