"""How far a round is: what each coder has done, how fast, and on request how far they agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import nan
from statistics import median
from typing import TYPE_CHECKING, Any

from erranal.rounds import agreeing, lifecycle

if TYPE_CHECKING:
    import pandas as pd

    from erranal.rounds.agreeing import Twice
    from erranal.rounds.round import Round
    from erranal.store import Study

# A longer pause between two units is one in which nobody codes.
LONGEST_PAUSE = timedelta(minutes=30)


@dataclass(frozen=True)
class Status:
    """How far a round is.

    Attributes
    ----------
    name, state
        Of the round; the state is planned, open or closed.
    units
        One row an arm and people (how many are to code each unit): units, short (units that fewer
        have coded or skipped), coded_by_none, coded_by_one, coded_by_two, coded_by_more, and
        skipped (by anybody).
    coders
        One row a coder: done and skipped units, left (units the coder can still be given), lead
        time in hours, hours by the clock without pauses over half an hour, units per hour by
        either, and the median lead time in seconds.
    agreement
        As :func:`erranal.rounds.agreeing.by_code`, None unless it was asked for and there is any.
    notes
        What has to be said with it, in sentences.
    """

    name: str
    state: str
    units: pd.DataFrame
    coders: pd.DataFrame
    agreement: pd.DataFrame | None
    notes: tuple[str, ...]


def status(study: Study, round_name: str, *, agreement: bool = False) -> Status:
    """Return how far a round is.

    Nothing tells what one coder said of a unit that another has still to code. Agreement rests on
    the units that two have both coded, is shown on request only, and every look at it is counted
    in the journal: who decides by it when to stop biases the result.

    Parameters
    ----------
    study
        The study.
    round_name
        The round.
    agreement
        Whether to look at the agreement so far.

    Raises
    ------
    StageError
        When there is no such round.
    """
    about = lifecycle.load(study, round_name)
    units = study.read("progress_units", round_id=about.round_id)
    coders = _coders(study, about)
    table, notes = _look(study, about, units) if agreement else (None, ())
    return Status(about.name, about.status, units, coders, table, notes)


def _coders(study: Study, about: Round) -> pd.DataFrame:
    import pandas as pd

    left = study.read("progress_left", round_id=about.round_id).set_index("coder_id")["units_left"]
    words: dict[str, list[dict[str, Any]]] = {coder: [] for coder in left.index}
    for word in study.arrow("progress_words", round_id=about.round_id).to_pylist():
        words.setdefault(word["coder_id"], []).append(word)
    rows = [
        {
            "coder_id": coder,
            "done": sum(word["status"] == "submitted" for word in said),
            "skipped": sum(word["status"] == "skipped" for word in said),
            "left": int(left.get(coder, 0)),
            **pace([word for word in said if word["status"] == "submitted"]),
        }
        for coder, said in sorted(words.items())
    ]
    return pd.DataFrame(rows, columns=["coder_id", "done", "skipped", "left", *pace([])])


def pace(done: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return how fast units were coded, by two clocks.

    Parameters
    ----------
    done
        One entry a unit: ``created_at``, and ``lead_time_s``, which may be None.

    Returns
    -------
    dict
        lead_hours, units_per_lead_hour and median_lead_s, by the lead times there are;
        clock_hours (from one unit to the next, pauses over half an hour left out) and
        units_per_clock_hour. NaN where there is nothing to tell by.
    """
    leads = [one["lead_time_s"] for one in done if one["lead_time_s"] is not None]
    gaps = _gaps([one["created_at"] for one in done])
    lead, clock = sum(leads) / 3600, sum(gaps) / 3600
    return {
        "lead_hours": lead,
        "units_per_lead_hour": len(leads) / lead if lead else nan,
        "median_lead_s": median(leads) if leads else nan,
        "clock_hours": clock,
        "units_per_clock_hour": len(gaps) / clock if clock else nan,
    }


def _gaps(moments: Sequence[datetime]) -> list[float]:
    ordered = sorted(moments)
    gaps = [after - before for before, after in pairwise(ordered)]
    return [gap.total_seconds() for gap in gaps if gap <= LONGEST_PAUSE]


def _look(
    study: Study, about: Round, units: pd.DataFrame
) -> tuple[pd.DataFrame | None, tuple[str, ...]]:
    rows = study.arrow("progress_coded_twice", round_id=about.round_id).to_pylist()
    both = agreeing.twice(rows)
    if not both:
        return None, ("No unit has been coded by two coders yet: there is no agreement to show.",)
    codes = list(study.read("progress_codes", codebook_id=about.codebook_id)["code"])
    table = agreeing.by_code(both, codes)
    with study.journal("rounds_agreement", {"round_id": about.round_id}) as entry:
        entry.count(units=len(both))
    looks = int(study.read("progress_looks", round_id=about.round_id)["looks"].iloc[0])
    overlap = int(units.loc[units["overlap"], "units"].sum())
    return table, tuple(_words(both, overlap, looks, closed=about.status == "closed"))


def _words(both: Sequence[Twice], overlap: int, looks: int, *, closed: bool) -> list[str]:
    same = sum(unit.same_primary for unit in both)
    said = [f"The primary category is the same on {same} of {len(both)} units coded by two."]
    if closed:
        return said
    if len(both) < overlap:
        said.append(
            f"It is early: {len(both)} of {overlap} overlap units are coded by two, and the "
            "figures will move."
        )
    said.append(
        f"This is look {looks} at the agreement of an open round; looks are counted, because "
        "whoever stops or goes on by what they see biases the result."
    )
    return said
