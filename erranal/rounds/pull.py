"""Labels from Label Studio: what has changed since the last pull, and every revision kept.

A project is read from the newest change that an earlier pull has seen to the end. A pull that was
interrupted has kept what it wrote, and the next one reads the rest; what is known already is
recognised and not written again. Annotations that say something the round's form cannot say, or
were made with another form, are refused and shown with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from erranal.errors import StageError
from erranal.rounds import remote, units
from erranal.rounds.landing import HELD
from erranal.rounds.lifecycle import require_open
from erranal.rounds.reading import Reading
from erranal.rounds.revisions import COUNTED, summary
from erranal.rounds.round import find

if TYPE_CHECKING:
    import pandas as pd

    from erranal.rounds.round import Round
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
        When the round is closed or was not pushed, all its projects are gone, or the server stays
        away.
    """
    import pandas as pd

    about = require_open(study, round_name)
    given = {"round": round_name, "server": client.url, "full": full}
    with study.journal("rounds_pull", given) as entry:
        projects = remote.recorded(study, about, client)
        if not projects:
            raise StageError(f"round {round_name!r} is on no server yet: push it first")
        own = {unit.unit_id for unit in units.places(study, about.round_id)}
        work = _Work(study, about, client, own, full, progress)
        rows = [work.read(project) for project in projects]
        work.require_any(rows)
        frame = pd.DataFrame(rows, columns=["project", "tasks", *COUNTED, "note"])
        entry.count(**{name: int(frame[name].sum()) for name in ("tasks", *COUNTED)})
    return frame


def refused(study: Study, round_name: str) -> pd.DataFrame:
    """Return the annotations of a round that could not be read, with the reason.

    Columns: project, task_id, annotation_id, coder_id (None for somebody without a label yet),
    reason, detail, place (its address on the server), seen_at.
    """
    return study.read("rounds_refused", round_id=find(study, round_name).round_id)


@dataclass(frozen=True, slots=True)
class _Work:
    """One pull."""

    study: Study
    about: Round
    client: Any
    own: Collection[str]
    full: bool
    progress: Progress | None

    def require_any(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Refuse a round of which nothing is left on the server."""
        if all(row["gone"] for row in rows):
            raise StageError(str(rows[0]["note"]))

    def read(self, project: remote.Project) -> dict[str, Any]:
        """Read one project; one that is gone keeps nobody from reading the others."""
        try:
            same_form = remote.has_form(self.client, project)
        except remote.ProjectGoneError as error:
            return summary("project", project.title, {}) | {"gone": True, "note": str(error)}
        start = self.client.clock()
        reading = Reading(self.study, self.about, project, own=self.own, same_form=same_form)
        counts = self._changed(project, reading)
        if self.full:
            there = self.client.annotation_ids(project.project_id)
            counts["deleted"] += reading.landing.vanish(there, datetime.now(UTC))
        if not any(counts[f"refused: {reason}"] for reason in HELD):
            ids = {"round_id": self.about.round_id, "project": project.title}
            with self.study.write() as tx:
                tx.execute("rounds_pulled", None, pulled_to=start, **ids)
        return summary("project", project.title, counts, same_form=same_form) | {"gone": False}

    def _changed(self, project: remote.Project, reading: Reading) -> Counter[str]:
        counts: Counter[str] = Counter()
        since = None if self.full else project.pulled_to
        tasks = self.client.changed_tasks(project.project_id, since)
        while batch := list(islice(tasks, BATCH)):
            counts.update(reading.landing.land(reading.seen(batch)))
            counts["tasks"] += len(batch)
            if self.progress:
                self.progress(counts["tasks"], len(reading.tasks), f"tasks of {project.title}")
        return counts
