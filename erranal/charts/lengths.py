"""Chart of how much shorter the compared arm writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from erranal.charts import rows
from erranal.charts.theme import NEUTRAL, Theme, themed

if TYPE_CHECKING:
    import pandas as pd

RATIO_TICKS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]


def collapse_chart(collapse: pd.DataFrame, *, theme: Theme = NEUTRAL) -> alt.HConcatChart:
    """Return mean lengths, length ratio with its interval, and shares of responses without steps.

    Parameters
    ----------
    collapse
        Rows of table ``collapse``, drawn in the order given.
    theme
        Colours of the ink.
    """
    frame = collapse.reset_index(drop=True)
    frame["label"] = rows.row_labels(frame, ("model", "prompt_style", "arm_b"))
    frame["no_steps_a"], frame["no_steps_b"] = frame["no_steps_a"] * 100, frame["no_steps_b"] * 100
    frame = frame.assign(
        estimate=frame["length_ratio"],
        low=frame["ratio_low"].fillna(frame["length_ratio"]),
        high=frame["ratio_high"].fillna(frame["length_ratio"]),
    )
    frame["hue"] = rows.interval_hues(frame, 1)
    order = list(frame["label"])
    height = rows.ROW_PX * max(len(order), 1)
    chars = alt.X("value:Q", title="mean response, characters", scale=alt.Scale(padding=40))
    steps = alt.X("value:Q", title="responses without a step, %", scale=alt.Scale(padding=40))
    ratio = alt.X(
        "low:Q",
        title="length ratio, compared / reference",
        scale=alt.Scale(type="log", nice=False, padding=24, domain=_ratio_domain(frame)),
        axis=alt.Axis(format="~r", values=RATIO_TICKS),
    )
    frame["note"] = [_ratio_note(*row) for row in frame[["estimate", "low", "high"]].to_numpy()]
    panels = [
        rows.dumbbell(rows.two_arms(frame, "chars"), order, chars, ",.0f"),
        rows.intervals(frame, order, ratio, 1),
        rows.notes(frame, order, "ratio"),
        rows.dumbbell(rows.two_arms(frame, "no_steps"), order, steps, ".1f", labels=False),
    ]
    sized = [
        panel.properties(width=width, height=height)
        for panel, width in zip(panels, (230, 200, 120, 230), strict=True)
    ]
    return themed(alt.hconcat(*sized, spacing=24), theme)


def _ratio_domain(frame: pd.DataFrame) -> list[float]:
    # Wide enough to show at least a factor of two either way.
    return [min(0.5, float(frame["low"].min())), max(2.0, float(frame["high"].max()))]


def _ratio_note(estimate: float, low: float, high: float) -> str:
    return f"×{estimate:.2f}  [{low:.2f}, {high:.2f}]"
