"""Rates from units that were sampled with unequal probabilities, or that come in clusters.

A unit that was in the sample with probability pi stands for ``w = 1 / pi`` of the population. A
weighted rate p is worth ``n*`` independent units, with

    n* = p (1 - p) / V - 1,    V = sum w^2 (y - p)^2 / (sum w)^2,

where p, V and the sums include half a success and half a failure beside the units, each with the
weight that such a unit would have: of a kind that is not in the sample at all, a single one may
stand for many. The interval is the usual one for ``n*`` trials at the observed rate. Equal weights
give ``n* = n``, and no weights make a sample worth more than its units.

References
----------
Korn and Graubard (1998), Survey Methodology 24:193 (effective size and degrees of freedom); Brown,
Cai and DasGupta (2001), Statistical Science 16:101 (Jeffreys); Dean and Pagano (2015), Journal of
Survey Statistics and Methodology 3:484 (comparison of intervals for rates of surveys).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from erranal.stats.interval import Interval, require_level
from erranal.stats.proportion import wilson_limits

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Array = np.ndarray[Any, np.dtype[np.float64]]


def labels_of(labels: ArrayLike) -> NDArray[np.bool_]:
    """Return labels as booleans.

    Raises
    ------
    ValueError
        When a label is missing or is neither yes nor no.
    """
    values = np.asarray(labels)
    if values.dtype != bool:
        values = values.astype(float)
        if not np.isin(values, (0, 1)).all():
            raise ValueError("labels are 0 or 1: leave out the units that have none")
    return values.astype(bool)


def weights_of(weight: ArrayLike | None, n: int) -> Array:
    """Return the weights of n units, 1 each by default.

    Raises
    ------
    ValueError
        When there are not n of them, or one is not a positive number.
    """
    values: Array = np.ones(n) if weight is None else np.asarray(weight, dtype=float)
    if values.shape != (n,):
        raise ValueError(f"{n} units need as many weights, not an array of shape {values.shape}")
    if not (np.isfinite(values) & (values > 0)).all():
        raise ValueError("a weight is 1 / probability of being sampled: a positive number")
    return values


@dataclass(frozen=True)
class Weights:
    """What is known of the weights of some units; all fields have the same shape.

    Parameters
    ----------
    count
        How many units.
    total, squares
        Sum of their weights and of the squares of these.
    """

    count: Array
    total: Array
    squares: Array

    @classmethod
    def of(cls, weight: Array, kept: NDArray[np.bool_]) -> Weights:
        """Sum over the kept units: both of shape (..., n), the sums of shape (...)."""
        one = np.where(kept, weight, 0.0)
        return cls(kept.sum(axis=-1).astype(float), one.sum(axis=-1), (one**2).sum(axis=-1))

    def __add__(self, other: Weights) -> Weights:
        return Weights(
            self.count + other.count, self.total + other.total, self.squares + other.squares
        )

    def half(self, otherwise: Weights) -> tuple[Array, Array]:
        """Return weight and squared weight of half a unit like these, or like others if none."""
        there = self.count > 0
        count = np.maximum(np.where(there, self.count, otherwise.count), 1)
        return (
            np.where(there, self.total, otherwise.total) / count / 2,
            np.where(there, self.squares, otherwise.squares) / count / 2,
        )


def effective_size(
    success: Weights,
    failure: Weights,
    like_success: Weights | None = None,
    like_failure: Weights | None = None,
) -> Array:
    """Return how many independent trials weighted ones are worth, between 0 and their number.

    Parameters
    ----------
    success, failure
        Weights of the trials by their outcome, of any shape.
    like_success, like_failure
        Units among which a further success or failure would be found; all trials by default.

    Returns
    -------
    ndarray
        Of the shape of the weights; 0 without trials.
    """
    trials = success + failure
    a, a2 = (like_success or trials).half(trials)
    b, b2 = (like_failure or trials).half(trials)
    yes, no = success.total + a, failure.total + b
    # p (1 - p) / V with p = yes / (yes + no), without a division by zero where there is nothing.
    spread = no**2 * (success.squares + a2) + yes**2 * (failure.squares + b2)
    worth = yes * no * (yes + no) ** 2 / np.where(spread > 0, spread, 1.0) - 1
    size: Array = np.minimum(np.maximum(worth, 0.0), trials.count)
    return size


def jeffreys_limits(
    successes: ArrayLike, n: ArrayLike, *, level: float = 0.95
) -> tuple[Array, Array]:
    """Return the limits of :func:`erranal.stats.proportion.proportion_jeffreys` for many at once.

    Parameters
    ----------
    successes, n
        Numbers of any shape, which need not be whole.
    level
        Nominal coverage.

    Returns
    -------
    tuple of ndarray
        Lower and upper limits, of that shape; 0 and 1 where ``n`` is 0.
    """
    require_level(level)
    x, n = np.asarray(successes, dtype=float), np.asarray(n, dtype=float)
    tail = (1 - level) / 2
    low = np.where(x <= 0, 0.0, special.betaincinv(x + 0.5, n - x + 0.5, tail))
    high = np.where(x >= n, 1.0, special.betaincinv(x + 0.5, n - x + 0.5, 1 - tail))
    return low, high


def design_effect(scores: Array, weight: Array, cluster: ArrayLike | None) -> float:
    """Return how many times larger a variance is for units that come in clusters.

    The CR1 variance of the sum of the scores over the variance of independent ones. Where all
    scores are 0 they tell nothing of it, and units of a cluster count as all alike.

    Parameters
    ----------
    scores
        Weighted residuals of the units, shape (n,).
    weight
        Their weights, as in the scores, shape (n,).
    cluster
        The cluster of each, shape (n,); none means 1.
    """
    if cluster is None or len(scores) == 0:
        return 1.0
    _, index = np.unique(np.asarray(cluster), return_inverse=True)
    # Predictions that are right leave residuals of the size of rounding errors.
    flat = bool((np.abs(scores) <= 1e-9 * weight).all())
    values = weight if flat else scores
    sums = np.bincount(index, weights=values)
    effect = float(sums @ sums) / float(values @ values)
    n, groups = len(scores), len(sums)
    return effect if flat or groups < 2 else effect * groups / (groups - 1) * (n - 1) / n


def cluster_count(cluster: ArrayLike | None, n: int) -> int:
    """Return the number of clusters, or of units where each is its own."""
    return n if cluster is None else len(np.unique(np.asarray(cluster)))


def size_in_clusters(size: float, n: int, clusters: int, level: float) -> float:
    """Return an effective size that allows for how few clusters its variance was found from.

    ``size (t(n - 1) / t(G - 1))^2``, as Korn and Graubard have it; 0 for a single cluster.
    """
    if clusters >= n:
        return size
    if clusters < 2:
        return 0.0
    of_units, of_clusters = special.stdtrit([n - 1, clusters - 1], 0.5 + level / 2)
    return float(size * (of_units / of_clusters) ** 2)


@dataclass(frozen=True)
class WeightedRate:
    """A weighted rate and what it is worth.

    Parameters
    ----------
    rate
        Weighted share of successes, NaN without units.
    size
        Independent units that it is worth.
    n
        How many units there are, or clusters of them.
    """

    rate: float
    size: float
    n: int

    @classmethod
    def of(
        cls,
        success: NDArray[np.bool_],
        weight: Array,
        *,
        like_success: Weights | None = None,
        like_failure: Weights | None = None,
        cluster: ArrayLike | None = None,
        level: float = 0.95,
    ) -> WeightedRate:
        """Find the rate of success.

        Parameters
        ----------
        success
            The outcome of each unit, shape (n,).
        weight
            1 / probability of being in the sample, shape (n,).
        like_success, like_failure
            As in :func:`effective_size`.
        cluster
            The cluster of each unit (an item that gives several), shape (n,).
        level
            Nominal coverage of the interval that it is for.
        """
        require_level(level)
        n, groups = len(success), cluster_count(cluster, len(success))
        if n == 0:
            return cls(nan, 0.0, 0)
        yes, no = Weights.of(weight, success), Weights.of(weight, ~success)
        rate = float(yes.total / (yes.total + no.total))
        size = float(effective_size(yes, no, like_success, like_failure))
        effect = design_effect(weight * (success - rate), weight, cluster)
        return cls(rate, size * size_in_clusters(1 / max(effect, 1.0), n, groups, level), groups)

    @property
    def _successes(self) -> float:
        return self.rate * self.size if self.n else 0.0

    def jeffreys(self, level: float) -> Interval:
        """Return the rate with its Jeffreys interval, 0 and 1 without units."""
        low, high = jeffreys_limits(self._successes, self.size, level=level)
        return Interval(self.rate, float(low), float(high), level, "weighted Jeffreys", self.n)

    def wilson(self, level: float) -> Interval:
        """Return the rate with its Wilson interval, 0 and 1 without units."""
        low, high = wilson_limits(self._successes, self.size, level=level)
        return Interval(self.rate, float(low), float(high), level, "weighted Wilson", self.n)
