"""What is clustered: the outputs of a population, and the distinct points their texts embed to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from erranal.errors import StageError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from erranal.store import Study

POPULATIONS = ("errors", "all")
FEWEST = 20  # outputs; fewer are not grouped at all


@dataclass(frozen=True)
class Population:
    """Outputs and points; identical vectors are one point.

    Attributes
    ----------
    population
        Which outputs: errors or all.
    scorer
        Whose errors.
    encoder_id
        Whose vectors.
    outputs
        One row an output: output_id, response_hash, modality, blank, code (missing where not
        judged) and point (-1 where its text has no vector).
    hashes
        Texts with a vector, shape (m,).
    point_of
        Point of each of these texts, shape (m,).
    vectors
        Unit length, shape (n, d).
    sizes
        Outputs that each point stands for, shape (n,).
    """

    population: str
    scorer: str
    encoder_id: str
    outputs: pd.DataFrame
    hashes: NDArray[np.object_]
    point_of: NDArray[np.int64]
    vectors: NDArray[np.float32]
    sizes: NDArray[np.int64]

    @property
    def enough(self) -> bool:
        """Whether there are outputs enough to look for groups."""
        return len(self.outputs) >= FEWEST

    @property
    def without_vector(self) -> tuple[int, int]:
        """Outputs that are blank, and outputs with a text that was not embedded."""
        lacking = self.outputs[self.outputs["point"] < 0]
        blank = int(lacking["blank"].sum())
        return blank, len(lacking) - blank


def read(study: Study, encoder: str | None, population: str, scorer: str) -> Population:
    """Read the outputs of a population and an encoder's vectors of them.

    Raises
    ------
    StageError
        When the population is unknown, or has texts of which the encoder has no vector.
    """
    if population not in POPULATIONS:
        raise StageError(f"population {population!r} is unknown: give errors or all")
    which = {"population": population, "scorer": scorer}
    outputs = study.read("cluster_outputs", **which)
    encoder_id = _pick_encoder(study, encoder, which, unread=not outputs["blank"].all())
    stored = study.arrow("cluster_vectors", encoder_id=encoder_id, **which).combine_chunks()
    hashes = stored["response_hash"].to_numpy()
    flat = stored["vector"].combine_chunks().flatten().to_numpy()
    vectors, point_of = distinct(flat.reshape(len(hashes), -1 if len(hashes) else 1))
    row = {value: i for i, value in enumerate(hashes)}
    text = outputs["response_hash"].map(row).fillna(-1).to_numpy(dtype=np.int64)
    outputs["point"] = np.append(point_of, -1)[text]
    outputs = outputs.merge(study.read("cluster_codes"), on="output_id", how="left")
    points = outputs["point"].to_numpy()
    sizes = np.bincount(points[points >= 0], minlength=len(vectors))
    return Population(population, scorer, encoder_id, outputs, hashes, point_of, vectors, sizes)


def distinct(
    vectors: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the distinct rows, in the order they first appear and of unit length, and each row's.

    Numbers that are not finite count as zero; a row of zeros stays one.
    """
    rows = np.add(vectors, np.float32(0), order="C")  # a copy, without negative zeros
    np.nan_to_num(rows, copy=False)
    seen: dict[bytes, int] = {}
    # Each row's place among the distinct ones: a dictionary keeps the order of first sight.
    digests = (hashlib.blake2b(row, digest_size=16).digest() for row in rows)
    place = np.array([seen.setdefault(digest, len(seen)) for digest in digests], dtype=np.int64)
    _, first = np.unique(place, return_index=True)
    kept = rows[first]
    norms = np.linalg.norm(kept, axis=1, keepdims=True)
    unit = (kept / np.where(norms > 0, norms, 1)).astype(np.float32)
    return unit, place


def _pick_encoder(study: Study, encoder: str | None, which: dict[str, str], *, unread: bool) -> str:
    known = study.read("cluster_encoders", **which)
    if encoder is not None:
        known = known[(known["encoder_id"] == encoder) | (known["name"] == encoder)]
    if known.empty or (unread and known["texts"].iloc[0] == 0):
        asked = f" from encoder {encoder!r}" if encoder else ""
        raise StageError(
            f"no vectors{asked} of population {which['population']!r}: run `erranal embed` "
            f"--population {which['population']} first"
        )
    return str(known["encoder_id"].iloc[0])
