"""A round to Label Studio: its projects, its tasks, and what is missing or has changed of them.

Whatever interrupts it, the same command goes on where it stopped: projects are found by their
title and tasks by the id of their unit, so that nothing is made twice, and a task whose content
has changed is updated with its annotations kept. Every task is checked before it is sent, and
what has been sent is recorded after each request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erranal.errors import StageError
from erranal.pictures import PictureFile, find
from erranal.rounds import assignment, form, remote, tables, tasks, turns, units
from erranal.rounds import coders as people
from erranal.rounds.groups import Group
from erranal.rounds.lifecycle import require_open
from erranal.rounds.pictures import Delivery, deliver_by

if TYPE_CHECKING:
    import pandas as pd

    from erranal.rounds.round import Round
    from erranal.store import Study

    Progress = Callable[[int, int, str], None]

BATCH = 250  # units held at a time, with their pictures
COUNTED = ("created", "updated", "unchanged", "suggestions")


def push(  # noqa: PLR0913 - each is a different part of the decision
    study: Study,
    round_name: str,
    client: Any,
    *,
    layout: str = "overlap",
    coders: Sequence[str] = (),
    images: str = "auto",
    image_folder: str | Path | None = None,
    limit: int | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Bring a round to a server, or what is missing or has changed of it.

    Parameters
    ----------
    study, round_name
        The study and its round.
    client
        A :class:`~erranal.rounds.labelstudio.LabelStudio`.
    layout
        ``overlap``: everybody works in the same projects, and the server gives each task to as
        many people as it needs. ``per-coder``: a project for each coder.
    coders
        E-mail addresses or names of users of the server: whose projects are made, or, for a
        calibration round in the layout ``overlap``, how many people code each unit.
    images
        ``auto``, ``local``, ``upload``, ``data`` or ``none``; see
        :func:`erranal.rounds.pictures.deliver_by`.
    image_folder
        The folder that the server shows files from (its document root), for ``local``.
    limit
        So many units only, the first of the round.
    progress
        Called with units done, units in all, and a label.

    Returns
    -------
    DataFrame
        One row a project: project (its title), project_id, arm, image, coder, people (who are
        given each task), units, created, updated, unchanged, suggestions (tasks that show the
        judge's labels).

    Raises
    ------
    StageError
        When the round is closed, the server stays away, a project there has another form or
        foreign tasks, or a task is malformed; nothing of its batch is sent then.
    """
    about = require_open(study, round_name)
    delivery = deliver_by(images, image_folder, f"erranal-{about.round_id[:8]}")
    given = {"round": round_name, "server": client.url, "layout": layout, "images": delivery.way}
    with turns.alone(study), study.journal("rounds_push", {**given, "limit": limit}) as entry:
        aliases = people.of_users(study, client, coders)
        plan = assignment.plan(study, about, layout=layout, coders=aliases, delivery=delivery)
        known = remote.recorded(study, about, client)
        work = _Work(study, about, client, delivery, progress, plan.size(limit), plan.order, known)
        frame = _summary([work.fill(group, plan.first(group, limit)) for group in plan.groups])
        entry.count(**{name: int(frame[name].sum()) for name in ("units", *COUNTED)})
    return frame


def _summary(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    columns = ["project", "project_id", "arm", "image", "coder", "people", "units", *COUNTED]
    return pd.DataFrame([row for row in rows if row["units"]], columns=columns)


@dataclass(frozen=True, slots=True)
class _Made:
    """One unit as a task, not yet with the address of its picture."""

    unit: units.Unit
    picture: PictureFile | None
    content_hash: str


@dataclass
class _Work:
    """One push."""

    study: Study
    about: Round
    client: Any
    delivery: Delivery
    progress: Progress | None
    total: int
    own: Collection[str]
    known: Collection[remote.Project]
    done: int = field(default=0)

    def fill(self, group: Group, unit_ids: Sequence[str]) -> dict[str, Any]:
        """Bring the units of one project there."""
        row = {"project": group.title(self.about), "arm": group.arm, "image": group.image}
        row |= {"coder": group.coder_id, "people": group.people, "units": len(unit_ids)}
        if not unit_ids:
            return row
        project = remote.ensure(self.study, self.about, self.client, group, self.known)
        filling = _Filling(self, group, project)
        for batch in _batches(unit_ids):
            filling.send(batch)
            self.done += len(batch)
            if self.progress:
                self.progress(self.done, self.total, f"units to {project.title}")
        return row | {"project_id": project.project_id} | {n: filling.counts[n] for n in COUNTED}


class _Filling:
    """One project while it is filled.

    Parameters
    ----------
    work
        The push.
    group, project
        What its units have in common, and where it is.
    """

    def __init__(self, work: _Work, group: Group, project: remote.Project) -> None:
        self.work, self.group, self.project = work, group, project
        self.form = form.parse(project.config)
        self.there: dict[str, int] = work.client.task_ids(project.project_id)
        self.counts: Counter[str] = Counter()
        remote.require_own(work.about, project, self.there, work.own)
        rows = work.study.arrow(
            "rounds_tasks_of", round_id=work.about.round_id, project=project.title
        ).to_pylist()
        self.known = {row["unit_id"]: (row["task_id"], row["content_hash"]) for row in rows}

    def send(self, unit_ids: Sequence[str]) -> None:
        """Create or update what is missing or has changed of some units."""
        found = units.read(self.work.study, self.work.about, unit_ids)
        if len(found) < len(unit_ids):
            lost = sorted(set(unit_ids) - {unit.unit_id for unit in found})
            raise StageError(f"the study has lost the outputs of the units {', '.join(lost[:3])}")
        made = [self._made(unit) for unit in found]
        self.counts["suggestions"] += sum(one.unit.verdict is not None for one in made)
        wanted = [one for one in made if self._wanted(one)]
        self.counts["unchanged"] += len(made) - len(wanted)
        addresses = self.work.delivery.deliver(
            (one.picture for one in wanted if one.picture),
            self.work.client,
            self.project.project_id,
        )
        full = {one.unit.unit_id: self._task(one, addresses) for one in wanted}
        for task in full.values():
            tasks.check_task(task, self.form)
        by_id = {one.unit.unit_id: one for one in wanted}
        self._create(by_id, full)
        self._update(by_id, full)

    def _made(self, unit: units.Unit) -> _Made:
        picture = find(unit.image, unit.folder) if self.group.image else None
        if self.group.image and picture is None:
            raise StageError(
                f"the picture of unit {unit.unit_id} ({unit.image!r:.120}) is not there any more: "
                "put it back; its project is one with pictures"
            )
        # The address of a picture is not what it shows: any will do to tell whether it changed.
        task = tasks.task(unit, self.work.about, self.form, image="" if picture else None)
        key = self.work.delivery.key(picture) if picture else None
        return _Made(unit, picture, tasks.content_hash(task, key))

    def _task(self, one: _Made, addresses: dict[str, str]) -> dict[str, Any]:
        image = addresses[one.picture.name] if one.picture else None
        return tasks.task(one.unit, self.work.about, self.form, image=image)

    def _wanted(self, one: _Made) -> bool:
        there = self.there.get(one.unit.unit_id)
        return there is None or self.known.get(one.unit.unit_id) != (there, one.content_hash)

    def _create(self, made: dict[str, _Made], full: dict[str, dict[str, Any]]) -> None:
        missing = [task for unit_id, task in full.items() if unit_id not in self.there]
        if not missing:
            return

        def landed(new: dict[str, int]) -> None:
            self._record({unit_id: (task_id, made[unit_id]) for unit_id, task_id in new.items()})
            self.counts["created"] += len(new)

        self.work.client.import_tasks(
            self.project.project_id, missing, known=self.there, landed=landed
        )

    def _update(self, made: dict[str, _Made], full: dict[str, dict[str, Any]]) -> None:
        for unit_id, task in full.items():
            task_id = self.there.get(unit_id)
            if task_id is None:
                continue
            self.work.client.update_task(task_id, task["data"], task["predictions"])
            # What a first push sent and could not record any more is no change of content.
            self.counts["updated" if unit_id in self.known else "created"] += 1
            self._record({unit_id: (task_id, made[unit_id])})

    def _record(self, sent: dict[str, tuple[int, _Made]]) -> None:
        now = datetime.now(UTC)
        about = self.work.about
        rows = [
            {
                "round_id": about.round_id,
                "project": self.project.title,
                "unit_id": unit_id,
                "task_id": task_id,
                "content_hash": one.content_hash,
                "shown_judge_id": about.judge_id if one.unit.verdict else None,
                "pushed_at": now,
            }
            for unit_id, (task_id, one) in sent.items()
        ]
        with self.work.study.write() as tx:
            tx.append("round_tasks", tables.frame(rows, tables.TASKS), on_conflict="replace")
            tx.execute("rounds_opened", round_id=about.round_id)


def _batches(unit_ids: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(unit_ids)
    while batch := list(islice(rest, BATCH)):
        yield batch
