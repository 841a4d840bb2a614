"""Embed: every distinct response text becomes one vector.

Identical texts are embedded once, whoever gave them. Blank responses have no vector: clustering
leaves them without a cluster. Each batch is written as soon as it is done, so a run that was
stopped goes on where it was.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
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


def _within(
    progress: Progress | None, before: int, batch: int, todo: int
) -> Callable[[int, int, str], None] | None:
    """Translate an encoder's progress in one batch to progress in the whole run."""
    if progress is None:
        return None

    def report(done: int, total: int, _label: str) -> None:
        progress(before + batch * done // max(total, 1), todo, "texts embedded")

    return report


@dataclass(frozen=True)
class _Texts:
    """The texts of a population, as one encoder and the study see them."""

    study: Study
    encoder: Encoder
    chosen: dict[str, str]

    @property
    def _own(self) -> dict[str, str]:
        return {"encoder_id": encoder_id(self.encoder), **self.chosen}

    def register(self) -> None:
        """Make the encoder known to the study."""
        import pandas as pd

        row = {
            "encoder_id": encoder_id(self.encoder),
            "name": self.encoder.name,
            "fingerprint": self.encoder.fingerprint,
            "dimension": self.encoder.dimension,
            "kind": self.encoder.kind,
            "params": json.dumps(self.encoder.params),
        }
        with self.study.write() as db:
            db.append("encoders", pd.DataFrame([row]), on_conflict="ignore")

    def pending(self) -> int:
        """Return how many texts have no vector yet."""
        return int(self.study.read("embed_pending_count", **self._own)["pending"][0])

    def batch(self, size: int) -> pa.Table:
        """Return up to so many texts without a vector, with their hashes."""
        return self.study.arrow("embed_pending", batch=size, **self._own)

    def store(
        self, hashes: pa.ChunkedArray, vectors: NDArray[np.float32], chunks: NDArray[np.int32]
    ) -> None:
        """Write the vectors of some texts, shape (n, d), and how many chunks each was cut into."""
        import pyarrow as pa

        n, dimension = vectors.shape
        offsets = pa.array(range(0, (n + 1) * dimension, dimension), pa.int32())
        rows = {
            "encoder_id": pa.array([encoder_id(self.encoder)] * n),
            "response_hash": hashes,
            "vector": pa.ListArray.from_arrays(offsets, pa.array(vectors.ravel())),
            "chunks": pa.array(chunks),
        }
        with self.study.write() as db:
            db.append("vectors", pa.table(rows), on_conflict="ignore")


@dataclass(frozen=True)
class _Done:
    """What a run embedded: texts, and the pieces they were cut into."""

    texts: int = 0
    pieces: int = 0


def _embed(texts: _Texts, todo: int, progress: Progress | None) -> _Done:
    """Embed so many texts, each batch written as soon as it is done."""
    done, size = _Done(), BATCH[0]
    while done.texts < todo:
        began = time.monotonic()
        batch = texts.batch(min(size, todo - done.texts))
        if batch.num_rows == 0:  # another process took the rest
            break
        vectors, chunks = texts.encoder.encode(
            batch["response"].to_pylist(), _within(progress, done.texts, batch.num_rows, todo)
        )
        texts.store(batch["response_hash"], vectors, chunks)
        done = _Done(done.texts + batch.num_rows, done.pieces + int(chunks.sum()))
        size = next_batch(batch.num_rows, time.monotonic() - began)
    return done


def _summary(encoder: Encoder, counts: pd.Series, pending: int, done: _Done) -> dict[str, Any]:
    return {
        "encoder_id": encoder_id(encoder),
        "kind": encoder.kind,
        "dimension": encoder.dimension,
        "texts": done.texts,
        "pieces": done.pieces,
        "already": int(counts["texts"]) - pending,
        "left": pending - done.texts,
        "blank_outputs": int(counts["blank_outputs"]),
        "note": encoder.note,
    }


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

    from erranal import models

    chosen = {"population": population, "scorer": scorer}
    counts = _counts(study, chosen)
    texts = _Texts(study, models.load_encoder(encoder), chosen)
    with study.journal("embed", {**chosen, "encoder": encoder, "limit": limit}) as entry:
        started = time.monotonic()
        texts.register()
        pending = texts.pending()
        done = _embed(texts, pending if limit is None else min(limit, pending), progress)
        summary = _summary(texts.encoder, counts, pending, done)
        summary["seconds"] = round(time.monotonic() - started, 2)
        entry.count(**summary)
    return pd.DataFrame([summary])
