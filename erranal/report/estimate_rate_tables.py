"""Tables of rates and of their changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from erranal.report import estimate_changes, estimate_rates
from erranal.report import wording as w
from erranal.report.estimate_basis import best
from erranal.report.estimate_table import Table, grouped, never
from erranal.report.estimate_views import POINTS, interval, level_of, who

if TYPE_CHECKING:
    from erranal.report.estimate_basis import Estimates
    from erranal.report.plain import Row


def _of(group: Row) -> str:
    named = who(group)
    return f" ({named})" if named else ""


# Rates --------------------------------------------------------------------------------------------


def rates(found: Estimates, grouping: str) -> Iterator[Table]:
    """Yield the rates of each comparison and group."""
    summary = estimate_rates.summarise(found, grouping) or {"comparisons": []}
    for one in summary["comparisons"]:
        rows = [_rate_rows(line) for line in one["lines"]]
        level = level_of(best(side) for line in one["lines"] for side in line["sides"])
        yield Table(
            "rates",
            f"Rates per item in percent{_of(one)}, {one['arm']} beside {one['reference']}, with "
            f"{level} intervals: the judge corrected by human labels, and beside it human labels "
            "alone and the judge alone, uncorrected.",
            ["Code", "Arm", "Corrected", "Humans only", "Judge only (uncorrected)", "With it", "n"],
            grouped(one["lines"], rows),
            (0, 1),
            [*map(_size, one["sides"]), *never([line["title"] for line in one["never"]])],
        )


def _rate_rows(line: Row) -> list[list[str]]:
    return [
        [
            "" if place else line["title"],
            side["arm"],
            *(interval(side[source]) for source in ("corrected", "humans", "judge")),
            *_sizes(best(side)),
        ]
        for place, side in enumerate(line["sides"])
    ]


def _sizes(one: Row | None) -> list[str]:
    if one is None:
        return ["–", "–"]
    return ["–" if one["positives"] is None else f"{one['positives']:,}", f"{one['n']:,}"]


def _size(side: Row) -> str:
    unread = f", {w.count(side['unread'], 'error')} not read by the judge" if side["unread"] else ""
    return (
        f"{side['arm']}: {w.count(side['responses'] or 0, 'response')}, "
        f"{w.count(side['errors'] or 0, 'error')}, {side['labelled']:,} labelled items{unread}."
    )


# Changes ------------------------------------------------------------------------------------------


def changes(found: Estimates, grouping: str) -> Iterator[Table]:
    """Yield the changes of each comparison and group, with the tests of equivalence."""
    for one in estimate_changes.by_group(found, grouping):
        tests = {test["name"]: test for test in one["equivalence"]}
        rows = [[_change_row(line, tests.get(line["name"]))] for line in one["lines"]]
        groups = grouped(one["lines"], rows)
        if one["contrast"]:
            groups.insert(0, ("Contrast", [_contrast_row(one["contrast"])]))
        level = level_of(best(line) for line in one["lines"])
        heads = ["Code", "Change", "Adjusted p", "Humans only", "Judge only (uncorrected)"]
        yield Table(
            "changes",
            f"Change of rates per item from {one['reference']} to {one['arm']}{_of(one)}, in "
            f"percentage points with {level} intervals: the judge corrected by human labels.",
            [*heads, "With it", "n", "Equivalence"],
            groups,
            (0, 7),
            [*_change_notes(one), *never(one["never"])],
        )


def _change_row(line: Row, test: Row | None) -> list[str]:
    one = best(line)
    return [
        line["title"],
        interval(line["corrected"], POINTS),
        _p(one["p_adjusted"] if one else None),
        *(interval(line[source], POINTS) for source in ("humans", "judge")),
        *_sizes(best(line)),
        _verdict(test),
    ]


def _contrast_row(one: Row) -> list[str]:
    title = one["of"].replace(w.MINUS, "less")
    numbers = [interval(one, POINTS), _p(one["p"]), "", "", "", f"{one['n']:,}", ""]
    return [f"{title[:1].upper()}{title[1:]}", *numbers]


def _p(value: float | None) -> str:
    return w.p_value(value).removeprefix("p = ").removeprefix("p ")


def _verdict(test: Row | None) -> str:
    if test is None:
        return ""
    margin = f"±{100 * test['margin']:g}" if test["margin"] else "its margin"
    shown = "equivalent" if test["shown"] else "not shown"
    return f"{shown} within {margin}"


def _change_notes(one: dict[str, Any]) -> Iterator[str]:
    yield f"{w.count(one['pool'] or 0, 'pair')}, {one['drawn']:,} of them labelled."
    if one["unsettled"]:
        yield f"{w.count(one['unsettled'], 'sampled pair')} without a settled label left out."
    for adjustment in dict.fromkeys(
        part["adjustment"] for line in one["lines"] if (part := best(line))
    ):
        if adjustment:
            yield f"Adjusted p: {adjustment}."
    if one["contrast"]:
        yield "The p of the contrast is not adjusted."
    for test in one["equivalence"]:
        note = f"; {test['note']}" if test["note"] else ""
        limits = f"{w.level(test['level'])} interval {interval(test, POINTS)}"
        yield f"Equivalence of {test['title'].lower()}: {limits}{note}."
