"""From verdicts to the database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from erranal.judge.verdict import JudgeSpec, Verdict

if TYPE_CHECKING:
    import pyarrow as pa

    from erranal.codebook import Codebook
    from erranal.store import Study


def save_book(study: Study, book: Codebook) -> None:
    """Store a codebook whole, with its codes; one that is there already is left as it is."""
    import pandas as pd

    row = {
        "codebook_id": book.codebook_id,
        "name": book.name,
        "version": book.version,
        "hash": book.hash,
        "title": book.title,
        "description": book.description,
        "source": book.source_text,
    }
    codes = [
        {
            "codebook_id": book.codebook_id,
            "code": code.code,
            "position": position,
            "family": code.family,
            "parent": code.parent,
            "title": code.title,
            "definition": code.definition,
            "include": list(code.include),
            "exclude": list(code.exclude),
            "rules": list(code.rules),
            "examples": json.dumps([asdict(example) for example in code.examples]),
        }
        for position, code in enumerate(book.codes)
    ]
    with study.write() as tx:
        tx.append("codebooks", pd.DataFrame([row]), on_conflict="ignore")
        tx.append("codes", _table(codes, _CODE), on_conflict="ignore")


def save_judge(study: Study, spec: JudgeSpec) -> None:
    """Store who judges; one that is there already is left as it is."""
    row = {
        "judge_id": spec.judge_id,
        "kind": spec.kind,
        "name": spec.name,
        "version": spec.version,
        "model": spec.model,
        "params": json.dumps(dict(spec.params), sort_keys=True),
    }
    with study.write() as tx:
        tx.append("judges", _table([row]), on_conflict="ignore")


def save_verdicts(
    study: Study,
    verdicts: Sequence[Verdict],
    *,
    judge_id: str,
    codebook_id: str,
    looked_at: datetime,
) -> None:
    """Store one batch of verdicts with their evidence, in one transaction; older ones give way.

    ``looked_at`` is when the judge asked what there is to judge: what lands later is newer than the
    verdicts.
    """
    given = {"judge_id": judge_id, "codebook_id": codebook_id}
    rows = [
        {
            "output_id": verdict.output_id,
            **given,
            "status": verdict.status,
            "primary_code": verdict.primary_code,
            "codes": None if verdict.codes is None else list(verdict.codes),
            "rationale": verdict.rationale,
            "confidence": verdict.confidence,
            "judged_at": looked_at,
        }
        for verdict in verdicts
    ]
    evidence = [
        {
            "output_id": verdict.output_id,
            **given,
            "code": item.code,
            "field": item.field,
            "start_cp": item.start,
            "end_cp": item.end,
            "quote": item.quote,
            "match": item.match,
            "note": item.note,
        }
        for verdict in verdicts
        for item in verdict.evidence
    ]
    outputs = [verdict.output_id for verdict in verdicts]
    with study.write() as tx:
        tx.execute("judge_forget", None, outputs=outputs, **given)
        tx.append("verdicts", _table(rows, _VERDICT), on_conflict="replace")
        if evidence:
            tx.append("evidence", _table(evidence, {"start_cp": "int32", "end_cp": "int32"}))


_VERDICT = {"codes": "list", "confidence": "float64", "judged_at": "instant"}
_CODE = {"position": "int32", "include": "list", "exclude": "list", "rules": "list"}


def _table(rows: Sequence[Mapping[str, Any]], kinds: Mapping[str, str] | None = None) -> pa.Table:
    """Return rows as Arrow, with types stated: an all-empty column has none of its own."""
    import pyarrow as pa

    types = {
        "list": pa.list_(pa.string()),
        "float64": pa.float64(),
        "int32": pa.int32(),
        "instant": pa.timestamp("us", tz="UTC"),
    }
    kinds = kinds or {}
    schema = pa.schema([(name, types.get(kinds.get(name, ""), pa.string())) for name in rows[0]])
    return pa.Table.from_pylist(list(rows), schema=schema)
