"""Whether further coding would find codes, or kinds of error, that have not been seen yet.

Codes seen once or twice tell of those not seen at all. For responses with any number of codes each,
use the incidence forms (``units`` given, :func:`richness_chao2`): counts are then of responses with
a code. These are lower bounds of what is there, and they hold for one population coded in one way:
a new model or arm starts anew.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import exp, inf, log, nan, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from erranal.stats.interval import Interval, require_level

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Counts = np.ndarray[Any, np.dtype[Any]]


def richness_chao1(abundance: ArrayLike, *, level: float = 0.95) -> Interval:
    """Return Chao's lower bound of the number of codes, from how often each was given.

    ``S + (n - 1) / n f1^2 / (2 f2)`` with S the codes seen, n all assignments, f1 and f2 the codes
    given once and twice; ``f1 (f1 - 1) / 2`` instead of ``f1^2 / (2 f2)`` where f2 is 0.

    Parameters
    ----------
    abundance
        How often each code was given, shape (k,); zeros do not count.
    level
        Nominal coverage.

    Returns
    -------
    Interval
        Log-normal limits, from S up; ``n`` counts assignments. NaN from 0 to infinity without any.

    References
    ----------
    Chao (1984), Scand. J. Stat. 11:265; Chao (1987), Biometrics 43:783 (interval); Colwell (2013),
    EstimateS 9.1 User's Guide, appendix B (interval where no code was seen once).

    Examples
    --------
    >>> print(richness_chao1([9, 6, 4, 2, 2, 1, 1, 1]))
    10.163 [8.254, 26.395] (95 % Chao1, n = 26)
    """
    counts = np.asarray(abundance)
    n = int(counts.sum())
    return _chao(counts, n, n, level, "Chao1")


def richness_chao2(incidence: ArrayLike, units: int, *, level: float = 0.95) -> Interval:
    """Return Chao's lower bound of the number of codes, from how many units have each.

    As :func:`richness_chao1`, with the factor ``(T - 1) / T`` of T units, and codes that one unit
    and two units have.

    Parameters
    ----------
    incidence
        Units with each code, shape (k,); zeros do not count.
    units
        Units that were coded, those without a code too, T.
    level
        Nominal coverage.

    Returns
    -------
    Interval
        ``n`` is the number of units.

    Raises
    ------
    ValueError
        When a code is on more units than there are.

    References
    ----------
    Chao (1987), Biometrics 43:783; Chao and Colwell (2017), in Encyclopedia of Ecology.
    """
    counts = _incidence(incidence, units)
    return _chao(counts, units, int(counts.sum()), level, "Chao2")


def _incidence(incidence: ArrayLike, units: int) -> Counts:
    counts = np.asarray(incidence)
    if (counts > units).any():
        raise ValueError(f"a code is on {counts.max()} units, but only {units} were coded")
    return counts


def _chao(counts: Counts, n: int, total: int, level: float, method: str) -> Interval:
    require_level(level)
    seen, once, twice = (int((counts >= 1).sum()), *(int((counts == i).sum()) for i in (1, 2)))
    if not seen:
        return Interval(nan, 0.0, inf, level, method, n)
    z = float(special.ndtri(0.5 + level / 2))
    if not once:
        return Interval(seen, *_limits_none_once(seen, total, z), level, method, n)
    small = (n - 1) / n
    unseen = small * (once**2 / (2 * twice) if twice else once * (once - 1) / 2)
    if not unseen:  # a single code, or unit, that came once
        return Interval(seen, seen, inf, level, method, n)
    spread = exp(z * sqrt(log(1 + _variance(seen, once, twice, small) / unseen**2)))
    return Interval(seen + unseen, seen + unseen / spread, seen + unseen * spread, level, method, n)


def _variance(seen: int, once: int, twice: int, small: float) -> float:
    if twice:
        ratio = once / twice
        return twice * (small / 2 * ratio**2 + small**2 * (ratio**3 + ratio**4 / 4))
    richness = seen + small * once * (once - 1) / 2
    square = small**2 * (once * (2 * once - 1) ** 2 / 4 - once**4 / (4 * richness))
    return small * once * (once - 1) / 2 + square


def _limits_none_once(seen: int, total: int, z: float) -> tuple[float, float]:
    missed = exp(-total / seen)
    centre, reach = seen / (1 - missed), z * sqrt(seen * missed) / (1 - missed)
    return max(float(seen), centre - reach), centre + reach


def coverage_good_turing(counts: ArrayLike, units: int | None = None) -> float:
    """Return the share of assignments that are of codes already seen.

    One minus the chance that the next assignment is of a new code: ``1 - f1 / n (n - 1) f1 /
    ((n - 1) f1 + 2 f2)``. With ``units`` (T), ``(T - 1)`` stands for ``(n - 1)`` and n is the sum
    of the counts.

    Parameters
    ----------
    counts
        How often each code was given, or on how many units it is where ``units`` is given, shape
        (k,); zeros do not count.
    units
        Units that were coded.

    Returns
    -------
    float
        Between 0 and 1; NaN where no code was given.

    References
    ----------
    Good (1953), Biometrika 40:237; Chao and Jost (2012), Ecology 93:2533, equation 4a; Chao et al.
    (2014), Ecol. Monogr. 84:45 (incidence).

    Examples
    --------
    >>> round(coverage_good_turing([9, 6, 4, 2, 2, 1, 1, 1]), 3)
    0.89
    """
    values = np.asarray(counts) if units is None else _incidence(counts, units)
    total = float(values.sum())
    if not total:
        return nan
    once, twice = (int((values == i).sum()) for i in (1, 2))
    if not once:
        return 1.0
    others = (total if units is None else units) - 1
    if others <= 0:
        return 0.0
    if not twice:  # as if one of those that came once had come twice
        twice, ahead = 1, once - 1
    else:
        ahead = once
    return 1 - once / total * others * ahead / (others * ahead + 2 * twice)


@dataclass(frozen=True, slots=True)
class Saturation:
    """When coding stopped to bring new codes.

    Parameters
    ----------
    base
        Codes in the base.
    new
        Share of new codes, of those in the base, in each run; shape (runs,). Run i begins with the
        i-th unit after the base.
    reached
        Units coded before the first run whose share is at most the threshold; None if there is
        none.
    """

    base: int
    new: tuple[float, ...]
    reached: int | None


def saturation_guest(
    units: Sequence[Iterable[Hashable]], *, base: int = 4, run: int = 2, threshold: float = 0.05
) -> Saturation:
    """Return when a run of units added few codes to those of a base.

    A convention of qualitative research, for comparison with published work. It depends on the
    order of the units, and says nothing of rare codes: see :func:`coverage_good_turing`.

    Parameters
    ----------
    units
        Codes of each unit, in the order in which they were coded.
    base
        Units whose codes the new ones are compared with.
    run
        Units in which new codes are counted; runs overlap, each starting a unit later.
    threshold
        Share of new codes at which saturation is reached.

    Returns
    -------
    Saturation
        Not reached with fewer units than a base and a run, or where the base has no code.

    Raises
    ------
    ValueError
        When the base or the run is shorter than one unit.

    References
    ----------
    Guest, Namey and Chen (2020), PLoS ONE 15(5):e0232076.

    Examples
    --------
    >>> saturation_guest([{"a", "b"}, {"c"}, {"a", "d"}, {"b"}, {"e"}, {"a"}, {"b"}, {"c"}])
    Saturation(base=4, new=(0.25, 0.0, 0.0), reached=5)
    """
    if min(base, run) < 1:
        raise ValueError(f"base and run take at least one unit; got {base} and {run}")
    known: set[Hashable] = set()
    fresh = []
    for codes in units:
        fresh.append(len(set(codes) - known))
        known |= set(codes)
    first = sum(fresh[:base])
    if not first:
        return Saturation(0, (), None)
    starts = range(base, len(fresh) - run + 1)
    new = tuple(sum(fresh[start : start + run]) / first for start in starts)
    low = (start for start, share in zip(starts, new, strict=True) if share <= threshold)
    return Saturation(first, new, next(low, None))
