"""The neighbour graph of the texts, and the texts that belong nowhere in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from erranal.cluster.neighbours import Neighbours

OUTLIER = 1.4  # times as far from its neighbours as they are from theirs


def locally_scaled(near: Neighbours) -> csr_matrix:
    """Return a symmetric graph whose weights say how near a neighbour is for that point.

    ``w = exp(-(d - d1) / s)`` with d1 the distance to the nearest neighbour and s the mean excess
    over it; both directions are joined as independent chances, ``a + b - a b``. So dense and
    sparse groups weigh alike (the fuzzy graph of McInnes, Healy and Melville 2018, with the mean
    in place of the calibrated scale).

    Returns
    -------
    csr_matrix
        Shape (n, n), float64, without a diagonal.
    """
    from scipy.sparse import csr_matrix

    n, k = near.index.shape
    distance = np.maximum(1.0 - near.similarity.astype(np.float64), 0.0)
    excess = distance - distance[:, :1] if k else distance
    scale = np.maximum(excess.mean(axis=1, keepdims=True), 1e-4) if k else 1.0
    weight = np.exp(-excess / scale)
    starts = np.arange(0, n * k + 1, k) if k else np.zeros(n + 1, dtype=np.int64)
    columns = near.index.flatten()  # a copy, since sorting happens in place
    one_way = csr_matrix((weight.ravel(), columns, starts), shape=(n, n))
    one_way.sort_indices()
    graph = csr_matrix(one_way + one_way.T - one_way.multiply(one_way.T))
    graph.sort_indices()
    return graph


def outliers(near: Neighbours) -> NDArray[np.bool_]:
    """Tell which points lie in no dense place, shape (n,).

    A point is one when its mean distance to its neighbours is well above theirs to their own (a
    simple form of the local outlier factor of Breunig et al. 2000) and above the median too: the
    rim of a tight group is not noise.
    """
    if near.index.shape[1] == 0:
        return np.ones(len(near.index), dtype=bool)
    reach = np.maximum(1.0 - near.similarity.mean(axis=1), 1e-4)
    ratio = reach / reach[near.index].mean(axis=1)
    outlying: NDArray[np.bool_] = (ratio > OUTLIER) & (reach > np.median(reach))
    return outlying


def without(graph: csr_matrix, points: NDArray[np.bool_]) -> csr_matrix:
    """Return the graph with the edges of some points cut; they stay as lone nodes."""
    from scipy.sparse import csr_matrix, diags_array

    keep = diags_array((~points).astype(np.float64))
    cut = csr_matrix(keep @ graph @ keep)
    cut.eliminate_zeros()
    cut.sort_indices()
    return cut
