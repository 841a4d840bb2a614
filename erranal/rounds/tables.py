"""Rows for the tables of a round, with their types: a column of nothing but NULL has one too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Columns:
    """Column names and their kinds: text, texts, number, real, flag or time."""

    kinds: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """The column names."""
        return tuple(self.kinds)


PROJECTS = Columns(
    {
        "round_id": "text",
        "project": "text",
        "server": "text",
        "project_id": "number",
        "arm": "text",
        "coder_id": "text",
        "config_hash": "text",
        "created_at": "time",
    }
)
TASKS = Columns(
    {
        "round_id": "text",
        "project": "text",
        "unit_id": "text",
        "task_id": "number",
        "content_hash": "text",
        "shown_judge_id": "text",
        "pushed_at": "time",
    }
)
LABELS = Columns(
    {
        "label_id": "text",
        "round_id": "text",
        "unit_id": "text",
        "project": "text",
        "coder_id": "text",
        "annotation_id": "number",
        "current": "flag",
        "status": "text",
        "primary_code": "text",
        "codes": "texts",
        "codebook_gap": "flag",
        "flags": "texts",
        "confidence": "number",
        "memo": "text",
        "shown_judge_id": "text",
        "codebook_id": "text",
        "config_hash": "text",
        "lead_time_s": "real",
        "created_at": "time",
        "updated_at": "time",
        "pulled_at": "time",
        "raw": "text",
    }
)
REGIONS = Columns(
    {
        "label_id": "text",
        "region_id": "text",
        "field": "text",
        "start_cp": "number",
        "end_cp": "number",
        "quote": "text",
        "kind": "text",
        "origin": "text",
    }
)
REFUSED = Columns(
    {
        "round_id": "text",
        "project": "text",
        "task_id": "number",
        "annotation_id": "number",
        "reason": "text",
        "detail": "text",
        "raw": "text",
        "seen_at": "time",
    }
)
SETTINGS = Columns({"name": "text", "value": "text"})


def frame(rows: Sequence[Mapping[str, Any]], columns: Columns) -> pa.Table:
    """Return rows as a table; a column that a row does not name is NULL in it."""
    import pyarrow as pa

    kinds = {
        "text": pa.string(),
        "texts": pa.list_(pa.string()),
        "number": pa.int64(),
        "real": pa.float64(),
        "flag": pa.bool_(),
        "time": pa.timestamp("us", tz="UTC"),
    }
    schema = pa.schema([(name, kinds[kind]) for name, kind in columns.kinds.items()])
    return pa.Table.from_pylist([dict(row) for row in rows], schema)
