"""The page's content as one plain dict: everything it says, nothing of how it looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.report import findings, gaps, ledger, plain, profile

if TYPE_CHECKING:
    from erranal.store import Study

SCORER = "erranal"
SECTIONS = (
    "gaps",
    "changes",
    "collapse",
    "codes",
    "planted",
    "clusters",
    "integrity",
    "scorers",
    "provenance",
)


def summarise(study: Study) -> dict[str, Any]:
    """Return the summary of a study: plain JSON values, the numbers that the page prints.

    Returns
    -------
    dict
        ``study`` (sizes), ``arms``, ``gaps``, ``changes``, ``flips``, ``collapse``, ``codes``,
        ``planted``, ``clusters``, ``integrity``, ``scorers``, ``provenance``; ``findings`` are
        sentences and ``finding_labels`` the section each belongs to. A section whose stage has
        not run holds only ``missing``: the command to run.
    """
    judge = profile.judge_in_force(study)
    gap = gaps.summarise(study, SCORER)
    compared = gaps.compared(gap)
    summary: dict[str, Any] = {
        "study": plain.rows(study.read("study_size"))[0],
        "arms": plain.rows(study.read("report_arms")),
        "gaps": gap,
        "changes": gaps.changes(study, SCORER, compared=compared),
        "flips": gaps.flips(study, SCORER, compared=compared),
        "collapse": _collapse(study),
        "codes": profile.summarise(study, judge, SCORER, compared=compared),
        "planted": profile.planted(study, judge, SCORER),
        "clusters": ledger.clusters(study),
        "integrity": ledger.integrity(study),
        "scorers": ledger.scorers(study),
        "provenance": ledger.provenance(study),
    }
    found = findings.findings(summary)
    return {
        "findings": [text for _, text in found],
        "finding_labels": [label for label, _ in found],
        **summary,
    }


def _collapse(study: Study) -> dict[str, Any]:
    rows = plain.rows(study.view("collapse"))
    return {"rows": rows} if rows else {"missing": "erranal gap"}
