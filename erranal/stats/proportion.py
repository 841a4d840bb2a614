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
