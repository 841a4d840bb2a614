"""Charts of the code profile, and of planted against estimated rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.report import tracks
from erranal.report import wording as w
from erranal.report.views import Arms, Chart, dumbbell, interval, percent_tick, points_tick

if TYPE_CHECKING:
    from erranal.report.plain import Row


def pooled_charts(codes: dict[str, Any], arms: Arms) -> list[Chart]:
    """Return rates and differences over all models, one chart a comparison of two arms."""
    return _charts(codes, [pair for pair in codes["pairs"] if pair["model"] is None], arms)


def model_charts(codes: dict[str, Any], arms: Arms) -> list[Chart]:
    """Return the same by model and prompt style, where there is more than one."""
    parts = [pair for pair in codes["pairs"] if pair["model"] is not None]
    several = len({(pair["model"], pair["prompt_style"]) for pair in parts}) > 1
    return _charts(codes, parts, arms) if several else []


def _charts(codes: dict[str, Any], pairs: list[Row], arms: Arms) -> list[Chart]:
    families: dict[tuple[Any, ...], dict[str, Row]] = {}
    for pair in pairs:
        key = pair["model"], pair["prompt_style"], pair["arm_a"], pair["arm_b"]
        families.setdefault(key, {})[pair["code"]] = pair
    return [_chart(codes["codes"], key, found, arms) for key, found in families.items()]


def _chart(codes: list[Row], key: tuple[Any, ...], found: dict[str, Row], arms: Arms) -> Chart:
    model, style, arm_a, arm_b = key
    shown = [found[code["code"]] for code in codes if code["code"] in found]
    rates = tracks.linear([pair[f"rate_{side}"] for pair in shown for side in "ab"])
    difference = tracks.linear([pair[k] for pair in shown for k in ("low", "high")])
    columns = [
        tracks.Column("Errors with the code, % of items", rates, percent_tick),
        tracks.Column(f"{arm_b} less {arm_a}, points", difference, points_tick, zero=0),
    ]
    lines = [
        _row(code, found[code["code"]], arms, columns) for code in codes if code["code"] in found
    ]
    size = f"{w.count(shown[0]['pairs'], 'pair')} of {w.count(shown[0]['items'], 'item')}"
    who = "All models together" if model is None else " · ".join(p for p in (model, style) if p)
    heads = ["", arm_a, arm_b, "difference", "Holm"]
    caption = f"{who}: {arm_b} against {arm_a}, {size}, intervals {shown[0]['method']}"
    legend = [*arms.legend([arm_a, arm_b]), ("bar", "ink", "difference with 95 % interval")]
    return tracks.chart(caption, columns, lines, heads=heads, legend=legend)


def _row(code: Row, pair: Row, arms: Arms, columns: list[tracks.Column]) -> Row:
    dots = dumbbell(columns[0].scale, pair, "rate", arms)
    bar = tracks.mark(
        columns[1].scale,
        pair["difference"],
        low=pair["low"],
        high=pair["high"],
        title=interval(pair),
    )
    numbers = [
        w.percent(pair["rate_a"]),
        w.percent(pair["rate_b"]),
        interval(pair),
        w.p_value(pair["p_adjusted"]),
    ]
    return tracks.row(code["title"], [dots, [bar]], numbers, group=code["family"])


def planted_chart(planted: list[Row], codes: list[Row], arms: Arms) -> Chart:
    """Return planted rates beside the estimates of the same model and code, one lane an arm."""
    scale = tracks.linear([row[k] for row in planted for k in ("rate", "high")])
    order = arms.sort(row["arm"] for row in planted)
    lines = [
        _planted_row(code, model, rows, arms, scale)
        for code in sorted(codes, key=lambda code: not code["assessed"])
        for model, rows in _by_model(planted, code["code"], order).items()
    ]
    columns = [tracks.Column("Rate per item, %", scale, percent_tick)]
    heads = ["", "arm", "planted", "estimated", "found"]
    legend = [("tick", "ink", "planted"), *arms.legend(order)]
    return tracks.chart("", columns, lines, heads=heads, legend=legend)


def _by_model(planted: list[Row], code: str, order: list[str]) -> dict[str, list[Row]]:
    models: dict[str, list[Row]] = {}
    for row in sorted(planted, key=lambda row: (row["model"], order.index(row["arm"]))):
        if row["code"] == code:
            models.setdefault(row["model"], []).append(row)
    return models


def _planted_row(code: Row, model: str, rows: list[Row], arms: Arms, scale: tracks.Scale) -> Row:
    marks = []
    for lane, row in enumerate(rows):
        rates = f"planted {w.percent(row['rate'])}, estimated {w.percent(row['estimate'])}"
        words = f"{row['arm']}: {rates}"
        dot = tracks.mark(
            scale,
            row["estimate"],
            low=row["low"],
            high=row["high"],
            hue=arms.hue(row["arm"]),
            lane=lane,
            title=words,
        )
        marks += [dot, tracks.mark(scale, row["rate"], shape="tick", lane=lane, title=words)]
    found = ["–" if row["found"] is None else f"{row['found']}/{row['planted']}" for row in rows]
    columns = (
        [row["arm"] for row in rows],
        [w.percent(row["rate"]) for row in rows],
        [w.percent(row["estimate"]) for row in rows],
        found,
    )
    numbers = ["\n".join(cells) for cells in columns]
    group = code["family"] if code["assessed"] else "not assessed"
    return tracks.row(code["title"], [marks], numbers, note=model, group=group, lanes=len(rows))
