"""Embed: every distinct response text becomes one vector.

Identical texts are embedded once, whoever gave them. Blank responses have no vector: clustering
leaves them without a cluster. Each batch is written as soon as it is done, so a run that was
stopped goes on where it was.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from erranal.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

    from erranal.models import Encoder, Progress
    from erranal.store import Study

POPULATIONS = ("errors", "all")
BATCH = (256, 8192)  # texts between two writes: from, to
SECONDS = 10.0  # what a batch should take


def encoder_id(encoder: Encoder) -> str:
    """Return the key of an encoder in the study: its name and the start of its fingerprint."""
    return f"{encoder.name}#{encoder.fingerprint[:12]}"


def next_batch(texts: int, seconds: float) -> int:
    """Return how many texts the next batch should hold, given what the last one took."""
    fitting = int(texts * SECONDS / max(seconds, 1e-3))
    return max(BATCH[0], min(BATCH[1], fitting))


def run(
    study: Study,
    *,
    encoder: str = "auto",
    population: str = "errors",
    scorer: str = "erranal",
    limit: int | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Embed the texts of a population that this encoder has not seen yet.

    Parameters
    ----------
    study
        The study; reads outputs and scores, writes encoders and vectors.
    encoder
        What :func:`erranal.models.load_encoder` takes: auto, lexical, a model's name or a folder.
    population
        ``errors`` of the scorer, or ``all`` current outputs.
    scorer
        Whose errors.
    limit
        Embed at most this many texts now.
    progress
        Called with texts done, texts to do and a label.

    Returns
    -------
    DataFrame
        One row: the encoder, how many texts were embedded now, how many had vectors already, how
        many outputs are blank, and why this encoder was taken where nobody chose it.

    Raises
    ------
    StageError
        When the population is unknown, or its scorer has not graded anything.
    ModelError
        When the encoder cannot be loaded.
    """
    import pandas as pd

    chosen = {"population": population, "scorer": scorer}
    counts = _counts(study, chosen)
    from erranal import models

    loaded = models.load_encoder(encoder)
    identity = encoder_id(loaded)
    started = time.monotonic()
    with study.journal("embed", {**chosen, "encoder": encoder, "limit": limit}) as entry:
        _register(study, loaded)
        pending = study.read("embed_pending_count", encoder_id=identity, **chosen)["pending"][0]
        todo = int(pending if limit is None else min(limit, pending))
        texts, pieces = _embed_all(study, loaded, chosen, todo, progress)
        summary = {
            "encoder_id": identity,
            "kind": loaded.kind,
            "dimension": loaded.dimension,
            "texts": texts,
            "pieces": pieces,
            "already": int(counts["texts"]) - int(pending),
            "left": int(pending) - texts,
            "blank_outputs": int(counts["blank_outputs"]),
            "seconds": round(time.monotonic() - started, 2),
            "note": loaded.note,
        }
        entry.count(**summary)
    return pd.DataFrame([summary])


def _counts(study: Study, chosen: dict[str, str]) -> pd.Series:
    if chosen["population"] not in POPULATIONS:
        raise StageError(f"population {chosen['population']!r} is unknown: give errors or all")
    counts = study.read("embed_counts", **chosen).iloc[0]
    if not counts["ready"]:
        raise StageError(
            f"scorer {chosen['scorer']!r} has graded nothing: run `erranal score` first, "
            "or embed population 'all'"
        )
    return counts


def _register(study: Study, encoder: Encoder) -> None:
    import pandas as pd

    row = {
        "encoder_id": encoder_id(encoder),
        "name": encoder.name,
        "fingerprint": encoder.fingerprint,
        "dimension": encoder.dimension,
        "kind": encoder.kind,
        "params": json.dumps(encoder.params),
    }
    with study.write() as db:
        db.append("encoders", pd.DataFrame([row]), on_conflict="ignore")


def _embed_all(
    study: Study, encoder: Encoder, chosen: dict[str, str], todo: int, progress: Progress | None
) -> tuple[int, int]:
    """Embed ``todo`` texts in batches; return how many texts and pieces there were."""
    identity = encoder_id(encoder)
    texts = pieces = 0
    size = BATCH[0]
    while texts < todo:
        began = time.monotonic()
        batch = study.arrow(
            "embed_pending", encoder_id=identity, batch=min(size, todo - texts), **chosen
        )
        if batch.num_rows == 0:  # another process took the rest
            break
        vectors, chunks = encoder.encode(
            batch["response"].to_pylist(), _within(progress, texts, batch.num_rows, todo)
        )
        rows = _rows(identity, batch["response_hash"], vectors, chunks)
        with study.write() as db:
            db.append("vectors", rows, on_conflict="ignore")
        texts += batch.num_rows
        pieces += int(chunks.sum())
        size = next_batch(batch.num_rows, time.monotonic() - began)
    return texts, pieces


def _within(
    progress: Progress | None, before: int, batch: int, todo: int
) -> Callable[[int, int, str], None] | None:
    """Translate an encoder's progress in one batch to progress in the whole run."""
    if progress is None:
        return None

    def report(done: int, total: int, _label: str) -> None:
        progress(before + batch * done // max(total, 1), todo, "texts embedded")

    return report


def _rows(
    identity: str, hashes: Any, vectors: NDArray[np.float32], chunks: NDArray[np.int32]
) -> pa.Table:
    import pyarrow as pa

    n, dimension = vectors.shape
    offsets = pa.array(range(0, (n + 1) * dimension, dimension), pa.int32())
    return pa.table(
        {
            "encoder_id": pa.array([identity] * n),
            "response_hash": hashes,
            "vector": pa.ListArray.from_arrays(offsets, pa.array(vectors.ravel())),
            "chunks": pa.array(chunks),
        }
    )
