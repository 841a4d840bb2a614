"""Image minus text: the change of every code's rate over pairs, and reading against thinking."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from erranal import labelled
from erranal.labelled.population import CONTRAST
from erranal.prevalence import pools
from erranal.prevalence.rates import UNCORRECTED, without

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from erranal.labelled import Basis, Pairs
    from erranal.prevalence.groups import Group
    from erranal.prevalence.margins import Margin
    from erranal.stats.greg import Difference
    from erranal.stats.interval import Interval

    Flags = NDArray[np.bool_]

FEW = 10  # labelled pairs, below which no difference is given


def effects(
    basis: Basis, group: Group, margins: Mapping[str, Margin], *, level: float
) -> Iterator[dict[str, Any]]:
    """Yield the rows of table ``estimates`` on the differences between the arms of a group.

    Parameters
    ----------
    basis
        Whose judge it is.
    group
        The part of the study.
    margins
        Equivalence margins by code or family, as far as they were fixed.
    level
        Nominal coverage.
    """
    drawn = labelled.pairs(group.sample, group.reference, group.arm)
    known = group.columns | {
        "analysis": "effect",
        "estimand": "difference of rates per item",
        "reference": group.reference,
        "arm": group.arm,
        "pool": group.population.total()["pairs"],
        "excluded": drawn.unsettled,
    }
    if len(drawn.human) < FEW:
        few = _nothing(f"only {len(drawn.human)} labelled pairs", level)
        yield from (known | {"source": "corrected", "code": name} | few for name in basis.names)
        return
    same: dict[Hashable, list[dict[str, Any]]] = {}
    for name in basis.names:
        given = tuple(group.population.given(name).values())
        key = (*map(bytes, drawn.of(name)), given, basis.can_give(name), margins.get(name))
        if key not in same:
            same[key] = list(_of_name(basis, group, drawn, name, margins, level))
        yield from (known | {"code": name} | found for found in same[key])
    if len(group.population.contrast) and all(basis.can_give(family) for family in CONTRAST):
        yield known | _contrast(group, drawn, level)


def _of_name(
    basis: Basis,
    group: Group,
    drawn: Pairs,
    name: str,
    margins: Mapping[str, Margin],
    level: float,
) -> Iterator[dict[str, Any]]:
    from erranal.stats import effects

    human, judge = drawn.of(name)
    total, given = group.population.total(), group.population.given(name)
    either, certain = total["either"], total["pairs"] - total["either"]
    told = {"counts": _counts(group, human), "positives": int(human.any(axis=1).sum())}
    alone = effects.difference_human(
        human, weight=drawn.weight, cluster=drawn.items, pool=either, certain=certain, level=level
    )
    yield {"source": "humans"} | _row(alone) | told
    if not basis.can_give(name):
        yield {"source": "corrected"} | _nothing(without(basis), level)
        if name in margins:
            yield {"source": "humans"} | told | _equivalence(alone, margins[name])
        return
    pool = pools.both_sides(either, given["in_a"], given["in_b"], given["in_both"])
    cluster = pools.of_one_item(either, total["items"])
    uncorrected = effects.difference_judge(pool, cluster=cluster, certain=certain, level=level)
    # No p value: a judge that errs more on images than on text makes a difference by that alone.
    yield {"source": "judge"} | _limits(uncorrected) | {"note": UNCORRECTED}
    found = effects.difference_greg(
        human,
        judge,
        pool,
        weight=drawn.weight,
        cluster=drawn.items,
        pool_cluster=cluster,
        certain=certain,
        level=level,
    )
    yield {"source": "corrected"} | _row(found) | told
    if name in margins:
        yield {"source": "corrected"} | told | _equivalence(found, margins[name])


def _counts(group: Group, human: Flags) -> dict[str, int]:
    """Return the raw table: labelled pairs by the side that humans gave the code to."""
    text, image = human[:, 0], human[:, 1]
    return {
        "both": int((text & image).sum()),
        f"{group.reference} only": int((text & ~image).sum()),
        f"{group.arm} only": int((~text & image).sum()),
        "neither": int((~text & ~image).sum()),
    }


def _contrast(group: Group, drawn: Pairs, level: float) -> dict[str, Any]:
    """Return how much more the rate of reading errors rises than that of thinking errors."""
    import numpy as np

    from erranal.stats import effects

    total = group.population.total()
    human, judge = (np.stack([drawn.of(name)[i] for name in CONTRAST], axis=1) for i in (0, 1))
    found = effects.contrast_greg(
        human,
        judge,
        pools.two_codes(group.population.contrast),
        weight=drawn.weight,
        cluster=drawn.items,
        pool_cluster=pools.of_one_item(total["either"], total["items"]),
        certain=total["pairs"] - total["either"],
        level=level,
    )
    known = {"analysis": "contrast", "estimand": "difference of differences"}
    return known | {"source": "corrected", "code": " − ".join(CONTRAST)} | _row(found)


def _equivalence(found: Difference, margin: Margin) -> dict[str, Any]:
    """Return whether a difference is shown to be within its margin, by two one-sided tests."""
    from erranal.stats import effects

    tests = effects.difference_equivalence(found, margin.margin)
    said = f"{tests.verdict} within {margin.margin:g}"
    return {
        "analysis": "equivalence",
        "note": "; ".join(filter(None, [said, margin.note])),
        "p": tests.p,
    } | _limits(tests.interval)


def _limits(found: Interval) -> dict[str, Any]:
    return {
        "estimate": found.estimate,
        "low": found.low,
        "high": found.high,
        "level": found.level,
        "method": found.method,
        "n": found.n,
    }


def _row(found: Difference) -> dict[str, Any]:
    return _limits(found) | {"p": found.p}


def _nothing(why: str, level: float) -> dict[str, Any]:
    return {"level": level, "method": "none", "n": 0, "note": why}
