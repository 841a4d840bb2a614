"""Intervals for one proportion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from erranal.stats.interval import Interval, require_level

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def wilson_limits(
    successes: ArrayLike, n: ArrayLike, *, level: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the Wilson score limits of many proportions at once.

    Parameters
    ----------
    successes, n
        Counts, broadcast against each other; shape (k,) or scalars.
    level
        Nominal coverage.

    Returns
    -------
    tuple of ndarray
        Lower and upper limits, shape (k,); 0 and 1 where ``n`` is 0.
    """
    require_level(level)
    x = np.asarray(successes, dtype=float)
    n = np.asarray(n, dtype=float)
    z2 = float(special.ndtri(0.5 + level / 2)) ** 2
    safe_n = np.where(n > 0, n, 1.0)
    # Cancellation may leave a negative of the order of the rounding error at x = n.
    spread = np.sqrt(np.maximum(z2 * (z2 + 4 * x * (1 - x / safe_n)), 0))
    low = np.where(x == 0, 0.0, (2 * x + z2 - spread) / (2 * (safe_n + z2)))
    high = np.where(x == n, 1.0, (2 * x + z2 + spread) / (2 * (safe_n + z2)))
    return low, high


def proportion_wilson(successes: int, n: int, *, level: float = 0.95) -> Interval:
    """Return the Wilson score interval of a proportion.

    The limits are the p for which ``|x/n - p| = z sqrt(p (1 - p) / n)``. Assumes independent
    trials.

    Parameters
    ----------
    successes, n
        Number of successes and of trials.
    level
        Nominal coverage.

    References
    ----------
    Wilson (1927), J. Am. Stat. Assoc. 22:209; Newcombe (1998), Stat. Med. 17:857, method 3.

    Examples
    --------
    >>> print(proportion_wilson(81, 263))
    0.308 [0.255, 0.366] (95 % Wilson, n = 263)
    """
    low, high = wilson_limits(successes, n, level=level)
    estimate = successes / n if n else float("nan")
    return Interval(estimate, float(low), float(high), level, "Wilson", n)


def proportion_jeffreys(successes: float, n: float, *, level: float = 0.95) -> Interval:
    """Return the equal-tailed Jeffreys interval of a proportion.

    The limits are quantiles of Beta(x + 1/2, n - x + 1/2); the lower is 0 at x = 0 and the upper
    1 at x = n. Fractional counts, as weights give them, are allowed.

    Parameters
    ----------
    successes, n
        Number of successes and of trials.
    level
        Nominal coverage.

    References
    ----------
    Brown, Cai and DasGupta (2001), Statistical Science 16:101.
    """
    require_level(level)
    tail = (1 - level) / 2
    a, b = successes + 0.5, n - successes + 0.5
    low = 0.0 if successes <= 0 else float(special.betaincinv(a, b, tail))
    high = 1.0 if successes >= n else float(special.betaincinv(a, b, 1 - tail))
    estimate = successes / n if n else float("nan")
    return Interval(estimate, low, high, level, "Jeffreys", int(n))


def difference_independent(x1: int, n1: int, x2: int, n2: int, *, level: float = 0.95) -> Interval:
    """Return the difference of two independent proportions with Newcombe's hybrid score interval.

    With p_i = x_i / n_i and Wilson limits l_i, u_i the limits of p_1 - p_2 are
    ``d - sqrt((p1 - l1)^2 + (u2 - p2)^2)`` and ``d + sqrt((u1 - p1)^2 + (p2 - l2)^2)``.

    Parameters
    ----------
    x1, n1, x2, n2
        Successes and trials of the two samples.
    level
        Nominal coverage.

    Returns
    -------
    Interval
        Of p_1 - p_2; ``n`` counts the trials of both. NaN within [-1, 1] where either has none.

    References
    ----------
    Newcombe (1998), Stat. Med. 17:873, method 10.

    Examples
    --------
    >>> print(difference_independent(56, 70, 48, 80))
    0.200 [0.052, 0.334] (95 % Newcombe, n = 150)
    """
    if not n1 or not n2:
        return Interval(float("nan"), -1.0, 1.0, level, "Newcombe", n1 + n2)
    first = proportion_wilson(x1, n1, level=level)
    second = proportion_wilson(x2, n2, level=level)
    p1, p2 = first.estimate, second.estimate
    low = p1 - p2 - float(np.hypot(p1 - first.low, second.high - p2))
    high = p1 - p2 + float(np.hypot(first.high - p1, p2 - second.low))
    return Interval(p1 - p2, low, high, level, "Newcombe", n1 + n2)
