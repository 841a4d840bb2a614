"""Means of pairs that share items, or that come from several benchmarks.

When an item gives several pairs (several models, samples or prompt styles), its pairs are alike
and counting them as independent makes intervals too narrow. The standard error here is clustered
by item (CR1), with t(G - 1) as reference for G items.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from erranal.stats.interval import Interval, require_level
from erranal.stats.paired import mcnemar_exact, tango_limits

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class ClusterSums:
    """What a clustered mean needs to know of each group, so that counting may happen elsewhere.

    All fields have shape (k,), one entry a group. With S_g the sum and m_g the number of
    observations in cluster g:

    Parameters
    ----------
    n
        Observations, the sum of m_g.
    clusters
        Number of clusters G.
    total
        Sum of S_g.
    squares
        Sum of S_g squared.
    cross
        Sum of S_g m_g.
    sizes
        Sum of m_g squared.
    """

    n: Array
    clusters: Array
    total: Array
    squares: Array
    cross: Array
    sizes: Array

    @classmethod
    def of(cls, values: ArrayLike, clusters: ArrayLike) -> ClusterSums:
        """Count one group: values of shape (n,) and the cluster of each, any hashable labels."""
        values = np.asarray(values, dtype=float)
        _, index = np.unique(np.asarray(clusters), return_inverse=True)
        sums = np.bincount(index, weights=values)
        sizes = np.bincount(index).astype(float)
        fields = (len(values), len(sizes), sums.sum(), sums @ sums, sums @ sizes, sizes @ sizes)
        return cls(*(np.array([field], dtype=float) for field in fields))

    @property
    def mean(self) -> Array:
        """Mean over observations, NaN for an empty group."""
        return np.divide(self.total, self.n, out=np.full_like(self.n, np.nan), where=self.n > 0)

    @property
    def standard_error(self) -> Array:
        """CR1 standard error of the mean: ``sqrt(G / (G - 1) sum_g (S_g - m_g mean)^2) / n``.

        NaN for fewer than two clusters, and exactly 0 when all clusters have the same mean.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            residual = self.squares - 2 * self.mean * self.cross + self.mean**2 * self.sizes
            # Rounding leaves a trace of the size of the terms where the residual is zero.
            residual = np.where(residual < 1e-12 * (self.squares + self.sizes), 0.0, residual)
            factor = np.where(self.clusters > 1, self.clusters / (self.clusters - 1), np.nan)
            return np.sqrt(factor * residual) / self.n


def mean_limits(sums: ClusterSums, *, level: float = 0.95) -> tuple[Array, Array]:
    """Return t(G - 1) limits of clustered means, shape (k,); NaN with fewer than two clusters."""
    require_level(level)
    freedom = np.where(sums.clusters > 1, sums.clusters - 1, np.nan)
    reach = special.stdtrit(freedom, 0.5 + level / 2) * sums.standard_error
    return sums.mean - reach, sums.mean + reach


def difference_limits(sums: ClusterSums, *, level: float = 0.95) -> tuple[Array, Array, Array]:
    """Return limits and p values of many clustered accuracy differences at once.

    The observations are differences of correctness: -1, 0 or 1. Where the clusters show no
    variation (no discordant pair, all alike, one item) the standard error is zero or unknown, and
    a zero-width interval would claim certainty; there each cluster counts as one pair of Tango's
    interval and of the exact McNemar test.

    Parameters
    ----------
    sums
        Sums of the groups, fields of shape (k,).
    level
        Nominal coverage.

    Returns
    -------
    tuple of ndarray
        Lower limits, upper limits (both within [-1, 1]) and two-sided p values, shape (k,).
    """
    low, high = mean_limits(sums, level=level)
    mean, error = sums.mean, sums.standard_error
    with np.errstate(invalid="ignore", divide="ignore"):
        p = 2 * special.stdtr(sums.clusters - 1, -np.abs(mean / error))
    flat = ~(error > 0)
    worse, better = (sums.clusters * np.maximum(sign * np.nan_to_num(mean), 0) for sign in (-1, 1))
    tango = tango_limits(worse, better, sums.clusters, level=level)
    low, high = np.where(flat, tango[0], low), np.where(flat, tango[1], high)
    p = np.where(flat, mcnemar_exact(np.floor(worse), np.floor(better)), p)
    return np.maximum(low, -1.0), np.minimum(high, 1.0), p


def difference_clustered(
    differences: ArrayLike, clusters: ArrayLike, *, level: float = 0.95
) -> Interval:
    """Return the mean paired difference with a standard error clustered by item.

    Parameters
    ----------
    differences
        Correct under b minus correct under a of each pair: -1, 0 or 1, shape (n,).
    clusters
        Item of each pair, shape (n,).
    level
        Nominal coverage.

    Returns
    -------
    Interval
        ``n`` is the number of clusters. See :func:`difference_limits` for groups without
        variation.

    References
    ----------
    Liang and Zeger (1986), Biometrika 73:13; Miller (2024), arXiv 2411.00640, who divides by G
    where CR1 divides by G - 1.
    """
    sums = ClusterSums.of(differences, clusters)
    low, high, _ = difference_limits(sums, level=level)
    count = int(sums.clusters[0])
    return Interval(
        float(sums.mean[0]), float(low[0]), float(high[0]), level, "clustered by item", count
    )


def error_two_way(values: ArrayLike, first: ArrayLike, second: ArrayLike) -> float:
    """Return the standard error of a mean that is clustered in two crossed ways.

    With V the CR1 variance of :class:`ClusterSums`, ``V(first) + V(second) - V(both)``; where that
    is below the larger of the first two, as chance may have it, the larger one.

    Parameters
    ----------
    values
        Shape (n,).
    first, second
        Clusters of each, such as its item and its model, shape (n,).

    Returns
    -------
    float
        NaN with fewer than two clusters in either way. Trust it with some ten clusters or more in
        both: with a few models, give their differences one by one.

    References
    ----------
    Cameron, Gelbach and Miller (2011), J. Bus. Econ. Stat. 29:238.
    """
    ways = [_cluster_index(labels) for labels in (first, second)]
    crossed = ways[0] * (int(max(ways[1], default=0)) + 1) + ways[1]
    one, other, both = (
        float(ClusterSums.of(values, way).standard_error[0]) ** 2 for way in (*ways, crossed)
    )
    return float(np.sqrt(max(one + other - both, one, other)))


def _cluster_index(labels: ArrayLike) -> NDArray[np.int64]:
    return np.asarray(np.unique(np.asarray(labels), return_inverse=True)[1])


def difference_two_way(
    differences: ArrayLike, items: ArrayLike, models: ArrayLike, *, level: float = 0.95
) -> Interval:
    """Return the mean paired difference for a claim beyond both the items and the models at hand.

    Parameters
    ----------
    differences
        Correct under b minus correct under a of each pair: -1, 0 or 1, shape (n,).
    items, models
        Of each pair, shape (n,).
    level
        Nominal coverage.

    Returns
    -------
    Interval
        With the error of :func:`error_two_way` and t(n - 1), cut at -1 and 1; ``n`` counts the
        items or the models, whichever are fewer. With a single one the limits are -1 and 1. Where
        no cluster differs from another they are Tango's with one pair a cluster.
    """
    require_level(level)
    values = np.asarray(differences, dtype=float)
    n = min(len(np.unique(np.asarray(labels))) for labels in (items, models))
    mean = float(values.mean()) if len(values) else float("nan")
    low, high = -1.0, 1.0
    if n > 1:
        error = error_two_way(values, items, models)
        reach = float(special.stdtrit(n - 1, 0.5 + level / 2)) * error
        low, high = max(mean - reach, -1.0), min(mean + reach, 1.0)
        if error == 0:
            worse, better = (n * max(sign * mean, 0.0) for sign in (-1, 1))
            low, high = (float(limit) for limit in tango_limits(worse, better, n, level=level))
    return Interval(mean, low, high, level, "clustered two ways", n)


def difference_across(differences: ArrayLike, *, level: float = 0.95) -> tuple[Interval, float]:
    """Return the mean difference over benchmarks, for a claim beyond the benchmarks at hand.

    Each benchmark counts once, whatever its size: ``mean +- t(B - 1) sd / sqrt(B)``. Assumes that
    the benchmarks are a sample of those the claim is about.

    Parameters
    ----------
    differences
        Accuracy difference of each benchmark, shape (B,), B >= 2.
    level
        Nominal coverage.

    Returns
    -------
    tuple of Interval and float
        The mean with its interval (cut at -1 and 1), and the two-sided p value of t(B - 1).

    Raises
    ------
    ValueError
        With fewer than two benchmarks.
    """
    require_level(level)
    values: NDArray[np.float64] = np.asarray(differences, dtype=float)
    if len(values) < 2:
        raise ValueError(f"a mean over benchmarks needs at least 2 of them, got {len(values)}")
    freedom, mean = len(values) - 1, float(values.mean())
    error = float(values.std(ddof=1)) / len(values) ** 0.5
    reach = float(special.stdtrit(freedom, 0.5 + level / 2)) * error
    p = 2 * float(special.stdtr(freedom, -abs(mean) / error)) if error else float(mean == 0)
    low, high = max(mean - reach, -1.0), min(mean + reach, 1.0)
    return Interval(mean, low, high, level, "t over benchmarks", len(values)), p
