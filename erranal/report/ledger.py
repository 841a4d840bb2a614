"""Summaries of everything around the numbers: clusters, integrity, scorers and how it was made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from erranal.report import plain
from erranal.report.judges import bare

if TYPE_CHECKING:
    from erranal.report.plain import Row
    from erranal.store import Study

_EXCERPT = 320
_EXEMPLARS = 3
_SEVERITIES = ("error", "warning", "note")
_REJECT_ROWS = 100
# "process" names the machine; files are listed by name in a table of their own.
_PRIVATE = ("process", "paths", "path")
_CREDENTIALS = re.compile(r"(?<=://)[^/?#@\s]*@|[?#].*$")
DISAGREEMENTS = 50


def clusters(study: Study) -> dict[str, Any]:
    """Return the clustering shown by default with its clusters, and the others beside it."""
    all_of_them = plain.rows(study.read("report_clusterings"))
    if not all_of_them:
        todo = (
            "erranal cluster" if study.count("encoders") else "erranal embed, then erranal cluster"
        )
        return {"missing": todo}
    chosen = all_of_them[0]
    found = plain.rows(study.read("report_clusters", clustering_id=chosen["clustering_id"]))
    excerpts = _excerpts(study, found)
    for cluster in found:
        cluster["modality_share"] = plain.document(cluster["modality_share"]) or {}
        ids = (cluster["exemplars"] or [])[:_EXEMPLARS]
        cluster["exemplars"] = [excerpts[i] for i in ids if i in excerpts]
    same = [c for c in all_of_them if c["population"] == chosen["population"]]
    return {"clustering": chosen, "clusters": found, "resolutions": same}


def _excerpts(study: Study, found: list[Row]) -> dict[str, Row]:
    ids = [i for cluster in found for i in (cluster["exemplars"] or [])[:_EXEMPLARS]]
    frame = study.read("report_excerpts", ids=ids, length=_EXCERPT)
    return {row["output_id"]: row for row in plain.rows(frame)}


def integrity(study: Study) -> dict[str, Any]:
    """Return the integrity ledger by check, errors first, and the rejected rows by reason."""
    checks = plain.rows(study.view("integrity_summary"))
    checks.sort(key=lambda c: (_rank(c["severity"]), -c["findings"], c["check_name"]))
    totals = {s: sum(c["findings"] for c in checks if c["severity"] == s) for s in _SEVERITIES}
    return {
        "checks": checks,
        "totals": totals,
        "rejects": plain.rows(study.read("report_rejects", limit=_REJECT_ROWS)),
        "rejected_rows": study.count("rejects"),
    }


def _rank(severity: str) -> int:
    return _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)


def scorers(study: Study) -> dict[str, Any] | None:
    """Return how our scorer and the imported scores agree; None where none were imported."""
    cells = plain.rows(study.read("report_scorers"))
    if not cells:
        return None
    return {
        "cells": cells,
        "outputs": sum(c["outputs"] for c in cells),
        "only_ours": sum(c["only_ours"] for c in cells),
        "only_imported": sum(c["only_imported"] for c in cells),
        "rules": plain.rows(study.read("report_disagreement_rules")),
        "examples": plain.rows(study.read("report_disagreements", limit=DISAGREEMENTS)),
    }


def _public(settings: dict[str, Any]) -> dict[str, Any]:
    # The page is shared: which machine ran it, and the folders there, are nobody's business.
    return {name: _bare(value) for name, value in settings.items() if name not in _PRIVATE}


def _bare(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    # An address may carry a name and a key, before its host or after its path.
    return _CREDENTIALS.sub("", value) if "://" in value else bare(value)


def provenance(study: Study) -> dict[str, Any]:
    """Return the newest finished run of every stage, the files read and the encoders used."""
    stages = plain.rows(study.read("report_journal"))
    for stage in stages:
        for column in ("parameters", "versions", "counts"):
            stage[column] = _public(plain.document(stage[column]) or {})
    return {
        "stages": stages,
        "sources": plain.rows(study.read("report_sources")),
        "encoders": [
            encoder | {"name": _bare(encoder["name"]), "params": None}
            for encoder in plain.rows(study.view("encoders"))
        ],
    }
