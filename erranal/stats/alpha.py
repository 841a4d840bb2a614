"""Krippendorff's alpha: agreement of any number of coders on answers of any kind.

``alpha = 1 - D_o / D_e``: the mean distance between the answers to one unit over that between all
answers. With n_u the answers to unit u by category, m_u their number, d the distances, and sums
over units with two answers or more,

    D_o = sum_u n_u' d n_u / (m_u - 1) / N,   D_e = (sum_u n_u)' d (sum_u n_u) / (N (N - 1)).

So every unit tells all it has to tell by n_u, m_u and one number, and alpha of a resample is a
function of their sums. Answers may be missing; units are taken as independent.

References
----------
Krippendorff (2011), Computing Krippendorff's Alpha-Reliability; Hayes and Krippendorff (2007),
Commun. Methods Meas. 1:77.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import sparse, special

from erranal.stats import distances
from erranal.stats.bootstrap import RESAMPLES, cluster_sums, percentile_limits, resampled_sums
from erranal.stats.interval import Interval, require_level
from erranal.stats.raters import agreement_limits
from erranal.stats.ratings import is_missing, rating_counts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Array = np.ndarray[Any, np.dtype[np.float64]]
Distance = Literal["nominal", "ordinal", "interval", "jaccard", "masi", "hierarchical"]

_SETS = {
    "jaccard": distances.distance_jaccard,
    "masi": distances.distance_masi,
    "hierarchical": distances.distance_hierarchical,
}
_TRACE = 1e-12


def alpha_krippendorff(
    ratings: Iterable[Iterable[Any]],
    distance: Distance = "nominal",
    *,
    categories: Sequence[Hashable] | None = None,
    level: float = 0.95,
) -> Interval:
    """Return Krippendorff's alpha with a t interval over units.

    Parameters
    ----------
    ratings
        What each coder said of each unit, coders x units; None or NaN where nothing. Sets, lists
        and tuples are label sets, in which neither order nor repetition matters.
    distance
        ``nominal``, ``ordinal`` or ``interval``; for label sets ``masi``, ``jaccard``,
        ``hierarchical`` (a code also stands for all above it) or ``nominal`` (equal or not).
    categories
        The order of ordinal categories; by default sorted. Otherwise without effect.
    level
        Nominal coverage.

    Returns
    -------
    Interval
        With the linearised standard error and t(n - 1), cut at -1 and 1; ordinal distances are
        held fixed in it. ``n`` are units with two ratings or more, ``excluded`` those with fewer.
        The estimate is NaN where all ratings are the same, or no unit has two. Where all units are
        alike the limits are those of :func:`~erranal.stats.raters.agreement_limits`, with
        agreement counted in parts of the largest distance.

    Raises
    ------
    ValueError
        For an unknown distance, and for ratings that it does not fit.

    References
    ----------
    Gwet (2014), Handbook of Inter-Rater Reliability, 4th ed., chapter 5 (standard error).

    Examples
    --------
    >>> print(alpha_krippendorff(["aabbddccced", "aabbdeccced"]))
    0.890 [0.635, 1.000] (95 % Krippendorff, n = 11)
    """
    require_level(level)
    units = _units(ratings, distance, categories)
    sums = units.sums.sum(axis=0)
    estimate, n = float(units.alpha(sums)), units.counts.shape[0]
    error = nan if isnan(estimate) else units.error
    low, high = -1.0, 1.0
    if error > _TRACE:
        reach = float(special.stdtrit(n - 1, 0.5 + level / 2)) * error
        low, high = max(estimate - reach, -1.0), min(estimate + reach, 1.0)
    elif not isnan(estimate):
        low, high = units.limits_alike(n, level)
    return Interval(estimate, low, high, level, "Krippendorff", n, units.excluded)


def alpha_bootstrap(
    ratings: Iterable[Iterable[Any]],
    distance: Distance = "nominal",
    *,
    categories: Sequence[Hashable] | None = None,
    clusters: ArrayLike | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Return Krippendorff's alpha with a percentile interval over units or clusters of them.

    Parameters
    ----------
    ratings, distance, categories
        As for :func:`alpha_krippendorff`.
    clusters
        Cluster of each unit, such as its item, shape (units,); by default every unit is its own.
    resamples, seed
        As for :func:`~erranal.stats.bootstrap.resampled_sums`.
    level
        Nominal coverage.

    Returns
    -------
    Interval
        As :func:`alpha_krippendorff`, but ``n`` counts clusters; ordinal distances are those of
        each resample. The limits reach -1 or 1 where too many resamples have no variation.
    """
    require_level(level)
    units = _units(ratings, distance, categories)
    sums = cluster_sums(units.sums, units.kept(clusters))
    estimate, n = float(units.alpha(sums.sum(axis=0))), sums.shape[0]
    blocks = resampled_sums(sums, resamples=resamples, seed=seed)
    draws = np.concatenate([units.alpha(block) for block in blocks])
    low, high = (float(limit) for limit in percentile_limits(draws, level=level))
    if isnan(estimate):
        low, high = -1.0, 1.0
    elif estimate > 1 - _TRACE or not high - low > _TRACE:
        low, high = units.limits_alike(n, level)
    low, high = max(low, -1.0), min(high, 1.0)
    return Interval(estimate, low, high, level, "bootstrap", n, units.excluded)


@dataclass(frozen=True)
class _Units:
    """Units with two ratings or more: how often each category was given, sparse, shape (n, k)."""

    counts: Any
    fixed: Array | None
    paired: np.ndarray[Any, np.dtype[np.bool_]]

    @property
    def excluded(self) -> int:
        return int((~self.paired).sum())

    def kept(self, clusters: ArrayLike | None) -> np.ndarray[Any, np.dtype[Any]] | None:
        if clusters is None:
            return None
        labels = np.asarray(clusters)
        if len(labels) != len(self.paired):
            raise ValueError(f"{len(self.paired)} units need a cluster each; got {len(labels)}")
        return np.asarray(labels[self.paired])

    @property
    def distance(self) -> Array:
        """Distances of the categories, (k, k)."""
        if self.fixed is not None:
            return self.fixed
        return distances.distance_ordinal(self.counts.sum(axis=0))

    @property
    def apart(self) -> Array:
        """What each unit adds to the observed disagreement."""
        within = self.counts.multiply(self.counts @ self.distance).sum(axis=1)
        return np.asarray(within / (self.counts.sum(axis=1) - 1))

    @property
    def sums(self) -> Any:
        """What each unit tells: ratings by category, then the disagreement.

        Ordinal distances depend on the ratings of all units, so that there the disagreement is left
        open: pairs of ratings by category and category.
        """
        if self.fixed is not None:
            return sparse.hstack([self.counts, sparse.csr_array(self.apart[:, None])], "csr")
        counts = self.counts.toarray()
        pairs = counts[:, :, None] * counts[:, None, :]
        pairs /= (counts.sum(axis=1) - 1)[:, None, None]
        return np.hstack([counts, pairs.reshape(len(counts), counts.shape[1] ** 2)])

    def alpha(self, sums: Array) -> Array:
        """Return alpha from sums over units, shape (..., p)."""
        size = self.counts.shape[1]
        totals, within = sums[..., :size], sums[..., size:]
        ratings = totals.sum(axis=-1)
        if self.fixed is not None:
            apart = within[..., 0]
            expected = ((totals @ self.fixed) * totals).sum(axis=-1)
        else:
            apart, expected = _ordinal(totals, within)
        whole = expected > _TRACE
        lost = np.full(np.shape(ratings), nan)
        return np.asarray(1 - np.divide((ratings - 1) * apart, expected, out=lost, where=whole))

    @property
    def error(self) -> float:
        """Standard error of alpha, linearised in what each unit tells; 0 for a single unit."""
        n, each = self.counts.shape[0], self.counts.sum(axis=1)
        ratings, totals, apart = each.sum(), self.counts.sum(axis=0), self.apart
        expected = totals @ self.distance @ totals
        disagreed = ratings * apart.sum() / expected
        of_unit = disagreed * 2 * (self.counts @ (self.distance @ totals)) / expected
        of_unit -= (each * apart.sum() + ratings * apart) / expected
        # The factor 1 - 1 / N of a small sample varies with the number of ratings too.
        of_unit -= disagreed * (each - ratings / n) / ratings**2
        return sqrt(n / (n - 1) * float(of_unit @ of_unit)) if n > 1 else 0.0

    def limits_alike(self, n: int, level: float) -> tuple[float, float]:
        totals = self.counts.sum(axis=0)
        given, ratings = totals > 0, float(totals.sum())
        widest = float(self.distance[np.ix_(given, given)].max())
        observed = 1 - float(self.apart.sum()) / ratings / widest
        expected = float(totals @ self.distance @ totals) / (ratings * (ratings - 1))
        return agreement_limits(observed, 1 - expected / widest, n, level=level)


def _ordinal(totals: Array, within: Array) -> tuple[Array, Array]:
    """Return observed and expected disagreement of ordered categories, each of shape (...)."""
    size = totals.shape[-1]
    rank = np.cumsum(totals, axis=-1) - totals / 2
    distance = (rank[..., :, None] - rank[..., None, :]) ** 2
    pairs = within.reshape(*within.shape[:-1], size, size)
    expected = np.einsum("...i,...ij,...j->...", totals, distance, totals)
    return (pairs * distance).sum(axis=(-2, -1)), expected


def _units(
    ratings: Iterable[Iterable[Any]], distance: str, categories: Sequence[Hashable] | None
) -> _Units:
    given = [[_answer(rating) for rating in coder] for coder in ratings]
    seen = list(dict.fromkeys(x for coder in given for x in coder if not is_missing(x)))
    if distance == "ordinal":
        seen = list(categories) if categories is not None else sorted(seen)
    counts = rating_counts(given, seen)
    paired = counts.sum(axis=1) > 1
    return _Units(sparse.csr_array(counts[paired]), _matrix(distance, seen), paired)


def _answer(rating: Any) -> Any:
    return frozenset(rating) if isinstance(rating, list | tuple | set | frozenset) else rating


def _matrix(distance: str, values: Sequence[Any]) -> Array | None:
    if distance == "ordinal":
        return None
    if distance == "nominal":
        return distances.distance_nominal(len(values))
    if distance == "interval":
        return distances.distance_interval(values)
    if distance not in _SETS:
        known = ", ".join(("nominal", "ordinal", "interval", *_SETS))
        raise ValueError(f"no distance called {distance!r}: use one of {known}")
    if not all(isinstance(value, frozenset) for value in values):
        raise ValueError(
            f"the distance {distance} is one of label sets: give a set for each rating"
        )
    return _SETS[distance](values)
