"""A judge against what humans settled: per code and per arm, weighted to the population."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from erranal.agreement import words

if TYPE_CHECKING:
    from erranal.labelled import Basis, Sample
    from erranal.stats.interval import Interval


def against_humans(basis: Basis, sample: Sample, *, level: float) -> Iterator[dict[str, Any]]:
    """Yield the rows of table ``estimates`` on the judge, for each arm by itself.

    Error rates of a judge differ between arms, so they are never pooled. The rates speak of the
    wrong responses in the population: units carry the inverse of their inclusion probability.

    Parameters
    ----------
    basis
        Whose judge it is.
    sample
        The units.
    level
        Nominal coverage.
    """
    settled = sample.settled
    read = settled.where(settled.judged)
    for arm in sorted(set(read.units["arm"])):
        part = read.where((read.units["arm"] == arm).to_numpy())
        unread = int((settled.units["arm"] == arm).sum()) - len(part.units)
        for name in basis.names:
            if basis.can_give(name):
                yield from _of_name(part, arm, name, unread, level=level)
            else:
                yield _not_assessed(arm, name, unread, level=level)


def _of_name(
    part: Sample, arm: str, name: str, unread: int, *, level: float
) -> Iterator[dict[str, Any]]:
    human, judge = part.of(name)
    weight = part.units["weight"].to_numpy()
    items = part.units["item_id"].to_numpy()
    found = {
        estimand: measure(human, judge, weight, items, level=level)
        for estimand, measure in _measures().items()
    }
    counts = {
        "both": int((human & judge).sum()),
        "humans only": int((human & ~judge).sum()),
        "judge only": int((~human & judge).sum()),
        "neither": int((~human & ~judge).sum()),
    }
    note = words.of_judge(found["sensitivity"], found["specificity"], counts)
    for estimand, interval in found.items():
        yield {
            "analysis": "trust",
            "estimand": estimand,
            "source": "judge",
            "arm": arm,
            "code": name,
            "estimate": interval.estimate,
            "low": interval.low,
            "high": interval.high,
            "level": interval.level,
            "method": interval.method,
            "n": interval.n,
            "positives": int(human.sum()),
            "excluded": unread,
            "counts": counts,
            "note": note,
        }


def _measures() -> dict[str, Callable[..., Interval]]:
    from erranal.stats import trust

    return {
        "sensitivity": trust.sensitivity_weighted,
        "specificity": trust.specificity_weighted,
        "PPV": trust.ppv_weighted,
        "NPV": trust.npv_weighted,
        "F1": trust.f1_weighted,
        "kappa": trust.kappa_weighted,
    }


def _not_assessed(arm: str, name: str, unread: int, *, level: float) -> dict[str, Any]:
    return {
        "analysis": "trust",
        "estimand": "sensitivity",
        "source": "judge",
        "arm": arm,
        "code": name,
        "level": level,
        "method": "none",
        "n": 0,
        "excluded": unread,
        "note": words.NOT_ASSESSED,
    }
