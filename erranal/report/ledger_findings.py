"""What the clusters and the integrity ledger say, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from erranal.report import wording as w


def cluster_findings(summary: dict[str, Any]) -> Iterator[str]:
    """Say how many clusters there are, and how steady they are."""
    found = summary["clusters"]
    if "missing" in found:
        return
    chosen = found["clustering"]
    agreement = chosen["ari_subsamples"]
    steady = (
        ""
        if agreement is None
        else f"; on subsamples they come back with a Rand index of {agreement:.2f}"
    )
    if not chosen["clusters"]:
        n = w.count(chosen["outputs"], "response")
        yield f"No group stands out among the {n}: too few, or too unlike one another."
        return
    yield (
        f"The {w.count(chosen['outputs'], 'response')} fall into "
        f"{w.count(chosen['clusters'], 'cluster')} by what they say, "
        f"with {w.percent(chosen['noise'], 0)} in none{steady}."
    )


def integrity_findings(summary: dict[str, Any]) -> Iterator[str]:
    """Say what the integrity ledger holds, and what could not be read."""
    totals = summary["integrity"]["totals"]
    parts = [w.count(totals[name], name) for name in ("error", "warning", "note") if totals[name]]
    rejected = summary["integrity"]["rejected_rows"]
    text = (
        f"The integrity ledger holds {w.listed(parts)}"
        if parts
        else "The integrity checks found nothing"
    )
    text += f", and {w.count(rejected, 'row')} of the files could not be read." if rejected else "."
    if totals["error"]:
        text += " An error means that a comparison is wrong as it stands: see the ledger first."
    yield text
