"""Tables of coders and judge: where the judge errs, how far coders agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from erranal.report import estimate_coders, estimate_trust
from erranal.report import wording as w
from erranal.report.estimate_table import Table, grouped, never
from erranal.report.estimate_views import COEFFICIENT, POINTS, WHOLE, interval, level_of

if TYPE_CHECKING:
    from erranal.report.estimate_basis import Estimates
    from erranal.report.plain import Row


def trust(found: Estimates) -> Iterator[Table]:
    """Yield the errors of the judge by code and arm."""
    summary = estimate_trust.summarise(found)
    if summary is None:
        return
    sides = [side for line in summary["lines"] for side in line["sides"]]
    level = level_of(one for side in sides for one in side["measures"].values())
    measures = estimate_trust.MEASURES
    rows = [
        [
            [
                "" if place else line["title"],
                side["arm"],
                *(interval(side["measures"][name], WHOLE) for name in measures),
                "–" if side["positives"] is None else f"{side['positives']:,}",
                f"{side['n']:,}",
                side["note"],
            ]
            for place, side in enumerate(line["sides"])
        ]
        for line in summary["lines"]
    ]
    unread = {side["arm"]: side["unread"] for side in sides if side["unread"]}
    notes = [
        f"{arm}: {w.count(n, 'unit')} without a readable verdict left out."
        for arm, n in unread.items()
    ]
    notes += never(summary["never"])
    if summary["unassessed"]:
        notes.append(f"Not assessed by this judge: {w.listed(summary['unassessed'])}.")
    yield Table(
        "trust",
        f"The judge against settled human labels, by arm, in percent with {level} intervals, "
        "weighted by design.",
        ["Code", "Arm", "Sensitivity", "Specificity", "PPV", "With it", "n", "Conclusion"],
        grouped(summary["lines"], rows),
        (0, 1, 7),
        notes,
    )


def agreement(found: Estimates) -> Iterator[Table]:
    """Yield agreement over all arms and under each, and anchoring."""
    summary = estimate_coders.summarise(found) or {"parts": [], "anchoring": []}
    for part in summary["parts"]:
        rows = [[_coders_row(line)] for line in part["lines"]]
        sets = [_set_row(one) for one in part["sets"]]
        level = level_of(line["alpha"] for line in part["lines"])
        under = f" under {part['arm']}" if part["arm"] else ""
        notes = [f"{w.count(part['excluded'], 'unit')} coded by one coder only left out."]
        yield Table(
            "agreement",
            f"Agreement between coders{under}, before adjudication, with {level} intervals.",
            ["Code", "Alpha", "AC1", "Kappa", "All / some / nobody gave it", "Conclusion"],
            [("Whole label sets", sets), *grouped(part["lines"], rows)],
            (0, 5),
            [*(notes if part["excluded"] else []), *never(part["never"])],
        )
    if summary["anchoring"]:
        yield _anchoring(summary["anchoring"])


def _coders_row(line: Row) -> list[str]:
    cells = [line["counts"].get(key) for key in ("all gave it", "some did", "nobody did")]
    table = " / ".join("–" if n is None else f"{n:,}" for n in cells)
    numbers = [interval(line[name], COEFFICIENT) for name in ("alpha", "AC1", "kappa")]
    return [line["title"], *numbers, table, line["note"]]


def _set_row(one: Row) -> list[str]:
    return [
        one["of"],
        interval(one, COEFFICIENT),
        "",
        "",
        f"{w.count(one['n'], 'pair')}",
        one["note"],
    ]


def _anchoring(lines: list[Row]) -> Table:
    rows = [
        [
            one["title"],
            interval(one, POINTS),
            *(f"{one[side]['alike']:,} / {one[side]['of']:,}" for side in ("suggested", "blind")),
            one["note"],
        ]
        for one in lines
    ]
    return Table(
        "anchoring",
        "Agreement of coders with the judge where its labels were shown, less where they were not, "
        f"in percentage points with {level_of(lines)} intervals.",
        ["Code", "Difference", "As the judge, shown", "As the judge, blind", "Conclusion"],
        [("", rows)],
        (0, 4),
    )
