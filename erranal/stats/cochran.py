"""Three or more arms answered the same items: whether any differs, and then which from which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from erranal.stats.interval import Interval
from erranal.stats.multiplicity import p_holm
from erranal.stats.paired import difference_tango, mcnemar_exact, mcnemar_mid_p

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class CochranQ:
    """Cochran's test of no difference between k arms.

    Parameters
    ----------
    statistic, freedom, p
        Q, its k - 1 degrees of freedom, and its chi-squared p value.
    n
        Items that all arms answered.
    excluded
        Items that some arm did not.
    """

    statistic: float
    freedom: int
    p: float
    n: int
    excluded: int = 0


@dataclass(frozen=True, slots=True)
class ArmContrast:
    """Two of several arms.

    Parameters
    ----------
    first, second
        Their names.
    difference
        Accuracy of the second minus that of the first, with Tango's interval, not adjusted.
    p_exact, p_mid
        Of McNemar's test.
    p_holm
        ``p_mid`` adjusted for all pairs of arms by Holm's method.
    """

    first: str
    second: str
    difference: Interval
    p_exact: float
    p_mid: float
    p_holm: float


def accuracy_cochran(correct: ArrayLike) -> CochranQ:
    """Test that k arms have the same accuracy on the same items, by Cochran's Q.

    ``Q = (k - 1) (k sum_j C_j^2 - N^2) / (k N - sum_i R_i^2)`` with C the successes of each arm, R
    those of each item and N all of them. Items are taken as independent.

    Parameters
    ----------
    correct
        1 or 0 for each item and arm, NaN where an arm has no answer, which leaves the item out;
        shape (n, k).

    Returns
    -------
    CochranQ
        Q is 0 and p is 1 where no item tells the arms apart, and for fewer than two arms.

    References
    ----------
    Cochran (1950), Biometrika 37:256.
    """
    whole, excluded = _complete(correct)
    n, arms = whole.shape
    of_arm, of_item = whole.sum(axis=0), whole.sum(axis=1)
    spread = float(arms * of_item.sum() - of_item @ of_item)
    if spread == 0:
        return CochranQ(0.0, max(arms - 1, 0), 1.0, n, excluded)
    between = float(arms * (of_arm @ of_arm) - of_arm.sum() ** 2)
    statistic = (arms - 1) * between / spread
    return CochranQ(statistic, arms - 1, float(special.chdtrc(arms - 1, statistic)), n, excluded)


def differences_pairwise(
    correct: ArrayLike, arms: Sequence[str], *, level: float = 0.95
) -> list[ArmContrast]:
    """Compare every two of k arms, with p values adjusted by Holm's method.

    Parameters
    ----------
    correct
        As for :func:`accuracy_cochran`; the same items are left out in all pairs.
    arms
        Names of the k arms.
    level
        Nominal coverage of the intervals.

    Returns
    -------
    list of ArmContrast
        k (k - 1) / 2 of them, in the order of the arms.
    """
    whole, excluded = _complete(correct)
    pairs = list(combinations(range(len(arms)), 2))
    only_first = np.array([int((whole[:, i] * (1 - whole[:, j])).sum()) for i, j in pairs])
    only_second = np.array([int((whole[:, j] * (1 - whole[:, i])).sum()) for i, j in pairs])
    p_exact, p_mid = mcnemar_exact(only_first, only_second), mcnemar_mid_p(only_first, only_second)
    adjusted = p_holm(p_mid)
    contrasts = []
    for place, (i, j) in enumerate(pairs):
        a, b = int(only_first[place]), int(only_second[place])
        both = int((whole[:, i] * whole[:, j]).sum())
        gap = difference_tango(both, a, b, len(whole) - both - a - b, level=level)
        gap = Interval(gap.estimate, gap.low, gap.high, level, gap.method, gap.n, excluded)
        p = (float(values[place]) for values in (p_exact, p_mid, adjusted))
        contrasts.append(ArmContrast(arms[i], arms[j], gap, *p))
    return contrasts


def _complete(correct: ArrayLike) -> tuple[NDArray[np.float64], int]:
    values = np.asarray(correct, dtype=float)
    whole = ~np.isnan(values).any(axis=1)
    return values[whole], int((~whole).sum())
