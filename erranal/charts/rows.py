"""Charts of one comparison a row share their rows: labels, heights, dumbbells, intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import altair as alt
import pandas as pd

from erranal.charts.theme import UNDECIDED, arm_hue, arm_scale, modality

if TYPE_CHECKING:
    from collections.abc import Sequence

ROW_PX = 34
Orient = Literal["top", "bottom"]
SIDES = ("arm_a", "arm_b", "low", "high")


def row_labels(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Return a label a row, made of the columns that tell the rows apart.

    With a single row, of its first column that is known; duplicates are numbered.
    """
    known = [name for name in columns if name in frame and frame[name].notna().any()]
    telling = [name for name in known if frame[name].nunique(dropna=False) > 1] or known[:1]
    parts = frame[telling].fillna("all").astype(str)
    labels = parts.agg(" · ".join, axis=1) if telling else pd.Series("all", frame.index)
    again = labels.groupby(labels).cumcount()
    return [f"{label} ({n + 1})" if n else label for label, n in zip(labels, again, strict=True)]


def layered(*layers: alt.Chart) -> alt.LayerChart:
    """Return charts drawn over each other, the first at the bottom."""
    return alt.LayerChart(layer=list(layers))


def row_axis(order: list[str], *, labels: bool = True) -> alt.Y:
    """Return the y channel of rows in the given order."""
    axis = alt.Axis(title=None, labelFontSize=13) if labels else None
    return alt.Y("label:N", sort=order, axis=axis)


def signed_axis(title: str, *, orient: Orient = "bottom") -> alt.Axis:
    """Return an axis of differences, whose positive labels carry their sign."""
    signed = "datum.value > 0 ? '+' + datum.label : datum.label"
    return alt.Axis(title=title, orient=orient, labelExpr=signed)


def two_arms(frame: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return one line a row and arm with the measure as ``value``, for :func:`dumbbell`.

    ``side`` is -1 for the smaller of the two values and 1 for the larger, for labels outside.
    ``filled`` is 0 for a reference of the modality it is compared with, which would look the same.
    """
    alike = frame["arm_a"].map(modality) == frame["arm_b"].map(modality)
    long = []
    for side, other in ("ab", "ba"):
        value = frame[f"{measure}_{side}"]
        smaller = value < frame[f"{measure}_{other}"]
        if side == "a":
            smaller |= value == frame[f"{measure}_{other}"]
        columns = {"label": frame["label"], "arm": frame[f"arm_{side}"], "value": value}
        columns |= {"modality": columns["arm"].map(modality)}
        columns |= {"side": smaller.map({True: -1, False: 1})}
        columns |= {"filled": (~alike | (side == "b")).astype(int)}
        long.append(pd.DataFrame(columns))
    return pd.concat(long, ignore_index=True)


def dumbbell(
    long: pd.DataFrame, order: list[str], x: alt.X, number: str, *, labels: bool = True
) -> alt.LayerChart:
    """Return dots of two arms joined by a line, each with its value beside it.

    Parameters
    ----------
    long
        Result of :func:`two_arms`.
    order
        Labels from top to bottom.
    x
        Channel of ``value``.
    number
        d3 format of the values.
    labels
        Whether the rows are named.
    """
    base = alt.Chart(long).encode(y=row_axis(order, labels=labels))
    colour = alt.Color("modality:N", scale=arm_scale(list(long["modality"])), title=None)
    line = base.mark_line(style="link").encode(x=x, detail="label:N")
    dots = base.mark_point(size=110, opacity=1, strokeWidth=2.5).encode(
        x=x,
        color=colour,
        fill=colour,
        fillOpacity=alt.FillOpacity("filled:Q", scale=None),
        tooltip=_tips(number),
    )
    values = alt.Text("value:Q", format=number)
    left = base.mark_text(align="right", dx=-11, style="note").encode(x=x, text=values)
    right = base.mark_text(align="left", dx=11, style="note").encode(x=x, text=values)
    return layered(
        line,
        dots,
        left.transform_filter(alt.datum.side < 0),
        right.transform_filter(alt.datum.side > 0),
    )


def _tips(number: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("label:N", title="Comparison"),
        alt.Tooltip("arm:N", title="Arm"),
        alt.Tooltip("value:Q", title="Value", format=number),
    ]


def interval_hues(frame: pd.DataFrame, null: float) -> list[str]:
    """Return a hue a row: the better arm's where the interval leaves ``null`` out, else grey."""
    hues = []
    for arm_a, arm_b, low, high in zip(*(frame[name] for name in SIDES), strict=True):
        better = arm_b if low > null else arm_a if high < null else None
        hues.append(UNDECIDED if better is None else arm_hue(better))
    return hues


def intervals(
    frame: pd.DataFrame, order: list[str], x: alt.X, null: float, *, labels: bool = False
) -> alt.LayerChart:
    """Return points with intervals and a line at the value that means no difference.

    ``frame`` has columns label, estimate, low, high and hue.
    """
    base = alt.Chart(frame).encode(
        y=row_axis(order, labels=labels), color=alt.Color("hue:N", scale=None)
    )
    zero = alt.Chart(pd.DataFrame({"null": [null]})).mark_rule(style="zero").encode(x="null:Q")
    bars = base.mark_rule(strokeWidth=3, strokeCap="round", opacity=0.55).encode(x=x, x2="high:Q")
    tips = [alt.Tooltip("label:N", title="Comparison")]
    tips += [alt.Tooltip(f"{name}:Q", format=".2f") for name in ("estimate", "low", "high")]
    dots = base.mark_circle(size=120, opacity=1).encode(x="estimate:Q", tooltip=tips)
    return layered(zero, bars, dots)


def notes(frame: pd.DataFrame, order: list[str], title: str) -> alt.Chart:
    """Return a column of words, one a row, from column ``note``."""
    heading = alt.TitleParams(title, fontSize=12, fontWeight="normal")
    words = alt.Chart(frame, title=heading, width=150).mark_text(align="left", x=0)
    column: alt.Chart = words.encode(y=row_axis(order, labels=False), text="note:N")
    return column
