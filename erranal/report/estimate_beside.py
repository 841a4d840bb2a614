"""Numbers beside the changes: those at equal length, and those asked for that mislead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.report.estimate_basis import part

if TYPE_CHECKING:
    from erranal.report.estimate_basis import Estimates


def equal_length(found: Estimates, pair: tuple[str, str]) -> list[dict[str, Any]]:
    """Return what is left of the changes of families where both responses are equally long.

    Returns
    -------
    list of dict
        One an estimand, the change itself first: ``of`` and ``lines`` (title and number).
    """
    rows = [
        row
        for row in found.of("adjusted", grouping="all", reference=pair[0], arm=pair[1])
        if row["low"] is not None  # without limits nobody gave it to any pair
    ]
    titles = {name["name"]: name["title"] for name in found.names}
    return [
        {
            "of": estimand,
            "lines": [
                {"title": titles.get(row["code"], row["code"]), **(part(row) or {})}
                for row in rows
                if row["estimand"] == estimand
            ],
        }
        for estimand in dict.fromkeys(row["estimand"] for row in rows)
    ]


def requested(found: Estimates, pair: tuple[str, str]) -> list[dict[str, Any]]:
    """Return numbers that mislead and were asked for, with why they do.

    Returns
    -------
    list of dict
        One an estimand: ``of``, ``why`` and ``lines`` (title, arm and number) of families and codes
        that are not zero.
    """
    # The reference arm has the same rate beside every arm that is compared with it.
    once = {
        (row["estimand"], row["note"], row["code"], row["arm"]): row
        for row in found.of("on request", grouping="all")
        if row["arm"] in pair and row["reference"] in (None, pair[0]) and row["estimate"]
    }
    rows = list(once.values())
    titles = {name["name"]: name["title"] for name in found.names}
    kinds = dict.fromkeys((row["estimand"], row["note"]) for row in rows)
    return [
        {
            "of": estimand,
            "why": why.removeprefix("on request").removeprefix("; "),
            "lines": [
                {
                    "title": titles.get(row["code"], row["code"]),
                    "arm": row["arm"],
                    **(part(row) or {}),
                }
                for row in rows
                if (row["estimand"], row["note"]) == (estimand, why)
            ],
        }
        for estimand, why in kinds
    ]
