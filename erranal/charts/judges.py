"""Chart of two judges beside each other: how often each gives a code, and how often both do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import pandas as pd

from erranal.charts.rows import layered
from erranal.charts.theme import BOTH_RIGHT, NEUTRAL, Theme, arm_scale, themed

if TYPE_CHECKING:
    from collections.abc import Sequence

CODE_PX = 34
JUDGE_HUES = ("#b98a1d", "#7a63c7")


def judge_agreement_chart(
    cells: pd.DataFrame, judges: Sequence[str], *, theme: Theme = NEUTRAL
) -> alt.HConcatChart:
    """Return each code's rate by two judges and, beside it, who gave it.

    On the left a line a code and arm, from one judge's rate (filled) to the other's (hollow); on
    the right, among the records that either judge gave the code, the shares that both gave and
    only one of them.

    Parameters
    ----------
    cells
        Columns code, title, arm, n, both, only_a and only_b: counts of the records that both
        judges read, one line a code and arm; codes are drawn in the order given, and those that
        neither judge gave are left out.
    judges
        Names of the two, in the order a, b.
    theme
        Colours of the ink.
    """
    frame = cells.reset_index(drop=True)
    counts = ["n", "both", "only_a", "only_b"]
    whole = frame.groupby(["code", "title"], sort=False)[counts].sum().reset_index()
    whole["given"] = whole[counts[1:]].sum(axis=1)
    whole = whole[whole["given"] > 0]
    order = whole["title"].tolist()
    height = CODE_PX * max(len(order), 1)
    left = _rates(frame[frame["code"].isin(whole["code"])], judges, order)
    right = _shares(whole, judges, order)
    panels = [panel.properties(height=height) for panel in (left, right)]
    chart: alt.HConcatChart = alt.hconcat(*panels, spacing=26).resolve_scale(color="independent")
    return themed(chart, theme)


def _rows(order: list[str], *, labels: bool) -> alt.Y:
    axis = alt.Axis(title=None, labelFontSize=13) if labels else None
    return alt.Y("title:N", sort=order, axis=axis)


def _rates(frame: pd.DataFrame, judges: Sequence[str], order: list[str]) -> alt.LayerChart:
    scale = arm_scale(list(frame["arm"].unique()))
    ends = [
        frame[["title", "arm", "n"]].assign(
            judge=name, rate=100 * (frame["both"] + frame[f"only_{side}"]) / frame["n"]
        )
        for side, name in zip("ab", judges, strict=True)
    ]
    long = pd.concat(ends, ignore_index=True)
    long["filled"] = (long["judge"] == judges[0]).astype(int)
    # Equal rates show as a dot in a circle.
    long["area"] = long["filled"].map({1: 80, 0: 210})
    base = alt.Chart(long, width=340).encode(
        x=alt.X("rate:Q", axis=alt.Axis(title="errors given the code, per hundred")),
        y=_rows(order, labels=True),
        yOffset=alt.YOffset("arm:N", sort=scale.domain),
    )
    link = base.mark_line(style="link").encode(detail=["title:N", "arm:N"])
    dots = base.mark_point(opacity=1, strokeWidth=2.2).encode(
        color=alt.Color("arm:N", scale=scale, legend=None),
        fill=alt.Fill("arm:N", scale=scale, title=None),
        size=alt.Size("area:Q", scale=None),
        fillOpacity=alt.FillOpacity("filled:Q", scale=None),
        tooltip=[
            alt.Tooltip("title:N", title="Code"),
            alt.Tooltip("judge:N", title="Judge"),
            alt.Tooltip("arm:N", title="Arm"),
            alt.Tooltip("rate:Q", title="Per hundred errors", format=".1f"),
            alt.Tooltip("n:Q", title="Errors both read"),
        ],
    )
    heading = alt.TitleParams(
        f"{judges[0]} filled, {judges[1]} hollow", fontSize=12, fontWeight="normal", offset=4
    )
    return layered(link, dots).properties(title=heading)


def _shares(whole: pd.DataFrame, judges: Sequence[str], order: list[str]) -> alt.Chart:
    parts = ("both", f"only {judges[0]}", f"only {judges[1]}")
    long = pd.concat(
        [
            whole[["title", "given"]].assign(
                part=part, place=place, records=whole[name], share=whole[name] / whole["given"]
            )
            for place, (part, name) in enumerate(
                zip(parts, ("both", "only_a", "only_b"), strict=True)
            )
        ],
        ignore_index=True,
    )
    scale = alt.Scale(domain=list(parts), range=[BOTH_RIGHT, *JUDGE_HUES])
    axis = alt.Axis(title="who gave it, of the errors either gave it", format="%")
    bars: alt.Chart = (
        alt.Chart(long, width=260)
        .mark_bar(height={"band": 0.62})
        .encode(
            x=alt.X("share:Q", stack="zero", scale=alt.Scale(domain=[0, 1]), axis=axis),
            y=_rows(order, labels=False),
            color=alt.Color("part:N", scale=scale, title=None, legend=alt.Legend(columns=1)),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("title:N", title="Code"),
                alt.Tooltip("part:N", title="Given by"),
                alt.Tooltip("records:Q", title="Errors"),
                alt.Tooltip("share:Q", title="Share", format=".0%"),
            ],
        )
    )
    return bars
