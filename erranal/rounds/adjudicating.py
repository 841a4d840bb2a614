"""Adjudication on the server: the disagreements of a round as projects of their own.

There is one project of the units with a picture and one of those without. A task shows the labels
that its decision rests on and is named after them. Where coders change their minds there is a new
task, and one that nobody has decided on is taken away; a decision stays with what it was made on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erranal.errors import StageError
from erranal.pictures import PictureFile, find, is_there
from erranal.rounds import (
    adjudication_project,
    cases,
    form,
    groups,
    interface,
    lifecycle,
    remote,
    turns,
)
from erranal.rounds.pictures import Delivery, deliver_by

if TYPE_CHECKING:
    import pandas as pd

    from erranal.rounds.cases import Case
    from erranal.rounds.form import Form
    from erranal.rounds.round import Round
    from erranal.store import Study

COUNTED = ("waiting", "created", "unchanged", "removed")


def push(
    study: Study,
    round_name: str,
    client: Any,
    *,
    images: str = "auto",
    image_folder: str | Path | None = None,
) -> pd.DataFrame:
    """Bring the units that wait for a decision to the round's adjudication projects.

    Parameters
    ----------
    study, round_name
        The study and a round that is not closed.
    client
        A :class:`~erranal.rounds.labelstudio.LabelStudio`.
    images, image_folder
        How pictures get there, see :func:`erranal.rounds.push.push`.

    Returns
    -------
    DataFrame
        One row a project: project (its title), project_id, image (whether its tasks show one),
        tasks waiting, created, unchanged and removed (nothing in them is to be decided any more,
        and nobody had).

    Raises
    ------
    StageError
        When the round is closed, a project was changed or deleted on the server, or the server
        stays away.
    """
    import pandas as pd

    about = lifecycle.require_open(study, round_name)
    delivery = deliver_by(images, image_folder, f"erranal-{about.round_id[:8]}")
    given = {"round": round_name, "server": client.url, "images": delivery.way}
    with turns.alone(study), study.journal("rounds_adjudicate_push", given) as entry:
        waiting = [one for one in cases.disputed(study, about) if one.state != cases.DECIDED]
        known = remote.adjudicated(study, about, client)
        work = _Work(study, about, client, delivery, known)
        rows = [work.fill(image, some) for image, some in work.dealt(waiting).items()]
        entry.count(**{name: sum(row[name] for row in rows) for name in COUNTED})
    return pd.DataFrame(rows, columns=["project", "project_id", "image", *COUNTED])


def pull(study: Study, round_name: str, client: Any) -> pd.DataFrame:
    """Keep the decisions that were made in the adjudication projects.

    Returns
    -------
    DataFrame
        As of :func:`erranal.rounds.adjudication_project.read_decisions`.

    Raises
    ------
    StageError
        When there is no such project, its form was changed, the round is closed, or the server
        stays away.
    """
    about = lifecycle.require_open(study, round_name)
    projects = remote.adjudicated(study, about, client)
    if not projects:
        raise StageError(
            f"round {round_name!r} has no adjudication project at {client.url}: "
            f"`erranal rounds adjudicate {round_name} --push` makes one"
        )
    tasks = []
    for project in projects:
        _form_of(client, project)
        tasks += client.changed_tasks(project.project_id, None)
    return adjudication_project.read_decisions(study, round_name, tasks)


@dataclass(frozen=True, slots=True)
class _Work:
    """One push."""

    study: Study
    about: Round
    client: Any
    delivery: Delivery
    known: Collection[remote.Project]

    def dealt(self, waiting: Sequence[Case]) -> dict[bool, list[Case]]:
        """Return the cases of each project: without and with a picture, where there is any."""
        sides: dict[bool, list[Case]] = {
            groups.has_images(project.title): [] for project in self.known
        }
        for case in waiting:
            pictured = self.delivery.way != "none" and is_there(case.image, case.folder)
            sides.setdefault(pictured, []).append(case)
        if sides.get(True):
            self.delivery.check()
        return sides

    def fill(self, image: bool, waiting: Sequence[Case]) -> dict[str, Any]:
        """Bring one project to what waits."""
        title = groups.title(self.about, "adjudication", image=image)
        project, asked = self._project(title, image)
        there = self.client.task_ids(project.project_id)
        wanted = {adjudication_project.record_id(case): case for case in waiting}
        missing = {record: case for record, case in wanted.items() if record not in there}
        tasks = self._tasks(project, asked, missing.values())
        self.client.import_tasks(project.project_id, tasks, known=there)
        counts = {
            "waiting": len(wanted),
            "created": len(missing),
            "unchanged": len(wanted) - len(missing),
            "removed": self._remove(project, set(there) - set(wanted), there),
        }
        return {"project": title, "project_id": project.project_id, "image": image, **counts}

    def _project(self, title: str, image: bool) -> tuple[remote.Project, Form]:
        for project in self.known:
            if project.title == title:
                with contextlib.suppress(remote.ProjectGoneError):
                    return project, _form_of(self.client, project)
        made = self._made(title, image)
        return made, _form_of(self.client, made)

    def _made(self, title: str, image: bool) -> remote.Project:
        """Return a project that is new, or was made by a push that could not record it."""
        coders = max([adjudication_project.FEWEST_CODERS, *self._people()])
        config = interface.build_adjudication(self.about.book, image=image, coders=coders)
        project_id = self.client.find_project(title)
        if project_id is None:
            project_id = self.client.create_project(
                title, config, instructions=self.about.instructions
            )
        digest = interface.digest(config)
        project = remote.Project(title, self.client.url, project_id, None, "", digest)
        _form_of(self.client, project)
        remote.keep(self.study, self.about, project)
        return project

    def _people(self) -> list[int]:
        units = self.study.arrow("rounds_units", round_id=self.about.round_id)
        return [int(number) for number in units["people"].to_pylist()]

    def _tasks(
        self, project: remote.Project, asked: Form, waiting: Collection[Case]
    ) -> list[dict[str, Any]]:
        pictures: dict[str, PictureFile] = {}
        for case in waiting if groups.has_images(project.title) else ():
            if (picture := find(case.image, case.folder)) is None:
                raise StageError(f"the picture of unit {case.unit_id} is not there any more")
            pictures[case.unit_id] = picture
        at = self.delivery.deliver(pictures.values(), self.client, project.project_id)
        images = {unit_id: at[picture.name] for unit_id, picture in pictures.items()}
        coders = sum(name.startswith("coder_") for name in asked.fields)
        titles = interface.titles(self.about.book)
        return [
            adjudication_project.task(case, titles, coders=coders, image=images.get(case.unit_id))
            for case in waiting
        ]

    def _remove(
        self, project: remote.Project, outdated: Collection[str], there: dict[str, int]
    ) -> int:
        """Take tasks away that nobody has decided on and nobody need decide on any more."""
        if not outdated:
            return 0
        made = self.client.annotation_ids(project.project_id)
        gone = [there[record] for record in outdated if not made.get(there[record])]
        for task_id in sorted(gone):
            self.client.delete_task(task_id)
        return len(gone)


def _form_of(client: Any, project: remote.Project) -> Form:
    """Return the form of a project, which must be the one that it was made with."""
    config = remote.config_of(client, project)
    if interface.digest(config) != project.config_hash:
        raise StageError(
            f"project {project.title!r} on {client.url} has another labelling form than the one it "
            "was made with: put that back, or delete the project there and push again"
        )
    return form.parse(config)
