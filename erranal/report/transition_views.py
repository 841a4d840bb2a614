"""Drawings of what became of each item from the reference arm to the compared arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from erranal.report import wording as w
from erranal.report.views import Arms, name, styled

if TYPE_CHECKING:
    from erranal.report.plain import Row

_STEPS = (
    ("both_right", "both right"),
    ("only_a", "lost"),
    ("only_b", "gained"),
    ("both_wrong", "both wrong"),
)


def transition_bars(rows: list[Row], arms: Arms) -> list[Row]:
    """Return each group's pairs as four segments, in percent of its pairs."""
    compared = {(row["arm_a"], row["arm_b"]) for row in rows}
    bars = []
    for row in styled(rows):
        label, note = name(row)
        arm_words = f"{row['arm_a']} to {row['arm_b']}" if len(compared) > 1 else ""
        note = " · ".join(part for part in (note, arm_words) if part)
        parts = _segments(row, arms) if row["pairs"] else []
        bars.append({"label": label, "note": note, "parts": parts, "pairs": row["pairs"]})
    return [bar for bar in bars if bar["parts"]]


def _segments(row: Row, arms: Arms) -> list[Row]:
    hues = {"only_a": arms.hue(row["arm_a"]), "only_b": arms.hue(row["arm_b"])}
    return [
        {
            "kind": kind,
            "words": words,
            "hue": hues.get(kind, ""),
            "n": row[kind],
            "width": round(100 * row[kind] / row["pairs"], 2),
            "share": w.percent(row[kind] / row["pairs"]),
        }
        for kind, words in _STEPS
    ]


OUTCOMES = ("correct", "incorrect", "no_answer", "refused", "failed")


def outcome_tables(changes: list[Row]) -> list[Row]:
    """Return, for every comparison, pairs by outcome under both arms, pooled over models."""
    cells: dict[tuple[str, str], dict[tuple[str, str], int]] = {}
    for change in changes:
        table = cells.setdefault((change["arm_a"], change["arm_b"]), {})
        place = change["outcome_a"], change["outcome_b"]
        table[place] = table.get(place, 0) + change["pairs"]
    return [
        {"arm_a": arm_a, "arm_b": arm_b, "outcomes": OUTCOMES, "rows": _shaded(table)}
        for (arm_a, arm_b), table in cells.items()
    ]


def _shaded(table: dict[tuple[str, str], int]) -> list[Row]:
    total = sum(table.values())
    largest = max(table.values())
    return [
        {
            "outcome": a,
            "cells": [
                {"n": table.get((a, b), 0), "share": w.percent(table.get((a, b), 0) / total),
                 "shade": round(100 * (table.get((a, b), 0) / largest) ** 0.5)}
                for b in OUTCOMES
            ],
        }
        for a in OUTCOMES
    ]  # fmt: skip
