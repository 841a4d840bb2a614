"""Communities of the neighbour graph and how firm they are.

Leiden is the algorithm of Traag, Waltman and van Eck 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    Labels = NDArray[np.int32]
    Counts = NDArray[np.int64]

NOISE = -1
SHARE = 0.8  # of the points in a subsample
# Up to so many points: runs with other seeds, and on subsamples. Among more, one says more.
RUNS = {5_000: (3, 5), 20_000: (1, 1)}
FEWEST_RUNS = (0, 1)


@dataclass(frozen=True)
class Partition:
    """One clustering of the points.

    Attributes
    ----------
    labels
        Cluster of each point, shape (n,); 0 is the largest, -1 is noise.
    modularity
        Of the communities, noise included, at resolution 1.
    ari_seeds, ari_subsamples
        Mean adjusted Rand index with runs under other seeds and on 80 % of the points; None
        where there is nothing to compare, and for other seeds in very large studies.
    stability
        Mean best Jaccard overlap of each cluster with a community of each subsample run; NaN for
        a cluster of which no subsample drew anything.
    """

    labels: Labels
    modularity: float
    ari_seeds: float | None
    ari_subsamples: float | None
    stability: NDArray[np.float64]

    @property
    def clusters(self) -> int:
        """Number of clusters, noise not counted."""
        return len(self.stability)


def partition(
    graph: csr_matrix, sizes: Counts, resolution: float, *, seed: int, min_size: int
) -> Partition:
    """Cluster the graph at one resolution and measure how firm the result is.

    Parameters
    ----------
    graph
        Symmetric weights, shape (n, n).
    sizes
        Outputs that each point stands for, shape (n,).
    resolution
        Larger gives more clusters.
    seed
        Of this clustering; the runs it is compared with follow from it.
    min_size
        Communities of fewer outputs are noise.
    """
    found = leiden(graph, resolution, seed)
    labels = _by_size(found, sizes, min_size)
    n, clusters = len(labels), int(labels.max(initial=NOISE)) + 1
    if clusters == 0:
        return Partition(labels, modularity(graph, found), None, None, np.zeros(0))
    seeds, subsamples = next((runs for most, runs in RUNS.items() if n <= most), FEWEST_RUNS)
    rng = np.random.default_rng([seed, n])
    other = [leiden(graph, resolution, seed + 1 + i) for i in range(seeds)]
    agreement = [_rand(labels, run, sizes) for run in other]
    overlaps, kept = [], []
    for i in range(subsamples):
        part = np.sort(rng.choice(n, size=round(SHARE * n), replace=False))
        run = leiden(graph[part][:, part], resolution, seed + 101 + i)
        kept.append(_rand(labels[part], run, sizes[part]))
        overlaps.append(_best_jaccard(labels[part], run, sizes[part], clusters))
    drawn = np.isfinite(overlaps).sum(axis=0)
    stability = np.where(drawn > 0, np.nansum(overlaps, axis=0) / np.maximum(drawn, 1), np.nan)
    return Partition(labels, modularity(graph, found), _mean(agreement), _mean(kept), stability)


def leiden(graph: csr_matrix, resolution: float, seed: int) -> Labels:
    """Return the community of each node, shape (n,); nodes without edges are alone."""
    import graspologic_native

    n = graph.shape[0]
    if graph.nnz == 0:
        return np.arange(n, dtype=np.int32)
    _, found = graspologic_native.leiden_csr(
        graph.indptr.astype(np.int64),
        graph.indices.astype(np.int32),
        graph.data.astype(np.float64),
        n,
        resolution=resolution,
        seed=seed,
    )
    return np.fromiter((found[node] for node in range(n)), dtype=np.int32, count=n)


def modularity(graph: csr_matrix, labels: Labels) -> float:
    """Return Newman's modularity of a partition; 0 for a graph without edges."""
    total = graph.sum()
    if total == 0:
        return 0.0
    rows = np.repeat(np.arange(len(labels)), np.diff(graph.indptr))
    inside = graph.data[labels[rows] == labels[graph.indices]].sum()
    degree = np.bincount(labels, weights=np.asarray(graph.sum(axis=1)).ravel())
    return float(inside / total - ((degree / total) ** 2).sum())


def choose(partitions: list[Partition], *, slack: float = 0.02) -> int:
    """Return the index of the partition to show: the finest that is about as firm as the firmest.

    Firmness is the agreement with clusterings of subsamples; partitions of a single cluster are
    passed over while there is another.
    """
    firmness = [
        part.ari_subsamples if part.ari_subsamples is not None and part.clusters > 1 else -1.0
        for part in partitions
    ]
    enough = max(firmness) - slack
    firm = [i for i, value in enumerate(firmness) if value >= enough]
    return max(firm, key=lambda i: (partitions[i].clusters, -i))


def _by_size(found: Labels, sizes: Counts, min_size: int) -> Labels:
    """Return clusters numbered from the largest down, ties by their first point; small is noise."""
    _, first, community = np.unique(found, return_index=True, return_inverse=True)
    weight = np.bincount(community, weights=sizes)
    order = np.lexsort((first, -weight))
    order = order[weight[order] >= min_size]
    number = np.full(len(weight), NOISE, dtype=np.int32)
    number[order] = np.arange(len(order))
    return number[community]


def _contingency(a: Labels, b: Labels, sizes: Counts) -> csr_matrix:
    """Count outputs by their two labels, those that are noise in ``a`` left out."""
    from scipy.sparse import csr_matrix

    kept = a != NOISE
    shape = (int(a.max(initial=0)) + 1, int(b.max(initial=0)) + 1)
    table = csr_matrix((sizes[kept].astype(np.float64), (a[kept], b[kept])), shape=shape)
    table.sum_duplicates()
    return table


def _rand(a: Labels, b: Labels, sizes: Counts) -> float | None:
    """Return the adjusted Rand index (Hubert and Arabie 1985) over outputs."""
    table = _contingency(a, b, sizes)
    n = table.sum()
    if n < 2:
        return None
    rows, columns = (np.asarray(table.sum(axis=axis)).ravel() for axis in (1, 0))
    together, by_row, by_column = (_pairs(counts) for counts in (table.data, rows, columns))
    expected = by_row * by_column / (n * (n - 1) / 2)
    most = (by_row + by_column) / 2
    return 1.0 if most == expected else float((together - expected) / (most - expected))


def _pairs(counts: NDArray[np.float64]) -> float:
    return float((counts * (counts - 1) / 2).sum())


def _best_jaccard(a: Labels, b: Labels, sizes: Counts, clusters: int) -> NDArray[np.float64]:
    """Return each cluster's largest overlap with a community, NaN where none of it was drawn."""
    table = _contingency(a, b, sizes).tocoo()
    rows = np.bincount(table.row, weights=table.data, minlength=clusters)
    columns = np.bincount(b, weights=sizes * 1.0, minlength=table.shape[1])
    share = table.data / (rows[table.row] + columns[table.col] - table.data)
    best = np.zeros(clusters)
    np.maximum.at(best, table.row, share)
    return np.where(rows[:clusters] > 0, best, np.nan)


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
