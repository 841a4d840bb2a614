"""How common each code is: corrected, and beside it by humans alone and by the judge alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.report.estimate_basis import SOURCES, best, part

if TYPE_CHECKING:
    from erranal.report.estimate_basis import Estimates
    from erranal.report.plain import Row

ALL = "all"
GROUP = ("model", "prompt_style", "benchmark")


def summarise(found: Estimates, grouping: str = ALL) -> dict[str, Any] | None:
    """Return the rates of every comparison of two arms; None where none were estimated.

    Returns
    -------
    dict
        ``comparisons``: one a pair of arms and group: reference, arm, the columns of the group,
        ``sides`` (of each arm: responses, errors, labelled, unread by the judge), ``lines`` and
        ``never``. A line is a family or code with its ``title`` and ``family`` (None for families),
        ``change`` (the difference, corrected where it can be, by which they are sorted; families
        first) and
        ``sides``: arm, and what is known by each source. ``never``: names and titles of what nobody
        gave, with the largest upper limit of the rates.
    """
    rows = found.of("prevalence", grouping=grouping)
    changes = {
        (*_group(row), row["reference"], row["arm"], row["code"]): row
        for source in ("humans", "corrected")
        for row in found.of("effect", grouping=grouping, source=source)
        if row["estimate"] is not None
    }
    comparisons = [
        _comparison(found, key, [row for row in rows if _group(row) == key], changes, pair)
        for key in dict.fromkeys(map(_group, rows))
        for pair in found.compared()
        if any(_group(row) == key and (row["reference"], row["arm"]) == pair for row in rows)
    ]
    return {"comparisons": comparisons} if comparisons else None


def _group(row: Row) -> tuple[Any, ...]:
    return tuple(row[column] for column in GROUP)


def _comparison(
    found: Estimates,
    key: tuple[Any, ...],
    rows: list[Row],
    changes: dict[tuple[Any, ...], Row],
    pair: tuple[str, str],
) -> dict[str, Any]:
    reference, arm = pair
    of_arm = {
        reference: [r for r in rows if r["arm"] == reference and r["reference"] is None],
        arm: [r for r in rows if (r["reference"], r["arm"]) == pair],
    }
    lines: list[dict[str, Any]] = []
    never: list[dict[str, Any]] = []
    for name in found.names:
        sides = [_side(one, name["name"], of_arm[one]) for one in pair]
        change = changes.get((*key, reference, arm, name["name"]))
        line = name | {"change": change and change["estimate"], "sides": sides}
        (lines if any(side["given"] for side in sides) else never).append(line)
    return {
        **dict(zip(GROUP, key, strict=True)),
        "reference": reference,
        "arm": arm,
        "sides": [_size(one, of_arm[one]) for one in pair],
        "lines": in_order(lines),
        "never": [_never(line) for line in never],
    }


def _side(arm: str, name: str, rows: list[Row]) -> dict[str, Any]:
    by_source = {row["source"]: row for row in rows if row["code"] == name}
    given = any(
        row["positives"] or (row["counts"] or {}).get("given by the judge")
        for row in by_source.values()
    )
    parts = {source: part(by_source.get(source)) for source in SOURCES}
    return {"arm": arm, "given": given} | parts


def _size(arm: str, rows: list[Row]) -> dict[str, Any]:
    counts: dict[str, int] = next((row["counts"] for row in rows if row["counts"]), {})
    return {
        "arm": arm,
        "responses": counts.get("responses"),
        "errors": counts.get("errors"),
        "labelled": max((row["n"] for row in rows if row["source"] == "humans"), default=0),
        "unread": max((row["excluded"] for row in rows), default=0),
    }


def _never(line: dict[str, Any]) -> dict[str, Any]:
    known = [best(side) for side in line["sides"]]
    highs = [one["high"] for one in known if one and one["high"] is not None]
    return {"name": line["name"], "title": line["title"], "high": max(highs, default=None)}


def in_order(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return families, then codes, those that rise most first; unknown changes come last."""
    return sorted(
        lines,
        key=lambda line: (
            line["family"] is not None,
            line["change"] is None,
            -(line["change"] or 0.0),
        ),
    )
