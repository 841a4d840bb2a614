"""Tables of rounds as they fit a terminal; --json has every column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from erranal.cli import output
from erranal.cli.judging import fitting

if TYPE_CHECKING:
    import pandas as pd

MOST_REFUSED = 8
_STRATA = {
    "stratum": "stratum",
    "pairs": "pairs",
    "units": "units",
    "sampled_pairs": "drawn",
    "sampled_units": "to code",
    "probability": "prob.",
    "suggested": "suggested",
    "blind": "blind",
    "overlap": "overlap",
}
_PRECISION = {
    "code": "code",
    "side": "side",
    "judge_rate": "judge",
    "half_width": "alone",
    "half_width_with_judge": "with judge",
    "half_width_sensitivity": "sensitivity",
}
_ROUNDS = {
    "round": "round",
    "kind": "kind",
    "purpose": "for",
    "status": "is",
    "judge": "judge",
    "units": "units",
    "short": "short",
    "coders": "coders",
    "coded": "coded",
    "open_disagreements": "open",
    "adjudicated": "decided",
}
_UNITS = {
    "arm": "arm",
    "people": "coders each",
    "units": "units",
    "short": "short",
    "coded_by_none": "by none",
    "coded_by_one": "by 1",
    "coded_by_two": "by 2",
    "coded_by_more": "by more",
    "skipped": "skipped",
}
_CODERS = {
    "coder_id": "coder",
    "done": "done",
    "skipped": "skipped",
    "left": "left",
    "lead_hours": "hours",
    "units_per_lead_hour": "an hour",
    "median_lead_s": "median s",
    "clock_hours": "by clock",
    "units_per_clock_hour": "an hour ",
}
_AGREEMENT = {
    "code": "code",
    "n": "n",
    "both": "both",
    "only_a": "one",
    "only_b": "other",
    "kappa": "kappa",
    "ac1": "AC1",
    "positive": "pos.",
    "negative": "neg.",
}
_COUNTS = ("new", "edited", "skipped", "deleted", "unchanged", "older", "refused", "created",
           "updated", "suggestions", "removed")  # fmt: skip


def strata(frame: pd.DataFrame, title: str) -> None:
    """Print the strata of a sample."""
    _print(frame, _STRATA, title)


def precision(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print how precise the figures of a round would be, of what its judge can say."""
    import pandas as pd

    frame = pd.DataFrame(rows)
    known = frame[frame["judge_rate"].notna()].copy()
    if known.empty:
        output.say("Name a judge with --judge to see how precise the figures of each code will be.")
        return
    for name in list(_PRECISION)[2:]:
        known[name] = [_points(value) for value in known[name]]
    _print(known, _PRECISION, "Expected half-widths of 95 % intervals, in points")
    output.say(
        "judge: rate by the judge; alone and with judge: of the rate by people; sensitivity: of the"
        " judge's."
    )
    if unsaid := frame.loc[frame["judge_rate"].isna(), "code"].nunique():
        output.say(f"{unsaid} codes that the judge cannot give are left out.")


def _points(share: float) -> str:
    # As wide as the scale itself: nothing will be known.
    return "-" if share >= 1 else f"{100 * share:.1f}"


def rounds(frame: pd.DataFrame) -> None:
    """Print the list of rounds."""
    judges = frame["judge"].str.replace(r"^\w+:|@.*$", "", regex=True)
    _print(frame.assign(judge=judges), _ROUNDS, "Rounds")


def progress(shown: Mapping[str, pd.DataFrame]) -> None:
    """Print how far the units, the coders and their agreement are."""
    _print(shown["units"], _UNITS, "Units")
    if len(shown["coders"]):
        _print(shown["coders"], _CODERS, "Coders")
    else:
        output.say("No coder has done anything yet, as far as it was pulled.")
    if "agreement" in shown:
        table = shown["agreement"].round(2)
        given = table[["both", "only_a", "only_b"]].sum(axis=1) > 0
        seen = table[given & (table["arm"] == "all")]
        _print(seen, _AGREEMENT, "Agreement on the codes that anybody gave (--json has the arms)")


def refused(frame: pd.DataFrame) -> None:
    """Print the annotations that count for nothing until they are put right; nothing for none."""
    if frame.empty:
        return
    at = frame["place"].str.replace(r"^https?://[^/]+", "", regex=True).fillna(frame["project"])
    columns = {"coder_id": "coder", "detail": "why", "place": "where"}
    title = f"{len(frame)} annotations cannot be read, and count for nothing"
    _print(frame.assign(place=at).head(MOST_REFUSED), columns, title)
    if len(frame) > MOST_REFUSED:
        output.say(
            f"... and {len(frame) - MOST_REFUSED} more; `erranal rounds status --json` has all"
        )
    output.say("Whoever made them can open them on the server and update them; then pull again.")


def moved(frame: pd.DataFrame, title: str) -> None:
    """Print what went to a server or came from it, without what is nil throughout."""
    kept = fitting.without_empty(frame, *(name for name in _COUNTS if name in frame))
    hidden = [name for name in ("arm", "image", "coder", "project_id", "note") if name in kept]
    output.table(kept.drop(columns=hidden), as_json=False, title=title)
    for row in frame.to_dict("records"):
        if row.get("note"):
            output.say(f"{row.get('project') or row.get('file')}: {row['note']}")


def disagreements(frame: pd.DataFrame) -> None:
    """Print the units on which coders differ, by their primary codes."""
    said = [str(name) for name in frame if str(name).endswith("_primary")]
    shown = fitting.without_empty(frame[["unit_id", "state", *said]], *said)
    shown, state = fitting.without_same(shown, "state")
    title = f"{len(frame)} units in dispute" + (f", all {state}" if state else "")
    output.table(shown, as_json=False, title=title)


def agenda(frame: pd.DataFrame) -> None:
    """Print the points of the agenda with one note of each."""
    first = [next(filter(None, notes), "") for notes in frame["notes"]]
    shown = frame.assign(
        codebook=frame["codebook"].str.partition("#")[0],
        figure=frame["figure"].round(2),
        note=first,
    )
    columns = ["topic", "codebook", "subject", "said_by", "units", "figure", "note"]
    shown, book = fitting.without_same(shown[columns], "codebook")
    shown = fitting.without_empty(shown, "subject", "figure", "note")
    title = f"Agenda of the next version of {book}" if book else "Agenda of the next versions"
    output.table(shown, as_json=False, title=title)


def _print(frame: pd.DataFrame, names: Mapping[str, str], title: str) -> None:
    kept = [name for name in names if name in frame]
    output.table(frame[kept].rename(columns=dict(names)), as_json=False, title=title)
