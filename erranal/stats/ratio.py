"""Ratios of paired positive quantities, such as the lengths of two responses to one item."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from erranal.stats.clustered import Array, ClusterSums, mean_limits
from erranal.stats.interval import Interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def ratio_geometric(
    reference: ArrayLike,
    compared: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    level: float = 0.95,
) -> Interval:
    """Return the geometric mean of compared / reference with a t interval on the log scale.

    ``exp(mean(log(compared / reference)) +- t(G - 1) SE)``: how many times longer the compared
    response is, where doubling and halving weigh the same.

    Parameters
    ----------
    reference, compared
        Positive values of the same pairs, shape (n,); add 1 to lengths, which may be 0.
    clusters
        Item of each pair, shape (n,); by default every pair is its own.
    level
        Nominal coverage.

    Returns
    -------
    Interval
        ``n`` is the number of clusters; with fewer than two the limits are 0 and infinity.

    Raises
    ------
    ValueError
        When a value is not positive.
    """
    a, b = np.asarray(reference, dtype=float), np.asarray(compared, dtype=float)
    if (a <= 0).any() or (b <= 0).any():
        raise ValueError("a ratio needs positive values: add 1 to lengths that may be 0")
    sums = ClusterSums.of(np.log(b / a), np.arange(len(a)) if clusters is None else clusters)
    low, high = ratio_limits(sums, level=level)
    estimate = float(np.exp(sums.mean[0]))
    return Interval(
        estimate, float(low[0]), float(high[0]), level, "t of logs", int(sums.clusters[0])
    )


def ratio_limits(sums: ClusterSums, *, level: float = 0.95) -> tuple[Array, Array]:
    """Return limits of geometric mean ratios from the sums of their logs, shape (k,).

    They are 0 and infinity for fewer than two clusters.
    """
    low, high = (np.exp(limit) for limit in mean_limits(sums, level=level))
    unknown = sums.clusters < 2
    return np.where(unknown, 0.0, low), np.where(unknown, np.inf, high)
