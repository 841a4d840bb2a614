"""Two arms answered the same items: the difference of their accuracies, and tests of no difference.

Counts are always given in the order ``both, only_a, only_b, neither``: pairs that both arms got
right, only arm a, only arm b, neither. The difference is accuracy b minus accuracy a, so that it
is negative when the compared arm b is worse than the reference a. Pairs are assumed independent;
where an item gives several pairs see :mod:`erranal.stats.clustered`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from erranal.stats.interval import Interval, require_level
from erranal.stats.proportion import wilson_limits

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Each halving adds a binary digit; the widest bracket is 2, so the limits are exact to 2**-52.
_BISECTIONS = 53


def tango_limits(
    only_a: ArrayLike, only_b: ArrayLike, n: ArrayLike, *, level: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Tango's score limits of many paired differences at once.

    Parameters
    ----------
    only_a, only_b
        Discordant counts, shape (k,) or scalars.
    n
        Number of pairs, same shape.
    level
        Nominal coverage.

    Returns
    -------
    tuple of ndarray
        Lower and upper limits of accuracy b - accuracy a, shape (k,); -1 and 1 where ``n`` is 0.
    """
    require_level(level)
    a, b, n = (np.asarray(x, dtype=float) for x in (only_a, only_b, n))
    z = float(special.ndtri(0.5 + level / 2))
    high = _tango_upper(a, b, n, z)
    # Swapping the arms mirrors the interval.
    return -_tango_upper(b, a, n, z), high


def _tango_upper(
    a: NDArray[np.float64], b: NDArray[np.float64], n: NDArray[np.float64], z: float
) -> NDArray[np.float64]:
    safe_n = np.where(n > 0, n, 1.0)
    inside = (b - a) / safe_n
    outside = np.ones_like(inside)
    for _ in range(_BISECTIONS):
        middle = (inside + outside) / 2
        rejected = (safe_n * middle - (b - a)) > z * _null_deviation(a, b, safe_n, middle)
        outside = np.where(rejected, middle, outside)
        inside = np.where(rejected, inside, middle)
    return np.where(n > 0, (inside + outside) / 2, 1.0)


def _null_deviation(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    n: NDArray[np.float64],
    difference: NDArray[np.float64],
) -> NDArray[np.float64]:
    # q is the maximum likelihood estimate of P(only a) when the difference is held fixed.
    linear = (2 * n - b + a) * difference - a - b
    constant = -a * difference * (1 - difference)
    q = (np.sqrt(np.maximum(linear**2 - 8 * n * constant, 0)) - linear) / (4 * n)
    error: NDArray[np.float64] = np.sqrt(np.maximum(n * (2 * q + difference * (1 - difference)), 0))
    return error


def difference_tango(
    both: int, only_a: int, only_b: int, neither: int, *, level: float = 0.95
) -> Interval:
    """Return the paired difference of accuracies with Tango's score interval.

    The limits are the differences D at which the score statistic
    ``(only_b - only_a - n D) / sqrt(n (2 q(D) + D (1 - D)))`` equals -z and z, with q(D) the
    constrained maximum likelihood estimate of P(only a). Defined for every table with n > 0, also
    without discordant pairs; with n = 0 the estimate is NaN and the interval [-1, 1].

    Parameters
    ----------
    both, only_a, only_b, neither
        Counts of pairs.
    level
        Nominal coverage.

    References
    ----------
    Tango (1998), Statistics in Medicine 17:891.

    Examples
    --------
    >>> print(difference_tango(696, 256, 170, 608))
    -0.050 [-0.073, -0.026] (95 % Tango, n = 1730)
    """
    n = both + only_a + only_b + neither
    low, high = tango_limits(only_a, only_b, n, level=level)
    estimate = (only_b - only_a) / n if n else float("nan")
    return Interval(estimate, float(low), float(high), level, "Tango", n)


def tango_statistic(
    only_a: ArrayLike, only_b: ArrayLike, n: ArrayLike, difference: ArrayLike
) -> NDArray[np.float64]:
    """Return Tango's score statistic, which is standard normal where a difference is the true one.

    Parameters
    ----------
    only_a, only_b, n
        Discordant counts and the number of pairs, shape (k,) or scalars.
    difference
        Accuracy b - accuracy a that is put to the test, strictly between -1 and 1 and, where no
        pair is discordant, not 0; shape (k,) or a scalar.

    Returns
    -------
    ndarray
        Positive where more of b is seen than the difference says; 0 where there are no pairs.
    """
    a, b, n, held = (np.asarray(x, dtype=float) for x in (only_a, only_b, n, difference))
    safe_n = np.where(n > 0, n, 1.0)
    score = (b - a - safe_n * held) / _null_deviation(a, b, safe_n, held)
    return np.where(n > 0, score, 0.0)


def difference_wald(
    both: int, only_a: int, only_b: int, neither: int, *, level: float = 0.95
) -> Interval:
    """Return the paired difference of accuracies with Wald's interval, for comparison with others.

    ``D +- z sqrt(only_a + only_b - (only_b - only_a)^2 / n) / n``, cut at -1 and 1. It covers too
    little in small samples and has no width without discordant pairs: use
    :func:`difference_tango`.

    Parameters
    ----------
    both, only_a, only_b, neither
        Counts of pairs.
    level
        Nominal coverage.

    References
    ----------
    Fagerland, Lydersen and Laake (2014), Statistics in Medicine 33:2850.
    """
    require_level(level)
    n = both + only_a + only_b + neither
    if n == 0:
        return Interval(float("nan"), -1.0, 1.0, level, "Wald", 0)
    estimate = (only_b - only_a) / n
    error = float(np.sqrt(max(only_a + only_b - n * estimate**2, 0.0))) / n
    reach = float(special.ndtri(0.5 + level / 2)) * error
    return Interval(
        estimate, max(estimate - reach, -1.0), min(estimate + reach, 1.0), level, "Wald", n
    )


def difference_newcombe(
    both: int, only_a: int, only_b: int, neither: int, *, level: float = 0.95
) -> Interval:
    """Return the paired difference of accuracies with Newcombe's square-and-add interval.

    Combines the Wilson limits of the two accuracies with their correlation phi, which is
    corrected for continuity when positive (method 10 of the paper).

    Parameters
    ----------
    both, only_a, only_b, neither
        Counts of pairs.
    level
        Nominal coverage.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17:2635.
    """
    n = both + only_a + only_b + neither
    if n == 0:
        return Interval(float("nan"), -1.0, 1.0, level, "Newcombe", 0)
    right = np.array([both + only_a, both + only_b])
    low, high = wilson_limits(right, n, level=level)
    p_a, p_b = right / n
    phi = _phi_corrected(both, only_a, only_b, neither)
    below = _square_and_add(p_b - low[1], high[0] - p_a, phi)
    above = _square_and_add(high[1] - p_b, p_a - low[0], phi)
    estimate = (only_b - only_a) / n
    return Interval(estimate, estimate - below, estimate + above, level, "Newcombe", n)


def _phi_corrected(both: int, only_a: int, only_b: int, neither: int) -> float:
    margins = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    if margins == 0:
        return 0.0
    cross = float(both * neither - only_a * only_b)
    if cross > 0:
        cross = max(cross - (both + only_a + only_b + neither) / 2, 0.0)
    return float(cross / margins**0.5)


def _square_and_add(x: float, y: float, phi: float) -> float:
    return float(np.sqrt(max(x * x - 2 * phi * x * y + y * y, 0.0)))


def mcnemar_exact(only_a: ArrayLike, only_b: ArrayLike) -> NDArray[np.float64]:
    """Return two-sided p values of the exact conditional McNemar test.

    Given the number of discordant pairs, ``only_a`` is Binomial(only_a + only_b, 1/2) when the
    arms do not differ; the smaller tail is doubled and cut at 1.

    Parameters
    ----------
    only_a, only_b
        Discordant counts, shape (k,) or scalars.

    Returns
    -------
    ndarray
        p values, shape (k,); 1 where no pair is discordant.

    References
    ----------
    McNemar (1947), Psychometrika 12:153; Fagerland, Lydersen and Laake (2013), BMC Medical
    Research Methodology 13:91.
    """
    smaller, discordant = _smaller_tail(only_a, only_b)
    return np.asarray(np.minimum(2 * special.bdtr(smaller, discordant, 0.5), 1.0))


def mcnemar_mid_p(only_a: ArrayLike, only_b: ArrayLike) -> NDArray[np.float64]:
    """Return two-sided mid-p values of the McNemar test.

    As :func:`mcnemar_exact`, but the observed table counts half: twice
    ``P(X < x) + P(X = x) / 2``. Less conservative than the exact test.

    Parameters
    ----------
    only_a, only_b
        Discordant counts, shape (k,) or scalars.

    Returns
    -------
    ndarray
        p values, shape (k,); 1 where both counts are equal.

    References
    ----------
    Fagerland, Lydersen and Laake (2013), BMC Medical Research Methodology 13:91.
    """
    smaller, discordant = _smaller_tail(only_a, only_b)
    below = np.where(smaller > 0, special.bdtr(np.maximum(smaller - 1, 0), discordant, 0.5), 0.0)
    return np.asarray(np.minimum(special.bdtr(smaller, discordant, 0.5) + below, 1.0))


def mcnemar_asymptotic(
    only_a: ArrayLike, only_b: ArrayLike, *, corrected: bool = False
) -> NDArray[np.float64]:
    """Return two-sided p values of McNemar's test by chi-squared, for comparison with others.

    ``(|only_a - only_b| - c)^2 / (only_a + only_b)`` with one degree of freedom. Without correction
    it rejects somewhat too often in small samples, with it far too seldom: use
    :func:`mcnemar_mid_p`.

    Parameters
    ----------
    only_a, only_b
        Discordant counts, shape (k,) or scalars.
    corrected
        Whether c is 1 (continuity correction) or 0.

    Returns
    -------
    ndarray
        p values, shape (k,); 1 where no pair is discordant.

    References
    ----------
    McNemar (1947), Psychometrika 12:153; Edwards (1948), Psychometrika 13:185.
    """
    a, b = np.asarray(only_a, dtype=float), np.asarray(only_b, dtype=float)
    apart = np.maximum(np.abs(a - b) - float(corrected), 0.0)
    return np.asarray(special.chdtrc(1, apart**2 / np.maximum(a + b, 1.0)))


def _smaller_tail(
    only_a: ArrayLike, only_b: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    a, b = np.asarray(only_a, dtype=np.int64), np.asarray(only_b, dtype=np.int64)
    return np.minimum(a, b).astype(float), a + b
