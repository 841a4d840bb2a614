"""From partitions to the tables clusterings, clusters, cluster_members and maps."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from erranal.cluster import communities, terms
from erranal.cluster.population import FEWEST
from erranal.stats.association import cramer_v_bergsma

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from erranal.cluster.communities import Partition
    from erranal.cluster.grouping import Grouping
    from erranal.cluster.population import Population
    from erranal.cluster.settings import Settings
    from erranal.store import Study

CHARACTERS = 1_500  # of a text that are searched for words
TEXTS = 5_000  # that are searched for words, at most
WRITTEN_AT_ONCE = 100_000  # rows


@dataclass(frozen=True)
class Texts:
    """The beginnings of some of the texts, and the point of each."""

    points: NDArray[np.int64]
    texts: list[str]


@dataclass(frozen=True)
class Clustering:
    """The rows that one partition becomes; ``summary`` is what the stage returns of it."""

    row: dict[str, Any]
    clusters: pd.DataFrame
    members: pd.DataFrame
    summary: dict[str, Any]


def sampled_texts(study: Study, people: Population) -> Texts:
    """Read texts to search for words: one a point, evenly spread where there are many."""
    n = len(people.vectors)
    _, first = np.unique(people.point_of, return_index=True)
    picked = first[np.linspace(0, n - 1, min(n, TEXTS)).astype(int)]
    hashes = people.hashes[picked]
    stored = study.arrow("cluster_texts", hashes=hashes.tolist(), characters=CHARACTERS)
    text = dict(zip(*(stored[name].to_pylist() for name in stored.column_names), strict=True))
    return Texts(people.point_of[picked], [text[value] for value in hashes])


def build(
    people: Population, settings: Settings, groups: Grouping, texts: Texts
) -> list[Clustering]:
    """Describe each partition: sizes, words, exemplars and associations."""
    chosen = communities.choose(groups.partitions)
    uses, words = terms.count_words(texts.texts)
    parameters = {
        "scorer": people.scorer,
        "seed": settings.seed,
        "min_size": settings.min_size,
        "neighbours": settings.neighbours,
    }
    found = []
    for i, (resolution, part) in enumerate(
        zip(settings.resolutions, groups.partitions, strict=True)
    ):
        row = {
            "encoder_id": people.encoder_id,
            "population": people.population,
            "resolution": float(resolution),
            "seed": settings.seed,
        }
        stated = json.dumps({**row, **parameters}, sort_keys=True)
        row["clustering_id"] = hashlib.sha256(stated.encode()).hexdigest()[:16]
        cluster = np.append(part.labels, communities.NOISE)[people.outputs["point"]]
        row |= _measures(people, part, cluster) | {"chosen": i == chosen}
        row["params"] = json.dumps(parameters, sort_keys=True)
        named = terms.distinctive(uses, words, part.labels[texts.points], part.clusters)
        found.append(_clustering(people, part, cluster, named, row))
    return found


def _measures(people: Population, part: Partition, cluster: NDArray[np.int32]) -> dict[str, Any]:
    return {
        "outputs": len(cluster),
        "clusters": part.clusters,
        "noise": float((cluster == communities.NOISE).mean()) if len(cluster) else 0.0,
        "modularity": part.modularity,
        "ari_seeds": part.ari_seeds,
        "ari_subsamples": part.ari_subsamples,
        "v_modality": _association(cluster, people.outputs["modality"]),
        "v_codes": _association(cluster, people.outputs["code"]),
    }


def _association(cluster: NDArray[np.int32], category: pd.Series) -> float | None:
    """Return the corrected Cramer V of cluster and category, noise and unknown left out.

    None where either takes fewer than two values.
    """
    known = (cluster != communities.NOISE) & category.notna().to_numpy()
    table = pd.crosstab(cluster[known], category[known].to_numpy()).to_numpy()
    return cramer_v_bergsma(table) if min(table.shape) > 1 else None


def _clustering(
    people: Population,
    part: Partition,
    cluster: NDArray[np.int32],
    named: list[list[str]],
    row: dict[str, Any],
) -> Clustering:
    outputs = people.outputs
    members = pd.DataFrame(
        {
            "clustering_id": row["clustering_id"],
            "output_id": outputs["output_id"],
            "cluster": cluster.astype(np.int32),
        }
    )
    with_point = outputs[outputs["point"] >= 0]
    output_of = with_point.groupby("point")["output_id"].min().to_numpy()
    shown = terms.exemplars(people.vectors, part.labels, part.clusters)
    shares = pd.crosstab(cluster, outputs["modality"], normalize="index").round(4).T.to_dict()
    clusters = pd.DataFrame(
        {
            "clustering_id": row["clustering_id"],
            "cluster": np.arange(part.clusters, dtype=np.int32),
            "size": np.bincount(cluster[cluster >= 0], minlength=part.clusters),
            "terms": named,
            "exemplars": [output_of[points].tolist() for points in shown],
            "modality_share": [
                json.dumps({name: share for name, share in shares[c].items() if share})
                for c in range(part.clusters)
            ],
            "stability": part.stability,
        }
    )
    left_out = {"clustering_id", "population", "params"}
    summary = {key: value for key, value in row.items() if key not in left_out}
    return Clustering(row, clusters, members, summary | {"note": _note(people)})


def _note(people: Population) -> str:
    """Say what keeps outputs from being grouped."""
    blank, unread = people.without_vector
    notes = []
    if not people.enough:
        notes.append(f"{len(people.outputs)} outputs are too few to group: {FEWEST} at least")
    elif len(people.vectors) == 1:
        notes.append("all vectors are equal")
    if blank:
        notes.append(f"{blank} blank outputs have no vector and count as noise")
    if unread:
        notes.append(f"{unread} outputs are not embedded yet: run `erranal embed`")
    return "; ".join(notes)


def write(
    study: Study, people: Population, found: list[Clustering], positions: NDArray[np.float32]
) -> None:
    """Replace the encoder's clusterings and map of the population, the chosen clustering first."""
    own: dict[str, Any] = {"encoder_id": people.encoder_id, "population": people.population}
    with study.write() as db:
        db.execute("cluster_forget_members", **own)
        db.execute("cluster_forget_clusters", **own)
        db.clear("clusterings", **own)
        db.clear("maps", **own)
        db.execute("cluster_unchoose", population=people.population)
    place = positions[people.point_of]
    points = {**own, "response_hash": people.hashes, "x": place[:, 0], "y": place[:, 1]}
    _append(study, "maps", pd.DataFrame(points))
    for one in sorted(found, key=lambda one: not one.row["chosen"]):
        described = {"clusters": one.clusters, "clusterings": pd.DataFrame([one.row])}
        _append(study, "cluster_members", one.members, **described)


def _append(study: Study, table: str, rows: pd.DataFrame, **others: pd.DataFrame) -> None:
    """Append to a table in transactions so short that readers do not wait; others with the last."""
    starts = range(0, max(len(rows), 1), WRITTEN_AT_ONCE)
    for start in starts:
        with study.write() as db:
            db.append(table, _arrow(rows.iloc[start : start + WRITTEN_AT_ONCE]))
            for name, few in others.items() if start == starts[-1] else ():
                db.append(name, _arrow(few))


def _arrow(rows: pd.DataFrame) -> pa.Table:
    """Return the rows as Arrow, where NaN becomes NULL."""
    import pyarrow as pa

    return pa.Table.from_pandas(rows, preserve_index=False)
