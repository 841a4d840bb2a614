"""How far coders agree, and whether they follow the judge where they are shown what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.report.estimate_basis import ANY, part

if TYPE_CHECKING:
    from erranal.report.estimate_basis import Estimates
    from erranal.report.plain import Row

MEASURES = ("alpha", "AC1", "kappa", "PABAK")


def summarise(found: Estimates) -> dict[str, Any] | None:
    """Return agreement between coders and anchoring; None where they were not estimated.

    Returns
    -------
    dict
        ``parts``: agreement over all arms (``arm`` None), then under each: ``sets`` (alpha of whole
        label sets by distance), ``lines`` (families, then codes, that anybody gave: ``units`` coded
        twice or more, ``counts``, ``note`` and the coefficients) and ``never`` (titles).
        ``anchoring``: title, suggested and blind counts, the difference and ``note``; the first is
        that of giving exactly the judge's codes.
    """
    run = found.run_of("agreement") or found.run_of("trust") or found.run_of("anchoring")
    if run is None:
        return None
    rows = found.of("agreement")
    arms = found.sort(row["arm"] for row in rows if row["arm"] is not None)
    titles = {name["name"]: name["title"] for name in found.names}
    return {
        "parts": [
            _part(found, arm, [row for row in rows if row["arm"] == arm])
            for arm in ([None, *arms] if rows else [])
        ],
        "anchoring": [_anchoring(titles, row) for row in found.of("anchoring")],
    }


def _part(found: Estimates, arm: str | None, rows: list[Row]) -> dict[str, Any]:
    lines: list[dict[str, Any]] = []
    never: list[dict[str, Any]] = []
    for name in found.names:
        own = {row["estimand"]: row for row in rows if row["code"] == name["name"]}
        if not own:
            continue
        alpha = own["alpha"]
        counts = alpha["counts"] or {}
        line = name | {
            "units": sum(counts.get(key, 0) for key in ("all gave it", "some did", "nobody did")),
            "counts": counts,
            "note": alpha["note"],
            **{measure: part(own.get(measure)) for measure in MEASURES},
        }
        (lines if alpha["positives"] else never).append(line)
    sets = [{"of": row["estimand"], **(part(row) or {})} for row in rows if row["code"] == ANY]
    return {
        "arm": arm,
        "sets": sets,
        "lines": lines,
        "never": [line["title"] for line in never],
        "excluded": max((row["excluded"] for row in rows), default=0),
    }


def _anchoring(titles: dict[str, str], row: Row) -> dict[str, Any]:
    counts = row["counts"] or {}
    shown = {
        side: {"of": counts.get(side), "alike": counts.get(f"{side}, as the judge")}
        for side in ("suggested", "blind")
    }
    title = "All codes exactly" if row["code"] == ANY else titles.get(row["code"], row["code"])
    return {"name": row["code"], "title": title, **shown, **(part(row) or {})}
