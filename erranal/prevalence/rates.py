"""Rates per item of every code: corrected, and beside it by humans alone and by the judge alone."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, Any

from erranal.prevalence import pools

if TYPE_CHECKING:
    from erranal.labelled import Basis
    from erranal.prevalence.groups import Group
    from erranal.stats.interval import Interval

UNCORRECTED = "uncorrected: the judge's errors are in it"
FEW = 5  # labelled units, below which no rate is given


def rates(basis: Basis, group: Group, *, level: float) -> Iterator[dict[str, Any]]:
    """Yield the rows of table ``estimates`` on the rates under both arms of a group.

    A rate counts among all responses of the population, right ones included, which have no code:
    shares among errors would fall whenever another kind of error rises.

    Parameters
    ----------
    basis
        Whose judge it is.
    group
        The part of the study.
    level
        Nominal coverage.
    """
    total = group.population.total()
    for side, arm in (("a", group.reference), ("b", group.arm)):
        wrong, pairs = total[f"in_{side}"], total["pairs"]
        unread, units = total[f"unjudged_{side}"], group.side(arm)
        known: dict[Hashable, list[tuple[str, dict[str, Any]]]] = {}
        for name in basis.names:
            given = group.population.given(name)[f"in_{side}"]
            # Most codes were given to nobody: what was given to the same units is estimated once.
            key = (*map(bytes, units.of(name)), given, basis.can_give(name))
            if key not in known:
                counts = (given, wrong, pairs)
                known[key] = list(_sources(basis, group, arm, name, counts, level))
            for source, found in known[key]:
                yield (
                    group.columns
                    | {
                        "analysis": "prevalence",
                        "estimand": "rate per item",
                        "source": source,
                        "arm": arm,
                        "reference": None if side == "a" else group.reference,
                        "code": name,
                        "pool": pairs,
                        "excluded": 0 if source == "humans" else unread,
                        "counts": {
                            "responses": pairs,
                            "errors": wrong,
                            "given by the judge": given,
                        },
                    }
                    | found
                )


def without(basis: Basis) -> str:
    """Say why labels of humans are not put together with those of a judge."""
    return "there is no judge" if basis.judge_id is None else "not assessed by this judge"


def _sources(
    basis: Basis, group: Group, arm: str, name: str, counts: tuple[int, int, int], level: float
) -> Iterator[tuple[str, dict[str, Any]]]:
    from erranal.stats import prevalence

    given, wrong, pairs = counts
    if not wrong:
        yield "corrected", _nothing("no response is wrong", level)
        return
    units = group.side(arm)
    human, judge = units.of(name)
    weight, items = units.units["weight"].to_numpy(), units.units["item_id"].to_numpy()
    enough, right = len(human) >= FEW, pairs - wrong
    if enough:
        rate = prevalence.prevalence_human(
            human, weight=weight, cluster=items, pool=wrong, certain=right, level=level
        )
        yield "humans", _row(rate) | {"positives": int(human.sum())}
    else:
        yield "humans", _nothing(f"only {len(human)} labelled units", level)
    if not basis.can_give(name):
        yield "corrected", _nothing(without(basis), level)
        return
    pool = pools.responses(given, wrong)
    cluster = pools.of_one_item(wrong, group.population.total()["items"])
    alone = prevalence.prevalence_judge(pool, cluster=cluster, certain=right, level=level)
    yield "judge", _row(alone) | {"note": UNCORRECTED}
    if enough:
        rate = prevalence.prevalence_poststratified(
            human,
            judge,
            pool,
            weight=weight,
            cluster=items,
            pool_cluster=cluster,
            certain=right,
            level=level,
        )
        yield "corrected", _row(rate) | {"positives": int(human.sum())}


def _row(found: Interval) -> dict[str, Any]:
    return {
        "estimate": found.estimate,
        "low": found.low,
        "high": found.high,
        "level": found.level,
        "method": found.method,
        "n": found.n,
    }


def _nothing(why: str, level: float) -> dict[str, Any]:
    return {"level": level, "method": "none", "n": 0, "note": why}
