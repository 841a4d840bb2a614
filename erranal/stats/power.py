"""Whether a number of pairs is enough to see a difference between two arms, before labelling them.

Asked of a code (is it more frequent on image than on text?) or of being right. Only pairs in which
just one arm has the code tell anything, so that their expected share d rules the answer. A judge's
labels on all pairs make the interval narrower than is planned for here.
"""

from __future__ import annotations

from math import inf, sqrt

from scipy import special

from erranal.stats.interval import require_level

# Each halving of [0, 1] adds a binary digit.
_BISECTIONS = 53


def discordant_rate(rate_a: float, rate_b: float, *, correlation: float = 0.0) -> float:
    """Return the share of pairs in which just one arm has the code.

    ``p_a (1 - p_b) + p_b (1 - p_a) - 2 r sqrt(p_a (1 - p_a) p_b (1 - p_b))``, within what the two
    rates allow.

    Parameters
    ----------
    rate_a, rate_b
        Expected rates in the two arms, in [0, 1].
    correlation
        Phi coefficient r of the code between the two answers to an item.
    """
    shared = 2 * correlation * sqrt(rate_a * (1 - rate_a) * rate_b * (1 - rate_b))
    apart = rate_a + rate_b - 2 * rate_a * rate_b - shared
    most = min(rate_a + rate_b, 2 - rate_a - rate_b)
    return max(min(apart, most), abs(rate_b - rate_a))


def power_difference(
    n: float, difference: float, discordant: float, *, level: float = 0.95
) -> float:
    """Return the chance that a test of n pairs finds a difference.

    ``Phi((|D| sqrt(n) - z sqrt(d)) / sqrt(d - D^2))``, of McNemar's test at 1 - level, two-sided,
    without the chance to find it with the wrong sign.

    Parameters
    ----------
    n
        Labelled pairs, or clusters of them.
    difference
        Rate b minus rate a, D.
    discordant
        Share of pairs in which just one arm has the code, d, from |D| to 1; see
        :func:`discordant_rate`.
    level
        One minus the chance of a false alarm.

    Raises
    ------
    ValueError
        When the discordant share is not from |D| to 1.

    References
    ----------
    Connor (1987), Biometrics 43:207.

    Examples
    --------
    >>> [round(power_difference(n, 0.10, 0.36), 2) for n in (120, 300)]
    [0.45, 0.83]
    """
    require_level(level)
    _require_discordant(difference, discordant)
    room = discordant - difference**2
    ahead = abs(difference) * sqrt(max(n, 0)) - _quantile(0.5 + level / 2) * sqrt(discordant)
    if room <= 0:
        return float(ahead > 0)
    return float(special.ndtr(ahead / sqrt(room)))


def labels_for_difference(
    difference: float, discordant: float, *, power: float = 0.8, level: float = 0.95
) -> float:
    """Return how many labelled pairs find a difference with this power.

    ``n = (z_level sqrt(d) + z_power sqrt(d - D^2))^2 / D^2``: :func:`power_difference` solved for
    n, infinite for no difference. Other arguments, errors and source as there.

    Parameters
    ----------
    power
        Wanted chance to find the difference, from 1/2 to below 1.
    """
    require_level(level)
    _require_discordant(difference, discordant)
    _require_power(power)
    if difference == 0:
        return inf
    room = sqrt(max(discordant - difference**2, 0.0))
    reach = _quantile(0.5 + level / 2) * sqrt(discordant) + _quantile(power) * room
    return (max(reach, 0.0) / difference) ** 2


def difference_detectable(
    n: float, discordant: float, *, power: float = 0.8, level: float = 0.95
) -> float:
    """Return the smallest difference that n labelled pairs find with this power.

    :func:`power_difference` solved for D, by bisection; infinite where n is too small even for
    pairs that all differ in one direction. Other arguments as for :func:`labels_for_difference`.
    """
    _require_power(power)
    if not power_difference(n, discordant, discordant, level=level) >= power:
        return inf
    low, high = 0.0, discordant
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        enough = power_difference(n, middle, discordant, level=level) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def _quantile(share: float) -> float:
    return float(special.ndtri(share))


def _require_discordant(difference: float, discordant: float) -> None:
    if not abs(difference) <= discordant <= 1:
        raise ValueError(
            f"a difference of {difference} needs a discordant share from {abs(difference)} to 1; "
            f"got {discordant}"
        )


def _require_power(power: float) -> None:
    if not 0.5 <= power < 1:
        raise ValueError(f"a power must be from 0.5 to below 1, e.g. 0.8; got {power}")
