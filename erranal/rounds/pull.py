"""Labels from Label Studio: what has changed since the last pull, and every revision kept.

A project is read from the newest change that an earlier pull has seen to the end. A pull that was
interrupted has kept what it wrote, and the next one reads the rest; what is known already is
recognised and not written again. Annotations that say something the round's form cannot say, or
were made with another form, are refused and shown with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from erranal.rounds import form, remote, units
from erranal.rounds.annotations import Asked, Refusal, raw, read
from erranal.rounds.landing import COUNTED, HELD, Landing, Seen
from erranal.rounds.lifecycle import require_open

if TYPE_CHECKING:
    import pandas as pd

    from erranal.rounds.form import Form
    from erranal.rounds.round import Round
    from erranal.rounds.shown import Shown
    from erranal.store import Study

    Progress = Callable[[int, int, str], None]

BATCH = 200  # tasks a transaction


def pull(
    study: Study,
    round_name: str,
    client: Any,
    *,
    full: bool = False,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Read what coders did since the last pull.

    Parameters
    ----------
    study, round_name
        The study and its round.
    client
        A :class:`~erranal.rounds.labelstudio.LabelStudio`.
    full
        Read every task again, and look for annotations and tasks that were deleted.
    progress
        Called with tasks read, tasks in all, and a label.

    Returns
    -------
    DataFrame
        One row a project: project, tasks (read), new, edited, skipped and deleted (revisions
        written), unchanged, older (than what is known), refused, and a note with the reasons for
        refusals. :func:`refused` lists them.

    Raises
    ------
    StageError
        When the round is closed or was not pushed, or the server stays away.
    """
    import pandas as pd

    about = require_open(study, round_name)
    given = {"round": round_name, "server": client.url, "full": full}
    with study.journal("rounds_pull", given) as entry:
        projects = remote.recorded(study, about, client)
        rows = [_pull(study, about, client, project, full, progress) for project in projects]
        frame = pd.DataFrame(rows, columns=["project", "tasks", *COUNTED, "note"])
        entry.count(**{name: int(frame[name].sum()) for name in ("tasks", *COUNTED)})
    return frame


def refused(study: Study, round_name: str) -> pd.DataFrame:
    """Return the annotations of a round that could not be read, with the reason.

    Columns: project, task_id, annotation_id, reason, detail, seen_at.
    """
    from erranal.rounds.round import find

    return study.read("rounds_refused", round_id=find(study, round_name).round_id)


def note(counts: Mapping[str, int], *, same_form: bool = True) -> str:
    """Return why annotations were refused, in words."""
    reasons = [
        f"{number} {reason.removeprefix('refused: ').replace('_', ' ')}"
        for reason, number in sorted(counts.items())
        if reason.startswith("refused: ")
    ]
    form_note = "" if same_form else "the form on the server is not the round's: put it back"
    return "; ".join(filter(None, [form_note, ", ".join(reasons)]))


def _pull(
    study: Study,
    about: Round,
    client: Any,
    project: remote.Project,
    full: bool,
    progress: Progress | None,
) -> dict[str, Any]:
    same_form = remote.has_form(client, project)
    start = client.clock()
    reading = Reading(study, about, project, client.url, same_form=same_form)
    since = None if full else project.pulled_to
    counts: Counter[str] = Counter()
    for batch in _batches(client.changed_tasks(project.project_id, since)):
        counts += reading.landing.land(reading.seen(batch))
        counts["tasks"] += len(batch)
        if progress:
            progress(counts["tasks"], len(reading.tasks), f"tasks of {project.title}")
    if full:
        there = client.annotation_ids(project.project_id)
        counts["deleted"] += reading.landing.vanish(there, datetime.now(UTC))
    if not any(counts[f"refused: {reason}"] for reason in HELD):
        with study.write() as tx:
            about_project = {"round_id": about.round_id, "project": project.title}
            tx.execute("rounds_pulled", None, pulled_to=start, **about_project)
    return {
        "project": project.title,
        **{name: counts[name] for name in ("tasks", *COUNTED)},
        "note": note(counts, same_form=same_form),
    }


def _batches(tasks: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(tasks, BATCH)):
        yield batch


class Reading:
    """One project while its tasks are read.

    Parameters
    ----------
    study, about, project
        What is read.
    server
        Where its users have their accounts.
    same_form
        Whether the server still has the form.
    """

    def __init__(
        self, study: Study, about: Round, project: remote.Project, server: str, *, same_form: bool
    ) -> None:
        self._study, self._about = study, about
        asked = {"round_id": about.round_id, "project": project.title}
        rows = study.arrow("rounds_tasks_of", None, **asked).to_pylist()
        self.tasks: dict[str, int] = {row["unit_id"]: row["task_id"] for row in rows}
        self.form: Form = form.parse(project.config)
        self.landing = Landing(
            study,
            about,
            project.title,
            server,
            shown={row["unit_id"]: row["shown_judge_id"] for row in rows},
            config_hash=project.config_hash,
            same_form=same_form,
        )
        self._own = {unit.unit_id for unit in units.places(study, about.round_id)}

    def seen(self, tasks: list[dict[str, Any]]) -> list[Seen]:
        """Read the annotations of some tasks of the server."""
        wanted = {_record_id(task) for task in tasks} & set(self.tasks)
        found = units.read(self._study, self._about, sorted(wanted), verdicts=False)
        texts = {unit.unit_id: unit.texts for unit in found}
        return [self._task(task, texts) for task in tasks]

    def _task(self, task: dict[str, Any], texts: Mapping[str, Mapping[str, Shown]]) -> Seen:
        annotations = task.get("annotations") or []
        changed_at = datetime.fromisoformat(task["updated_at"])
        unit_id = _record_id(task)
        problem = self._problem(task, unit_id, texts)
        if problem:
            found = tuple(_refusal(one, *problem) for one in annotations)
            return Seen(task["id"], None, found, changed_at)
        asked = Asked(unit_id, task["id"], texts[unit_id], self.form)
        return Seen(task["id"], unit_id, tuple(read(one, asked) for one in annotations), changed_at)

    def _problem(
        self, task: dict[str, Any], unit_id: str, texts: Mapping[str, Mapping[str, Shown]]
    ) -> tuple[str, str] | None:
        if unit_id not in self._own:
            return "other_task", f"the round has no unit {unit_id!r:.60}"
        if unit_id not in self.tasks:
            return "unrecorded_task", "push the round again: that was interrupted"
        if self.tasks[unit_id] != task["id"]:
            return "other_task", f"the unit is task {self.tasks[unit_id]}: this is a copy of it"
        if any(task["data"].get(name) != shown.text for name, shown in texts[unit_id].items()):
            return "other_text", "the task on the server shows another text than the study has"
        return None


def _record_id(task: Mapping[str, Any]) -> str:
    data = task.get("data")
    return str(data.get("record_id")) if isinstance(data, Mapping) else ""


def _refusal(annotation: Mapping[str, Any], reason: str, detail: str) -> Refusal:
    return Refusal(reason, detail, annotation.get("id"), raw(annotation))
