"""Charts of coders and judge: how far coders agree, what a judge shown does, where it errs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.agreement.words import RELIABLE, TENTATIVE, TRUSTED
from erranal.report import tracks
from erranal.report import wording as w
from erranal.report.estimate_trust import MEASURES
from erranal.report.estimate_views import (
    COEFFICIENT,
    POINTS,
    WHOLE,
    interval,
    level_of,
    place,
)
from erranal.report.views import Chart, points_tick

if TYPE_CHECKING:
    from erranal.report.plain import Row
    from erranal.report.views import Arms

_SETS = "whole label set"
_TRUST_SCALE = tracks.Scale(-0.03, 1.03, (0.0, 0.5, 1.0))
# The words of a verdict, and the class that colours it.
BADGES = {
    "trusted": ("trustworthy", "good"),
    "distrusted": ("not alone", "bad"),
    "open": ("open", "open"),
    "unknown": ("not known", "quiet"),
}


def coders_chart(part: dict[str, Any]) -> Chart:
    """Return alpha with its interval for every code, with AC1 and kappa beside it.

    Gridlines stand at the bounds that alpha is held against.
    """
    measures = [line[name] for line in part["lines"] for name in ("alpha", "AC1", "kappa")]
    known = [one for one in (*measures, *part["sets"]) if one]
    least = min((one[key] for one in known for key in ("low", "estimate") if one[key] is not None),
                default=0.0)  # fmt: skip
    low = min(-0.05, max(least, -1.0) - 0.04)
    scale = tracks.Scale(low, 1.04, (0.0, TENTATIVE, RELIABLE, 1.0))
    rows = [_sets_row(one, scale) for one in part["sets"]]
    rows += [_coders_row(line, scale) for line in part["lines"]]
    column = tracks.Column(f"alpha, {level_of(known)} interval", scale, _coefficient_tick)
    heads = ["", "alpha", "AC1", "kappa", "all / some / nobody"]
    legend = [("bar", "ink", "alpha"), ("ring", "ink", "AC1"), ("diamond", "ink", "kappa")]
    caption = f"Under {part['arm']}" if part["arm"] else ""
    return tracks.chart(caption, [column], rows, heads=heads, legend=legend)


def _coefficient_tick(value: float) -> str:
    return f"{value:g}".replace("0.", ".") if value not in (0, 1) else f"{value:g}"


def _sets_row(one: Row, scale: tracks.Scale) -> Row:
    label = one["of"].rpartition(", ")[2]
    bar = place(scale, one, one["of"], COEFFICIENT)
    numbers = [interval(one, COEFFICIENT), "", "", f"{w.count(one['n'], 'pair')}"]
    label = f"{label[:1].upper()}{label[1:]} distance"
    return tracks.row(label, [[bar]], numbers, note=one["note"], group=_SETS)


def _coders_row(line: Row, scale: tracks.Scale) -> Row:
    shapes = {"kappa": "diamond faint", "AC1": "ring faint", "alpha": "dot"}
    marks = [
        place(
            scale,
            line[name],
            f"{line['title']}, {name}",
            COEFFICIENT,
            shape=shape,
            lane=0.1 if name == "alpha" else 0.9,
        )
        for name, shape in shapes.items()
    ]
    counts = line["counts"]
    table = [counts.get(key) for key in ("all gave it", "some did", "nobody did")]
    numbers = [interval(line["alpha"], COEFFICIENT)]
    numbers += [interval(line[name], COEFFICIENT).partition(" ")[0] for name in ("AC1", "kappa")]
    numbers += [" / ".join("–" if n is None else f"{n:,}" for n in table)]
    group = "families" if line["family"] is None else "codes"
    return tracks.row(line["title"], [marks], numbers, note=line["note"], group=group, lanes=2)


def anchoring_chart(lines: list[Row]) -> Chart | None:
    """Return how much more coders agree with the judge where they are shown what it says."""
    if not lines:
        return None
    scale = tracks.linear([one[key] for one in lines for key in ("low", "high")])
    head = f"shown less blind, points, {level_of(lines)} intervals"
    column = tracks.Column(head, scale, points_tick, zero=0)
    rows = [_anchoring_row(one, scale) for one in lines]
    heads = ["", "difference", "as the judge, shown", "as the judge, blind"]
    return tracks.chart("", [column], rows, heads=heads)


def _anchoring_row(one: Row, scale: tracks.Scale) -> Row:
    bar = place(scale, one, one["title"], POINTS)
    numbers = [interval(one, POINTS)]
    numbers += [f"{one[side]['alike']:,} / {one[side]['of']:,}" for side in ("suggested", "blind")]
    return tracks.row(one["title"], [[bar]], numbers, note=one["note"])


def trust_table(trust: dict[str, Any], arms: Arms) -> dict[str, Any]:
    """Return the judge's errors as a table with drawn columns: a line a code and arm."""
    sides = [side for line in trust["lines"] for side in line["sides"]]
    level = level_of(one for side in sides for one in side["measures"].values())
    heads = (("sensitivity", "finds"), ("specificity", "spares"), ("PPV", "is right"))
    rows = [
        {
            "title": line["title"],
            "group": "families" if line["family"] is None else "codes",
            "sides": [_trust_side(side, arms) for side in line["sides"]],
        }
        for line in trust["lines"]
    ]
    ticks = [{"left": _TRUST_SCALE.place(t), "label": f"{100 * t:g}"} for t in _TRUST_SCALE.ticks]
    bound = _TRUST_SCALE.place(TRUSTED)
    return {"heads": heads, "level": level, "ticks": ticks, "bound": bound, "rows": rows}


def _trust_side(side: Row, arms: Arms) -> dict[str, Any]:
    hue = arms.hue(side["arm"])
    cells = []
    for name in MEASURES:
        one = side["measures"][name]
        words = f"{side['arm']}, {name}"
        bar = place(_TRUST_SCALE, one, words, WHOLE, hue=hue)
        cells.append({"marks": [bar] if bar else [], "words": interval(one, WHOLE)})
    badge, colour = BADGES[side["verdict"]]
    # The badge says how the words begin.
    note = side["note"] if side["verdict"] == "unknown" else side["note"].partition(": ")[2]
    told = {"badge": badge, "colour": colour, "note": note}
    sizes = {key: side[key] for key in ("arm", "n", "positives", "unread")}
    return sizes | told | {"hue": hue, "cells": cells}
