"""Decisions of an adjudicator: read, checked against the codebook, and kept beside the labels."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from erranal.errors import StageError
from erranal.rounds import lifecycle
from erranal.rounds.form import GAP, NONE

if TYPE_CHECKING:
    import pyarrow as pa

    from erranal.rounds.round import Round
    from erranal.store import Study

LONGEST_REASON = 10_000


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision on one unit.

    Attributes
    ----------
    codes
        All codes that apply, sorted, the primary one among them.
    gap
        Whether there is an error that no code describes.
    decided_on
        Ids of the labels that were before the adjudicator, sorted.
    decided_at
        When, where it was not just now.
    """

    unit_id: str
    adjudicator: str
    primary: str | None
    codes: tuple[str, ...]
    gap: bool
    reason: str
    decided_on: tuple[str, ...]
    decided_at: datetime | None = field(default=None, compare=False)

    def gives_way_to(self, other: Decision) -> bool:
        """Return whether another decision on the unit says something else, and is newer."""
        older = self.decided_at and other.decided_at and other.decided_at <= self.decided_at
        return self != other and not older


class Desk:
    """What decisions on one round are checked against and written to.

    Parameters
    ----------
    study
        The study.
    round_name
        A round that is not closed.

    Raises
    ------
    StageError
        When there is no such round, or it is closed.
    """

    def __init__(self, study: Study, round_name: str) -> None:
        self._study = study
        self.round: Round = lifecycle.require_open(study, round_name)
        codes = study.arrow("progress_codes", codebook_id=self.round.codebook_id)
        self._known = frozenset(codes["code"].to_pylist())
        rows = study.arrow("adjudication_labels", round_id=self.round.round_id).to_pylist()
        self._ever: dict[str, set[str]] = {row["unit_id"]: set() for row in rows}
        self._now: dict[str, list[str]] = {row["unit_id"]: [] for row in rows}
        for row in rows:
            if row["label_id"] is not None:
                self._ever[row["unit_id"]].add(row["label_id"])
            if row["now"]:
                self._now[row["unit_id"]].append(row["label_id"])

    def decision(
        self,
        unit_id: str,
        *,
        adjudicator: str,
        primary: str | None,
        codes: Iterable[str],
        gap: bool,
        reason: str,
        on: Sequence[str] | None,
    ) -> Decision:
        """Return a checked decision; parameters as of :func:`erranal.rounds.adjudicate.decide`.

        Raises
        ------
        StageError
            Names what is wrong with it.
        """
        if not adjudicator.strip():
            raise StageError(f"unit {unit_id}: say who decides (an alias will do)")
        if not reason.strip():
            raise StageError(f"unit {unit_id}: a decision needs its reason")
        gap = gap or primary == GAP
        chosen = None if primary in (None, NONE, GAP) else primary
        every = self._checked(unit_id, {*codes, *([chosen] if chosen else [])})
        if chosen is None and every and not gap:
            raise StageError(f"unit {unit_id}: {', '.join(every)} given, but no primary code")
        return Decision(
            unit_id=unit_id,
            adjudicator=_storable(adjudicator),
            primary=chosen,
            codes=every,
            gap=gap,
            reason=_storable(reason)[:LONGEST_REASON],
            decided_on=self._labels(unit_id, on),
        )

    def _checked(self, unit_id: str, codes: set[str]) -> tuple[str, ...]:
        unknown = sorted(codes - self._known)
        if unknown:
            raise StageError(
                f"unit {unit_id}: {self.round.codebook_id} has no code {unknown[0]!r}; use one of "
                f"{', '.join(sorted(self._known))}, {NONE!r} or {GAP!r}"
            )
        return tuple(sorted(codes))

    def _labels(self, unit_id: str, on: Sequence[str] | None) -> tuple[str, ...]:
        if unit_id not in self._ever:
            raise StageError(f"round {self.round.name!r} has no unit {unit_id!r}")
        labels = sorted(self._now[unit_id]) if on is None else sorted(set(on))
        foreign = sorted(set(labels) - self._ever[unit_id])
        if foreign:
            raise StageError(f"unit {unit_id} has no label {foreign[0]!r}")
        if not self._ever[unit_id]:
            raise StageError(f"unit {unit_id}: nobody has coded it, there is nothing to decide on")
        return tuple(labels)

    def record(self, decisions: Sequence[Decision]) -> list[bool]:
        """Write decisions in one transaction; return which of them say anything new.

        A decision that stands already is not written again, nor one that is older than the one in
        force. Of several on one unit, the last one is in force.
        """
        standing = self._standing()
        new = []
        for decision in decisions:
            before = standing.get(decision.unit_id)
            new.append(before is None or before.gives_way_to(decision))
            if new[-1]:
                standing[decision.unit_id] = decision
        written = [one for one, fresh in zip(decisions, new, strict=True) if fresh]
        if written:
            self._write(written)
        return new

    def _standing(self) -> dict[str, Decision]:
        rows = self._study.arrow("adjudication_standing", round_id=self.round.round_id).to_pylist()
        return {row["unit_id"]: _stored(row) for row in rows}

    def _write(self, decisions: Sequence[Decision]) -> None:
        last = {decision.unit_id: place for place, decision in enumerate(decisions)}
        current = [last[one.unit_id] == place for place, one in enumerate(decisions)]
        rows = _rows(self.round.round_id, decisions, current, datetime.now(UTC))
        with self._study.write() as tx:
            tx.execute("adjudication_supersede", round_id=self.round.round_id, units=list(last))
            tx.append("adjudications", rows)


def _storable(text: str) -> str:
    # JSON may hold half of a character (a lone surrogate), which is no text.
    return text.strip().encode("utf-8", "replace").decode("utf-8")


def _stored(row: Mapping[str, Any]) -> Decision:
    return Decision(
        unit_id=row["unit_id"],
        adjudicator=row["adjudicator"],
        primary=row["primary_code"],
        codes=tuple(row["codes"]),
        gap=row["codebook_gap"],
        reason=row["reason"],
        decided_on=tuple(row["decided_on"]),
        decided_at=row["decided_at"],
    )


def _rows(
    round_id: str, decisions: Sequence[Decision], current: Sequence[bool], now: datetime
) -> pa.Table:
    import pyarrow as pa

    texts = pa.list_(pa.string())
    return pa.table(
        {
            "adjudication_id": [
                _identity(round_id, one, place, now) for place, one in enumerate(decisions)
            ],
            "round_id": [round_id] * len(decisions),
            "unit_id": [one.unit_id for one in decisions],
            "adjudicator": [one.adjudicator for one in decisions],
            "primary_code": pa.array([one.primary for one in decisions], pa.string()),
            "codes": pa.array([one.codes for one in decisions], texts),
            "codebook_gap": [one.gap for one in decisions],
            "reason": [one.reason for one in decisions],
            "decided_on": pa.array([one.decided_on for one in decisions], texts),
            "current": list(current),
            "decided_at": pa.array(
                [one.decided_at or now for one in decisions], pa.timestamp("us", tz="UTC")
            ),
        }
    )


def _identity(round_id: str, decision: Decision, place: int, now: datetime) -> str:
    said = json.dumps([round_id, decision.unit_id, decision.adjudicator, place, now.isoformat()])
    return hashlib.sha256(said.encode()).hexdigest()[:16]
