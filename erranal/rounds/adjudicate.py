"""Adjudication: units that coders disagree on, and the decisions on them.

Everything on which coders differ is decided by a person who does not know who said what; the
decision, its reason and the labels it rests on are kept beside the labels, which stay as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from erranal.errors import StageError
from erranal.rounds import cases, lifecycle, sheet
from erranal.rounds.decisions import Decision, Desk

if TYPE_CHECKING:
    import pandas as pd

    from erranal.rounds.cases import Answer, Case
    from erranal.store import Study

DECIDED, UNCHANGED, BLANK, REFUSED = "decided", "unchanged", "not filled in", "refused"


def disagreements(study: Study, round_name: str, *, seed: int = 0) -> pd.DataFrame:
    """Return the units on which coders differ in primary code, codes or codebook gap.

    Only units are there that two or more have coded, and those with a decision already.

    Parameters
    ----------
    study
        The study.
    round_name
        The round.
    seed
        Of the order of the rows, and of who is A and who is B in each of them.

    Returns
    -------
    DataFrame
        One row a unit, in random order: unit_id; state (``open``, ``decided``, or ``stale`` where
        labels changed after the decision); what coders were shown; A_primary, A_codes, A_gap,
        A_confidence, A_flags, A_memo, and the same of B and so on; the decision in force
        (decided_primary ... decided_reason); primary, codes, gap and reason to be filled in for
        :func:`decide_all`; and the labels that the row shows.

    Raises
    ------
    StageError
        When there is no such round.
    """
    import pandas as pd

    found = cases.disputed(study, lifecycle.load(study, round_name), seed=seed)
    coders = max((len(case.answers) for case in found), default=2)
    return pd.DataFrame(
        [_row(case, max(coders, 2)) for case in found], columns=_columns(max(coders, 2))
    )


_SAID = ("primary", "codes", "gap", "confidence", "flags", "memo")
_DECIDED = ("primary", "codes", "gap")


def _columns(coders: int) -> list[str]:
    said = [f"{letter}_{name}" for letter in cases.LETTERS[:coders] for name in _SAID]
    decided = [*(f"decided_{name}" for name in _DECIDED), "decided_reason"]
    return ["unit_id", "state", *cases.READ, *said, *decided, *sheet.FILLED_IN, "labels"]


def _row(case: Case, coders: int) -> dict[str, Any]:
    row: dict[str, Any] = {"unit_id": case.unit_id, "state": case.state, **case.read()}
    row |= dict.fromkeys(_columns(coders)[len(row) :], "")
    for letter, answer in zip(cases.LETTERS, case.answers, strict=False):
        row |= {f"{letter}_{name}": value for name, value in _said(answer).items()}
    if case.decision is not None:
        said = _said(case.decision)
        row |= {f"decided_{name}": said[name] for name in _DECIDED}
    return row | {"decided_reason": case.reason, "labels": " ".join(case.labels)}


def _said(answer: Answer) -> dict[str, str]:
    return {
        "primary": answer.primary,
        "codes": sheet.JOINED.join(answer.codes),
        "gap": "yes" if answer.gap else "",
        "confidence": "" if answer.confidence is None else str(answer.confidence),
        "flags": sheet.JOINED.join(answer.flags),
        "memo": answer.memo,
    }


def decide(  # noqa: PLR0913 - one decision has so many parts
    study: Study,
    round_name: str,
    unit_id: str,
    *,
    adjudicator: str,
    primary: str | None,
    codes: Sequence[str] = (),
    gap: bool = False,
    reason: str,
    on: Sequence[str] | None = None,
) -> None:
    """Keep one decision; an earlier one on the unit is kept too, and no longer in force.

    Parameters
    ----------
    study
        The study.
    round_name
        A round that is not closed.
    unit_id
        The unit.
    adjudicator
        Alias of the person who decides.
    primary
        A code; ``none`` or None where no code describes an error; ``codebook gap`` where there is
        one that no code describes.
    codes
        All codes that apply; the primary one need not be repeated.
    gap
        Whether there is an error beside these that no code describes.
    reason
        Why; required.
    on
        Ids of the labels that were before the adjudicator; by default those there are now.

    Raises
    ------
    StageError
        When the round is closed, the unit or a code is not known, the reason is missing, or codes
        are given without a primary one.
    """
    desk = Desk(study, round_name)
    decision = desk.decision(
        unit_id,
        adjudicator=adjudicator,
        primary=primary,
        codes=codes,
        gap=gap,
        reason=reason,
        on=on,
    )
    with study.journal("rounds_adjudicate", {"round": round_name}) as entry:
        entry.count(decided=sum(desk.record([decision])))


class _Read(NamedTuple):
    line: int
    unit_id: str
    decision: Decision | None
    result: str
    detail: str = ""


def decide_all(
    study: Study,
    round_name: str,
    table: pd.DataFrame | str | Path,
    *,
    adjudicator: str | None = None,
) -> pd.DataFrame:
    """Keep the decisions of a filled-in table of disagreements.

    A row is filled in by primary (a code, ``none`` or ``codebook gap``), codes (separated by
    ``;``), gap (yes or no) and reason; a row without any of these is left as it is. Rows that
    cannot be read or break a rule are reported, the others land.

    Parameters
    ----------
    study
        The study.
    round_name
        A round that is not closed.
    table
        The frame of :func:`disagreements`, or a CSV file of it.
    adjudicator
        Alias of the person who decides, where the table has no column of that name.

    Returns
    -------
    DataFrame
        One row a row of the table: line (of a frame, the place of the row from 1), unit_id,
        result (``decided``, ``unchanged``, ``not filled in`` or ``refused``) and detail.

    Raises
    ------
    StageError
        When the round is closed, the table as a whole cannot be read, or nobody is said to decide.
    """
    import pandas as pd

    desk = Desk(study, round_name)
    rows = list(sheet.rows(table))
    if not adjudicator and not any(sheet.text(row.get("adjudicator")) for _, row in rows):
        raise StageError("say who decides: --adjudicator ALIAS, or a column adjudicator")
    read = list(_read(desk, rows, adjudicator or ""))
    landing = [row.decision for row in read if row.decision is not None]
    with study.journal("rounds_adjudicate", {"round": round_name}) as entry:
        fresh = iter(desk.record(landing))
        results = [
            row if row.decision is None or next(fresh) else row._replace(result=UNCHANGED)
            for row in read
        ]
        counts = Counter(row.result for row in results)
        entry.count(**{kind: counts[kind] for kind in (DECIDED, UNCHANGED, REFUSED)})
    columns = ["line", "unit_id", "result", "detail"]
    return pd.DataFrame([row._asdict() for row in results], columns=[*columns, "decision"])[columns]


def _read(
    desk: Desk, rows: Sequence[tuple[int, Mapping[str, Any]]], adjudicator: str
) -> Iterator[_Read]:
    for line, row in rows:
        unit_id = sheet.text(row["unit_id"])
        if sheet.blank(row):
            yield _Read(line, unit_id, None, BLANK)
            continue
        try:
            yield _Read(line, unit_id, _decision(desk, unit_id, row, adjudicator), DECIDED)
        except StageError as error:
            yield _Read(line, unit_id, None, REFUSED, str(error))


def _decision(desk: Desk, unit_id: str, row: Mapping[str, Any], adjudicator: str) -> Decision:
    primary = sheet.text(row["primary"])
    if not primary:
        # Nothing written is not the same as no error found.
        raise StageError(f"unit {unit_id}: primary is empty: write a code, none or codebook gap")
    labels = sheet.text(row.get("labels"))
    return desk.decision(
        unit_id,
        adjudicator=sheet.text(row.get("adjudicator")) or adjudicator,
        primary=primary,
        codes=sheet.listed(row["codes"]),
        gap=sheet.truth(row["gap"]),
        reason=sheet.text(row["reason"]),
        on=labels.split() or None,
    )
