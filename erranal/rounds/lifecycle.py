"""Rounds from the list of all to the end of one: what closes, closes with its gold labels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from erranal.errors import StageError
from erranal.rounds.round import Round, find

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from erranal.store import Study


def load(study: Study, name: str) -> Round:
    """Return a round by its name.

    Raises
    ------
    StageError
        When there is none of that name; the message lists those there are.
    """
    return find(study, name)


def require_open(study: Study, name: str) -> Round:
    """Return a round that may still change.

    Raises
    ------
    StageError
        When there is no such round, or it is closed.
    """
    found = load(study, name)
    if found.status == "closed":
        raise StageError(
            f"round {name!r} is closed: it takes no more tasks, labels or decisions; make another "
            "round for more"
        )
    return found


def list_rounds(study: Study) -> pd.DataFrame:
    """Return one row a round, oldest first.

    Columns: round, kind, purpose, status, codebook, judge (whose labels are suggested), units,
    overlap (units that more than one are to code), coders, coded (units with a label), short
    (units that fewer have coded or skipped than are to code them), open_disagreements, adjudicated,
    created_at and closed_at.
    """
    return study.read("lifecycle_list")


def judge_id(of: Round) -> str:
    """Return the judge under whose name the gold labels of a round are kept."""
    return f"human:{of.name}"


def close(study: Study, name: str, *, force: bool = False) -> pd.DataFrame:
    """Close a round: nothing more of it is coded or decided, and its gold labels become verdicts.

    The gold labels (view ``gold_labels``) are written as verdicts of a judge ``human:NAME``, with
    the spans that coders marked as evidence, so that judges can be compared with them. A unit
    that is not settled gets no verdict: what is missing is not a "no".

    Parameters
    ----------
    study
        The study.
    name
        The round.
    force
        Close although coders disagree on units that nobody has decided, or decisions rest on
        labels that have changed, or units are short of coders.

    Returns
    -------
    DataFrame
        One row by how units came out: adjudicated, agreed or single; open disagreement, skipped or
        not coded, which have no gold label. Columns: how, units, and stale (units whose decision
        rests on labels that changed).

    Raises
    ------
    StageError
        When there is no such round, it is closed, or something is open and ``force`` is not given.
    """
    of = require_open(study, name)
    if not force:
        _require_settled(study, of)
    with study.journal("rounds_close", {"round": name, "force": force}) as entry:
        with study.write() as tx:
            # Read inside the transaction: a label that lands meanwhile is in both or in neither.
            verdicts = tx.arrow("lifecycle_verdicts", round_id=of.round_id)
            evidence = tx.arrow("lifecycle_evidence", round_id=of.round_id)
            now = datetime.now(UTC)
            given = {"judge_id": judge_id(of), "codebook_id": of.codebook_id}
            tx.append("judges", _judge(study, of), on_conflict="replace")
            tx.append("verdicts", _given(verdicts, given | {"judged_at": now}))
            tx.append("evidence", _given(evidence, given))
            tx.execute("lifecycle_close", round_id=of.round_id, closed_at=now)
        entry.count(gold=len(verdicts), evidence=len(evidence))
    return study.read("lifecycle_gold", round_id=of.round_id)


def _listed(study: Study, of: Round) -> pd.Series:
    rounds = list_rounds(study)
    return rounds[rounds["round"] == of.name].iloc[0]


def _require_settled(study: Study, of: Round) -> None:
    row = _listed(study, of)
    problems = []
    if row["open_disagreements"]:
        problems.append(
            f"units that wait for a decision: {row['open_disagreements']} "
            f"(`erranal rounds adjudicate {of.name}`)"
        )
    if row["short"]:
        problems.append(
            f"units that are short of coders: {row['short']} of {row['units']} "
            f"(`erranal rounds status {of.name}`)"
        )
    if problems:
        raise StageError(
            f"round {of.name!r} is not finished: {'; '.join(problems)}. With --force it is closed "
            "as it is: what nobody coded, and what coders disagree on, gets no gold label"
        )


def _judge(study: Study, of: Round) -> pd.DataFrame:
    import pandas as pd

    listed = _listed(study, of)
    params = {"round_id": of.round_id, "round": of.kind, "purpose": listed["purpose"]}
    row = {
        "judge_id": judge_id(of),
        "kind": "human",
        "name": judge_id(of),
        "version": of.round_id,
        "params": json.dumps(params, sort_keys=True),
    }
    return pd.DataFrame([row])


def _given(rows: pa.Table, constants: Mapping[str, Any]) -> pa.Table:
    import pyarrow as pa

    for name, value in constants.items():
        rows = rows.append_column(name, pa.array([value] * len(rows)))
    return rows
