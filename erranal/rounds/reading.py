"""Tasks as a server or a file gives them, read as labels of units, or with why they are none."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from erranal.rounds import form, units
from erranal.rounds.annotations import Asked, Refusal, moment, raw, read
from erranal.rounds.landing import Landing, Seen

if TYPE_CHECKING:
    from erranal.rounds.remote import Project
    from erranal.rounds.round import Round
    from erranal.rounds.shown import Shown
    from erranal.store import Study

    Texts = Mapping[str, Mapping[str, Shown]]

ANY = 0  # number of a task whose number on the server is not known


class Reading:
    """One project while its tasks are read.

    Parameters
    ----------
    study, about, project
        What is read.
    own
        The units of the round.
    same_form
        Whether the server still has the form.
    live
        Whether tasks come from the server itself.
    server
        Where users have their accounts, None for where the project is.
    """

    def __init__(
        self,
        study: Study,
        about: Round,
        project: Project,
        *,
        own: Collection[str],
        same_form: bool = True,
        live: bool = True,
        server: str | None = None,
    ) -> None:
        self._study, self._about, self._own = study, about, own
        rows = study.arrow(
            "rounds_tasks_of", round_id=about.round_id, project=project.title
        ).to_pylist()
        self.tasks: dict[str, int] = {row["unit_id"]: row["task_id"] for row in rows}
        self._form = form.parse(project.config)
        self.landing = Landing(
            study,
            about,
            project.title,
            server or project.server,
            shown={row["unit_id"]: row["shown_judge_id"] for row in rows},
            config_hash=project.config_hash,
            same_form=same_form,
            live=live,
            coder_id=project.coder_id if project.is_files else None,
        )

    def seen(self, tasks: Sequence[Mapping[str, Any]]) -> list[Seen]:
        """Read the annotations of some tasks."""
        wanted = {record_id(task) for task in tasks} & set(self.tasks)
        found = units.read(self._study, self._about, sorted(wanted), verdicts=False)
        texts = {unit.unit_id: unit.texts for unit in found}
        return [self._task(task, texts) for task in tasks]

    def _task(self, task: Mapping[str, Any], texts: Texts) -> Seen:
        annotations = task["annotations"]
        changed_at = moment(task.get("updated_at")) or datetime.now(UTC)
        unit_id = record_id(task)
        problem = self._problem(task, unit_id, texts)
        if problem:
            return Seen(task["id"], None, refusals(annotations, *problem), changed_at)
        asked = Asked(unit_id, task["id"], texts[unit_id], self._form)
        return Seen(task["id"], unit_id, tuple(read(one, asked) for one in annotations), changed_at)

    def _problem(
        self, task: Mapping[str, Any], unit_id: str, texts: Texts
    ) -> tuple[str, str] | None:
        if unit_id not in self._own:
            return "other_task", f"the round has no unit {unit_id!r:.60}"
        if unit_id not in self.tasks:
            return "unrecorded_task", "push the round again: that was interrupted"
        if self.tasks[unit_id] not in {ANY, task["id"]}:
            return "other_task", f"the unit is task {self.tasks[unit_id]}: this is a copy of it"
        if any(task["data"].get(name) != shown.text for name, shown in texts[unit_id].items()):
            return "other_text", "the task shows another text than the study has"
        return None


def record_id(task: Mapping[str, Any]) -> str:
    """Return the unit that a task says it shows."""
    return str(task["data"].get("record_id"))


def refusals(annotations: Sequence[Any], reason: str, detail: str) -> tuple[Refusal, ...]:
    """Return all annotations of a task as refused for one reason."""
    return tuple(_refusal(one, reason, detail) for one in annotations)


def _refusal(annotation: Any, reason: str, detail: str) -> Refusal:
    if not isinstance(annotation, Mapping):
        return Refusal(reason, detail)
    number = annotation.get("id")
    return Refusal(reason, detail, number if type(number) is int else None, raw(annotation))
