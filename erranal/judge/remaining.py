"""What models that judge have left to do, and the commands that do it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from erranal.errors import StageError
from erranal.judge import naming, records
from erranal.judge.records import Selection

if TYPE_CHECKING:
    from erranal.judge.naming import Judged
    from erranal.store import Study

_AGAIN = "the same `erranal judge run` again"
INTERRUPTED = "it was interrupted"


@dataclass(frozen=True, slots=True)
class Remaining:
    """What one model has left to do of the errors that it was last run on, retries aside.

    Attributes
    ----------
    judge
        A short text by which it is found.
    status, error, finished_at, seconds
        Of its last run; one that was killed is still ``running``.
    limit
        Of its last run.
    out_of_budget
        Whether its last run was stopped by its budget.
    resumable
        Whether the study holds enough to go on: not before the first verdict, and never the
        examples that a judge was shown.
    judged, due, waiting, unread
        As :func:`erranal.judge.records.standing` counts them.
    """

    judge: str
    status: str
    error: str | None
    finished_at: Any
    seconds: float | None
    limit: int | None
    out_of_budget: bool
    resumable: bool
    judged: int
    due: int
    waiting: int
    unread: int

    @property
    def resume(self) -> str:
        """The command that judges what is due."""
        return f"erranal judge resume {shlex.quote(self.judge)}" if self.resumable else _AGAIN

    @property
    def retry(self) -> str:
        """The command that asks again about what failed or could not be read."""
        called = f"erranal judge retry {shlex.quote(self.judge)}"
        return called if self.resumable else f"{_AGAIN}, with --retry"


def of_models(study: Study) -> list[Remaining]:
    """Return what every model that judges has left to do, the one that was last run first."""
    there = naming.read(study)
    ids = [(one.judge_id, one.codebook_id) for one in there]
    called = dict(zip(ids, naming.short(there, there), strict=True))
    return [_of(study, row, called) for row in _runs(study)]


class Given(NamedTuple):
    """What the last run of a model was given beside its settings."""

    selection: Selection
    pictures: Path | None


def last_run(study: Study, judged: Judged) -> Given:
    """Return what the last run of a model was given, retries aside.

    Raises
    ------
    StageError
        When it was never run in this study.
    """
    for row in _runs(study):
        if (row["judge_id"], row["codebook_id"]) == judged:
            pictures = row["given"].get("pictures")
            return Given(_selection(row), Path(pictures) if pictures else None)
    raise StageError(f"no model {judged.judge_id!r} was run here: start with `erranal judge run`")


def _runs(study: Study) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = study.arrow("status_judges").to_pylist()
    return [row | {"given": json.loads(row["parameters"])} for row in found]


def _selection(row: Mapping[str, Any]) -> Selection:
    names = {field.name for field in fields(Selection)} & set(row["given"])
    return Selection(**{name: row["given"][name] for name in names})


def _of(study: Study, row: Mapping[str, Any], called: Mapping[tuple[str, str], str]) -> Remaining:
    ids = {name: row[name] for name in ("judge_id", "codebook_id")}
    name = called.get((row["judge_id"], row["codebook_id"]))
    return Remaining(
        judge=name or row["name"],
        status=row["status"],
        error=INTERRUPTED if row["status"] == "interrupted" else row["error"],
        finished_at=row["finished_at"],
        seconds=row["seconds"],
        limit=row["given"].get("limit"),
        out_of_budget=json.loads(row["counts"] or "{}").get("stopped") == "budget",
        resumable=name is not None and not row["shown_examples"],
        **records.standing(study, _selection(row), **ids),
    )
