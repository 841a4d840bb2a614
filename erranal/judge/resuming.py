"""Going on with a model that has judged here before, by what the study holds of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from erranal.judge import naming, remaining, saving, settings
from erranal.judge.labelling import Job
from erranal.judge.records import Selection

if TYPE_CHECKING:
    from erranal.store import Study


def resumed(study: Study, name: str, *, limit: int | None = None) -> Job:
    """Return the job of judging what is due, with the errors and pictures of the last run.

    Parameters
    ----------
    name
        The judge, as :func:`erranal.judge.naming.find` takes it.

    Raises
    ------
    StageError
        When there is no such judge, it is not a model, or it was shown examples.
    """
    ids = naming.find(study, name)
    stored = study.arrow("judge_one", judge_id=ids.judge_id).to_pylist()[0]
    judge = settings.from_stored(stored)
    given = remaining.last_run(study, ids)
    book = saving.load_book(study, ids.codebook_id)
    return Job(study, book, judge, given.selection, limit=limit, pictures=given.pictures)


def again(study: Study, name: str, *, limit: int | None = None) -> Job:
    """Return the job of asking a judge again about what failed or could not be read.

    Parameters
    ----------
    name
        As for :func:`resumed`.

    Raises
    ------
    StageError
        As :func:`resumed`.
    """
    job = resumed(study, name, limit=limit)
    return replace(job, selection=Selection(scorer=job.selection.scorer), retry=True)
