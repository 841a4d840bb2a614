"""Charts of the changes at equal length, and words of numbers that were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.report import tracks
from erranal.report import wording as w
from erranal.report.estimate_views import PERCENT, POINTS, interval, level_of, place
from erranal.report.views import Chart, points_tick

if TYPE_CHECKING:
    from erranal.report.plain import Row


def equal_length_chart(compared: dict[str, Any]) -> Chart | None:
    """Return the changes at equal length, and how they go with length, family by family."""
    lines = [(kind["of"], line) for kind in compared["equal_length"] for line in kind["lines"]]
    if not lines:
        return None
    parts = [line for _, line in lines]
    scale = tracks.linear([one[key] for one in parts for key in ("estimate", "low", "high")])
    head = f"{compared['arm']} less {compared['reference']}, points, {level_of(parts)} intervals"
    column = tracks.Column(head, scale, points_tick, zero=0)
    rows = [
        tracks.row(
            line["title"],
            [[place(scale, line, f"{line['title']}, {of}", POINTS)]],
            [interval(line, POINTS), w.p_value(line["p"]), f"{line['n']:,}"],
            group=of,
        )
        for of, line in lines
    ]
    return tracks.chart("", [column], rows, heads=["", "corrected", "p, not adjusted", "pairs"])


def requested_words(line: Row) -> str:
    """Write a number that was asked for; differences carry a sign."""
    return interval(line, PERCENT if line["p"] is None else POINTS)
