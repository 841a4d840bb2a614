"""Rows into the study: one short transaction a batch, and nothing twice."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erranal.ingest.batch import Reject
from erranal.ingest.files import readable

if TYPE_CHECKING:
    import pyarrow as pa

    from erranal.ingest.shape import Landing, Shaper
    from erranal.store import Study, Transaction

# Rows of one transaction: exactly a row group of the database, which is then compressed once; any
# other number leaves a part of a group that the next transaction has to write again. The bytes
# bound the memory where responses are long.
_ROWS = 122_880
_BYTES = 512 << 20

_RUN_COLUMNS = ("run_id", "model", "condition_id")
_CONDITION_COLUMNS = ("condition_id", "modality", "prompt_style", "render", "render_params")


@dataclass(frozen=True)
class Source:
    """One file as the study knows it; see the table ``sources``."""

    source_id: str
    path: Path
    sha256: str
    bytes: int
    reader: str
    mapping: dict[str, Any]


@dataclass
class Counts:
    """What became of the rows of one file."""

    read: int = 0
    landed: int = 0
    new_versions: int = 0
    rejected: int = 0
    unscored: int = 0

    @property
    def unchanged(self) -> int:
        """Rows that were in the study already."""
        return self.read - self.landed - self.rejected

    @property
    def met(self) -> bool:
        """Whether any row met its slot in the study."""
        return self.unchanged > 0 or self.new_versions > 0


def finished(study: Study, source: Source) -> Counts | None:
    """Return the counts of a source that is done, unless its path had other content since.

    When its file has been renamed, the study follows.
    """
    path = readable(source.path)
    rows = study.read("ingest_sources", source_id=source.source_id, path=path)
    if rows.empty or rows["status"].iloc[0] != "done" or not rows["newest"].iloc[0]:
        return None
    before = rows["path"].iloc[0]
    if before != path and not Path(before).exists():
        with study.write() as tx:
            tx.execute("ingest_renamed", source_id=source.source_id, path=path)
    return Counts(read=int(rows["rows_read"].iloc[0]), rejected=int(rows["rows_rejected"].iloc[0]))


def begin(study: Study, source: Source) -> None:
    """Mark a source as being read; what an interrupted reading rejected is forgotten."""
    import pandas as pd

    row = {
        "source_id": source.source_id,
        "path": readable(source.path),
        "folder": readable(source.path.resolve().parent),
        "sha256": source.sha256,
        "bytes": source.bytes,
        "reader": source.reader,
        "mapping": json.dumps(source.mapping, default=str),
        "status": "reading",
    }
    with study.write() as tx:
        tx.clear("rejects", source_id=source.source_id)
        tx.clear("sources", source_id=source.source_id)
        tx.append("sources", pd.DataFrame([row]))


def room(shaped: list[Landing]) -> int:
    """Return how many more rows go into one transaction with some shaped batches."""
    if sum(one.size for one in shaped) >= _BYTES:
        return 0
    return _ROWS - sum(one.rows for one in shaped)


def land(study: Study, source: Source, counts: Counts, shaped: list[Landing]) -> None:
    """Write some batches in one transaction and add to the counts of their file."""
    with study.write() as tx:
        before = _tally(tx)
        if any(one.rows for one in shaped):
            _write(tx, source, shaped)
        after = _tally(tx)
        rejects = [row for one in shaped for row in one.rejects]
        tx.append("rejects", _rejects(source.source_id, rejects))
    counts.read += sum(one.read for one in shaped)
    counts.rejected += len(rejects)
    counts.unscored += sum(one.unscored for one in shaped)
    counts.landed += after["outputs"] - before["outputs"]
    counts.new_versions += after["replaced"] - before["replaced"]


def _write(tx: Transaction, source: Source, shaped: list[Landing]) -> None:
    import pyarrow as pa

    items = pa.concat_tables([one.items for one in shaped])
    outputs = pa.concat_tables([one.outputs for one in shaped])
    frames = {"incoming_items": items, "incoming_outputs": outputs}
    runs = list({run: row for one in shaped for run, row in one.runs.items()}.values())
    conditions = list({row["condition_id"]: row for row in runs}.values())
    tx.append("conditions", _frame(conditions, _CONDITION_COLUMNS), on_conflict="ignore")
    tx.append("runs", _frame(runs, _RUN_COLUMNS), on_conflict="ignore")
    tx.execute("ingest_items", tables={"incoming_items": items}, source_id=source.source_id)
    tx.execute("ingest_outputs", tables=frames, source_id=source.source_id)
    # Slots of runs that no other file filled cannot hold other content than this file's.
    others = tx.arrow("ingest_runs_of_others", source_id=source.source_id)
    if not {row["run_id"] for row in runs}.isdisjoint(others["run_id"].to_pylist()):
        tx.execute("ingest_current", tables=frames)
        tx.execute("ingest_rescored", tables={"incoming_outputs": outputs}, reader=source.reader)
    tx.execute("ingest_scores", tables={"incoming_outputs": outputs}, reader=source.reader)


def _frame(rows: list[dict[str, Any]], names: tuple[str, ...]) -> pa.Table:
    import pyarrow as pa

    return pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in names})


def _tally(tx: Transaction) -> dict[str, int]:
    row: dict[str, int] = tx.arrow("ingest_tally").to_pylist()[0]
    return row


def _rejects(source_id: str, rejects: list[Reject]) -> pa.Table:
    import pyarrow as pa

    return pa.table(
        {
            "source_id": pa.array([source_id] * len(rejects), pa.string()),
            "line": pa.array([row.line for row in rejects], pa.int64()),
            "reason": pa.array([row.reason for row in rejects], pa.string()),
            "detail": pa.array([row.detail for row in rejects], pa.string()),
        }
    )


def finish(study: Study, source: Source, counts: Counts, shaper: Shaper, *, whole: bool) -> None:
    """Close a source.

    Where all of its rows were read (``whole``), it takes the place of earlier readings of its path:
    what only they gave stays with them, and the integrity ledger finds it there.
    """
    slots = shaper.slots() if whole and counts.met else None
    with study.write() as tx:
        tx.execute(
            "ingest_finish",
            source_id=source.source_id,
            status="done" if whole else "reading",
            rows_read=counts.read,
            rows_rejected=counts.rejected,
        )
        if slots is not None:
            frames, path = {"incoming_slots": slots}, readable(source.path)
            tx.execute("ingest_replaced", frames, source_id=source.source_id, path=path)
            tx.execute("ingest_kept", frames, source_id=source.source_id)
