"""How far a judge can be trusted: its labels against human ones, from a probability sample.

Units that people labelled stand for ``w = 1 / pi`` of the population each, pi being the probability
to be in the sample. Without the weights a sample that was drawn by the judge's labels gives a
sensitivity and a specificity of no population. Each modality has its own: never pool them.

Every function takes these, and gives an :class:`~erranal.stats.interval.Interval` whose ``n``
counts the units (or clusters) behind it:

human, judge
    Whether people and the judge gave the code, shape (n,).
weight
    1 / probability of being in the sample, shape (n,); equal by default.
cluster
    What units have in common, such as the item of several samples, shape (n,); by default each is
    its own.
level
    Nominal coverage.

Rates have the weighted Jeffreys interval of :mod:`erranal.stats.weighted`. A missed error, of which
the sample may have none, would be found among the units that the judge did not flag: it is their
weights that count in the interval of the sensitivity, and likewise for the others.

References
----------
Begg and Greenes (1983), Biometrics 39:207 (verification bias).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from erranal.stats.interval import Interval, require_level
from erranal.stats.weighted import (
    Array,
    WeightedRate,
    Weights,
    cluster_count,
    design_effect,
    labels_of,
    weights_of,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Labels = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class _Units:
    human: Labels
    judge: Labels
    weight: Array
    cluster: NDArray[Any] | None

    @classmethod
    def of(
        cls,
        human: ArrayLike,
        judge: ArrayLike,
        weight: ArrayLike | None,
        cluster: ArrayLike | None,
    ) -> _Units:
        people, machine = labels_of(human), labels_of(judge)
        if people.ndim != 1 or people.shape != machine.shape:
            raise ValueError(
                f"human labels of shape {people.shape} and judge labels of shape {machine.shape} "
                "are not those of the same units"
            )
        groups = None if cluster is None else np.asarray(cluster)
        if groups is not None and groups.shape != people.shape:
            raise ValueError(f"{len(people)} units have {len(groups)} clusters: give one each")
        return cls(people, machine, weights_of(weight, len(people)), groups)

    def rate(
        self,
        success: Labels,
        kept: Labels,
        *,
        like_success: Labels | None = None,
        like_failure: Labels | None = None,
        level: float,
    ) -> Interval:
        """Return the rate of success among the kept; the rest says where a further one would be."""
        success_weights, failure_weights = (
            Weights.of(self.weight, kept if like is None else like)
            for like in (like_success, like_failure)
        )
        rate = WeightedRate.of(
            success[kept],
            self.weight[kept],
            like_success=success_weights,
            like_failure=failure_weights,
            cluster=None if self.cluster is None else self.cluster[kept],
            level=level,
        )
        return rate.jeffreys(level)


def sensitivity_weighted(
    human: ArrayLike,
    judge: ArrayLike,
    weight: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    *,
    level: float = 0.95,
) -> Interval:
    """Return the share of units with the code, as people give it, that the judge finds.

    ``sum w [human and judge] / sum w [human]``. The estimate is NaN, the limits 0 and 1 and n 0
    where people never gave the code.

    Examples
    --------
    >>> print(sensitivity_weighted([1] * 20 + [0] * 80, [1] * 17 + [0] * 83))
    0.850 [0.651, 0.956] (95 % weighted Jeffreys, n = 20)
    """
    units = _Units.of(human, judge, weight, cluster)
    flagged = units.judge
    return units.rate(
        flagged, units.human, like_success=flagged, like_failure=~flagged, level=level
    )


def specificity_weighted(
    human: ArrayLike,
    judge: ArrayLike,
    weight: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    *,
    level: float = 0.95,
) -> Interval:
    """Return the share of units without the code to which the judge does not give it either.

    ``sum w [neither] / sum w [not human]``. Undefined, as in :func:`sensitivity_weighted`, where
    people always gave the code.
    """
    units = _Units.of(human, judge, weight, cluster)
    passed = ~units.judge
    return units.rate(passed, ~units.human, like_success=passed, like_failure=~passed, level=level)


def ppv_weighted(
    human: ArrayLike,
    judge: ArrayLike,
    weight: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    *,
    level: float = 0.95,
) -> Interval:
    """Return the positive predictive value: how often the judge is right when it gives the code.

    ``sum w [human and judge] / sum w [judge]``. Undefined, as in :func:`sensitivity_weighted`,
    where the judge never gave the code.
    """
    units = _Units.of(human, judge, weight, cluster)
    return units.rate(units.human, units.judge, level=level)


def npv_weighted(
    human: ArrayLike,
    judge: ArrayLike,
    weight: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    *,
    level: float = 0.95,
) -> Interval:
    """Return the negative predictive value: how often the judge is right when it gives no code.

    ``sum w [neither] / sum w [not judge]``. Undefined, as in :func:`sensitivity_weighted`, where
    the judge always gave the code.
    """
    units = _Units.of(human, judge, weight, cluster)
    return units.rate(~units.human, ~units.judge, level=level)


def f1_weighted(
    human: ArrayLike,
    judge: ArrayLike,
    weight: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    *,
    level: float = 0.95,
) -> Interval:
    """Return F1, the harmonic mean of sensitivity and positive predictive value.

    ``F1 = 2 J / (1 + J)`` with J the share of units with the code from both among those that have
    it from either. J is a rate, and the limits of F1 are those of J in the same formula, which
    rises with J. Undefined, as in :func:`sensitivity_weighted`, where nobody gave the code.
    """
    units = _Units.of(human, judge, weight, cluster)
    share = units.rate(
        units.human & units.judge,
        units.human | units.judge,
        like_success=units.judge,
        like_failure=~units.judge,
        level=level,
    )
    f1 = [2 * j / (1 + j) for j in (share.estimate, share.low, share.high)]
    return Interval(f1[0], f1[1], f1[2], level, share.method, share.n)


def kappa_weighted(
    human: ArrayLike,
    judge: ArrayLike,
    weight: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    *,
    level: float = 0.95,
) -> Interval:
    """Return Cohen's kappa of people and judge in the population.

    The estimate is that of the weighted table. The interval is the linearised one of the table
    with half a unit more in each cell (of the weight that such a unit would have): at the table
    itself it covers .34 to .95, mean .83, for 30 to 400 units and codes of 2 to 40 %; with them
    .90 to 1.00, mean .95. It is widened to the estimate where it leaves that out.

    Returns
    -------
    Interval
        The estimate is NaN, and the limits -1 and 1, where people and the judge agree by giving
        every unit the same label.

    References
    ----------
    Fleiss, Cohen and Everitt (1969), Psychol. Bull. 72:323 (the standard error); Agresti and Coull
    (1998), The American Statistician 52:119 (adding units to a table).
    """
    require_level(level)
    units = _Units.of(human, judge, weight, cluster)
    groups = cluster_count(units.cluster, len(units.human))
    table, squares = np.zeros((2, 2)), np.zeros((2, 2))
    rows, columns = units.human.astype(int), units.judge.astype(int)
    np.add.at(table, (rows, columns), units.weight)
    np.add.at(squares, (rows, columns), units.weight**2)
    estimate = _kappa(table)[0]
    if np.isnan(estimate):
        return Interval(nan, -1.0, 1.0, level, "linearised", groups)
    everything = Weights.of(units.weight, np.ones_like(units.human))
    for side in (False, True):
        one, square = Weights.of(units.weight, units.judge == side).half(everything)
        table[:, int(side)] += one
        squares[:, int(side)] += square
    centre, scores = _kappa(table)
    variance = float((squares * scores**2).sum()) / float(table.sum()) ** 2
    effect = design_effect(units.weight * scores[rows, columns], units.weight, units.cluster)
    error = sqrt(variance * max(effect, 1.0))
    low, high = -1.0, 1.0
    if groups > 1 or len(units.human) == 1:
        # The normal distribution unless variance was found from clusters, which may be few.
        freedom = groups - 1 if groups < len(units.human) else np.inf
        half = float(special.stdtrit(freedom, 0.5 + level / 2)) * error
        low, high = max(min(centre - half, estimate), low), min(max(centre + half, estimate), high)
    return Interval(estimate, low, high, level, "linearised", groups)


def _kappa(table: Array) -> tuple[float, Array]:
    """Return kappa, NaN where chance agrees perfectly, and what a unit of each cell adds to it."""
    share = table / max(table.sum(), 1e-300)
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    observed, chance = float(np.trace(share)), float(rows @ columns)
    if table.sum() == 0 or np.count_nonzero(rows + columns) == 1:
        return nan, share
    kappa = (observed - chance) / (1 - chance)
    margins = (1 - kappa) * (columns[:, None] + rows[None, :])
    return kappa, (np.eye(2) - margins - (kappa - chance * (1 - kappa))) / (1 - chance)
