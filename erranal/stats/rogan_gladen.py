"""Prevalence from a judge's rate and its error rates: what corrections were before two samples met.

Kept for comparison with :mod:`erranal.stats.prevalence`: it throws away which of the labelled units
the judge was wrong about, gives wider intervals, and is wrong where the error rates are those of
other units than the pool's, such as of several modalities together.

References
----------
Rogan and Gladen (1978), American Journal of Epidemiology 107:71 (the estimate); Lang and Reiczigel
(2014), Preventive Veterinary Medicine 113:13 (the limits).
"""

from __future__ import annotations

from math import isnan, nan, sqrt

from scipy import special

from erranal.stats.interval import Interval, require_level


def rate_rogan_gladen(apparent: float, sensitivity: float, specificity: float) -> float:
    """Return ``(apparent + specificity - 1) / (sensitivity + specificity - 1)``, as it comes.

    Below 0 or above 1 where the apparent rate is one that such a judge would hardly give. NaN
    where the judge is no better than chance.

    Examples
    --------
    >>> round(rate_rogan_gladen(23 / 150, 0.96, 0.89), 5)
    0.05098
    """
    informed = sensitivity + specificity - 1
    return (apparent + specificity - 1) / informed if informed > 0 else nan


def prevalence_rogan_gladen(
    flagged: int,
    pool: int,
    sensitivity: tuple[int, int],
    specificity: tuple[int, int],
    *,
    level: float = 0.95,
) -> Interval:
    """Return the rate of a code from a judge whose error rates were found on other units.

    The limits are those of a normal distribution for counts with successes and failures added:
    z^2 / 2 of each in the pool, 1 of each among positives and negatives, shifted by
    ``2 z^2 (p Se (1 - Se) / n_Se - (1 - p) Sp (1 - Sp) / n_Sp)``.

    Parameters
    ----------
    flagged, pool
        How many units of the pool the judge gave the code, and how many there are.
    sensitivity
        How many units with the code the judge found, and of how many.
    specificity
        How many units without the code the judge passed, and of how many.
    level
        Nominal coverage.

    Returns
    -------
    Interval
        The estimate is cut at 0 and 1. It is NaN, and the limits 0 and 1, where there are no
        units of a kind, or the judge is no better than chance on them.

    Examples
    --------
    >>> print(prevalence_rogan_gladen(1200, 3800, (34, 40), (144, 160)))
    0.288 [0.227, 0.361] (95 % Lang-Reiczigel, n = 200)
    """
    require_level(level)
    (found, positives), (passed, negatives) = sensitivity, specificity
    n = positives + negatives
    unknown = Interval(nan, 0.0, 1.0, level, "Lang-Reiczigel", n)
    if 0 in (pool, positives, negatives):
        return unknown
    raw = rate_rogan_gladen(flagged / pool, found / positives, passed / negatives)
    z = float(special.ndtri(0.5 + level / 2))
    size, ill, well = pool + z**2, positives + 2, negatives + 2
    q, se, sp = (flagged + z**2 / 2) / size, (found + 1) / ill, (passed + 1) / well
    p = rate_rogan_gladen(q, se, sp)
    if isnan(raw) or isnan(p):
        return unknown
    of_ill, of_well = se * (1 - se) / ill, sp * (1 - sp) / well
    centre = p + 2 * z**2 * (p * of_ill - (1 - p) * of_well)
    error = sqrt(q * (1 - q) / size + p**2 * of_ill + (1 - p) ** 2 * of_well) / (se + sp - 1)
    estimate, low, high = (
        min(max(value, 0.0), 1.0) for value in (raw, centre - z * error, centre + z * error)
    )
    return Interval(estimate, low, high, level, "Lang-Reiczigel", n)
