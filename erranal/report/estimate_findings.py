"""What the corrected numbers say, in plain words: what images change, and where the judge errs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from erranal.report import wording as w
from erranal.report.estimate_basis import best

if TYPE_CHECKING:
    from erranal.report.plain import Row

ALPHA = 0.05


def estimate_findings(summary: dict[str, Any]) -> Iterator[str]:
    """Say what people and the judge together show, as far as it has been estimated."""
    estimates = summary["estimates"]
    if "missing" in estimates:
        return
    for note in estimates["basis"]["notes"]:
        yield f"Of all numbers that rest on people: {note}."
    for compared in estimates["changes"].get("comparisons", []):
        yield from _changes(compared)
        yield from (_equivalence(one) for one in compared["equivalence"])
    if lines := estimates["trust"].get("lines"):
        yield _trust(estimates["basis"], lines)


def _changes(compared: dict[str, Any]) -> Iterator[str]:
    reference, arm = compared["reference"], compared["arm"]
    families = [line for line in compared["lines"] if line["family"] is None]
    for source, words in (("corrected", "Corrected by people"), ("humans", "By people alone")):
        known = [
            (line["title"].lower(), line[source])
            for line in families
            if best(line) is line[source] and _tested(line[source])
        ]
        yield from _of_source(words, reference, arm, known)
    if compared["contrast"] and compared["contrast"]["estimate"] is not None:
        yield _contrast(reference, arm, compared["contrast"])


def _contrast(reference: str, arm: str, contrast: Row) -> str:
    first, _, second = contrast["of"].partition(f" {w.MINUS} ")
    told = f"{_change(contrast)}, {w.p_value(contrast['p'])}"
    if contrast["low"] <= 0 <= contrast["high"]:
        return (
            f"From {reference} to {arm} no difference was detected between the change of {first} "
            f"errors and that of {second} errors: {told}."
        )
    more = "more" if contrast["estimate"] > 0 else "less"
    return (
        f"From {reference} to {arm} the rate of {first} errors rises {more} than that of {second} "
        f"errors: by {told}."
    )


def _tested(one: Row | None) -> bool:
    return bool(one and one["estimate"] is not None and one["p_adjusted"] is not None)


def _of_source(words: str, reference: str, arm: str, known: list[tuple[str, Row]]) -> Iterator[str]:
    sure = [f"{title} by {_change(one)}" for title, one in known if one["p_adjusted"] < ALPHA]
    unsure = [f"{title} ({_change(one)})" for title, one in known if one["p_adjusted"] >= ALPHA]
    if sure:
        yield (
            f"{words}, the rates per item that change from {reference} to {arm}: "
            f"{'; '.join(sure)} (p < .05 after Holm's adjustment over the families)."
        )
    if unsure:
        yield (
            f"{words}, no change from {reference} to {arm} was detected in {'; '.join(unsure)}. "
            "That is no proof of equality: a change within these limits is possible."
        )


def _change(one: Row) -> str:
    limits = w.limits(one["low"], one["high"])
    return f"{w.signed(one['estimate'])} points, {w.level(one['level'])} interval {limits}"


def _equivalence(one: Row) -> str:
    shown = "are shown to be unchanged" if one["shown"] else "are not shown to be unchanged"
    note = f"; {one['note']}" if one["note"] else ""
    margin = f"{w.points(one['margin'])}" if one["margin"] else "their margin"
    limits = f"{w.level(one['level'])} interval {w.limits(one['low'], one['high'])}"
    return f"Errors of the kind {one['title'].lower()} {shown} to within {margin} ({limits}{note})."


def _trust(basis: Row, lines: list[Row]) -> str:
    sides = [side for line in lines if line["family"] is not None for side in line["sides"]]
    counts = [
        f"{words} {sum(side['verdict'] == verdict for side in sides)}"
        for verdict, words in (
            ("trusted", "is trustworthy in"),
            ("distrusted", "is not trustworthy alone in"),
            ("open", "may be either in"),
            ("unknown", "cannot be held against them in"),
        )
        if any(side["verdict"] == verdict for side in sides)
    ]
    cells = f"Of {len(sides)} combinations of a code and an arm"
    return f"{cells} that people gave, the judge {basis['judge']} {w.listed(counts)}."
