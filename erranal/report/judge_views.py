"""Drawings of two judges: how often each gives a code, and where only one of them does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from erranal.report import tracks
from erranal.report import wording as w
from erranal.report.views import Arms, Chart, percent_tick

if TYPE_CHECKING:
    from erranal.report.plain import Row

# With more arms than this a row would be taller than it is telling: they are put together.
_LANES = 4
# A segment of a bar with a smaller share has no room for its number.
_TOO_NARROW = 0.06
_SIDES = (("a", "dot"), ("b", "hoop"))
_PARTS = (("both", "both"), ("only_a", "judge-a"), ("only_b", "judge-b"))


def overall_bar(compared: Row) -> list[Row]:
    """Return the records that both judges read, as segments in percent."""
    counts = (
        ("same codes", "both", compared["same"] - compared["neither"]),
        ("none of the codes by either", "neither", compared["neither"]),
        ("different codes", "differ", compared["differ"]),
    )
    total = compared["records"] or 1
    return [
        {"words": words, "hue": hue, "n": n, "width": round(100 * n / total, 2),
         "share": w.percent(n / total), "wide": n / total > _TOO_NARROW}
        for words, hue, n in counts
    ]  # fmt: skip


def agreement_chart(compared: Row, arms: Arms) -> Chart | None:
    """Return rates by both judges and arm, and the shares of both, only one and only the other."""
    given = [code for code in compared["codes"] if code["given"]]
    if not given:
        return None
    cells = {code["code"]: _lanes(code, arms) for code in given}
    rates = tracks.linear(
        [cell[f"rate_{side}"] for found in cells.values() for cell in found for side in "ab"]
    )
    whole = tracks.Scale(0.0, 1.0, (0.0, 0.5, 1.0))
    columns = [
        tracks.Column("Errors given the code, %", rates, percent_tick),
        tracks.Column("Who gave it, % of errors that either gave it", whole, percent_tick),
    ]
    lines = [_row(code, cells[code["code"]], columns, arms, compared) for code in given]
    heads = ["", "positive agreement", "kappa", "AC1"]
    a, b = compared["a"]["label"], compared["b"]["label"]
    legend = [("dot", "quiet", a), ("hoop", "quiet", b), *_arm_legend(cells, arms)]
    legend += [("block", "both", "both"), ("block", "judge-a", f"only {a}")]
    legend.append(("block", "judge-b", f"only {b}"))
    return tracks.chart("", columns, lines, heads=heads, legend=legend)


def _lanes(code: Row, arms: Arms) -> list[Row]:
    if len(code["arms"]) <= _LANES:
        return sorted(code["arms"], key=lambda cell: arms.order.get(cell["arm"], 0))
    n = sum(cell["n"] for cell in code["arms"])
    rates = {f"rate_{s}": (code["both"] + code[f"only_{s}"]) / n for s in "ab"}
    return [{"arm": "all arms", "n": n, **rates}]


def _arm_legend(cells: dict[str, list[Row]], arms: Arms) -> list[tuple[str, str, str]]:
    named = {cell["arm"] for found in cells.values() for cell in found} & set(arms.order)
    return [("bar", hue, arm) for _, hue, arm in arms.legend(named)]


def _row(
    code: Row, cells: list[Row], columns: list[tracks.Column], arms: Arms, compared: Row
) -> Row:
    dots = [
        one
        for lane, cell in enumerate(cells)
        for one in _dumbbell(columns[0].scale, cell, lane, arms, compared)
    ]
    numbers = [w.percent(code["positive"]), coefficient(code, "kappa"), coefficient(code, "ac1")]
    parts = _parts(columns[1].scale, code, (len(cells) - 1) / 2)
    lanes = len(cells)
    return tracks.row(code["title"], [dots, parts], numbers, group=code["family"], lanes=lanes)


def coefficient(code: Row, name: str) -> str:
    """Write a coefficient with its limits: ``0.62 [0.55, 0.70]``."""
    if code[name] is None:
        return "–"
    value, low, high = (w.decimal(code[name + end]) for end in ("", "_low", "_high"))
    # One judge never gave the code: kappa is 0 by construction, and its interval would say sure.
    return value if code[f"{name}_low"] == code[f"{name}_high"] else f"{value} [{low}, {high}]"


def _dumbbell(
    scale: tracks.Scale, cell: Row, lane: int, arms: Arms, compared: Row
) -> list[tracks.Mark | None]:
    hue = arms.hue(cell["arm"]) if cell["arm"] in arms.order else "ink"
    ends = sorted((cell["rate_a"], cell["rate_b"]))
    link = tracks.mark(
        scale, ends[0], low=ends[0], high=ends[1], hue="link", shape="link", lane=lane
    )
    return [
        link,
        *(
            tracks.mark(
                scale,
                cell[f"rate_{side}"],
                hue=hue,
                shape=shape,
                lane=lane,
                title=f"{compared[side]['label']}, {cell['arm']}: "
                f"{w.percent(cell[f'rate_{side}'])} of {w.count(cell['n'], 'error')}",
            )
            for side, shape in _SIDES
        ),
    ]


def _parts(scale: tracks.Scale, code: Row, lane: float) -> list[tracks.Mark | None]:
    marks, start = [], 0.0
    for name, hue in _PARTS:
        end = start + code[name] / code["given"]
        if code[name]:
            marks.append(
                tracks.mark(
                    scale, start, low=start, high=end, hue=hue, shape="block", lane=lane,
                    title=f"{code[name]:,}",
                )
            )  # fmt: skip
        start = end
    return marks
