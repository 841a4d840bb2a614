"""One look for all charts: fixed hues for the arms, quiet ink, no background of its own.

The hues and the neutral ink are mid-tones that keep their contrast on white and on near-black, so
a chart may be embedded in a page of either kind. A page that knows its background passes ``LIGHT``
or ``DARK`` for stronger ink. Ink is set in the configuration alone, never in a mark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import altair as alt

FONT = "Inter, 'Helvetica Neue', Helvetica, 'Segoe UI', 'DejaVu Sans', Arial, sans-serif"

# Text and image differ in hue and lightness, also for readers who tell red and green badly apart.
MODALITY_HUES = {
    "text": "#1f8a9c",
    "text+image": "#8a61cf",
    "instruction+image": "#b8892b",
    "ocr-1p": "#6f9440",
    "ocr-2p": "#4d7f62",
    "image": "#e0662f",
    "none": "#7d8791",
}
OUTCOME_HUES = {
    "correct": "#4f9a83",
    "incorrect": "#b4505c",
    "no_answer": "#d3a13c",
    "refused": "#8d74b8",
    "failed": "#7d8791",
    "ungradable": "#b3bac1",
}
BOTH_RIGHT, BOTH_WRONG = "#a3afb8", "#5d6771"
UNDECIDED = "#8b949d"
CLUSTER_HUES = (
    "#1f8a9c",
    "#e0662f",
    "#8a61cf",
    "#6f9440",
    "#c25b86",
    "#b8892b",
    "#4a78b5",
    "#a4614a",
    "#3f9e78",
    "#9a8f3a",
    "#7b83c9",
    "#c77a52",
)


@dataclass(frozen=True)
class Theme:
    """Colours that carry no data.

    ``ink`` is for words, ``soft`` for notes, ``line`` for grids; ``label`` is for words that lie
    on data, with a ``halo`` around them.
    """

    ink: str
    soft: str
    line: str
    label: str
    halo: str
    background: str = "transparent"

    def config(self) -> dict[str, Any]:
        """Return the Vega-Lite configuration."""
        words: dict[str, Any] = {"labelColor": self.ink, "titleColor": self.soft}
        words |= {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}
        quiet: dict[str, Any] = {
            "domain": False,
            "ticks": False,
            "labelPadding": 8,
            "titlePadding": 12,
        }
        heading: dict[str, Any] = {
            "font": FONT,
            "anchor": "start",
            "color": self.ink,
            "fontSize": 14,
        }
        heading |= {"fontWeight": 600, "offset": 14, "subtitleColor": self.soft}
        heading |= {"subtitleFont": FONT, "subtitleFontSize": 12, "subtitlePadding": 6}
        return {
            "font": FONT,
            "background": self.background,
            "padding": 12,
            "view": {"stroke": None},
            "axis": {"gridColor": self.line, "gridOpacity": 0.3, "labelLimit": 420, **words},
            "axisX": {"grid": True, "tickCount": 5, "labelFlush": False, **quiet},
            "axisY": {"grid": False, **quiet},
            "legend": {
                "orient": "top",
                "symbolType": "circle",
                "symbolSize": 110,
                "symbolStrokeWidth": 0,
                "symbolOpacity": 1,
                "columnPadding": 20,
                "offset": 14,
                "title": None,
                **words,
            },
            "title": heading,
            "header": {"labelColor": self.ink, "titleColor": self.soft},
            "text": {"color": self.ink, "fontSize": 12},
            "style": {
                "note": {"color": self.soft, "fontSize": 11},
                "zero": {"color": self.soft, "strokeWidth": 1.2, "strokeDash": [3, 3]},
                "link": {"color": self.line, "strokeWidth": 3, "strokeCap": "round"},
                "label": {"color": self.label, "fontSize": 12, "fontWeight": 600},
                "halo": {"stroke": self.halo, "strokeWidth": 4, "strokeOpacity": 0.85},
            },
        }


NEUTRAL = Theme("#6f7a85", "#7f8993", "#8d97a1", label="#20262c", halo="#ffffff")
LIGHT = Theme("#2a3138", "#66707a", "#8a949d", label="#20262c", halo="#ffffff")
DARK = Theme("#e3e7ea", "#9aa4ad", "#737d86", label="#f2f4f5", halo="#14181c")

Chart = TypeVar("Chart", bound=alt.TopLevelMixin)


def themed(chart: Chart, theme: Theme) -> Chart:
    """Return the chart with a theme's configuration."""
    copied: Chart = chart.copy(deep=False)  # type: ignore[attr-defined]
    copied.config = theme.config()  # type: ignore[attr-defined]
    return copied


def modality(arm: str) -> str:
    """Return the modality of an arm, without its render."""
    return arm.partition(":")[0]


def arm_hue(arm: str) -> str:
    """Return the hue of an arm: that of its modality, whatever the render."""
    return MODALITY_HUES.get(modality(arm), UNDECIDED)


def arm_scale(arms: list[str]) -> alt.Scale:
    """Return the colour scale of these arms, nearest to text first."""
    order = list(MODALITY_HUES)
    known = sorted(set(arms), key=lambda arm: (_rank(arm, order), arm))
    return alt.Scale(domain=known, range=[arm_hue(arm) for arm in known])


def _rank(arm: str, order: list[str]) -> int:
    return order.index(modality(arm)) if modality(arm) in order else len(order)
