"""Adjudication in a Label Studio project: its form and tasks, and its annotations as decisions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from erranal.errors import StageError
from erranal.rounds import interface
from erranal.rounds.answers import region_problems
from erranal.rounds.decisions import Decision, Desk
from erranal.rounds.form import Form, parse

if TYPE_CHECKING:
    import pandas as pd

    from erranal.rounds.cases import Answer, Case
    from erranal.store import Study

FEWEST_CODERS = 2
DECIDED, UNCHANGED, REFUSED = "decided", "unchanged", "refused"


def record_id(case: Case) -> str:
    """Return what tells a task from others: its unit, and the labels that it shows."""
    shown = hashlib.sha256(" ".join(case.labels).encode()).hexdigest()
    return f"{case.unit_id}-{shown[:8]}"


def task(
    case: Case,
    titles: Mapping[str, str],
    *,
    coders: int = FEWEST_CODERS,
    image: str | None = None,
) -> dict[str, Any]:
    """Return the task in which a unit is decided on.

    It shows what coders were shown, without anything of the judge, and the answers of the coders
    as ``coder_1``, ``coder_2`` ... in an order drawn for every unit. ``decided_on`` says which
    labels they are, so that a decision on labels that change meanwhile is known as stale.

    Parameters
    ----------
    case
        The unit.
    titles
        What the form calls each code.
    coders
        How many answers the form has a place for; where there are more, the last one holds the
        rest.
    image
        URL or data URI, None in a project without images.
    """
    own = {
        "record_id": record_id(case),
        "unit_id": case.unit_id,
        "decided_on": " ".join(case.labels),
    }
    picture = {} if image is None else {"image": image}
    texts = [_text(answer, titles) for answer in case.answers]
    return {"data": case.data | own | _placed(texts, coders) | picture, "predictions": []}


def _placed(answers: Sequence[str], coders: int) -> dict[str, str]:
    texts = [*answers] + [""] * coders
    last = "\n\n".join(filter(None, texts[coders - 1 :]))
    return {
        f"coder_{number}": text for number, text in enumerate([*texts[: coders - 1], last], start=1)
    }


def _text(answer: Answer, titles: Mapping[str, str]) -> str:
    others = [titles.get(code, code) for code in answer.codes if code != answer.primary]
    lines = {
        "Primary": titles.get(answer.primary, answer.primary),
        "Codes beside it": ", ".join(others),
        "Codebook gap": "yes" if answer.gap else "",
        "Flags": ", ".join(answer.flags),
        "Confidence": "" if answer.confidence is None else f"{answer.confidence} of 5",
        "Memo": answer.memo.replace("\x00", "�"),
    }
    return "\n".join(f"{name}: {value}" for name, value in lines.items() if value)


class _Read(NamedTuple):
    unit_id: str
    annotation_id: int | None
    decision: Decision | None
    result: str
    detail: str = ""


def read_decisions(
    study: Study, round_name: str, tasks: Iterable[Mapping[str, Any]]
) -> pd.DataFrame:
    """Keep the decisions that adjudicators made in the project.

    Of several annotations of a task the newest counts; one that was skipped is no decision. A
    decision that stands already, or is older than the one in force, changes nothing.

    Parameters
    ----------
    study, round_name
        The study and a round that is not closed.
    tasks
        Tasks of the project with their annotations, as the server or an export gives them.

    Returns
    -------
    DataFrame
        One row a task with an annotation: unit_id, annotation_id, result (``decided``,
        ``unchanged`` or ``refused``) and detail.

    Raises
    ------
    StageError
        When there is no such round, or it is closed.
    """
    import pandas as pd

    desk = Desk(study, round_name)
    form = parse(interface.build_adjudication(desk.round.book, image=False, coders=FEWEST_CODERS))
    people = _people(study, desk.round.round_id)
    read = [row for task in tasks for row in _decisions(desk, form, people, task)]
    landing = [row.decision for row in read if row.decision is not None]
    with study.journal("rounds_adjudicate", {"round": round_name, "project": True}) as entry:
        fresh = iter(desk.record(landing))
        rows = [
            (*row[:2], _result(next(fresh)) if row.decision else row.result, row.detail)
            for row in read
        ]
        entry.count(decided=sum(row[2] == DECIDED for row in rows), read=len(rows))
    return pd.DataFrame(rows, columns=["unit_id", "annotation_id", "result", "detail"])


def _result(new: bool) -> str:
    return DECIDED if new else UNCHANGED


def _people(study: Study, round_id: str) -> dict[int, str]:
    rows = study.arrow("adjudication_people", round_id=round_id).to_pylist()
    return {row["user_id"]: row["coder_id"] for row in rows}


def _decisions(
    desk: Desk, form: Form, people: Mapping[int, str], task: Mapping[str, Any]
) -> Iterator[_Read]:
    data = task.get("data")
    data = data if isinstance(data, Mapping) else {}
    unit_id = str(data.get("unit_id", ""))
    number = None
    try:
        newest = _newest(task.get("annotations"))
        if newest is None:
            return
        number = newest["id"] if type(newest.get("id")) is int else None
        yield _Read(unit_id, number, _decision(desk, form, people, newest, data), DECIDED)
    except StageError as error:
        yield _Read(unit_id, number, None, REFUSED, str(error))


def _newest(annotations: Any) -> Mapping[str, Any] | None:
    if not isinstance(annotations, list) or not all(isinstance(a, Mapping) for a in annotations):
        raise StageError("its annotations are no list of annotations")
    made = [one for one in annotations if not one.get("was_cancelled")]
    return max(made, key=_made_at, default=None)


def _made_at(annotation: Mapping[str, Any]) -> datetime:
    try:
        moment = datetime.fromisoformat(annotation.get("updated_at", ""))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise StageError("an annotation does not say when it was made") from error


def _decision(
    desk: Desk,
    form: Form,
    people: Mapping[int, str],
    annotation: Mapping[str, Any],
    data: Mapping[str, Any],
) -> Decision:
    unit_id = str(data.get("unit_id", ""))
    values = _values(unit_id, annotation.get("result"), form, data)
    if "primary" not in values:
        raise StageError(f"unit {unit_id}: the primary category was not chosen")
    reason = values.get("reason", {}).get("text", [])
    labels = data.get("decided_on")
    decision = desk.decision(
        unit_id,
        adjudicator=_who(annotation.get("completed_by"), people),
        primary=values["primary"]["choices"][0],
        codes=[path[-1] for path in values.get("codes", {}).get("taxonomy", ())],
        gap=False,
        reason=reason if isinstance(reason, str) else "\n".join(reason),
        on=labels.split() if isinstance(labels, str) else None,
    )
    return replace(decision, decided_at=_made_at(annotation))


def _values(
    unit_id: str, result: Any, form: Form, data: Mapping[str, Any]
) -> dict[str, Mapping[str, Any]]:
    """Return the answers of an annotation by control.

    Raises
    ------
    StageError
        When there is one that the form cannot give.
    """
    if not isinstance(result, list) or not all(isinstance(one, Mapping) for one in result):
        raise StageError(f"unit {unit_id}: result is no list of answers")
    given = [one for one in result if not _taken_back(one)]
    problems = [problem for one in given for problem in region_problems(one, data, form)]
    names = [one.get("from_name") for one in given]
    problems += [f"{name} is given twice" for name in names if names.count(name) > 1][:1]
    if problems:
        raise StageError(f"unit {unit_id}: {'; '.join(problems)}")
    return {one["from_name"]: one["value"] for one in given}


def _taken_back(answer: Mapping[str, Any]) -> bool:
    """Whether an answer is what a form leaves of one that was cleared."""
    value = answer.get("value")
    return isinstance(value, Mapping) and any(
        value.get(key) == [] for key in ("choices", "taxonomy", "text")
    )


def _who(completed_by: Any, people: Mapping[int, str]) -> str:
    number = completed_by.get("id") if isinstance(completed_by, Mapping) else completed_by
    if type(number) is not int:
        raise StageError("an annotation does not say who made it")
    return people.get(number, f"user-{number}")
