"""What images change: differences of rates, equivalence, and reading against thinking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.report import estimate_beside
from erranal.report.estimate_basis import SOURCES, best, part
from erranal.report.estimate_rates import ALL, GROUP, in_order

if TYPE_CHECKING:
    from erranal.report.estimate_basis import Estimates
    from erranal.report.plain import Row

EQUIVALENT = "equivalent"


def summarise(found: Estimates) -> dict[str, Any] | None:
    """Return the differences of every comparison of two arms; None where none were estimated.

    Returns
    -------
    dict
        ``comparisons``: one a pair of arms over the whole study, each with ``groups``, the same by
        model and by benchmark. Each has reference, arm, grouping, the columns of its group, pairs
        of the population (``pool``), of which ``drawn`` with settled labels, of ``labelled`` items,
        and ``unsettled`` ones left out, ``contrast`` (None, or what it is of and the number),
        ``lines`` (families and codes with ``corrected``, ``humans`` and ``judge``; families first,
        those that rise most first), ``never`` (titles of what nobody gave) and ``equivalence``
        (name, title, margin, reason, ``shown``, ``note`` and the 90 % interval). Groups hold
        families only. For ``equal_length`` and ``requested`` see
        :mod:`erranal.report.estimate_beside`.
    """
    rows = found.of("effect", "contrast", "equivalence")
    comparisons = []
    for pair in found.compared():
        here = [row for row in rows if (row["reference"], row["arm"]) == pair]
        parts = {
            key: [row for row in here if _key(row) == key] for key in dict.fromkeys(map(_key, here))
        }
        whole = [_of_group(found, key, rows) for key, rows in parts.items() if key[0] == ALL]
        groups = [_families(_of_group(found, k, rows)) for k, rows in parts.items() if k[0] != ALL]
        beside = {
            "equal_length": estimate_beside.equal_length(found, pair),
            "requested": estimate_beside.requested(found, pair),
        }
        comparisons += [one | {"groups": groups} | beside for one in whole]
    return {"comparisons": comparisons} if comparisons else None


def by_group(found: Estimates, grouping: str) -> list[dict[str, Any]]:
    """Return the comparisons of one grouping with all families and codes."""
    rows = found.of("effect", "contrast", "equivalence", grouping=grouping)
    parts: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        parts.setdefault((*_key(row), row["reference"], row["arm"]), []).append(row)
    return [_of_group(found, key, rows) for key, rows in parts.items()]


def _key(row: Row) -> tuple[Any, ...]:
    return (row["grouping"], *(row[column] for column in GROUP))


def _of_group(found: Estimates, key: tuple[Any, ...], rows: list[Row]) -> dict[str, Any]:
    effects = [row for row in rows if row["analysis"] == "effect"]
    lines = [_line(name, [r for r in effects if r["code"] == name["name"]]) for name in found.names]
    contrast = next((row for row in rows if row["analysis"] == "contrast"), None)
    return {
        **dict(zip(("grouping", *GROUP), key, strict=False)),
        "reference": rows[0]["reference"],
        "arm": rows[0]["arm"],
        "pool": rows[0]["pool"],
        "drawn": max((sum((row["counts"] or {}).values()) for row in effects), default=0),
        "labelled": max((row["n"] for row in effects if row["source"] == "humans"), default=0),
        "unsettled": max((row["excluded"] for row in effects), default=0),
        "contrast": contrast and {"of": contrast["code"], **(part(contrast) or {})},
        "lines": in_order([line for line in lines if line["given"]]),
        "never": [line["title"] for line in lines if not line["given"]],
        "equivalence": [
            _equivalence(found, name, row)
            for name in found.names
            for row in rows
            if row["analysis"] == "equivalence" and row["code"] == name["name"]
        ],
    }


def _line(name: Row, rows: list[Row]) -> dict[str, Any]:
    by_source = {row["source"]: row for row in rows}
    parts = {source: part(by_source.get(source)) for source in SOURCES}
    given = any(one["positives"] or one["estimate"] for one in parts.values() if one)
    change = (best(parts) or {}).get("estimate")
    return name | {"change": change, "given": given} | parts


def _equivalence(found: Estimates, name: Row, row: Row) -> dict[str, Any]:
    margin = found.margin_of(row["code"]) or {}
    # The note begins with the verdict; what follows is said of the margin.
    verdict, _, rest = row["note"].partition("; ")
    return {
        "name": name["name"],
        "title": name["title"],
        "margin": margin.get("margin"),
        "set_at": margin.get("set_at"),
        "reason": margin.get("reason"),
        "shown": verdict.startswith(EQUIVALENT),
        "verdict": verdict,
        **(part(row) or {}),
        "note": "; ".join(filter(None, ["by people alone" * (row["source"] == "humans"), rest])),
    }


def _families(group: dict[str, Any]) -> dict[str, Any]:
    return group | {"lines": [line for line in group["lines"] if line["family"] is None]}
