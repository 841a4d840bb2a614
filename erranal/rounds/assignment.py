"""Which project each unit of a round is in: settled by the first push, and kept from then on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from erranal.errors import StageError
from erranal.pictures import is_there
from erranal.rounds import groups, tables, units
from erranal.rounds.pictures import Delivery

if TYPE_CHECKING:
    from erranal.rounds.groups import Group
    from erranal.rounds.round import Round
    from erranal.store import Study


@dataclass(frozen=True, slots=True)
class Plan:
    """The units of each project, and the order of the round."""

    groups: Mapping[Group, Sequence[str]]
    order: Mapping[str, int]

    def first(self, group: Group, limit: int | None) -> list[str]:
        """Return the units of a project that are among the first of the round."""
        last = len(self.order) if limit is None else limit
        return [unit_id for unit_id in self.groups[group] if self.order[unit_id] < last]

    def size(self, limit: int | None) -> int:
        """Return how many tasks there are in all."""
        return sum(len(self.first(group, limit)) for group in self.groups)


def plan(
    study: Study, about: Round, *, layout: str, coders: Sequence[str], delivery: Delivery
) -> Plan:
    """Return which project each unit is in.

    Parameters
    ----------
    study, about
        The study and the round.
    layout, coders
        See :func:`erranal.rounds.groups.assign`; coders by their aliases.
    delivery
        How pictures are delivered; units without one are in projects of their own.

    Raises
    ------
    StageError
        When the round was pushed to other coders or in another layout before, or the pictures
        cannot be delivered that way.
    """
    placed = units.places(study, about.round_id)
    if not placed:
        raise StageError(f"round {about.name!r} has no units")
    pictured = _pictured(study, about, delivery)
    if any(pictured.values()):
        delivery.check()
    people = max(unit.people for unit in placed)
    if about.kind == "calibration" and len(coders) > people:
        people = len(coders)
        placed = [replace(unit, people=people) for unit in placed]
    dealt = groups.assign(placed, pictured, layout=layout, coders=sorted(coders))
    _settle(study, about, layout, coders, people)
    return Plan(dealt, {unit.unit_id: number for number, unit in enumerate(placed)})


def _pictured(study: Study, about: Round, delivery: Delivery) -> dict[str, bool]:
    rows = study.arrow("rounds_unit_pictures", round_id=about.round_id).to_pylist()
    if delivery.way == "none":
        there = {row["unit_id"]: False for row in rows}
    else:
        there = {row["unit_id"]: is_there(row["image"], row["folder"]) for row in rows}
    # A unit stays where it is: in another project its task would be a second one.
    recorded = study.arrow("rounds_pictured", round_id=about.round_id).to_pylist()
    return there | {row["unit_id"]: groups.has_images(row["project"]) for row in recorded}


def _settle(study: Study, about: Round, layout: str, coders: Sequence[str], people: int) -> None:
    """Keep the layout of the first push, and refuse another: units would be dealt out anew."""
    setting = f"round {about.round_id}: layout"
    asked = json.dumps({"layout": layout, "coders": sorted(coders)})
    rows = [{"name": setting, "value": asked}]
    with study.write() as tx:
        tx.append("settings", tables.frame(rows, tables.SETTINGS), on_conflict="ignore")
        kept = tx.arrow("rounds_setting", setting=setting)["value"][0].as_py()
        if kept == asked:
            tx.execute("rounds_people", round_id=about.round_id, people=people)
    if kept != asked:
        before = json.loads(kept)
        named = f" for {', '.join(before['coders'])}" if before["coders"] else ""
        raise StageError(
            f"round {about.name!r} was pushed in the layout {before['layout']}{named} before: "
            "give the same layout and coders again"
        )
