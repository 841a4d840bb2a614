"""Tables on codes as a paper has them: rates, changes, trust, agreement; words and numbers only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from erranal.report import estimate_people_tables, estimate_rate_tables
from erranal.report import wording as w

if TYPE_CHECKING:
    from erranal.report.estimate_basis import Estimates
    from erranal.report.estimate_table import Table

ANALYSES = {
    "rates": ("prevalence",),
    "changes": ("effect", "equivalence", "contrast", "adjusted", "on request"),
    "trust": ("trust",),
    "agreement": ("agreement", "anchoring"),
}


def tables(found: Estimates, name: str, grouping: str = "all") -> list[Table]:
    """Return the tables of one name; none where its analysis has not run.

    Parameters
    ----------
    found
        The estimates.
    name
        A key of ``ANALYSES``.
    grouping
        Which groups rates and changes are of; the others are of the whole study.
    """
    made = list(_made(found, name, grouping))
    for table in made:
        table.notes += _rests_on(found, ANALYSES[name][0])
    return made


def _made(found: Estimates, name: str, grouping: str) -> Iterator[Table]:
    if name == "rates":
        yield from estimate_rate_tables.rates(found, grouping)
    elif name == "changes":
        yield from estimate_rate_tables.changes(found, grouping)
    elif name == "trust":
        yield from estimate_people_tables.trust(found)
    else:
        yield from estimate_people_tables.agreement(found)


def _rests_on(found: Estimates, analysis: str) -> Iterator[str]:
    about, run = found.about, found.run_of(analysis)
    if run is None:
        return
    rounds = "round" if len(run["rounds"]) == 1 else "rounds"
    yield (
        f"Judge {about['judge'] or 'none'}, codebook {about['codebook']} "
        f"{about['codebook_version']}, {rounds} {w.listed(run['rounds'])}."
    )
    for note in about["notes"]:
        yield f"{note[:1].upper()}{note[1:]}."
    if run["stale"]:
        yield f"Labels or verdicts have changed since: run erranal {run['stage']} again."
