"""How many more labels a width or a power takes, from what is known so far; and the reverse.

Looking after every few labels and stopping when an interval is narrow enough breaks its coverage:
a plan is made once, the labels it asks for are given, and then the numbers are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, inf, sqrt
from typing import TYPE_CHECKING, Any

from scipy import special

from erranal import labelled
from erranal.errors import StageError
from erranal.prevalence import groups
from erranal.stats import planning, power

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from erranal.prevalence.groups import Group
    from erranal.store import Study

    Array = NDArray[np.float64]

COLUMNS = ("what", "code", "arm", "now", "labels_now", "goal", "labels", "more", "pairs", "power")


@dataclass(frozen=True)
class Wanted:
    """What labels are to give.

    Attributes
    ----------
    half_width
        Of the corrected rate per item, as a fraction.
    labels
        Labelled pairs in all: then what they give is worked out, and ``half_width`` does not count.
    effect
        Difference of rates per item that is to be found.
    power
        Chance to find it.
    level
        Nominal coverage.
    """

    half_width: float = 0.02
    labels: int | None = None
    effect: float = 0.05
    power: float = 0.8
    level: float = 0.95

    def __post_init__(self) -> None:
        for name, value in (("half_width", self.half_width), ("effect", self.effect)):
            if not 0 < value < 1:
                said = name.replace("_", "-")
                raise StageError(f"--{said} {value} is no difference of rates: give e.g. 0.02")
        if not 0.5 <= self.power < 1:
            raise StageError(f"--power {self.power} must be from 0.5 to below 1, such as 0.8")


def plan(
    study: Study,
    wanted: Wanted,
    *,
    rounds: Sequence[str] = (),
    judge: str | None = None,
    interim: bool = False,
) -> pd.DataFrame:
    """Return what it takes, for each code and family, over the whole study.

    Parameters
    ----------
    study
        A study with a coded test round.
    wanted
        Width, effect and power; or the number of labels.
    rounds, judge, interim
        As for :func:`erranal.prevalence.run`.

    Returns
    -------
    DataFrame
        One row a code and arm (``what`` is ``rate``), and one a code and pair of arms (``change``):
        now (half-width, or power, that the labels so far give), labels_now, goal, labels (pairs
        that it takes in all), more (of them still to give), pairs (of the population) and power.
        Infinite where no number of labels is enough.

    Raises
    ------
    StageError
        As :func:`erranal.labelled.choose`.
    """
    import pandas as pd

    basis = labelled.choose(study, rounds=rounds, judge=judge, interim=interim)
    sample = labelled.sample(study, basis)
    parts = groups.groups(labelled.population(study, basis), sample)
    rows = [
        row
        for part in parts
        if part.grouping == "all"
        for name in basis.names
        for row in (*_rates(part, name, wanted), *_changes(part, name, wanted))
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    # Every arm is compared with the reference, whose own rates are the same each time.
    table = table.drop_duplicates(["what", "code", "arm"], ignore_index=True)
    table.attrs |= {"basis": basis, "excluded": sample.excluded}
    return table


def _rates(group: Group, name: str, wanted: Wanted) -> Iterator[dict[str, Any]]:
    total, pairs = group.population.total(), _labelled_pairs(group)
    for side, arm in (("a", group.reference), ("b", group.arm)):
        units = group.side(arm)
        human, judge = (flags.astype(float) for flags in units.of(name))
        if not human.any() or not pairs:
            continue
        weight = units.units["weight"].to_numpy()
        rate = _Rate(
            float(weight @ human / weight.sum()),
            _correlation(human, judge, weight),
            total[f"in_{side}"],
            total["pairs"],
            wanted.level,
        )
        per_pair = len(human) / pairs  # units of this arm that a labelled pair brings
        row: dict[str, Any] = {"what": "rate", "code": name, "arm": arm, "labels_now": pairs}
        row |= {"now": rate.half_width(pairs * per_pair), "pairs": total["pairs"]}
        if wanted.labels is not None:
            goal = rate.half_width(wanted.labels * per_pair)
            yield row | {"goal": goal, "labels": wanted.labels}
        else:
            needed = rate.labels(wanted.half_width) / per_pair
            yield row | {"goal": wanted.half_width} | _needed(needed, pairs, total["either"])


@dataclass(frozen=True)
class _Rate:
    """A rate among the wrong responses of an arm, of which a judge labels all."""

    rate: float
    correlation: float
    wrong: int
    responses: int
    level: float

    @property
    def _share(self) -> float:
        return self.wrong / self.responses

    @property
    def _certain(self) -> float:
        """Part of the half-width per item that no label narrows: how many responses are wrong."""
        z = float(special.ndtri(0.5 + self.level / 2))
        return z * self.rate * sqrt(self._share * (1 - self._share) / self.responses)

    def half_width(self, n: float) -> float:
        among = planning.half_width_rate(
            n, self.rate, correlation=self.correlation, population=self.wrong, level=self.level
        )
        return sqrt((among * self._share) ** 2 + self._certain**2)

    def labels(self, half_width: float) -> float:
        room = half_width**2 - self._certain**2
        if room <= 0:
            return inf
        return planning.labels_for_rate(
            sqrt(room) / self._share,
            self.rate,
            correlation=self.correlation,
            population=self.wrong,
            level=self.level,
        )


def _changes(group: Group, name: str, wanted: Wanted) -> Iterator[dict[str, Any]]:
    drawn = labelled.pairs(group.sample, group.reference, group.arm)
    human, judge = drawn.of(name)
    total, pairs = group.population.total(), len(human)
    if not human.any() or not total["either"]:
        return
    among = total["pairs"] / total["either"]  # a change per item is that much larger per wrong pair
    change = human[:, 1].astype(float) - human[:, 0]
    foretold = judge[:, 1].astype(float) - judge[:, 0]
    discordant = float(drawn.weight @ abs(change) / drawn.weight.sum())
    difference = wanted.effect * among
    if difference > discordant:
        discordant = min(difference, 1.0)
    kept = 1 - _correlation(change, foretold, drawn.weight) ** 2
    arms = f"{group.reference} → {group.arm}"
    row: dict[str, Any] = {"what": "change", "code": name, "arm": arms}
    row |= {"labels_now": pairs, "pairs": total["pairs"], "goal": wanted.effect}

    def chance(n: float) -> float:
        if difference > 1:  # more than the errors there are could change
            return 0.0
        return power.power_difference(n / kept, difference, discordant, level=wanted.level)

    row |= {"now": chance(pairs)}
    if wanted.labels is not None:
        yield row | {"labels": wanted.labels, "power": chance(wanted.labels)}
        return
    needed = inf
    if difference <= 1:
        needed = power.labels_for_difference(
            difference, discordant, power=wanted.power, level=wanted.level
        )
    yield row | {"power": wanted.power} | _needed(needed * kept, pairs, total["either"])


def _labelled_pairs(group: Group) -> int:
    return int(group.sample.settled.units[["round", "pair_id"]].drop_duplicates().shape[0])


def _needed(labels: float, now: int, there: int) -> dict[str, float]:
    if labels > there:  # more than the pairs with an error
        return {"labels": inf, "more": inf}
    return {"labels": ceil(labels), "more": max(ceil(labels) - now, 0)}


def _correlation(one: Array, other: Array, weight: Array) -> float:
    """Return the weighted correlation; 0 where either does not vary, and never quite 1."""
    w = weight / weight.sum()
    a, b = one - w @ one, other - w @ other
    spread = float((w @ a**2) * (w @ b**2))
    if spread <= 0:
        return 0.0
    return float(min(max((w @ (a * b)) / sqrt(spread), -0.99), 0.99))
