"""The units of a round with everything their coders are shown, and what the judge said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from erranal.rounds.shown import Shown, shown

if TYPE_CHECKING:
    from erranal.rounds.round import Round
    from erranal.store import Study

SUGGESTED, BLIND = "suggested", "blind"


@dataclass(frozen=True, slots=True)
class Place:
    """What decides which project a unit goes to."""

    unit_id: str
    arm: str
    overlap: bool
    people: int
    position: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the round's judge said of a unit; spans are those that were found in a text.

    Only of a judge that looks for every code, and so is ``complete``, no code is an answer.
    """

    primary_code: str | None
    codes: tuple[str, ...]
    codebook_gap: bool
    rationale: str
    spans: tuple[tuple[str, int, int], ...] = ()
    complete: bool = True


@dataclass(frozen=True)
class Unit:
    """One unit: an erring output with its item and the output beside it."""

    unit_id: str
    coding_arm: str
    position: int
    item_id: str
    subject: str | None
    question: str | None
    choices: tuple[str, ...]
    gold: str | None
    response: str | None
    reasoning: str | None
    status: str
    arm: str
    outcome: str | None
    extracted: str | None
    reference: str | None
    reference_reasoning: str | None
    reference_status: str | None
    reference_arm: str | None
    reference_outcome: str | None
    image: str | None
    folder: str | None
    verdict: Verdict | None = field(default=None)

    @cached_property
    def texts(self) -> dict[str, Shown]:
        """The two texts that coders mark spans in, by their field of the task."""
        return {
            "response": shown(self.response, self.reasoning),
            "reference": shown(self.reference, self.reference_reasoning, field="reference"),
        }


def places(study: Study, round_id: str) -> list[Place]:
    """Return the units of a round in their order, without texts."""
    rows = study.arrow("rounds_units", round_id=round_id).to_pylist()
    return [Place(**row) for row in rows]


def read(
    study: Study, about: Round, unit_ids: Sequence[str], *, verdicts: bool = True
) -> list[Unit]:
    """Return some units of a round in their order, with the judge's verdicts where wanted."""
    asked: dict[str, Any] = {"round_id": about.round_id, "units": list(unit_ids)}
    rows = study.arrow("rounds_unit_records", **asked, scorer=about.scorer).to_pylist()
    said = _verdicts(study, about, asked) if verdicts and about.judge_id else {}
    return [_unit(row, said.get(row["unit_id"])) for row in rows]


def _unit(row: dict[str, Any], verdict: Verdict | None) -> Unit:
    del row["output_id"]
    choices = tuple(str(choice) for choice in row.pop("choices") or ())
    # A blind coder is shown nothing of the judge, so a blind unit does not carry it either.
    return Unit(**row, choices=choices, verdict=verdict if row["coding_arm"] == SUGGESTED else None)


def _verdicts(study: Study, about: Round, asked: dict[str, Any]) -> dict[str, Verdict]:
    judged = {**asked, "judge_id": about.judge_id, "codebook_id": about.codebook_id}
    spans: dict[str, list[tuple[str, int, int]]] = {}
    for row in study.arrow("rounds_evidence", **judged).to_pylist():
        spans.setdefault(row["unit_id"], []).append((row["field"], row["start_cp"], row["end_cp"]))
    return {
        row["unit_id"]: Verdict(
            row["primary_code"],
            tuple(row["codes"] or ()),
            bool(row["codebook_gap"]),
            row["rationale"] or "",
            tuple(dict.fromkeys(spans.get(row["unit_id"], ()))),
            row["complete"],
        )
        for row in study.arrow("rounds_verdicts", **judged).to_pylist()
    }
