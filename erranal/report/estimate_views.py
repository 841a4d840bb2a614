"""Charts of rates, and of what images change, from the labels of people and a judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from erranal.report import tracks
from erranal.report import wording as w
from erranal.report.estimate_basis import SOURCES, best
from erranal.report.views import Arms, Chart, both_ends, percent_tick, points_tick, styled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from erranal.report.plain import Row

Part = dict[str, Any]
_SHAPES = {"corrected": "dot", "humans": "ring faint", "judge": "diamond faint"}
WORDS = {
    "corrected": "judge, corrected by people",
    "humans": "people alone",
    "judge": "judge alone, uncorrected",
}
_FAMILIES, _CODES, _CONTRAST = "families", "codes", "contrast"


def level_of(parts: Iterable[Part | None]) -> str:
    """Return the level that intervals have, as text."""
    levels = {one["level"] for one in parts if one and one["level"] is not None}
    return w.listed((w.level(value) for value in sorted(levels)), "or")


@dataclass(frozen=True)
class Unit:
    """How a number is written: times what, with how many digits, with a sign or without."""

    times: float
    digits: int
    sign: bool = False


PERCENT, WHOLE, POINTS = Unit(100, 1), Unit(100, 0), Unit(100, 1, sign=True)
COEFFICIENT = Unit(1, 2)


def interval(one: Part | None, unit: Unit = PERCENT) -> str:
    """Write an estimate with its limits, ``5.3 [4.1, 6.4]``, or a dash where there is none."""
    if one is None or one["estimate"] is None:
        return "–"
    estimate, low, high = (_number(one[key], unit) for key in ("estimate", "low", "high"))
    return f"{estimate} [{low}, {high}]"


def _number(value: float | None, unit: Unit) -> str:
    if value is None:
        return "–"
    rounded = round(unit.times * value, unit.digits)
    before = w.MINUS if rounded < 0 else "+" if unit.sign and rounded > 0 else ""
    return f"{before}{abs(rounded):.{unit.digits}f}"


def place(
    scale: tracks.Scale,
    one: Part | None,
    words: str,
    unit: Unit = PERCENT,
    *,
    hue: str = "ink",
    shape: str = "dot",
    lane: float = 0,
) -> tracks.Mark | None:
    """Return the mark of one number, with its words and n to be read at it."""
    if one is None:
        return None
    title = f"{words}: {interval(one, unit)}, n = {one['n']:,}"
    limits = {"low": one["low"], "high": one["high"]}
    return tracks.mark(
        scale, one["estimate"], **limits, hue=hue, shape=shape, lane=lane, title=title
    )


def _group(line: Row) -> str:
    return _FAMILIES if line["family"] is None else _CODES


def _why(*parts: Part | None) -> str:
    """Return why there is no number, once."""
    notes = [one["note"] for one in parts if one and one["estimate"] is None and one["note"]]
    return "; ".join(dict.fromkeys(notes))


# Rates --------------------------------------------------------------------------------------------


def rates_chart(compared: dict[str, Any], arms: Arms) -> Chart:
    """Return rates of one comparison: two lanes an arm, the lower one for what is uncorrected."""
    parts = [side[source] for line in compared["lines"] for side in line["sides"]
             for source in SOURCES]  # fmt: skip
    scale = tracks.linear([one[key] for one in parts if one for key in ("estimate", "low", "high")])
    lines = [_rates_row(line, arms, scale) for line in compared["lines"]]
    pair = (compared["reference"], compared["arm"])
    sides = [side for line in compared["lines"] for side in line["sides"]]
    legend = [*arms.legend(pair), *_legend("quiet", sides)]
    heads = ["", "arm", "corrected", WORDS["humans"], "judge alone", "with it · n"]
    columns = [tracks.Column(f"Rate per item, %, {level_of(parts)} intervals", scale, percent_tick)]
    return tracks.chart(_caption(compared), columns, lines, heads=heads, legend=legend)


def _legend(hue: str, there: list[Row]) -> list[tuple[str, str, str]]:
    """Return entries of the sources that there are numbers by."""
    shapes = {"corrected": "bar" if hue == "ink" else "dot", "humans": "ring", "judge": "diamond"}
    return [
        (shape, hue, WORDS[source])
        for source, shape in shapes.items()
        if any(parts[source] and parts[source]["estimate"] is not None for parts in there)
    ]


def _caption(compared: dict[str, Any]) -> str:
    pool = compared.get("pool") or compared["sides"][0]["responses"]
    pairs = w.count(pool, "pair") if pool else ""
    return ", ".join(
        filter(None, [f"{compared['arm']} beside {compared['reference']}", pairs, who(compared)])
    )


def who(group: dict[str, Any]) -> str:
    """Name a group by its columns; the whole study has no name."""
    style = group["prompt_style"]
    parts = [group["model"], None if style == "default" else style, group["benchmark"]]
    return " · ".join(part for part in parts if part)


def _rates_row(line: Row, arms: Arms, scale: tracks.Scale) -> Row:
    marks, cells = [], []
    for number, side in enumerate(line["sides"]):
        hue = arms.hue(side["arm"])
        for source in reversed(SOURCES):
            lane = 2 * number + (0.15 if source == "corrected" else 0.85)
            words = f"{side['arm']}, {WORDS[source]}"
            marks.append(
                place(scale, side[source], words, hue=hue, shape=_SHAPES[source], lane=lane)
            )
        cells.append(
            (
                side["arm"],
                interval(side["corrected"]),
                interval(side["humans"]),
                interval(side["judge"]).partition(" ")[0],
                with_it(best(side)),
            )
        )
    numbers = ["\n".join(column) for column in zip(*cells, strict=True)]
    note = _why(*(side["corrected"] for side in line["sides"]))
    lanes = 2 * len(line["sides"])
    return tracks.row(line["title"], [marks], numbers, note=note, group=_group(line), lanes=lanes)


def never_words(never: list[Row]) -> list[tuple[str, str]]:
    """Return what nobody gave, those with the same upper limit together: titles and limit."""
    alike: dict[str, list[str]] = {}
    for one in never:
        alike.setdefault(w.percent(one["high"]), []).append(one["title"].lower())
    return [(w.listed(titles), limit) for limit, titles in alike.items()]


def with_it(one: Part | None) -> str:
    """Write how many labelled responses or pairs have a code, and n: ``48 · 249``."""
    if one is None:
        return "–"
    return f"{'–' if one['positives'] is None else format(one['positives'], ',')} · {one['n']:,}"


# Changes ------------------------------------------------------------------------------------------


def changes_chart(compared: dict[str, Any]) -> Chart:
    """Return the forest of one comparison: the contrast, then families, then codes."""
    contrast = compared["contrast"]
    parts = [line[source] for line in compared["lines"] for source in SOURCES] + [contrast]
    scale = tracks.linear([one[key] for one in parts if one for key in ("estimate", "low", "high")])
    lines = [_contrast_row(contrast, scale)] if contrast else []
    lines += [_change_row(line, scale) for line in compared["lines"]]
    head = f"{compared['arm']} less {compared['reference']}, points, {level_of(parts)} intervals"
    heads = ["", "change", "adjusted p", "with it · n"]
    column = tracks.Column(head, scale, points_tick, zero=0)
    return tracks.chart(
        _caption(compared), [column], lines, heads=heads, legend=_legend("ink", compared["lines"])
    )


def _contrast_row(contrast: Part, scale: tracks.Scale, label: str = "") -> Row:
    words = contrast["of"].replace(w.MINUS, "less")
    bar = place(scale, contrast, words, POINTS)
    p = w.p_value(contrast["p"])
    numbers = [interval(contrast, POINTS), f"{p} *" if p else "", f"{contrast['n']:,}"]
    group = words if label else _CONTRAST
    return tracks.row(label or f"{words[:1].upper()}{words[1:]}", [[bar]], numbers, group=group)


def _change_row(line: Row, scale: tracks.Scale) -> Row:
    marks = [
        place(
            scale,
            line[source],
            f"{line['title']}, {WORDS[source]}",
            POINTS,
            shape=_SHAPES[source],
            lane=0.15 if source == "corrected" else 0.85,
        )
        for source in reversed(SOURCES)
    ]
    note = _by_whom(line)
    return tracks.row(
        line["title"], [marks], _change_numbers(line), note=note, group=_group(line), lanes=2
    )


def _change_numbers(line: Row) -> list[str]:
    one = best(line)
    return [interval(one, POINTS), w.p_value(one["p_adjusted"] if one else None), with_it(one)]


def _by_whom(line: Row) -> str:
    """Return why a number is that of people alone, where it is."""
    one, why = best(line), _why(line["corrected"])
    return f"people alone: {why}" if why and one and one["estimate"] is not None else why


def equivalence_chart(compared: dict[str, Any]) -> Chart | None:
    """Return differences beside the margins that were fixed for them."""
    lines = compared["equivalence"]
    if not lines:
        return None
    parts = [one[key] for one in lines for key in ("low", "high", "estimate")]
    margins = [sign * one["margin"] for one in lines if one["margin"] for sign in (-1, 1)]
    scale = tracks.linear([*parts, *margins])
    rows = [_equivalence_row(one, scale) for one in lines]
    head = f"{compared['arm']} less {compared['reference']}, points, {level_of(lines)} intervals"
    column = tracks.Column(head, scale, points_tick, zero=0)
    heads = ["", "difference", "margin", "p of both tests", "verdict"]
    legend = [("bar", "ink", "difference"), ("zone", "both", "margin")]
    return tracks.chart("", [column], rows, heads=heads, legend=legend)


def _equivalence_row(one: Row, scale: tracks.Scale) -> Row:
    margin = one["margin"]
    zone = tracks.mark(
        scale, 0, low=margin and -margin, high=margin, hue="both", shape="zone",
        title=f"margin {w.points(margin)}" if margin else "",
    )  # fmt: skip
    bar = place(scale, one, one["title"], POINTS)
    numbers = [
        interval(one, POINTS),
        f"±{100 * margin:g}" if margin else "–",
        w.p_value(one["p"]),
        "equivalent" if one["shown"] else "not shown",
    ]
    return tracks.row(one["title"], [[zone, bar]], numbers, note=one["note"])


def groups_charts(compared: dict[str, Any]) -> list[Chart]:
    """Return the families and the contrast by model, by benchmark, and by both."""
    kinds: dict[str, list[Row]] = {}
    for group in compared["groups"]:
        kinds.setdefault(group["grouping"], []).append(group)
    return [_groups_chart(grouping, groups) for grouping, groups in kinds.items()]


def _groups_chart(grouping: str, groups: list[Row]) -> Chart:
    groups = styled(groups)
    parts = [best(line) for group in groups for line in group["lines"]]
    parts += [group["contrast"] for group in groups]
    scale = tracks.linear([one[key] for one in parts if one for key in ("estimate", "low", "high")])
    lines = [
        _contrast_row(group["contrast"], scale, who(group)) for group in groups if group["contrast"]
    ]
    titles = dict.fromkeys(line["title"] for group in groups for line in group["lines"])
    for title in titles:
        of_title = [(g, line) for g in groups for line in g["lines"] if line["title"] == title]
        lines += both_ends([_of_group(group, line, scale) for group, line in of_title])
    names = {"model+prompt_style": "model", "model+prompt_style+benchmark": "model and benchmark"}
    column = tracks.Column("change, points", scale, points_tick, zero=0)
    heads = ["", "change", "adjusted p", "with it · n"]
    return tracks.chart(f"By {names.get(grouping, grouping)}", [column], lines, heads=heads)


def _of_group(group: Row, line: Row, scale: tracks.Scale) -> Row:
    words = f"{who(group)}, {line['title']}"
    bar = place(scale, best(line), words, POINTS)
    note = _by_whom(line)
    return tracks.row(who(group), [[bar]], _change_numbers(line), note=note, group=line["title"])
