"""Charts of the page, placed from the summary: what is drawn beside what is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.report import tracks
from erranal.report import wording as w

if TYPE_CHECKING:
    from collections.abc import Iterable

    from erranal.report.plain import Row

Chart = dict[str, Any]
# A chart of more rows than this shows both ends and says how many are left out between.
MAX_ROWS = 40
_LEGEND_ARMS = 8
_SHADES = 3


class Arms:
    """The arms of the study: their order, and the hue each modality has all over the page."""

    def __init__(self, arms: list[Row]) -> None:
        self.order = {arm["arm"]: i for i, arm in enumerate(arms)}
        self.hues: dict[str, str] = {}
        images = 0
        for arm in arms:
            hue = _hue(arm["modality"])
            # Renders of the image are shades of its colour, told apart while there are few.
            images += hue == "image"
            shade = hue == "image" and (images - 1) % _SHADES
            self.hues[arm["arm"]] = f"{hue}-{shade + 1}" if shade else hue

    def hue(self, arm: str) -> str:
        """Return the class name of an arm's colour."""
        return self.hues.get(arm) or _hue(arm.partition(":")[0])

    def sort(self, arms: Iterable[str]) -> list[str]:
        """Return arms from text to image."""
        return sorted(set(arms), key=lambda arm: self.order.get(arm, len(self.order)))

    def legend(self, arms: Iterable[str]) -> list[tuple[str, str, str]]:
        """Return legend entries of arms."""
        return [("dot", self.hue(arm), arm) for arm in self.sort(arms)[:_LEGEND_ARMS]]


def _hue(modality: str) -> str:
    return "ocr" if modality.startswith("ocr") else modality.replace("+", "-")


def percent_tick(value: float) -> str:
    """Write a tick of a scale of fractions in percent."""
    return f"{100 * value:g}"


def points_tick(value: float) -> str:
    """Write a tick of a scale of differences in points."""
    return w.signed(value, 0) if round(1000 * value) % 10 == 0 else w.signed(value)


def ratio_tick(value: float) -> str:
    """Write a tick of a scale of ratios: ``2``, ``1/8``."""
    return f"{value:g}" if value >= 1 else f"1/{1 / value:g}"


def interval(row: Row | None) -> str:
    """Write a difference with its limits: ``−17.1 [−25.2, −8.8]``."""
    if row is None or row["difference"] is None:
        return "–"
    low, high = w.signed(row["low"]), w.signed(row["high"])
    return f"{w.signed(row['difference'])} [{low}, {high}]"


def name(row: Row) -> tuple[str, str]:
    """Return label and note of a group: what it is, and under what."""
    style = row.get("prompt_style")
    style = "" if style in (None, "default") else str(style)
    if row.get("subject"):
        return row["subject"], style
    parts = [part for part in (row.get("model"), row.get("benchmark")) if part]
    if not parts:
        return (f"all models, {style}", "") if style else ("all together", "")
    return " · ".join(parts), style


def styled(rows: list[Row]) -> list[Row]:
    """Return the rows without their prompt style where all share one: it need not be said."""
    shared = len({row["prompt_style"] for row in rows}) < 2
    return [row | {"prompt_style": None} for row in rows] if shared else rows


def gap_chart(rows: list[Row], arms: Arms, caption: str) -> Chart | None:
    """Return accuracies and paired differences of one grouping."""
    rows = styled([row for row in rows if row["difference"] is not None])
    if not rows:
        return None
    accuracy = tracks.linear([r[k] for r in rows for k in ("accuracy_a", "accuracy_b")], include=())
    parts = [part for row in rows for part in (row, row["left_out"], row["imported"]) if part]
    difference = tracks.linear([part[k] for part in parts for k in ("low", "high", "difference")])
    columns = [
        tracks.Column("Accuracy, %", accuracy, percent_tick),
        tracks.Column("Difference, points", difference, points_tick, zero=0),
    ]
    compared = {(row["arm_a"], row["arm_b"]) for row in rows}
    told = ["against"] * (len(compared) > 1) + ["method"] * (
        len({row["method"] for row in rows}) > 1
    )
    lines = [_gap_row(row, arms, columns, told) for row in rows]
    legend = arms.legend(arm for pair in compared for arm in pair)
    legend += [("bar", "ink", "difference with interval: failures wrong")]
    if any(row["left_out"] for row in rows):
        legend.append(("ring", "ink", "pairs with a failure left out"))
    if any(row["imported"] for row in rows):
        legend.append(("diamond", "quiet", "scores from the file"))
    heads = ["", "pairs", "failures wrong", "its p, Holm", "failures left out"]
    return tracks.chart(caption, columns, lines, heads=heads, legend=legend)


def _gap_row(row: Row, arms: Arms, columns: list[tracks.Column], told: list[str]) -> Row:
    # What all rows share (the arms, the method) stands above the chart and is not told again.
    accuracy, difference = columns[0].scale, columns[1].scale
    dots = dumbbell(accuracy, row, "accuracy", arms, lane=1)
    bars = [
        _bar(difference, part, shape, hue, lane, words)
        for lane, (shape, hue, part, words) in enumerate(
            (
                ("dot", "ink", row, "failures wrong"),
                ("ring", "ink", row["left_out"], "failures left out"),
                ("diamond", "quiet", row["imported"], "scores from the file"),
            )
        )
        if part
    ]
    label, note = name(row)
    own = {"against": f"{row['arm_b']} against {row['arm_a']}", "method": row["method"]}
    note = " · ".join(part for part in (note, *(own[kind] for kind in told)) if part)
    adjusted = w.p_value(row["p_adjusted"])
    numbers = [f"{row['pairs']:,}", interval(row), adjusted, interval(row["left_out"])]
    return tracks.row(label, [dots, bars], numbers, note=note, lanes=3)


def _bar(
    scale: tracks.Scale, part: Row, shape: str, hue: str, lane: int, words: str
) -> tracks.Mark | None:
    return tracks.mark(
        scale,
        part["difference"],
        low=part["low"],
        high=part["high"],
        hue=hue,
        shape=shape,
        lane=lane,
        title=f"{words}: {interval(part)}, {w.count(part['pairs'], 'pair')}",
    )


def dumbbell(scale: tracks.Scale, row: Row, name: str, arms: Arms, *, lane: int = 0) -> list[Any]:
    """Return a value under both arms as two dots on a line."""
    a, b = row[f"{name}_a"], row[f"{name}_b"]
    known = a is not None and b is not None
    link = tracks.mark(
        scale, b, low=min(a, b) if known else None, high=max(a, b) if known else None,
        hue="link", shape="link", lane=lane,
    )  # fmt: skip
    dots = [
        tracks.mark(
            scale, value, hue=arms.hue(row[f"arm_{side}"]), lane=lane,
            title=f"{row[f'arm_{side}']}: {w.percent(value)}",
        )
        for side, value in (("a", a), ("b", b))
    ]  # fmt: skip
    return [link, *dots]


def grouped_charts(
    groups: dict[str, list[Row]], headline: str | None, arms: Arms
) -> dict[str, Chart | None]:
    """Return the gaps of every other grouping: pooled, by benchmark, and across benchmarks."""
    kinds: dict[str, list[Row]] = {"pooled": [], "benchmarks": [], "across": []}
    for grouping, rows in groups.items():
        if grouping == headline or "subject" in grouping:
            continue
        across, single = "across" in grouping, "benchmark" in grouping
        kinds["across" if across else "benchmarks" if single else "pooled"] += rows
    return {kind: gap_chart(both_ends(rows), arms, "") for kind, rows in kinds.items()}


def subject_charts(groups: dict[str, list[Row]], arms: Arms) -> list[Chart]:
    """Return one forest of subjects a prompt style and comparison, worst first."""
    grouping = "subject+prompt_style" if "subject+prompt_style" in groups else "subject"
    families: dict[tuple[Any, ...], list[Row]] = {}
    for row in groups.get(grouping, []):
        families.setdefault((row["prompt_style"], row["arm_a"], row["arm_b"]), []).append(row)
    charts = []
    for (style, arm_a, arm_b), rows in families.items():
        caption = f"{arm_b} against {arm_a}" + (f", prompt style {style}" if style else "")
        ends = both_ends(sorted(rows, key=lambda row: row["difference"] or 0))
        left = len(rows) - len(ends)
        caption += f" ({left} subjects between the extremes are left out)" if left else ""
        bare = [row | {"prompt_style": None} for row in ends]
        charts.append(gap_chart(bare, arms, caption))
    return [chart for chart in charts if chart]


def both_ends(rows: list[Row]) -> list[Row]:
    """Return the first and last rows where there are too many to show."""
    return rows if len(rows) <= MAX_ROWS else rows[: MAX_ROWS // 2] + rows[-MAX_ROWS // 2 :]


def collapse_chart(rows: list[Row], arms: Arms) -> Chart | None:
    """Return length ratios with the shares of responses that show no step or hold no answer."""
    rows = styled([row for row in rows if row["length_ratio"]])
    if not rows:
        return None
    ratio = tracks.ratios(
        [row[k] for row in rows for k in ("length_ratio", "ratio_low", "ratio_high")]
    )
    shares = tracks.linear([row[f"no_steps_{side}"] for row in rows for side in "ab"])
    columns = [
        tracks.Column("Length ratio, log scale", ratio, ratio_tick, zero=1),
        tracks.Column("No reasoning step, %", shares, percent_tick),
    ]
    lines = [_collapse_row(row, arms, columns) for row in rows]
    heads = ["", "ratio", "mean characters", "truncated", "refused", "empty"]
    legend = arms.legend(row[f"arm_{side}"] for row in rows for side in "ab")
    return tracks.chart(
        "",
        columns,
        lines,
        heads=heads,
        legend=[("bar", "ink", "length ratio with interval"), *legend],
    )


def _collapse_row(row: Row, arms: Arms, columns: list[tracks.Column]) -> Row:
    words = f"{row['length_ratio']:.2f}"
    if row["ratio_low"] is not None:
        words += f" [{row['ratio_low']:.2f}, {row['ratio_high']:.2f}]"
    bar = tracks.mark(
        columns[0].scale,
        row["length_ratio"],
        low=row["ratio_low"],
        high=row["ratio_high"],
        title=words,
    )
    dots = dumbbell(columns[1].scale, row, "no_steps", arms)
    label, note = name(row)
    both = {
        kind: f"{w.bare_percent(row[f'{kind}_a'])} → {w.percent(row[f'{kind}_b'])}"
        for kind in ("truncated", "refused", "empty")
    }
    characters = f"{row['chars_a']:,.0f} → {row['chars_b']:,.0f}"
    note = " · ".join(part for part in (note, f"{row['arm_a']} → {row['arm_b']}") if part)
    return tracks.row(label, [[bar], dots], [words, characters, *both.values()], note=note)
