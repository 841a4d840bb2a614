"""Agreement of two raters on categories, from counts.

A 2x2 table is given as ``both, only_a, only_b, neither``: units that got the code from both raters,
from one of them, and from neither. Units are taken as independent of each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, nan, sqrt
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from erranal.stats.distances import agreement_weights
from erranal.stats.interval import Interval, require_level
from erranal.stats.proportion import proportion_wilson
from erranal.stats.raters import ac1_gwet, agreement_limits
from erranal.stats.ratings import pair_counts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_TRACE = 1e-12


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


def kappa_cohen(
    table: ArrayLike, *, weights: str | ArrayLike = "identity", level: float = 0.95
) -> Interval:
    """Return Cohen's kappa of two raters with its asymptotic normal interval.

    Parameters
    ----------
    table
        Units by the category of one rater (rows) and of the other (columns), shape (k, k).
    weights
        How much of an agreement two categories are, as
        :func:`~erranal.stats.distances.agreement_weights` takes them.
    level
        Nominal coverage.

    Returns
    -------
    Interval
        The estimate is NaN where chance alone gives perfect agreement (both raters put every unit
        in the same one category) and where there are no units; the limits are -1 and 1 then. Where
        the standard error is 0 (all units agree, or one rater never varies) the limits are those
        of :func:`~erranal.stats.raters.agreement_limits`.

    References
    ----------
    Fleiss, Cohen and Everitt (1969), Psychol. Bull. 72:323.

    Examples
    --------
    >>> print(kappa_cohen([[0, 4, 1], [0, 8, 0], [0, 1, 5]]))
    0.484 [0.214, 0.755] (95 % Cohen, n = 19)
    """
    require_level(level)
    parts = _Kappa.of(table, weights)
    n, kappa = parts.n, parts.kappa
    if isnan(kappa):
        return Interval(nan, -1.0, 1.0, level, "Cohen", n)
    error = parts.error
    if error < _TRACE or parts.observed > 1 - _TRACE:
        low, high = agreement_limits(parts.observed, parts.chance, n, level=level)
        return Interval(kappa, low, high, level, "Cohen", n)
    half = float(special.ndtri(0.5 + level / 2)) * error
    return Interval(kappa, max(kappa - half, -1.0), min(kappa + half, 1.0), level, "Cohen", n)


def kappa_cohen_errors(
    table: ArrayLike, *, weights: str | ArrayLike = "identity"
) -> tuple[float, float]:
    """Return the asymptotic standard error of Cohen's kappa, and that where raters are independent.

    The second is the one for a test of no agreement beyond chance, ``z = kappa / error``. Both are
    NaN where kappa is. Arguments and source as for :func:`kappa_cohen`.

    Examples
    --------
    >>> tuple(round(error, 4) for error in kappa_cohen_errors([[0, 4, 1], [0, 8, 0], [0, 1, 5]]))
    (0.138, 0.1484)
    """
    parts = _Kappa.of(table, weights)
    return (nan, nan) if isnan(parts.kappa) else (parts.error, parts.error_independent)


@dataclass(frozen=True)
class _Kappa:
    """Shares of the cells and their weights, both of shape (k, k), and the number of units."""

    share: NDArray[np.float64]
    weights: NDArray[np.float64]
    n: int

    @classmethod
    def of(cls, table: ArrayLike, weights: str | ArrayLike) -> _Kappa:
        counts = np.asarray(table, dtype=float)
        n = int(counts.sum())
        return cls(counts / max(n, 1), agreement_weights(weights, len(counts)), n)

    @property
    def independent(self) -> NDArray[np.float64]:
        return np.outer(self.share.sum(axis=1), self.share.sum(axis=0))

    @property
    def observed(self) -> float:
        return float((self.weights * self.share).sum())

    @property
    def chance(self) -> float:
        return float((self.weights * self.independent).sum())

    @property
    def kappa(self) -> float:
        if self.n == 0 or self.chance > 1 - _TRACE:
            return nan
        return (self.observed - self.chance) / (1 - self.chance)

    @property
    def mean_weights(self) -> NDArray[np.float64]:
        """Mean weight that either rater's choice has with the other one's, added, (k, k)."""
        rows, columns = self.share.sum(axis=1), self.share.sum(axis=0)
        return np.asarray(np.add.outer(self.weights @ columns, rows @ self.weights))

    @property
    def error(self) -> float:
        off = self.weights - self.mean_weights * (1 - self.kappa)
        around = self.kappa - self.chance * (1 - self.kappa)
        return self._error((self.share * off**2).sum() - around**2)

    @property
    def error_independent(self) -> float:
        off = self.weights - self.mean_weights
        return self._error((self.independent * off**2).sum() - self.chance**2)

    def _error(self, spread: float) -> float:
        # Rounding leaves a trace where the spread is zero.
        return sqrt(spread / self.n) / (1 - self.chance) if spread > _TRACE else 0.0


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
