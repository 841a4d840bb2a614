"""Where the judge can be trusted: its errors on every code and under every arm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.report.estimate_basis import part

if TYPE_CHECKING:
    from erranal.report.estimate_basis import Estimates
    from erranal.report.plain import Row

MEASURES = ("sensitivity", "specificity", "PPV")
OTHERS = ("NPV", "F1", "kappa")
# What the words of a verdict begin with, and the short word that stands for it.
_VERDICTS = (("trustworthy", "trusted"), ("not trustworthy", "distrusted"), ("open", "open"))
UNKNOWN = "unknown"


def summarise(found: Estimates) -> dict[str, Any] | None:
    """Return the judge's errors by code and arm; None where they were not estimated.

    Returns
    -------
    dict
        ``lines``: families, then codes, in the order of the book, that people or the judge gave
        under any arm; of each ``sides``: arm, ``verdict`` (trusted, distrusted, open or unknown),
        ``note`` (why), n, positives, unread, ``counts`` and the measures. ``never``: titles of what
        neither gave. ``unassessed``: titles of what the judge cannot give.
    """
    rows = found.of("trust")
    if not rows:
        return None
    lines, never, unassessed = [], [], []
    for name in found.names:
        own = [row for row in rows if row["code"] == name["name"]]
        arms = found.sort(row["arm"] for row in own)
        sides = [_side(arm, [row for row in own if row["arm"] == arm]) for arm in arms]
        if not any(side["counts"] for side in sides):
            unassessed.append(name["title"])
        elif not any(_given(side) for side in sides):
            never.append(name["title"])
        else:
            lines.append(name | {"sides": sides})
    return {"lines": lines, "never": never, "unassessed": unassessed}


def _side(arm: str, rows: list[Row]) -> dict[str, Any]:
    by_measure = {row["estimand"]: row for row in rows}
    first = rows[0]
    counts = first["counts"] or {}
    return {
        "arm": arm,
        "verdict": verdict(first["note"]),
        "note": first["note"],
        "n": sum(counts.values()),
        "positives": first["positives"],
        "unread": first["excluded"],
        "counts": counts,
        "measures": {name: part(by_measure.get(name)) for name in (*MEASURES, *OTHERS)},
    }


def verdict(note: str) -> str:
    """Return the short word for a verdict in words."""
    return next((word for start, word in _VERDICTS if note.startswith(start)), UNKNOWN)


def _given(side: dict[str, Any]) -> bool:
    counts = side["counts"]
    return any(counts.get(cell) for cell in ("both", "humans only", "judge only"))
