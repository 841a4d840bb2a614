"""Numbers that mislead, given on explicit request only, each with why it does.

Reviewers ask for them, and other papers print them; beside the right number, and named, they do no
harm.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from erranal.errors import StageError
from erranal.prevalence import pools

if TYPE_CHECKING:
    from erranal.labelled import Basis
    from erranal.prevalence.groups import Group
    from erranal.stats.interval import Interval

WHY = {
    "shares": "share among errors: it falls when another kind of error rises",
    "unweighted": "weights ignored: it speaks of the sample, not of the population",
    "pooled-errors": "the judge's error rates pooled over arms: biased where they differ",
    "uncorrected-test": "judge labels tested as if they were true: a judge that is merely worse on "
    "one arm makes a difference",
}


def allowed(basis: Basis, *, conditional: bool, also: Collection[str]) -> Basis:
    """Return the basis with what has to stand beside its numbers, or refuse it.

    Raises
    ------
    StageError
        When the rounds were drawn by who is right and that was not asked for, or ``also`` has an
        unknown key.
    """
    if unknown := [what for what in also if what not in WHY]:
        raise StageError(f"there is no number {unknown[0]!r} on request: {', '.join(WHY)}")
    if "outcome_" not in (basis.condition or ""):
        return basis
    if not conditional:
        raise StageError(
            f"the rounds were drawn where {basis.condition}: among pairs that only one arm got "
            "right, rates and differences are made by the choice of the pairs (a collider). Good "
            "for finding cases; draw a round without it, or give --conditional to have the "
            "numbers marked"
        )
    return replace(basis, notes=(*basis.notes, f"on request; only pairs where {basis.condition}"))


def requested(
    basis: Basis, group: Group, also: Collection[str], *, level: float
) -> Iterator[dict[str, Any]]:
    """Yield the rows of table ``estimates`` that were asked for beside the right ones.

    Parameters
    ----------
    basis
        Whose judge it is.
    group
        The part of the study.
    also
        Keys of ``WHY``.
    level
        Nominal coverage.
    """
    makers: dict[str, Callable[..., Iterator[dict[str, Any]]]] = {
        "shares": _shares,
        "unweighted": _unweighted,
        "pooled-errors": _pooled,
        "uncorrected-test": _tested,
    }
    for what in also:
        for name in basis.names:
            if basis.can_give(name):
                for row in makers[what](group, name, level):
                    yield group.columns | row | {"code": name, "note": f"on request; {WHY[what]}"}


def _shares(group: Group, name: str, level: float) -> Iterator[dict[str, Any]]:
    from erranal.stats import prevalence

    total, given = group.population.total(), group.population.given(name)
    for side, arm in _wrong(group):
        units = group.side(arm)
        human, judge = units.of(name)
        found = prevalence.prevalence_poststratified(
            human,
            judge,
            pools.responses(given[f"in_{side}"], total[f"in_{side}"]),
            weight=units.units["weight"].to_numpy(),
            cluster=units.units["item_id"].to_numpy(),
            level=level,
        )
        yield _rate(arm, "share of errors", "corrected", found, total[f"in_{side}"])


def _unweighted(group: Group, name: str, level: float) -> Iterator[dict[str, Any]]:
    from erranal.stats import prevalence

    total = group.population.total()
    for side, arm in _wrong(group):
        units, wrong = group.side(arm), total[f"in_{side}"]
        found = prevalence.prevalence_human(
            units.of(name)[0],
            cluster=units.units["item_id"].to_numpy(),
            pool=wrong,
            certain=total["pairs"] - wrong,
            level=level,
        )
        yield _rate(arm, "rate per item, unweighted", "humans", found, total["pairs"])


def _pooled(group: Group, name: str, level: float) -> Iterator[dict[str, Any]]:
    from erranal.stats import rogan_gladen

    settled = group.sample.settled
    human, judge = settled.of(name)
    total, given = group.population.total(), group.population.given(name)
    for side, arm in _wrong(group):
        wrong = total[f"in_{side}"]
        found = rogan_gladen.prevalence_rogan_gladen(
            given[f"in_{side}"],
            wrong,
            (int((human & judge).sum()), int(human.sum())),
            (int((~human & ~judge).sum()), int((~human).sum())),
            level=level,
        )
        yield _rate(arm, "share of errors, Rogan-Gladen", "corrected", found, wrong)


def _tested(group: Group, name: str, level: float) -> Iterator[dict[str, Any]]:
    from erranal.stats import effects, paired

    total, given = group.population.total(), group.population.given(name)
    pool = pools.both_sides(total["either"], given["in_a"], given["in_b"], given["in_both"])
    found = effects.difference_judge(pool, certain=total["pairs"] - total["either"], level=level)
    p = paired.mcnemar_mid_p(given["in_a"] - given["in_both"], given["in_b"] - given["in_both"])
    row = _rate(group.arm, "difference of rates per item", "judge", found, total["pairs"])
    yield row | {"reference": group.reference, "p": float(p)}


def _wrong(group: Group) -> list[tuple[str, str]]:
    """Return the sides of pairs, and their arms, on which anything is wrong."""
    total = group.population.total()
    return [(s, arm) for s, arm in (("a", group.reference), ("b", group.arm)) if total[f"in_{s}"]]


def _rate(arm: str, estimand: str, source: str, found: Interval, pool: int) -> dict[str, Any]:
    return {
        "analysis": "on request",
        "estimand": estimand,
        "source": source,
        "arm": arm,
        "estimate": found.estimate,
        "low": found.low,
        "high": found.high,
        "level": found.level,
        "method": found.method,
        "n": found.n,
        "excluded": 0,
        "pool": pool,
    }
