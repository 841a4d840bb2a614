"""How precise labels will be, and how many it takes, before any has been given.

Two things are asked of labelled errors: the rate of a code, and how well a judge finds it. The
rate is post-stratified by the judge's label, which helps the more the judge agrees with people;
sensitivity is a proportion of those that people give the code, and there are only so many of them.
Where weights differ, ``n`` is the effective number (see :func:`effective_size`). For differences
between arms see :mod:`erranal.stats.power`.
"""

from __future__ import annotations

from math import inf, sqrt
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from erranal.stats.interval import require_level

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def _quantile(level: float) -> float:
    require_level(level)
    return float(special.ndtri(0.5 + level / 2))


def half_width_rate(
    n: float,
    rate: float,
    *,
    correlation: float = 0.0,
    population: float = inf,
    level: float = 0.95,
) -> float:
    """Return the half-width of the interval of a rate from n labels and a judge's on all.

    The labels are worth m random ones with ``1 / m = (1 - r^2) / n + r^2 / N``, and the half-width
    is ``z sqrt(p (1 - p) / m)``. Where p is so small that this promises too much, it is that of
    Wilson's interval from m labels, which is the wider one there.

    Parameters
    ----------
    n
        Labels that people give.
    rate
        Expected rate p of the code, in [0, 1].
    correlation
        Phi coefficient r between the labels of people and the judge; 0 uses no judge.
    population
        Number N that the judge labels.
    level
        Nominal coverage.

    Raises
    ------
    ValueError
        When the correlation is not strictly between -1 and 1: no judge is that good.

    References
    ----------
    Cochran (1977), Sampling Techniques, section 7.3 (regression estimator); Angelopoulos, Duchi
    and Zrnic (2023), arXiv 2311.01453, whose tuned estimator has the same variance; Wilson (1927),
    J. Am. Stat. Assoc. 22:209.

    Examples
    --------
    >>> round(half_width_rate(144, 0.2, correlation=0.656, population=4000), 3)
    0.05
    >>> round(half_width_rate(40, 0.0), 3)
    0.044
    """
    _require_correlation(correlation)
    if n <= 0:
        return 1.0
    z, spread = _quantile(level), rate * (1 - rate)
    worth = 1 / ((1 - correlation**2) / n + correlation**2 / population)
    wilson = z * sqrt(spread * worth + z**2 / 4) / (worth + z**2)
    return min(max(z * sqrt(spread / worth), wilson), 1.0)


def labels_for_rate(
    half_width: float,
    rate: float,
    *,
    correlation: float = 0.0,
    population: float = inf,
    level: float = 0.95,
) -> float:
    """Return how many labels give a rate this half-width: :func:`half_width_rate` solved for n.

    ``n = z^2 p (1 - p) (1 - r^2) / (h^2 - z^2 r^2 p (1 - p) / N)``, or what Wilson's interval takes
    where that is more; infinite where the population is too small for it whatever is labelled.

    Raises
    ------
    ValueError
        When the half-width is not positive, or the correlation not strictly between -1 and 1.
    """
    _require_width(half_width)
    _require_correlation(correlation)
    worth = _worth(half_width, rate * (1 - rate), _quantile(level))
    if worth <= 0:
        return 0.0
    room = 1 / worth - correlation**2 / population
    return (1 - correlation**2) / room if room > 0 else inf


def _worth(h: float, spread: float, z: float) -> float:
    """Return how many random labels it takes: the larger of the two solutions."""
    normal = z**2 * spread / h**2
    # Wilson: h^2 (m + z^2)^2 = z^2 (p (1 - p) m + z^2 / 4), a quadratic in m.
    half = z**2 * (spread / 2 - h**2) / h**2
    square = half**2 + z**4 * (1 / 4 - h**2) / h**2
    return max(normal, half + sqrt(square) if square >= 0 else 0.0)


def half_width_sensitivity(
    positives: float, *, sensitivity: float = 0.8, level: float = 0.95
) -> float:
    """Return the half-width of a judge's sensitivity from so many positives, at most 1.

    Parameters
    ----------
    positives
        Labels with the code, as people give it: n times its rate in a random sample.
    sensitivity
        Expected sensitivity of the judge, in [0, 1].
    level
        Nominal coverage.
    """
    if positives <= 0:
        return 1.0
    return min(_quantile(level) * sqrt(sensitivity * (1 - sensitivity) / positives), 1.0)


def labels_for_sensitivity(
    half_width: float, rate: float, *, sensitivity: float = 0.8, level: float = 0.95
) -> float:
    """Return how many random labels give a judge's sensitivity this half-width.

    ``n = z^2 s (1 - s) / (h^2 p)``: the positives it takes, over the rate p of the code; infinite
    for a code that never occurs.

    Raises
    ------
    ValueError
        When the half-width is not positive.

    Examples
    --------
    >>> round(labels_for_sensitivity(0.10, 1.0), 1), round(labels_for_sensitivity(0.10, 0.2), 1)
    (61.5, 307.3)
    """
    _require_width(half_width)
    positives = _quantile(level) ** 2 * sensitivity * (1 - sensitivity) / half_width**2
    return positives / rate if rate > 0 else inf


def labels_finite(n: float, population: float) -> float:
    """Return how many of a small population do what n of an endless one would.

    ``n / (1 + (n - 1) / N)``: those who have been seen are no longer uncertain.

    References
    ----------
    Cochran (1977), Sampling Techniques, section 4.4.

    Examples
    --------
    >>> round(labels_finite(labels_for_rate(0.05, 0.5), 4000), 1)
    350.6
    """
    return n / (1 + (n - 1) / population) if n > 1 else n


def effective_size(probability: ArrayLike) -> float:
    """Return how many labels of a uniform sample a weighted one is worth, by Kish's formula.

    ``(sum w)^2 / sum w^2`` with weights ``1 / pi``, both sums at their expectation over samples:
    ``N^2 / sum(1 / pi)`` over the population. It is what is left when the strata tell nothing of
    the code, so that a width from it is not too narrow.

    Parameters
    ----------
    probability
        Inclusion probability of each in the population, above 0, shape (N,).

    References
    ----------
    Kish (1965), Survey Sampling, section 11.7.

    Examples
    --------
    >>> effective_size([0.1] * 1000)
    100.0
    """
    pi = np.asarray(probability, dtype=float)
    return float(len(pi) ** 2 / np.sum(1 / pi)) if len(pi) else 0.0


def _require_width(half_width: float) -> None:
    if not half_width > 0:
        raise ValueError(f"a half-width must be positive, e.g. 0.05; got {half_width}")


def _require_correlation(correlation: float) -> None:
    if not -1 < correlation < 1:
        raise ValueError(f"a correlation must lie between -1 and 1; got {correlation}")
