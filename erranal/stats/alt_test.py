"""The alternative annotator test, of whether a judge may stand in for the people who annotate.

Each annotator in turn is left out. On every unit that they labelled, the judge and they are scored
by the share of the other annotators who say the same; the judge wins where its score is not lower,
and the annotator wins where theirs is not. The annotator, who costs more, has to be better by
epsilon to be worth it: against

    H0: P(annotator wins) - P(judge wins) >= epsilon

a one-sided t test is made, and the share of annotators for whom it is rejected (the false discovery
rate controlled) is the winning rate. The judge passes with half of them.

For a rare code a judge that never gives it passes as well: everybody mostly agrees that there is
nothing. So a pass counts here only where the judge also finds the code, and the winning rate of a
judge that always gives the commonest label is reported beside it.

References
----------
Calderon, Reichart and Dror (2025), The alternative annotator test for LLM-as-a-judge, ACL
(arXiv 2501.10970); Benjamini and Yekutieli (2001), Annals of Statistics 29:1165.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, nan
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import special, stats

from erranal.stats.interval import Interval
from erranal.stats.trust import sensitivity_weighted
from erranal.stats.weighted import Array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

FEWEST_ANNOTATORS = 3
FEWEST_UNITS = 30


@dataclass(frozen=True)
class AltTest:
    """Outcome of the alternative annotator test; the arrays have shape (k,), one entry a person.

    Parameters
    ----------
    winning_rate
        Share of annotators whom the judge can stand in for, NaN where nothing can be compared.
    advantage
        Probability that the judge is as good as an annotator, the mean over annotators.
    p, p_adjusted
        p values against each annotator, and adjusted for their number.
    units
        How many units each annotator was compared on.
    sensitivity
        How often the judge gave the code where an annotator did; ``n`` counts units.
    constant_winning_rate
        Winning rate of a judge that always gives the commonest label.
    passed
        Whether the judge passes, and not only because the code is rare.
    reason
        Why, in words.
    """

    winning_rate: float
    advantage: float
    p: Array
    p_adjusted: Array
    units: NDArray[np.int64]
    sensitivity: Interval
    constant_winning_rate: float
    passed: bool
    reason: str


def alt_test(
    humans: ArrayLike,
    judge: ArrayLike,
    *,
    epsilon: float = 0.2,
    q: float = 0.05,
    method: Literal["by", "bh"] = "by",
    code: float = 1.0,
    floor: float = 0.5,
) -> AltTest:
    """Test whether a judge may stand in for annotators.

    Parameters
    ----------
    humans
        Labels as numbers, NaN where somebody did not label a unit, shape (n, k).
    judge
        Labels of the judge, NaN where it has none, shape (n,).
    epsilon
        How much better an annotator has to be: 0.2 for experts, 0.15 for skilled annotators and
        0.1 for the crowd, as the authors have it.
    q
        False discovery rate.
    method
        Benjamini-Yekutieli, which allows for any dependence, or Benjamini-Hochberg.
    code
        The label that says that the code is there.
    floor
        Lowest sensitivity with which a pass counts.

    Returns
    -------
    AltTest
        Where the comparisons with an annotator do not vary, and the judge never lost, p is exact:
        ``(1 - epsilon)^n``, as with H0 it loses each with a chance of epsilon or more.

    Raises
    ------
    ValueError
        When shapes do not go together, or epsilon is not in (0, 1).
    """
    people, machine = np.asarray(humans, dtype=float), np.asarray(judge, dtype=float)
    if people.ndim != 2 or machine.shape != people.shape[:1]:
        raise ValueError(f"labels of people {people.shape} and judge {machine.shape} do not match")
    if not 0 < epsilon < 1:
        raise ValueError(f"epsilon must lie between 0 and 1, e.g. 0.2; got {epsilon}")
    p, advantages, units = _against_each(people, machine, epsilon)
    compared = units > 0
    adjusted, rate = _winning(p, compared, q, method)
    commonest = np.full(len(machine), _commonest(people))
    of_constant, _, of_units = _against_each(people, commonest, epsilon)
    constant = _winning(of_constant, of_units > 0, q, method)[1]
    given = ~np.isnan(people) & ~np.isnan(machine)[:, None]
    rows = np.nonzero(given)[0]
    sensitivity = sensitivity_weighted(people[given] == code, machine[rows] == code, cluster=rows)
    passed, reason = _verdict(rate, sensitivity, constant, floor)
    reason += _too_few(units[compared])
    advantage = float(advantages[compared].mean()) if compared.any() else nan
    return AltTest(rate, advantage, p, adjusted, units, sensitivity, constant, passed, reason)


def _against_each(
    people: Array, machine: Array, epsilon: float
) -> tuple[Array, Array, NDArray[np.int64]]:
    """Return p values, advantage probabilities and numbers of units, shape (k,) each."""
    found = [_against(people, machine, j, epsilon) for j in range(people.shape[1])]
    p, advantages, units = (np.array([row[i] for row in found]) for i in range(3))
    return p, advantages, units.astype(np.int64)


def _against(people: Array, machine: Array, j: int, epsilon: float) -> tuple[float, float, int]:
    others = np.delete(people, j, axis=1)
    kept = ~np.isnan(people[:, j]) & ~np.isnan(machine) & ~np.isnan(others).all(axis=1)
    if not kept.any():
        return 1.0, nan, 0
    # Both are scored by the same others, so that counts compare as shares do.
    theirs = (others[kept] == people[kept, j][:, None]).sum(axis=1)
    its = (others[kept] == machine[kept][:, None]).sum(axis=1)
    lead = (theirs >= its).astype(float) - (its >= theirs)
    return _p_lead(lead, epsilon), float((its >= theirs).mean()), len(lead)


def _p_lead(lead: Array, epsilon: float) -> float:
    if (lead == lead[0]).all():
        return float((1 - epsilon) ** len(lead)) if lead[0] <= 0 else 1.0
    statistic = (lead.mean() - epsilon) / (lead.std(ddof=1) / np.sqrt(len(lead)))
    return float(special.stdtr(len(lead) - 1, statistic))


def _winning(
    p: Array, compared: NDArray[np.bool_], q: float, method: Literal["by", "bh"]
) -> tuple[Array, float]:
    adjusted = np.full(p.shape, nan)
    if not compared.any():
        return adjusted, nan
    adjusted[compared] = stats.false_discovery_control(p[compared], method=method)
    return adjusted, float((adjusted[compared] <= q).mean())


def _commonest(people: Array) -> float:
    labels, counts = np.unique(people[~np.isnan(people)], return_counts=True)
    return float(labels[counts.argmax()]) if len(labels) else nan


def _verdict(rate: float, sensitivity: Interval, constant: float, floor: float) -> tuple[bool, str]:
    if isnan(rate):
        return False, "not tested: no unit has labels of two annotators and the judge"
    if rate < 0.5:
        return False, f"does not pass: as good as {rate:.0%} of the annotators, and half is asked"
    if isnan(sensitivity.estimate):
        return False, "passes only because the code is rare: no annotator ever gave it"
    found = f"it finds {sensitivity.estimate:.0%} of what annotators give"
    if sensitivity.estimate < floor:
        return False, f"passes only because the code is rare: {found}, and {floor:.0%} is asked"
    if constant >= 0.5:
        return True, f"passes, as a judge that always says the same would; {found}"
    return True, f"passes; {found}"


def _too_few(units: NDArray[np.int64]) -> str:
    few = []
    if 0 < len(units) < FEWEST_ANNOTATORS:
        few.append(f"{len(units)} annotators, where {FEWEST_ANNOTATORS} are advised")
    if len(units) and units.min() < FEWEST_UNITS:
        few.append(f"only {units.min()} units with one of them, where {FEWEST_UNITS} are advised")
    return "".join(f" ({words})" for words in few)
