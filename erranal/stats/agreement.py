"""Agreement of raters on categories, from counts.

A 2x2 table is given as ``both, only_a, only_b, neither``: units that got the code from both raters,
from one of them, and from neither. Units are taken as independent of each other.
"""

from __future__ import annotations

from math import nan, sqrt
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from erranal.stats.interval import Interval, require_level
from erranal.stats.proportion import proportion_wilson, wilson_limits

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def agreement_observed(
    both: int, only_a: int, only_b: int, neither: int, *, level: float = 0.95
) -> Interval:
    """Return the share of units on which two raters agree, with its Wilson interval."""
    return proportion_wilson(both + neither, both + only_a + only_b + neither, level=level)


def agreement_positive(both: int, only_a: int, only_b: int) -> float:
    """Return the agreement on the code being there: ``2 both / (2 both + only_a + only_b)``.

    It is the mean over both raters of the chance that the other one gives the code too. NaN where
    neither rater ever gave the code: there is nothing on which to agree.

    References
    ----------
    Cicchetti and Feinstein (1990), J. Clin. Epidemiol. 43:551.

    Examples
    --------
    >>> round(agreement_positive(20, 5, 10), 3)
    0.727
    """
    given = 2 * both + only_a + only_b
    return 2 * both / given if given else nan


def agreement_negative(only_a: int, only_b: int, neither: int) -> float:
    """Return the agreement on the code being absent; NaN where both raters always gave it."""
    return agreement_positive(neither, only_a, only_b)


def pabak_bennett(both: int, only_a: int, only_b: int, neither: int) -> float:
    """Return the prevalence-adjusted bias-adjusted kappa, ``2 observed - 1``; NaN without units.

    References
    ----------
    Bennett, Alpert and Goldstein (1954), Public Opin. Q. 18:303, as S; Byrt, Bishop and Carlin
    (1993), J. Clin. Epidemiol. 46:423.
    """
    n = both + only_a + only_b + neither
    return 2 * (both + neither) / n - 1 if n else nan


def kappa_cohen(table: ArrayLike, *, level: float = 0.95) -> Interval:
    """Return Cohen's kappa of two raters with its asymptotic normal interval.

    Parameters
    ----------
    table
        Units by the category of one rater (rows) and of the other (columns), shape (k, k).
    level
        Nominal coverage.

    Returns
    -------
    Interval
        The estimate is NaN where chance alone gives perfect agreement (both raters put every unit
        in the same one category) and where there are no units; the limits are -1 and 1 then. Where
        all units agree the standard error is 0; the lower limit is then the one at which the
        observed agreement is at its Wilson limit.

    References
    ----------
    Fleiss, Cohen and Everitt (1969), Psychol. Bull. 72:323.

    Examples
    --------
    >>> print(kappa_cohen([[0, 4, 1], [0, 8, 0], [0, 1, 5]]))
    0.484 [0.214, 0.755] (95 % Cohen, n = 19)
    """
    require_level(level)
    counts = np.asarray(table, dtype=float)
    n = int(counts.sum())
    share = counts / max(n, 1)
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    observed, chance = float(np.trace(share)), float(rows @ columns)
    if n == 0 or np.count_nonzero(rows + columns) == 1:
        return Interval(nan, -1.0, 1.0, level, "Cohen", n)
    kappa = (observed - chance) / (1 - chance)
    if np.trace(counts) == n:
        return Interval(1.0, _wilson_low(n, chance, level), 1.0, level, "Cohen", n)
    diagonal = np.diag(share) @ (1 - (rows + columns) * (1 - kappa)) ** 2
    # Row i, column j weighs with the column share of i and the row share of j.
    others = share * (columns[:, None] + rows[None, :]) ** 2
    np.fill_diagonal(others, 0)
    spread = diagonal + (1 - kappa) ** 2 * others.sum() - (kappa - chance * (1 - kappa)) ** 2
    error = sqrt(max(spread, 0) / n) / (1 - chance)
    half = float(special.ndtri(0.5 + level / 2)) * error
    return Interval(kappa, max(kappa - half, -1.0), min(kappa + half, 1.0), level, "Cohen", n)


def pair_counts(table: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the cells of a table of two raters as :func:`ac1_gwet` takes them.

    Parameters
    ----------
    table
        Shape (k, k).

    Returns
    -------
    tuple of ndarray
        How many raters chose each category in a cell, shape (k * k, k), and how many units are in
        the cell, shape (k * k,).
    """
    units = np.asarray(table, dtype=float)
    one = np.eye(len(units))
    counts = one[:, None, :] + one[None, :, :]
    return counts.reshape(-1, len(units)), units.ravel()


def ac1_gwet(counts: ArrayLike, times: ArrayLike | None = None, *, level: float = 0.95) -> Interval:
    """Return Gwet's AC1 of any number of raters, some of whom may have left units out.

    Unlike kappa it stays near the observed agreement when one category is rare. Its chance
    agreement depends on how many categories could be chosen: every one of them needs a column.

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
        t interval over units, cut at -1 and 1, with ``n`` the units that have a rating. The
        estimate is NaN without a unit that has two. Where all units agree, the lower limit is the
        one at which the observed agreement is at its Wilson limit.

    References
    ----------
    Gwet (2008), Br. J. Math. Stat. Psychol. 61:29; Gwet (2014), Handbook of Inter-Rater
    Reliability, 4th ed.

    Examples
    --------
    >>> print(ac1_gwet(*pair_counts([[118, 5], [2, 0]])))
    0.941 [0.895, 0.986] (95 % Gwet, n = 125)
    """
    require_level(level)
    chosen = np.asarray(counts, dtype=float)
    weight = np.ones(len(chosen)) if times is None else np.asarray(times, dtype=float)
    kept = (chosen.sum(axis=1) > 0) & (weight > 0)
    chosen, weight = chosen[kept], weight[kept]
    raters = chosen.sum(axis=1)
    n, paired = weight.sum(), weight[raters > 1].sum()
    if paired == 0:
        return Interval(nan, -1.0, 1.0, level, "Gwet", int(n))
    agreed = (chosen * (chosen - 1)).sum(axis=1) / np.maximum(raters * (raters - 1), 1)
    shares = chosen / raters[:, None]
    prevalence = weight @ shares / n
    chance_of_unit = shares @ (1 - prevalence) / (chosen.shape[1] - 1)
    chance = float(weight @ chance_of_unit / n)
    observed = float(weight @ agreed / paired)
    ac1 = (observed - chance) / (1 - chance)
    if (agreed[raters > 1] == 1).all():
        return Interval(1.0, _wilson_low(int(paired), chance, level), 1.0, level, "Gwet", int(n))
    of_unit = n / paired * (agreed - chance * (raters > 1)) / (1 - chance)
    of_unit -= 2 * (1 - ac1) * (chance_of_unit - chance) / (1 - chance)
    if n < 2:
        return Interval(ac1, -1.0, 1.0, level, "Gwet", int(n))
    error = sqrt(float(weight @ (of_unit - ac1) ** 2) / (n * (n - 1)))
    half = float(special.stdtrit(n - 1, 0.5 + level / 2)) * error
    return Interval(ac1, max(ac1 - half, -1.0), min(ac1 + half, 1.0), level, "Gwet", int(n))


def _wilson_low(n: int, chance: float, level: float) -> float:
    low = float(wilson_limits(n, n, level=level)[0])
    return max((low - chance) / (1 - chance), -1.0)


def agreement_table(
    both: int, only_a: int, only_b: int, neither: int, *, level: float = 0.95
) -> dict[str, float | str]:
    """Return everything that is said of one 2x2 table, as one row of a table of codes.

    Returns
    -------
    dict
        The counts and their sum ``n``; observed, positive and negative agreement; kappa and AC1
        with their limits, NaN where they have no meaning; PABAK; and a note that says why.
    """
    square = [[both, only_a], [only_b, neither]]
    kappa = kappa_cohen(square, level=level)
    ac1 = ac1_gwet(*pair_counts(square), level=level)
    return {
        "n": both + only_a + only_b + neither,
        "both": both,
        "only_a": only_a,
        "only_b": only_b,
        "neither": neither,
        "observed": agreement_observed(both, only_a, only_b, neither, level=level).estimate,
        "positive": agreement_positive(both, only_a, only_b),
        "negative": agreement_negative(only_a, only_b, neither),
        "kappa": kappa.estimate,
        "kappa_low": kappa.low,
        "kappa_high": kappa.high,
        "ac1": ac1.estimate,
        "ac1_low": ac1.low,
        "ac1_high": ac1.high,
        "pabak": pabak_bennett(both, only_a, only_b, neither),
        "note": _why_not(both, only_a, only_b, neither),
    }


def _why_not(both: int, only_a: int, only_b: int, neither: int) -> str:
    units = both + only_a + only_b + neither
    if not units:
        return "nothing has an answer of both"
    if neither == units:
        return "neither ever gave it: no kappa"
    if both == units:
        return "both always gave it: no kappa"
    if both + only_a == 0 or both + only_b == 0:
        return "one of them never gave it: kappa is 0"
    return ""
