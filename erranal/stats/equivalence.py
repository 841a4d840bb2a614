"""That two arms are as good as the same: what a large p value of a test of difference cannot say.

A margin is fixed beforehand, in points of accuracy or of the rate of a code; the arms are
equivalent when a difference of the margin, in either direction, is rejected.
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy import special

from erranal.stats.interval import Interval
from erranal.stats.paired import difference_tango, tango_statistic


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Outcome of two one-sided tests.

    Parameters
    ----------
    interval
        Of the difference, at level ``1 - 2 alpha``.
    margin
        Largest difference that is as good as none.
    p
        Larger of the two one-sided p values.
    shown
        Whether the interval lies inside the margin on both sides. If not, nothing is shown: neither
        that the arms are alike nor that they differ.
    """

    interval: Interval
    margin: float
    p: float
    shown: bool


def equivalence_tango(
    both: int, only_a: int, only_b: int, neither: int, *, margin: float, alpha: float = 0.05
) -> Equivalence:
    """Test that two paired proportions differ by less than a margin, by Tango's score.

    Parameters
    ----------
    both, only_a, only_b, neither
        Counts of independent pairs.
    margin
        Largest difference that is as good as none, between 0 and 1, fixed beforehand.
    alpha
        Chance to call arms equivalent that differ by the margin, below 1/2.

    Returns
    -------
    Equivalence
        With the 90 % interval for an alpha of .05. Without pairs p is 1 and nothing is shown.

    Raises
    ------
    ValueError
        When the margin or alpha is out of range.

    References
    ----------
    Schuirmann (1987), J. Pharmacokinet. Biopharm. 15:657; Tango (1998), Stat. Med. 17:891.

    Examples
    --------
    >>> result = equivalence_tango(500, 20, 18, 462, margin=0.03)
    >>> result.shown, round(result.p, 5)
    (True, 5e-05)
    """
    _require_margin(margin)
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha must lie between 0 and 0.5, e.g. 0.05; got {alpha}")
    interval = difference_tango(both, only_a, only_b, neither, level=1 - 2 * alpha)
    if interval.n == 0:
        return Equivalence(interval, margin, 1.0, False)
    scores = tango_statistic(only_a, only_b, interval.n, [-margin, margin])
    p = float(special.ndtr(max(-scores[0], scores[1])))
    return Equivalence(interval, margin, p, is_inside(interval, margin))


def is_inside(interval: Interval, margin: float) -> bool:
    """Tell whether an interval lies strictly between -margin and margin.

    For differences of any kind, clustered ones among them: give the 90 % interval for a test at
    .05. False where a limit is NaN.

    Raises
    ------
    ValueError
        When the margin is not between 0 and 1.
    """
    _require_margin(margin)
    return -margin < interval.low and interval.high < margin


def _require_margin(margin: float) -> None:
    if not 0 < margin < 1:
        raise ValueError(f"a margin must lie between 0 and 1, e.g. 0.03; got {margin}")
