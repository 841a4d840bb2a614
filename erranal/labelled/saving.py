"""Estimates as rows of the study: those of an analysis replace what it said before."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from erranal.labelled.basis import Basis
    from erranal.store import Study

_KEYS = ("model", "prompt_style", "benchmark", "arm", "reference")
_NUMBERS = ("estimate", "low", "high", "level", "p", "p_adjusted")
_COUNTS = ("n", "positives", "excluded", "pool")
_TEXTS = ("analysis", "estimand", "source", *_KEYS, "code", "method", "adjustment", "note")


def save(
    study: Study,
    basis: Basis,
    rows: Iterable[dict[str, Any]],
    *,
    journal_id: str,
    analyses: Iterable[str],
) -> pd.DataFrame:
    """Write the rows of these analyses for one judge and codebook, and return them.

    Parameters
    ----------
    study
        The study.
    basis
        What they rest on; its notes stand beside every number.
    rows
        Columns of table ``estimates``; what is missing is NULL.
    journal_id
        The run that made them.
    analyses
        What is replaced, whether there are new rows of it or not.
    """
    frame = _frame(basis, list(rows), journal_id)
    stored = frame.assign(counts=frame["counts"].map(_json))
    with study.write() as tx:
        tx.execute(
            "estimates_outdated",
            analyses=list(analyses),
            judge_id=basis.judge_id,
            codebook_id=basis.codebook_id,
        )
        tx.append("estimates", _typed(stored))
    return frame


def _json(counts: Any) -> str | None:
    return json.dumps(counts) if isinstance(counts, dict) else None


def _frame(basis: Basis, rows: list[dict[str, Any]], journal_id: str) -> pd.DataFrame:
    import pandas as pd

    columns = [*_TEXTS, *_NUMBERS, *_COUNTS, "grouping", "counts"]
    defaults = dict.fromkeys(columns) | {"grouping": "all"}
    frame = pd.DataFrame([defaults | _noted(row, basis.notes) for row in rows], columns=columns)
    return frame.assign(
        journal_id=journal_id,
        judge_id=basis.judge_id,
        codebook_id=basis.codebook_id,
        scorer=basis.scorer,
        rounds=pd.Series([list(basis.rounds)] * len(frame), index=frame.index, dtype=object),
    )


def _noted(row: dict[str, Any], notes: Iterable[str]) -> dict[str, Any]:
    return row | {"note": "; ".join([*notes, *filter(None, [row.get("note")])]) or None}


def _typed(frame: pd.DataFrame) -> Any:
    """Return the rows as Arrow with stated types: a column without a value has none of its own."""
    import pyarrow as pa

    kinds = dict.fromkeys(frame.columns, pa.string())
    kinds |= dict.fromkeys(_NUMBERS, pa.float64()) | dict.fromkeys(_COUNTS, pa.int64())
    kinds["rounds"] = pa.list_(pa.string())
    return pa.table(
        {
            name: pa.array(frame[name], kind, from_pandas=name != "rounds")
            for name, kind in kinds.items()
        }
    )
