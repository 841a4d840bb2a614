"""How common a code is: by people, by a judge, and by the judge corrected by people.

A judge labels all N units of a pool; people label a sample of n of them. The judge alone is biased
by its errors, and people alone give wide intervals. Post-stratification divides the pool by the
judge's label (and by whatever else is known of all units, such as the modality) and takes from the
people what it does not know: the rate p_h of the code within each part. With Q_h the share of part
h in the pool,

    p = sum_h Q_h p_h.

The pool is taken as a sample of the units that might have been: where every unit is labelled the
interval still has the width of N trials. ``certain`` units are those that cannot have the code and
that nobody was asked about, such as correct responses: they make a rate per unit out of one per
error, and their share is allowed for.

What is estimated is the rate at which the people who settled the labels give the code. The judge
must have been frozen before the sample was drawn, and no label that served to tune it may be used.
"""

from __future__ import annotations

from dataclasses import replace
from math import isnan, nan, sqrt
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from erranal.stats.interval import Interval, require_level
from erranal.stats.weighted import (
    Array,
    WeightedRate,
    Weights,
    cluster_count,
    design_effect,
    effective_size,
    jeffreys_limits,
    labels_of,
    size_in_clusters,
    weights_of,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

MOVER = "post-stratified MOVER-Jeffreys"


def poststratified_limits(
    rate: ArrayLike,
    size: ArrayLike,
    pool: ArrayLike,
    *,
    certain: ArrayLike = 0.0,
    pool_effect: float = 1.0,
    level: float = 0.95,
) -> tuple[Array, Array, Array]:
    """Return estimates and limits of many post-stratified rates at once.

    ``p - sqrt(sum_h Q_h^2 (p_h - l_h)^2 + z^2 S^2 / N)`` and likewise above, with l_h and u_h the
    Jeffreys limits of p_h, and S^2 the variance of p_h over the pool.

    Parameters
    ----------
    rate, size
        Of the labelled units of each part: the rate of the code and the (effective) number, shape
        (..., k). Nothing is known of a part without any: its rate is taken as 1/2, its limits as 0
        and 1.
    pool
        How many units of the pool are in each part, shape (..., k).
    certain
        How many more units there are that cannot have the code, shape (...).
    pool_effect
        How many times larger S^2 / N is because units come in clusters.
    level
        Nominal coverage.

    Returns
    -------
    tuple of ndarray
        Estimates, lower and upper limits, shape (...), within [0, 1].

    References
    ----------
    Tenenbein (1970), J. Am. Stat. Assoc. 65:1350 (the estimate and its variance); Zou and Donner
    (2008), Stat. Med. 27:1693 (MOVER: variances from the limits); Brown, Cai and DasGupta (2001),
    Statistical Science 16:101 (Jeffreys).
    """
    require_level(level)
    n, parts = np.asarray(size, dtype=float), np.asarray(pool, dtype=float)
    p = np.where(n > 0, np.asarray(rate, dtype=float), 0.5)
    low, high = jeffreys_limits(p * n, n, level=level)
    total = parts.sum(axis=-1) + certain
    share = parts / total[..., None]
    estimate: Array = (share * p).sum(axis=-1)
    variance = (share * p**2).sum(axis=-1) - estimate**2
    z2 = float(special.ndtri(0.5 + level / 2)) ** 2
    spread = z2 * pool_effect * np.maximum(variance, 0.0) / total
    below, above = (
        np.sqrt((share**2 * (p - limit) ** 2).sum(axis=-1) + spread) for limit in (low, high)
    )
    return estimate, np.maximum(estimate - below, 0.0), np.minimum(estimate + above, 1.0)


def prevalence_poststratified_counts(
    positives: ArrayLike,
    labelled: ArrayLike,
    pool: ArrayLike,
    *,
    certain: int = 0,
    level: float = 0.95,
) -> Interval:
    """Return the corrected rate from counts, for a sample that is uniform within each part.

    Parameters
    ----------
    positives, labelled, pool
        Of each part (those without and those with the judge's label, for example) how many units
        people gave the code, how many they labelled, and how many there are, shape (k,).
    certain
        How many more units there are that cannot have the code.
    level
        Nominal coverage.

    Examples
    --------
    >>> print(prevalence_poststratified_counts([0, 10], [29, 11], [148, 92]))
    0.348 [0.234, 0.430] (95 % post-stratified MOVER-Jeffreys, n = 40)
    """
    x, n, parts = (np.asarray(a, dtype=float) for a in (positives, labelled, pool))
    if (x > n).any() or (n > parts).any() or (x < 0).any():
        raise ValueError("positives are some of the labelled units, and these some of the pool")
    used = parts > 0
    if n.sum() == 0:
        return Interval(nan, 0.0, 1.0, level, MOVER, 0)
    rate = x[used] / np.maximum(n[used], 1)
    limits = poststratified_limits(rate, n[used], parts[used], certain=certain, level=level)
    return _interval(limits, level, int(n.sum()))


def prevalence_poststratified(
    human: ArrayLike,
    judge: ArrayLike,
    pool: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    pool_cluster: ArrayLike | None = None,
    certain: int = 0,
    level: float = 0.95,
) -> Interval:
    """Return the rate of a code in a pool, the judge's labels corrected by those of people.

    Parameters
    ----------
    human
        Whether people gave the code, shape (n,).
    judge
        The judge's label of the same units, shape (n,), or the label and further strata, shape
        (n, s). Each combination is a part of the pool, and wants labels of its own.
    pool
        The same of all units of the pool, labelled ones included, shape (N,) or (N, s).
    weight
        1 / probability of being in the sample, shape (n,); equal by default.
    cluster, pool_cluster
        What units have in common, such as the item of several samples, shapes (n,) and (N,).
    certain, level
        How many more units there are that cannot have the code; nominal coverage.

    Returns
    -------
    Interval
        ``n`` counts labelled units, or their clusters; NaN between 0 and 1 without any. See
        :func:`poststratified_limits` for parts without labels.

    Raises
    ------
    ValueError
        When a labelled unit is of a part that the pool does not have, or shapes differ.
    """
    people, units, parts = _in_parts(human, judge, pool)
    n, w = len(people), weights_of(weight, len(people))
    if n == 0:
        return Interval(nan, 0.0, 1.0, level, MOVER, 0)
    sizes = np.bincount(parts).astype(float)
    member = units == np.arange(len(sizes))[:, None]
    yes, no = Weights.of(w, member & people), Weights.of(w, member & ~people)
    known = (yes + no).total
    rate = np.where(known > 0, yes.total / np.maximum(known, 1e-300), 0.5)
    gain = sizes[units] * w / known[units]
    effect = max(design_effect(gain * (people - rate[units]), gain, cluster), 1.0)
    groups = cluster_count(cluster, n)
    size = effective_size(yes, no) * size_in_clusters(1 / effect, n, groups, level)
    around = rate[parts] - float(rate @ sizes) / (len(parts) + certain)
    pool_effect = max(design_effect(around, np.ones(len(parts)), pool_cluster), 1.0)
    limits = poststratified_limits(
        rate, size, sizes, certain=certain, pool_effect=pool_effect, level=level
    )
    return _interval(limits, level, groups)


def _interval(limits: tuple[Array, Array, Array], level: float, n: int) -> Interval:
    estimate, low, high = (float(limit) for limit in limits)
    return Interval(estimate, low, high, level, MOVER, n)


def _in_parts(
    human: ArrayLike, judge: ArrayLike, pool: ArrayLike
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    people, one, other = labels_of(human), np.asarray(judge), np.asarray(pool)
    one, other = (a.astype(str) if a.dtype == object else a for a in (one, other))
    one, other = (a[:, None] if a.ndim == 1 else a for a in (one, other))
    if len(one) != len(people) or one.shape[1] != other.shape[1]:
        raise ValueError(
            f"{len(people)} labelled units, {one.shape} of the judge and {other.shape} of the pool "
            "do not go together"
        )
    both = np.concatenate([one, other])
    _, index = np.unique(both, axis=0, return_inverse=True)
    units, parts = index.reshape(-1)[: len(one)], index.reshape(-1)[len(one) :]
    if not np.isin(units, parts).all():
        raise ValueError(
            "a labelled unit is of a kind that the pool does not have: it is part of it"
        )
    return people, units, parts


def prevalence_human(
    human: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    pool: int = 0,
    certain: int = 0,
    level: float = 0.95,
) -> Interval:
    """Return the rate of a code from human labels alone, with its weighted Wilson interval.

    Parameters
    ----------
    human, weight, cluster
        As in :func:`prevalence_poststratified`.
    pool, certain
        How many units the sample was drawn from, and how many more there are that cannot have the
        code; only their ratio and sum matter, and neither where none are certain.
    level
        Nominal coverage.

    Examples
    --------
    >>> print(prevalence_human([1] * 9 + [0] * 91))
    0.090 [0.048, 0.162] (95 % weighted Wilson, n = 100)
    """
    people = labels_of(human)
    weights = weights_of(weight, len(people))
    rate = WeightedRate.of(people, weights, cluster=cluster, level=level).wilson(level)
    return _among_all(rate, pool, certain)


def prevalence_judge(
    pool: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    certain: int = 0,
    level: float = 0.95,
) -> Interval:
    """Return the rate at which the judge gives a code, which is no estimate of the code's rate.

    Its interval allows for the size of the pool and for none of the judge's errors; it is there to
    be compared with the corrected one.

    Parameters
    ----------
    pool
        The judge's labels of all units, shape (N,).
    cluster, certain, level
        What units have in common, shape (N,); the others as in :func:`prevalence_human`.
    """
    labels = labels_of(pool)
    rate = WeightedRate.of(labels, np.ones(len(labels)), cluster=cluster, level=level)
    interval = _among_all(rate.wilson(level), len(labels), certain)
    return replace(interval, method="Wilson, judge uncorrected")


def _among_all(rate: Interval, pool: int, certain: int) -> Interval:
    """Return a rate among the units of a pool as one among those that are certain as well."""
    if certain == 0:
        return rate
    if pool <= 0:
        raise ValueError("to count units that are certain, say how many the others are")
    share, z = pool / (pool + certain), float(special.ndtri(0.5 + rate.level / 2))
    p = 0.5 if isnan(rate.estimate) else rate.estimate
    spread = (z * p) ** 2 * share * (1 - share) / (pool + certain)
    below, above = (sqrt((share * (p - limit)) ** 2 + spread) for limit in (rate.low, rate.high))
    low, high = max(share * p - below, 0.0), min(share * p + above, 1.0)
    return replace(rate, estimate=share * rate.estimate, low=low, high=high)
