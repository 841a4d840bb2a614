"""One round as the study keeps it: its design, its frozen forms and its instructions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from erranal.errors import StageError

if TYPE_CHECKING:
    from erranal.codebook import Codebook
    from erranal.store import Study


@dataclass(frozen=True)
class Round:
    """One round; ``config`` is a JSON object with all of its forms by their names."""

    round_id: str
    name: str
    kind: str
    status: str
    codebook_id: str
    judge_id: str | None
    judge: str | None
    scorer: str
    config: str
    instructions: str
    design: dict[str, Any]
    source: str

    @cached_property
    def book(self) -> Codebook:
        """The codebook version the round is coded with."""
        from erranal import codebook

        return codebook.from_text(self.source, self.codebook_id)

    @cached_property
    def forms(self) -> dict[str, str]:
        """The forms of the round by their names, see :func:`form_name`."""
        kept: dict[str, str] = json.loads(self.config)
        return kept

    def form(self, *, image: bool, suggestions: bool) -> str:
        """Return the form for projects with or without images and suggestions."""
        return self.forms[form_name(image=image, suggestions=suggestions)]

    def form_of(self, config_hash: str) -> str:
        """Return the form with this hash.

        Raises
        ------
        StageError
            When the round has no such form.
        """
        from erranal.rounds import interface

        for config in self.forms.values():
            if interface.digest(config) == config_hash:
                return config
        raise StageError(f"round {self.name!r} has no labelling form {config_hash[:12]}")


def form_name(*, image: bool, suggestions: bool) -> str:
    """Return what a form is called among those of a round."""
    return f"{'image' if image else 'plain'}-{'suggested' if suggestions else 'blind'}"


def find(study: Study, name: str) -> Round:
    """Return a round by its name.

    Raises
    ------
    StageError
        When there is none, or its codebook is not in the study.
    """
    rows = study.arrow("rounds_named", round_name=name).to_pylist()
    if not rows:
        known = study.arrow("rounds_names")["name"].to_pylist()
        there = f"there are {', '.join(known)}" if known else "create one first"
        raise StageError(f"there is no round {name!r}: {there}")
    row = rows[0]
    sources = study.arrow("rounds_book", codebook_id=row["codebook_id"])["source"].to_pylist()
    if not sources:
        raise StageError(f"the study has lost the codebook {row['codebook_id']} of round {name!r}")
    judges = study.arrow("rounds_judge", judge_id=row["judge_id"])["name"].to_pylist()
    kept = {key: row[key] for key in Round.__dataclass_fields__ if key in row}
    design = json.loads(row["design"])
    return Round(**{**kept, "design": design}, judge=next(iter(judges), None), source=sources[0])
