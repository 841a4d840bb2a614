"""Percentile intervals from resampled units or clusters, by multiplication with counts.

To resample is to say how often each cluster was drawn. A statistic that is a function of sums over
clusters then needs no loop: the counts of many resamples, times the sums of every cluster, are the
sums of every resample. Counts are made in blocks, so that memory does not grow with their number.

Here are rates of codes and the agreement on each of many codes at once; for label sets and ordered
categories see :mod:`erranal.stats.alpha`.

References
----------
Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapters 8 and 13.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from erranal.stats.interval import Interval, require_level
from erranal.stats.proportion import wilson_limits
from erranal.stats.raters import agreement_limits

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Array = np.ndarray[Any, np.dtype[np.float64]]

RESAMPLES = 2_000
# Counts made at a time: 16 MB of them, whatever the number of resamples and clusters.
_CELLS = 2**21
_TRACE = 1e-12


def cluster_sums(values: Any, clusters: ArrayLike | None = None) -> Any:
    """Return the sums of each cluster.

    Parameters
    ----------
    values
        Array or sparse array of shape (n, p).
    clusters
        Cluster of each row, shape (n,); by default every row is its own.

    Returns
    -------
    ndarray or sparse array
        Shape (clusters, p), of the kind of the values.

    Raises
    ------
    ValueError
        When there are not as many clusters as rows.
    """
    rows = values.astype(float)
    if clusters is None:
        return rows
    names, index = np.unique(np.asarray(clusters), return_inverse=True)
    if len(index) != rows.shape[0]:
        raise ValueError(f"{rows.shape[0]} units need a cluster each; got {len(index)}")
    places = (np.ones(len(index)), (index, np.arange(len(index))))
    return sparse.csr_array(places, shape=(len(names), len(index))) @ rows


def resampled_sums(sums: Any, *, resamples: int = RESAMPLES, seed: int = 0) -> Iterator[Array]:
    """Yield the sums of resamples with replacement, block by block.

    Parameters
    ----------
    sums
        Sums of each cluster, array or sparse array of shape (clusters, p).
    resamples
        How many resamples in all; each draws as many clusters as there are.
    seed
        The same seed and number of clusters draw the same clusters, whatever is summed.

    Yields
    ------
    ndarray
        Shape (some resamples, p).
    """
    clusters, rng = sums.shape[0], np.random.default_rng(seed)
    rows = max(1, _CELLS // max(clusters, 1))
    for start in range(0, resamples, rows):
        block = min(rows, resamples - start)
        drawn = rng.integers(0, max(clusters, 1), size=(block, clusters))
        drawn += np.arange(block)[:, None] * clusters
        times = np.bincount(drawn.ravel(), minlength=block * clusters)
        yield times.reshape(block, clusters).astype(float) @ sums


def percentile_limits(draws: ArrayLike, *, level: float = 0.95) -> tuple[Array, Array]:
    """Return the percentile limits of resampled statistics.

    Parameters
    ----------
    draws
        Shape (resamples, k). A NaN (a resample without variation has no kappa) may be anything:
        it counts as below all others for the lower limit, and as above for the upper.
    level
        Nominal coverage.

    Returns
    -------
    tuple of ndarray
        Lower and upper limits, shape (k,), infinite where too many draws are NaN.
    """
    require_level(level)
    values = np.asarray(draws, dtype=float)
    lost, tail = np.isnan(values), (1 - level) / 2
    low, high = (
        sign * np.quantile(np.where(lost, -np.inf, sign * values), tail, 0, method="inverted_cdf")
        for sign in (1, -1)
    )
    return low, high


def rate_bootstrap(
    given: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = 0.95,
) -> list[Interval]:
    """Return the rate of each of many codes with percentile intervals over clusters.

    Parameters
    ----------
    given
        1 where a unit has the code and 0 where not, or a share in between; NaN where nobody
        looked. Shape (n, k).
    clusters
        Cluster of each unit, such as its item, shape (n,); by default every unit is its own.
    resamples, seed
        As for :func:`resampled_sums`.
    level
        Nominal coverage.

    Returns
    -------
    list of Interval
        k of them; ``n`` counts the clusters in which somebody looked and ``excluded`` the units
        in which nobody did. Where all clusters are alike no resample differs, and the limits are
        Wilson's with one trial a cluster.

    Raises
    ------
    ValueError
        When a value lies outside [0, 1].
    """
    values = np.asarray(given, dtype=float)
    if ((values < 0) | (values > 1)).any():
        raise ValueError("a rate is a mean of values between 0 and 1")
    size, seen = values.shape[1], ~np.isnan(values)
    sums = cluster_sums(np.hstack([np.where(seen, values, 0), seen]), clusters)
    whole = _ratio(*np.split(sums.sum(axis=0), 2))
    blocks = resampled_sums(sums, resamples=resamples, seed=seed)
    draws = np.vstack([_ratio(block[:, :size], block[:, size:]) for block in blocks])
    n = (sums[:, size:] > 0).sum(axis=0)
    wilson = wilson_limits(np.nan_to_num(whole) * n, n, level=level)
    low, high = percentile_limits(draws, level=level)
    flat = ~(high - low > _TRACE) | ~np.isfinite(high - low)
    low, high = np.where(flat, wilson[0], low), np.where(flat, wilson[1], high)
    return _intervals(whole, low, high, n, (~seen).sum(axis=0), level=level)


def alpha_code_bootstrap(
    given: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = 0.95,
) -> list[Interval]:
    """Return Krippendorff's alpha on each of many codes with percentile intervals over units.

    Parameters
    ----------
    given
        1 where a coder gave a unit the code, 0 where not, NaN where the coder did not look; shape
        (coders, n, k).
    clusters
        Cluster of each unit, shape (n,); by default every unit is its own.
    resamples, seed
        As for :func:`resampled_sums`.
    level
        Nominal coverage.

    Returns
    -------
    list of Interval
        k of them, within [-1, 1]; ``n`` counts clusters with a unit that two coders looked at and
        ``excluded`` units that they did not. The estimate is NaN where all ratings are the same,
        and the limits reach -1 and 1 where too many resamples are like that. Where all units are
        alike or all agree the limits are those of
        :func:`~erranal.stats.raters.agreement_limits`.
    """
    yes, looked = _votes(given)
    paired = looked > 1
    apart = 2 * yes * (looked - yes) / np.maximum(looked - 1, 1)
    sums = cluster_sums(np.hstack([apart * paired, yes * paired, looked * paired]), clusters)

    def parts(total: Array) -> tuple[Array, Array]:
        disagreed, ones, ratings = np.split(total, 3, axis=-1)
        chance = _ratio(2 * ones * (ratings - ones), ratings * np.maximum(ratings - 1, 1))
        return 1 - _ratio(disagreed, ratings), 1 - chance

    blocks = resampled_sums(sums, resamples=resamples, seed=seed)
    draws = np.vstack([_corrected(*parts(block)) for block in blocks])
    return _agreement(parts(sums.sum(axis=0)), draws, paired, clusters, level=level)


def ac1_code_bootstrap(
    given: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = 0.95,
) -> list[Interval]:
    """Return Gwet's AC1 on each of many codes with percentile intervals over units.

    Arguments and result as for :func:`alpha_code_bootstrap`; NaN only where no unit was looked at
    twice.
    """
    yes, looked = _votes(given)
    paired, no = looked > 1, looked - yes
    pairs = np.maximum(looked * (looked - 1), 1)
    agreed = (yes * (yes - 1) + no * (no - 1)) / pairs * paired
    share = yes / np.maximum(looked, 1)
    sums = cluster_sums(np.hstack([agreed, paired, share, looked > 0]), clusters)

    def parts(total: Array) -> tuple[Array, Array]:
        agreed, paired, share, rated = np.split(total, 4, axis=-1)
        prevalence = _ratio(share, rated)
        return _ratio(agreed, paired), 2 * prevalence * (1 - prevalence)

    blocks = resampled_sums(sums, resamples=resamples, seed=seed)
    draws = np.vstack([_corrected(*parts(block)) for block in blocks])
    return _agreement(parts(sums.sum(axis=0)), draws, looked > 0, clusters, level=level)


def _votes(given: ArrayLike) -> tuple[Array, Array]:
    """Return how many coders gave a unit the code and how many looked, both of shape (n, k)."""
    values = np.asarray(given, dtype=float)
    looked = ~np.isnan(values)
    return np.where(looked, values, 0).sum(axis=0), looked.sum(axis=0).astype(float)


def _agreement(
    parts: tuple[Array, Array],
    draws: Array,
    used: NDArray[np.bool_],
    clusters: ArrayLike | None,
    *,
    level: float,
) -> list[Interval]:
    observed, chance = parts
    n = (cluster_sums(used, clusters) > 0).sum(axis=0)
    low, high = percentile_limits(draws, level=level)
    alike = ~(high - low > _TRACE) | (observed > 1 - _TRACE)
    for i in np.flatnonzero(alike):
        low[i], high[i] = agreement_limits(float(observed[i]), float(chance[i]), n[i], level=level)
    low, high = np.clip(low, -1.0, 1.0), np.clip(high, -1.0, 1.0)
    return _intervals(_corrected(*parts), low, high, n, (~used).sum(axis=0), level=level)


def _corrected(observed: Array, chance: Array) -> Array:
    return _ratio(observed - chance, 1 - chance)


def _ratio(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > _TRACE)


def _intervals(
    estimates: Array,
    low: Array,
    high: Array,
    n: NDArray[np.int64],
    excluded: NDArray[np.int64],
    *,
    level: float,
) -> list[Interval]:
    columns = (array.tolist() for array in (estimates, low, high, n, excluded))
    return [
        Interval(estimate, below, above, level, "bootstrap", units, left_out)
        for estimate, below, above, units, left_out in zip(*columns, strict=True)
    ]
