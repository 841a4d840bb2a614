"""Which codes come together on one response more, or less, often than chance would have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from erranal.stats.multiplicity import p_benjamini_hochberg

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Tables as likely as the observed one differ from it by rounding only.
_AS_LIKELY = 1 + 1e-7


@dataclass(frozen=True)
class Cooccurrence:
    """Every two of k codes on n units; all fields have shape (k (k - 1) / 2,).

    Parameters
    ----------
    first, second
        Places of the two codes.
    both, only_first, only_second
        Units with both codes and with one of them.
    expected
        Units with both if the codes were independent.
    phi
        Correlation, from -1 to 1; NaN where a code is on all units or on none.
    lift
        ``both / expected``: how many times more often they come together than by chance; NaN where
        a code is on no unit.
    p_exact, p_mid
        Two-sided p values of Fisher's test and of its mid-p version; NaN where phi is.
    p_adjusted
        ``p_mid`` adjusted for all pairs by Benjamini and Hochberg's method.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    both: NDArray[np.int64]
    only_first: NDArray[np.int64]
    only_second: NDArray[np.int64]
    expected: NDArray[np.float64]
    phi: NDArray[np.float64]
    lift: NDArray[np.float64]
    p_exact: NDArray[np.float64]
    p_mid: NDArray[np.float64]
    p_adjusted: NDArray[np.float64]


def cooccurrence_fisher(given: ArrayLike) -> Cooccurrence:
    """Return phi, lift and Fisher's exact test of every two codes.

    The tests take units as independent of each other: give one response an item, or read the p
    values as a rough order where items come several times.

    Parameters
    ----------
    given
        Whether each unit has each code, shape (n, k).

    Returns
    -------
    Cooccurrence
        The pairs in the order of the codes.

    References
    ----------
    Fisher (1935), J. R. Stat. Soc. 98:39; Hirji, Tan and Elashoff (1991), Stat. Med. 10:1137
    (mid-p).
    """
    marks = np.asarray(given, dtype=bool).astype(np.int64)
    n, size = marks.shape
    first, second = np.triu_indices(size, 1)
    both, alone = (marks.T @ marks)[first, second], marks.sum(axis=0)
    a, b = alone[first], alone[second]
    expected = a * b / max(n, 1)
    spread = np.sqrt(a * (n - a) * (b * (n - b)).astype(float))
    exact, mid = _fisher(both, a, b, n)
    return Cooccurrence(
        first=first,
        second=second,
        both=both,
        only_first=a - both,
        only_second=b - both,
        expected=expected,
        phi=_divided(n * both - a * b, spread),
        lift=_divided(both, expected),
        p_exact=exact,
        p_mid=mid,
        p_adjusted=p_benjamini_hochberg(mid),
    )


def _divided(part: NDArray[np.int64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    out = np.full(len(whole), np.nan)
    return np.asarray(np.divide(part, whole, out=out, where=whole > 0))


def _fisher(
    both: NDArray[np.int64], a: NDArray[np.int64], b: NDArray[np.int64], n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return p values: tables as likely as the observed one count whole, and half for mid-p."""
    p = np.full((2, len(both)), np.nan)
    for place in np.flatnonzero((a > 0) & (a < n) & (b > 0) & (b < n)):
        of_a, of_b = int(a[place]), int(b[place])
        could = np.arange(max(0, of_a + of_b - n), min(of_a, of_b) + 1)
        chance = stats.hypergeom.pmf(could, n, of_a, of_b)
        seen = chance[int(both[place]) - could[0]]
        rarer = chance[chance < seen / _AS_LIKELY].sum()
        alike = chance[(chance >= seen / _AS_LIKELY) & (chance <= seen * _AS_LIKELY)].sum()
        p[:, place] = rarer + alike, rarer + alike / 2
    return np.minimum(p[0], 1.0), p[1]
