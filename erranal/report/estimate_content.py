"""What the labels of people allow to say of codes, as plain values: the page's sections on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.report import estimate_basis, estimate_changes, estimate_coders, estimate_rates
from erranal.report import estimate_trust as trust

if TYPE_CHECKING:
    from erranal.store import Study

PARTS = ("rates", "changes", "trust", "coders")


def summarise(study: Study, judge: str | None = None) -> dict[str, Any]:
    """Return the estimates of the newest run, or of a judge by its name.

    Returns
    -------
    dict
        ``basis`` (see :class:`erranal.report.estimate_basis.Estimates`), ``rates``, ``changes``,
        ``trust`` and ``coders``. A part whose analysis has not run, or all, hold only ``missing``:
        the command to run.

    Raises
    ------
    StageError
        When there is no such judge.
    """
    found = estimate_basis.read(study, judge)
    if found is None:
        return {"missing": estimate_basis.next_step(study, judge)}
    return {
        "basis": found.about,
        "rates": estimate_rates.summarise(found) or {"missing": "erranal prevalence"},
        "changes": estimate_changes.summarise(found) or {"missing": "erranal prevalence"},
        "trust": trust.summarise(found) or {"missing": _without_trust(found)},
        "coders": estimate_coders.summarise(found) or {"missing": "erranal agreement"},
    }


def _without_trust(found: estimate_basis.Estimates) -> str:
    return "erranal agreement" if found.about["judge_id"] else "erranal judge run"
