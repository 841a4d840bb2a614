"""Which unit goes to which project, and what the projects are called.

A project is one arm, with or without images, and either everybody's, where the server gives each
task to as many people as it needs, or one coder's own. How many people a task is given to is a
setting of the project, so that units for two coders and for one are in projects of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from erranal.errors import StageError
from erranal.rounds.units import SUGGESTED, Place

if TYPE_CHECKING:
    from erranal.rounds.round import Round

LAYOUTS = ("overlap", "per-coder")
TITLE = 50  # characters that Label Studio takes
_IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Group:
    """What the units of one project have in common.

    Attributes
    ----------
    arm
        ``suggested`` or ``blind``.
    image
        Whether its units have images.
    people
        How many coders are given each unit.
    coder_id
        Whose own it is, None for everybody's.
    """

    arm: str
    image: bool
    people: int
    coder_id: str | None = None

    @property
    def suggestions(self) -> bool:
        """Whether coders see the judge's labels."""
        return self.arm == SUGGESTED

    def title(self, about: Round) -> str:
        """Return the project's name: within the limit, and no other round's."""
        shared = {1: "single", 2: "double"}.get(self.people, f"{self.people} coders")
        return title(about, self.arm, self.coder_id or shared, image=self.image)


def title(about: Round, *parts: str, image: bool) -> str:
    """Return the name of a project of a round: within the limit, and no other round's."""
    end = "".join(f" · {part}" for part in (*parts, *([_IMAGE] if image else [])))
    mark = f" {about.round_id[:6]}"
    return f"{about.name[: TITLE - len(mark) - len(end)].rstrip()}{mark}{end}"


def has_images(project: str) -> bool:
    """Return whether a project is one with images, by its title."""
    return project.endswith(f" · {_IMAGE}")


def assign(
    units: Sequence[Place],
    pictured: Mapping[str, bool],
    *,
    layout: str,
    coders: Sequence[str],
) -> dict[Group, list[str]]:
    """Return the units of each project, in the order of the round.

    Parameters
    ----------
    units
        All units of the round: who gets one of them depends on nothing but the round.
    pictured
        Which units have an image.
    layout
        ``overlap`` or ``per-coder``.
    coders
        Aliases, for a project each. Units are dealt out in turn, each to as many coders as are to
        code it.

    Raises
    ------
    StageError
        When there is no such layout, or there are too few coders for it.
    """
    owners = _owners(layout, coders, max((unit.people for unit in units), default=1))
    groups: dict[Group, list[str]] = {}
    turns: dict[tuple[str, int], int] = {}
    for unit in units:
        kind = (unit.arm, unit.people)
        turn = turns[kind] = turns.get(kind, -1) + 1
        for group in _groups_of(unit, pictured[unit.unit_id], owners, turn):
            groups.setdefault(group, []).append(unit.unit_id)
    return groups


def _owners(layout: str, coders: Sequence[str], people: int) -> Sequence[str]:
    if layout not in LAYOUTS:
        raise StageError(f"there is no layout {layout!r}: choose {' or '.join(LAYOUTS)}")
    if layout == "overlap":
        return ()
    if len(coders) < people:
        raise StageError(
            f"a project for each coder needs {people} coders or more, as {people} are to code some "
            f"units, and {len(coders)} are named: name each with --coder"
        )
    return coders


def _groups_of(unit: Place, image: bool, coders: Sequence[str], turn: int) -> Iterable[Group]:
    if not coders:
        return [Group(unit.arm, image, unit.people)]
    chosen = [coders[(turn + step) % len(coders)] for step in range(unit.people)]
    return [Group(unit.arm, image, 1, coder) for coder in chosen]
