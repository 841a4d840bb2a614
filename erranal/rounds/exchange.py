"""Rounds without a token: import files for Label Studio, and its JSON export read back.

Labels from files are held to the same rules as those from a server. A file may be old or a part,
so that what it does not have is not deleted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erranal.errors import StageError
from erranal.rounds import remote, units
from erranal.rounds.annotations import Refusal
from erranal.rounds.exporting import export
from erranal.rounds.landing import Landing, Seen
from erranal.rounds.lifecycle import require_open
from erranal.rounds.reading import Reading, record_id, refusals
from erranal.rounds.revisions import COUNTED, summary

if TYPE_CHECKING:
    import pandas as pd

    from erranal.rounds.round import Round
    from erranal.store import Study

    Progress = Callable[[int, int, str], None]

__all__ = ["export", "import_"]

LARGEST = 1 << 30  # bytes of a file
BATCH = 200
_EXPORT = 'export "JSON" in Label Studio, which alone has everything, and give that file'


def import_(
    study: Study,
    round_name: str,
    files: str | Path | Iterable[str | Path],
    *,
    source: str = "files",
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Read Label Studio's JSON exports of a round.

    Parameters
    ----------
    study, round_name
        The study and its round.
    files
        One file or several, in the full JSON format.
    source
        Names the server they are from: users of one server are told apart by their numbers, so
        that files from another server need another name here.
    progress
        Called with files done, files in all, and a label.

    Returns
    -------
    DataFrame
        One row a file: file, tasks, new, edited, skipped, deleted (always 0), unchanged, older,
        refused, and a note with the reasons. :func:`erranal.rounds.pull.refused` lists what was
        refused with file and index.

    Raises
    ------
    StageError
        When the round is closed or was never exported or pushed, or a file is no JSON export.
    """
    import pandas as pd

    about = require_open(study, round_name)
    paths = [Path(file) for file in ([files] if isinstance(files, str | Path) else files)]
    projects = {project.title: project for project in remote.kept(study, about)}
    if not projects:
        raise StageError(f"round {round_name!r} has no projects: export or push it first")
    for path in paths:
        _look(path)
    given = {"round": round_name, "files": [str(path) for path in paths], "source": source}
    with study.journal("rounds_import", given) as entry:
        work = _Import(study, about, projects, source)
        rows = []
        for done, path in enumerate(paths, 1):
            rows.append(summary("file", path.name, work.read(path)))
            if progress:
                progress(done, len(paths), f"labels of {path.name}")
        frame = pd.DataFrame(rows, columns=["file", "tasks", *COUNTED, "note"])
        entry.count(**{name: int(frame[name].sum()) for name in ("tasks", *COUNTED)})
    return frame


class _Import:
    """One import of files."""

    def __init__(
        self, study: Study, about: Round, projects: dict[str, remote.Project], source: str
    ) -> None:
        self._study, self._about = study, about
        own = {unit.unit_id for unit in units.places(study, about.round_id)}
        self._readings = {
            title: Reading(study, about, one, own=own, live=False, server=_accounts(one, source))
            for title, one in projects.items()
        }

    def read(self, path: Path) -> Counter[str]:
        """Land one file."""
        counts: Counter[str] = Counter()
        numbered = enumerate(_tasks(path))
        while batch := list(islice(numbered, BATCH)):
            for title, some in self._by_project(batch).items():
                counts += self._land(title, path.name, some)
            counts["tasks"] += len(batch)
        return counts

    def _by_project(
        self, batch: Sequence[tuple[int, Any]]
    ) -> dict[str | None, list[tuple[int, Any]]]:
        found: dict[str | None, list[tuple[int, Any]]] = {}
        for index, task in batch:
            found.setdefault(self._project_of(task), []).append((index, task))
        return found

    def _project_of(self, task: Any) -> str | None:
        if not _is_task(task):
            return None
        title = task["data"].get("project")
        if isinstance(title, str) and title in self._readings:
            return title
        unit_id = record_id(task)
        # A project on a server does not write its name into tasks; there the number tells.
        for name, reading in self._readings.items():
            if reading.tasks.get(unit_id) == task["id"]:
                return name
        return None

    def _land(self, title: str | None, file: str, some: Sequence[tuple[int, Any]]) -> Counter[str]:
        if title is None:
            seen = [Seen(n, None, _no_task(task), datetime.now(UTC)) for n, task in some]
            landing = Landing(self._study, self._about, file, "", {}, "", live=False)
        else:
            landing = self._readings[title].landing
            seen = self._readings[title].seen([task for _, task in some])
        placed = [_placed(one, f"{file}[{n}]") for one, (n, _) in zip(seen, some, strict=True)]
        return landing.land(placed)


def _accounts(project: remote.Project, source: str) -> str:
    """Return where a project's users have their accounts."""
    if not project.is_files:
        return project.server
    # A coder's own project may be on a server of the coder's own, where everybody is user 1.
    return f"{source} of {project.coder_id}" if project.coder_id else source


def _placed(seen: Seen, place: str) -> Seen:
    found = tuple(
        Refusal(one.reason, f"{place}: {one.detail}", one.annotation_id, one.raw)
        if isinstance(one, Refusal)
        else one
        for one in seen.found
    )
    return Seen(seen.task_id, seen.unit_id, found, seen.changed_at)


def _no_task(task: Any) -> tuple[Refusal, ...]:
    if not _is_task(task):
        return (Refusal("malformed", f"no task with data and annotations: {task!r:.80}"),)
    detail = f"the round has no task {task['id']!r} of unit {record_id(task)!r:.60}"
    return refusals(task["annotations"], "other_task", detail)


def _is_task(task: Any) -> bool:
    return (
        isinstance(task, Mapping)
        and type(task.get("id")) is int
        and abs(task["id"]) < 2**63
        and isinstance(task.get("data"), Mapping)
        and isinstance(task.get("annotations"), list)
    )


def _look(path: Path) -> None:
    """Refuse a file that is no JSON list before anything of others is written."""
    try:
        with path.open("rb") as file:
            head, size = file.read(64), path.stat().st_size
    except OSError as error:
        raise StageError(f"{path} cannot be read ({error.strerror}): {_EXPORT}") from error
    if size > LARGEST:
        raise StageError(f"{path} is larger than {LARGEST >> 30} GiB: export projects one by one")
    if not head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["):
        raise StageError(
            f"{path} is no list in JSON (CSV and others drop what is needed): {_EXPORT}"
        )


def _tasks(path: Path) -> Iterator[Any]:
    import orjson

    try:
        found = orjson.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise StageError(f"{path} is damaged ({error}): {_EXPORT}") from error
    if any(isinstance(one, Mapping) and _is_short(one) for one in found[:1]):
        raise StageError(f"{path} is a JSON-MIN export, which drops what is needed: {_EXPORT}")
    if found and not any(map(_is_task, found)):
        raise StageError(f"{path} has no task with annotations in it: {_EXPORT}")
    yield from found


def _is_short(task: Mapping[str, Any]) -> bool:
    return "annotations" not in task and "data" not in task and "annotation_id" in task
