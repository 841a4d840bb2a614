"""Chart of how often each code of a codebook occurs under each arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from erranal.charts.rows import layered
from erranal.charts.theme import NEUTRAL, Theme, arm_scale, themed

if TYPE_CHECKING:
    import pandas as pd

CODE_PX = 30


def code_profile_chart(profile: pd.DataFrame, *, theme: Theme = NEUTRAL) -> alt.VConcatChart:
    """Return rates per item of every code, grouped by family, one dot an arm.

    Rates are per item, not shares among errors: shares of one kind fall when another rises.

    Parameters
    ----------
    profile
        Columns code, title, family, arm, rate, low and high (fractions of items), one line a code
        and arm; families and codes are drawn in the order given.
    theme
        Colours of the ink.
    """
    frame = profile.reset_index(drop=True)
    measures = ["rate", "low", "high"]
    frame[measures] = frame[measures] * 100
    scale = arm_scale(list(frame["arm"].unique()))
    families = list(frame["family"].unique())
    widest = float(frame[["rate", "high"]].max().max()) if len(frame) else 1.0
    x_scale = alt.Scale(domain=[0, widest * 1.04], nice=False)
    panels = [
        _family(frame[frame["family"] == family], scale, x_scale, last=family == families[-1])
        for family in families
    ]
    return themed(alt.vconcat(*panels, spacing=22), theme)


def _family(
    frame: pd.DataFrame, scale: alt.Scale, x_scale: alt.Scale, *, last: bool
) -> alt.LayerChart:
    order = list(frame["title"].unique())
    axis = alt.Axis(title="occurrences per 100 items" if last else None, labels=last, tickCount=6)
    x = alt.X("rate:Q", scale=x_scale, axis=axis)
    base = alt.Chart(frame).encode(
        y=alt.Y("title:N", sort=order, axis=alt.Axis(title=None, labelFontSize=13)),
        yOffset=alt.YOffset("arm:N", sort=scale.domain),
        color=alt.Color("arm:N", scale=scale, title=None),
    )
    tips = [alt.Tooltip("title:N", title="Code"), alt.Tooltip("arm:N", title="Arm")]
    tips += [alt.Tooltip(f"{name}:Q", format=".2f") for name in ("rate", "low", "high")]
    bars = base.mark_rule(strokeWidth=3, strokeCap="round", opacity=0.45).encode(
        x=alt.X("low:Q", scale=x_scale, axis=axis), x2="high:Q"
    )
    dots = base.mark_circle(size=95, opacity=1).encode(x=x, tooltip=tips)
    family = str(frame["family"].iloc[0])
    heading = alt.TitleParams(family.capitalize(), fontSize=13, offset=8, frame="group")
    return layered(bars, dots).properties(title=heading, width=520, height=CODE_PX * len(order))
