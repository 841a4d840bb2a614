"""Agreement of any number of raters on categories, some of whom may have left units out.

All coefficients are ``(observed - chance) / (1 - chance)``. The observed agreement is the mean over
units with two ratings or more of the share of pairs of ratings that agree, or agree in part where
``weights`` say so. They differ in what chance would do. Intervals are those of t(n - 1) with the
linearised standard error over units, cut at -1 and 1; units are taken as independent.

References
----------
Gwet (2014), Handbook of Inter-Rater Reliability, 4th ed., chapters 2, 3 and 5.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import nan, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from erranal.stats.distances import agreement_weights
from erranal.stats.interval import Interval, require_level
from erranal.stats.proportion import wilson_limits
from erranal.stats.ratings import rating_places

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Array = np.ndarray[Any, np.dtype[np.float64]]

_TRACE = 1e-12


@dataclass(frozen=True)
class _Tally:
    """Units that have a rating: shares of the categories, agreement, and how many units each is."""

    shares: Array
    agreed: Array
    paired: NDArray[np.bool_]
    times: Array
    excluded: int

    @property
    def n(self) -> float:
        return float(self.times.sum())

    @property
    def prevalence(self) -> Array:
        return np.asarray(self.times @ self.shares / max(self.n, 1))


def _tally(counts: ArrayLike, times: ArrayLike | None, weights: Array) -> _Tally:
    chosen = np.asarray(counts, dtype=float)
    units = np.ones(len(chosen)) if times is None else np.asarray(times, dtype=float)
    rated = chosen.sum(axis=1) > 0
    kept = rated & (units > 0)
    chosen, excluded, units = chosen[kept], int(units[~rated].sum()), units[kept]
    raters = chosen.sum(axis=1)
    pairs = np.maximum(raters * (raters - 1), 1)
    agreed = (chosen * (chosen @ weights - 1)).sum(axis=1) / pairs
    return _Tally(chosen / raters[:, None], agreed, raters > 1, units, excluded)


def _coefficient(tally: _Tally, chance_of_unit: Array, level: float, method: str) -> Interval:
    """Return the coefficient whose chance agreement is the mean of a function of the units."""
    require_level(level)
    n, times = tally.n, tally.times
    paired = float(times[tally.paired].sum())
    chance = float(times @ chance_of_unit / max(n, 1))

    def interval(estimate: float, low: float, high: float) -> Interval:
        low, high = max(low, -1.0), max(min(high, 1.0), -1.0)
        return Interval(estimate, low, high, level, method, int(n), tally.excluded)

    if paired == 0 or not chance < 1 - _TRACE:
        return interval(nan, -1.0, 1.0)
    observed = float(times[tally.paired] @ tally.agreed[tally.paired]) / paired
    estimate = (observed - chance) / (1 - chance)
    of_unit = n / paired * (tally.agreed - chance) * tally.paired / (1 - chance)
    of_unit -= 2 * (1 - estimate) * (chance_of_unit - chance) / (1 - chance)
    error = sqrt(float(times @ (of_unit - estimate) ** 2) / (n * max(n - 1, 1)))
    if n < 2 or error < _TRACE or observed > 1 - _TRACE:
        return interval(estimate, *agreement_limits(observed, chance, paired, level=level))
    reach = float(special.stdtrit(n - 1, 0.5 + level / 2)) * error
    return interval(estimate, estimate - reach, estimate + reach)


def agreement_limits(
    observed: float, chance: float, n: float, *, level: float = 0.95
) -> tuple[float, float]:
    """Return limits of ``(observed - chance) / (1 - chance)`` for units that are all alike.

    Where they all agree, or all disagree in the same way, the standard error is 0 and no resample
    differs, but nothing is certain. The limits are those at which the observed agreement of n
    units is at its Wilson limits; they lie within [-1, 1].
    """
    if not chance < 1 - _TRACE:
        return -1.0, 1.0
    limits = wilson_limits(min(max(observed, 0.0), 1.0) * n, n, level=level)
    low, high = ((float(limit) - chance) / (1 - chance) for limit in limits)
    return max(low, -1.0), max(min(high, 1.0), -1.0)


def ac1_gwet(counts: ArrayLike, times: ArrayLike | None = None, *, level: float = 0.95) -> Interval:
    """Return Gwet's AC1.

    Unlike kappa it stays near the observed agreement when one category is rare. Its chance
    agreement, ``sum pi_k (1 - pi_k) / (k - 1)``, depends on how many categories could be chosen:
    every one of them needs a column.

    Parameters
    ----------
    counts
        How many raters put each unit in each category, shape (n, k) with k of at least 2.
    times
        How many units each row stands for, shape (n,); 1 by default.
    level
        Nominal coverage.

    Returns
    -------
    Interval
        t interval over units, cut at -1 and 1; ``n`` are the units that have a rating, ``excluded``
        those without. The estimate is NaN without a unit that has two ratings. Where all units
        are alike the limits are those of :func:`agreement_limits`.

    References
    ----------
    Gwet (2008), Br. J. Math. Stat. Psychol. 61:29; Gwet (2014), Handbook of Inter-Rater
    Reliability, 4th ed.

    Examples
    --------
    >>> from erranal.stats.ratings import pair_counts
    >>> print(ac1_gwet(*pair_counts([[118, 5], [2, 0]])))
    0.941 [0.895, 0.986] (95 % Gwet, n = 125)
    """
    return ac2_gwet(counts, "identity", times, level=level)


def ac2_gwet(
    counts: ArrayLike,
    weights: str | ArrayLike,
    times: ArrayLike | None = None,
    *,
    level: float = 0.95,
) -> Interval:
    """Return Gwet's AC2: AC1 in which near categories agree in part.

    Its chance agreement is ``T / (k (k - 1)) sum pi_i (1 - pi_i)``, T the sum of all weights.

    Parameters
    ----------
    counts
        How many raters put each unit in each category, shape (n, k), categories in their order.
    weights
        As :func:`~erranal.stats.distances.agreement_weights` takes them.
    times
        How many units each row stands for, shape (n,); 1 by default.
    level
        Nominal coverage.

    Returns
    -------
    Interval
        As for :func:`ac1_gwet`.
    """
    matrix = _weights(weights, counts)
    tally, size = _tally(counts, times, matrix), len(matrix)
    scale = matrix.sum() / (size * (size - 1)) if size > 1 else nan
    return _coefficient(tally, scale * (tally.shares @ (1 - tally.prevalence)), level, "Gwet")


def _weights(weights: str | ArrayLike, counts: ArrayLike) -> Array:
    return agreement_weights(weights, np.asarray(counts).shape[1])


def kappa_fleiss(
    counts: ArrayLike,
    times: ArrayLike | None = None,
    *,
    weights: str | ArrayLike = "identity",
    level: float = 0.95,
) -> Interval:
    """Return Fleiss' kappa: chance draws both ratings by how often all raters chose a category.

    Parameters
    ----------
    counts, times
        As for :func:`ac1_gwet`.
    weights
        As :func:`~erranal.stats.distances.agreement_weights` takes them.
    level
        Nominal coverage.

    Returns
    -------
    Interval
        As for :func:`ac1_gwet`; the estimate is also NaN where only one category was ever chosen.

    References
    ----------
    Fleiss (1971), Psychol. Bull. 76:378.
    """
    matrix = _weights(weights, counts)
    tally = _tally(counts, times, matrix)
    return _coefficient(tally, tally.shares @ (matrix @ tally.prevalence), level, "Fleiss")


def kappa_fleiss_by_category(
    counts: ArrayLike, times: ArrayLike | None = None, *, level: float = 0.95
) -> list[Interval]:
    """Return Fleiss' kappa of each category against all others together, k of them."""
    chosen = np.asarray(counts, dtype=float)
    rest = chosen.sum(axis=1, keepdims=True) - chosen
    return [
        kappa_fleiss(np.stack(both, axis=1), times, level=level)
        for both in zip(chosen.T, rest.T, strict=True)
    ]


def agreement_brennan_prediger(
    counts: ArrayLike,
    times: ArrayLike | None = None,
    *,
    weights: str | ArrayLike = "identity",
    level: float = 0.95,
) -> Interval:
    """Return Brennan and Prediger's coefficient: chance takes every declared category as often.

    Arguments and result as for :func:`kappa_fleiss`; with two raters and two categories it is
    PABAK. NaN for fewer than two categories.

    References
    ----------
    Brennan and Prediger (1981), Educ. Psychol. Meas. 41:687.
    """
    matrix = _weights(weights, counts)
    tally = _tally(counts, times, matrix)
    chance = np.full(len(tally.agreed), matrix.mean() if matrix.size else nan)
    return _coefficient(tally, chance, level, "Brennan-Prediger")


def kappa_conger(
    ratings: Iterable[Iterable[Hashable]],
    categories: Sequence[Hashable],
    *,
    weights: str | ArrayLike = "identity",
    level: float = 0.95,
) -> Interval:
    """Return Conger's kappa: chance lets every rater choose as often as that rater does.

    With two raters who rated everything the estimate is Cohen's.

    Parameters
    ----------
    ratings, categories
        As for :func:`~erranal.stats.ratings.rating_places`, coders x units.
    weights
        As :func:`~erranal.stats.distances.agreement_weights` takes them.
    level
        Nominal coverage.

    Returns
    -------
    Interval
        As for :func:`kappa_fleiss`; NaN with fewer than two raters who rated anything.

    References
    ----------
    Conger (1980), Psychol. Bull. 88:322.
    """
    matrix = agreement_weights(weights, len(categories))
    places = rating_places(ratings, categories)
    chosen = (places[:, :, None] == np.arange(len(categories))).astype(float)
    tally = _tally(chosen.sum(axis=0), None, matrix)
    rated = (places >= 0).any(axis=0)
    chosen = chosen[(places >= 0).any(axis=1)][:, rated]
    return _coefficient(tally, _chance_of_raters(chosen, matrix), level, "Conger")


def _chance_of_raters(chosen: Array, weights: Array) -> Array:
    """Return the chance agreement as a mean over units of its linear parts, shape (units,)."""
    raters, n, _ = chosen.shape
    if raters < 2:
        return np.full(n, nan)
    rated = chosen.sum(axis=2)
    mine = chosen.sum(axis=1) / rated.sum(axis=1)[:, None]
    others = (mine.sum(axis=0) - mine) @ weights / (raters * (raters - 1))
    chance = float((mine * others).sum())
    around = np.einsum("gik,gk->gi", chosen, others) - rated * (mine * others).sum(axis=1)[:, None]
    return np.asarray(chance + (around * n / rated.sum(axis=1)[:, None]).sum(axis=0))
