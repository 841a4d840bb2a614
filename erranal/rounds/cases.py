"""Units that coders disagree on, as an adjudicator sees them: who said what is not told.

Coders are called A, B, ... in an order that a hash draws for every unit, so that A is another
person from unit to unit, and units come in a hashed order too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

from erranal.rounds import tasks, units
from erranal.rounds.form import GAP, NONE, Form

if TYPE_CHECKING:
    from erranal.rounds.round import Round
    from erranal.rounds.units import Unit
    from erranal.store import Study

LETTERS = ascii_uppercase
OPEN, STALE, DECIDED = "open", "stale", "decided"
READ = ("question", "choices_text", "gold", "answer_line", "response_title", "response",
         "reference_title", "reference")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody says of a unit: a coder, or the adjudicator."""

    primary: str
    codes: tuple[str, ...]
    gap: bool
    confidence: int | None = None
    flags: tuple[str, ...] = ()
    memo: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One unit to decide on.

    Attributes
    ----------
    state
        ``open``; ``decided``; or ``stale`` where labels changed after the decision.
    data
        What coders were shown, by the field of their task; never what the judge said.
    answers
        What coders say now, in random order; there are none where all labels were withdrawn.
    decision, reason
        The decision in force, None and empty where there is none.
    labels
        Ids of the labels that the answers are, sorted.
    image, folder
        Where the picture of the item is, if there is one.
    """

    unit_id: str
    state: str
    data: dict[str, str]
    answers: tuple[Answer, ...]
    decision: Answer | None
    reason: str
    labels: tuple[str, ...]
    image: str | None
    folder: str | None

    def read(self) -> dict[str, str]:
        """Return the texts of the unit without ids."""
        return {name: self.data[name] for name in READ}


def disputed(study: Study, about: Round, *, seed: int = 0) -> list[Case]:
    """Return the units of a round that need or have a decision, in random order.

    Parameters
    ----------
    study, about
        The study and the round.
    seed
        Of both orders.
    """
    asked = {"round_id": about.round_id}
    rows = study.arrow("adjudication_units", **asked).to_pylist()
    rows.sort(key=lambda row: drawn(seed, row["unit_id"]))
    ids = [row["unit_id"] for row in rows]
    read = {unit.unit_id: unit for unit in units.read(study, about, ids, verdicts=False)}
    answers = _answers(study.arrow("adjudication_answers", units=ids, **asked).to_pylist(), seed)
    return [
        _case(row, read[row["unit_id"]], about, answers.get(row["unit_id"], [])) for row in rows
    ]


# Without a prediction a task does not depend on the form.
_NO_FORM = Form({}, {}, frozenset())


def drawn(seed: int, *what: str) -> str:
    """Return the hash that orders: the same for the same seed, and no guess otherwise."""
    return hashlib.sha256("\x1f".join((str(seed), *what)).encode()).hexdigest()


def _answers(rows: Sequence[dict[str, Any]], seed: int) -> dict[str, list[Answer]]:
    found: dict[str, list[Answer]] = {}
    for row in sorted(rows, key=lambda row: drawn(seed, row["unit_id"], row["coder_id"])):
        found.setdefault(row["unit_id"], []).append(answer(row))
    return found


def answer(row: dict[str, Any]) -> Answer:
    """Return a label or a decision; a primary answer that is no code is named as in the form."""
    return Answer(
        primary=row["primary_code"] or (GAP if row["codebook_gap"] else NONE),
        codes=tuple(row["codes"]),
        gap=bool(row["codebook_gap"]),
        confidence=row.get("confidence"),
        flags=tuple(row.get("flags") or ()),
        memo=(row.get("memo") or "").strip(),
    )


def _case(row: dict[str, Any], unit: Unit, about: Round, answers: Sequence[Answer]) -> Case:
    return Case(
        unit_id=row["unit_id"],
        state=row["state"],
        data=tasks.task(unit, about, _NO_FORM)["data"],
        answers=tuple(answers),
        decision=answer(row) if row["reason"] else None,
        reason=row["reason"] or "",
        labels=tuple(row["labels"]),
        image=unit.image,
        folder=unit.folder,
    )
