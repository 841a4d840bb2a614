"""Adjudication on the server: the disagreements of a round as a project of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.rounds import adjudication_project, cases, lifecycle

if TYPE_CHECKING:
    import pandas as pd

    from erranal.rounds.labelstudio import LabelStudio
    from erranal.store import Study

LONGEST_TITLE = 50


def push(study: Study, round_name: str, client: LabelStudio) -> dict[str, Any]:
    """Bring the units that wait for a decision to the round's adjudication project.

    Parameters
    ----------
    study, round_name
        The study and a round that is not closed.
    client
        The server.

    Returns
    -------
    dict
        ``project`` (its title), ``project_id``, ``waiting`` units and how many were ``created``.

    Raises
    ------
    StageError
        When the round is closed, or the server stays away.
    """
    about = lifecycle.require_open(study, round_name)
    title = _title(round_name)
    answers = [len(case.answers) for case in cases.disputed(study, about, seed=0)]
    coders = max([adjudication_project.FEWEST_CODERS, *answers])
    tasks = adjudication_project.project_tasks(study, round_name, coders=coders)
    project_id = client.find_project(title)
    if project_id is None:
        form = adjudication_project.project_form(study, round_name, coders=coders)
        project_id = client.create_project(title, form)
    there = client.task_ids(project_id)
    missing = [task for task in tasks if task["data"]["record_id"] not in there]
    client.import_tasks(project_id, missing)
    return {
        "project": title,
        "project_id": project_id,
        "waiting": len(tasks),
        "created": len(missing),
    }


def pull(study: Study, round_name: str, client: LabelStudio) -> pd.DataFrame:
    """Keep the decisions that were made in the adjudication project.

    Returns
    -------
    DataFrame
        As of :func:`erranal.rounds.adjudication_project.read_decisions`.

    Raises
    ------
    StageError
        When there is no such project, the round is closed, or the server stays away.
    """
    from erranal.errors import StageError

    project_id = client.find_project(_title(round_name))
    if project_id is None:
        raise StageError(
            f"round {round_name!r} has no adjudication project at {client.url}: "
            f"`erranal rounds adjudicate {round_name} --push` makes one"
        )
    tasks = client.changed_tasks(project_id, None)
    return adjudication_project.read_decisions(study, round_name, tasks)


def _title(round_name: str) -> str:
    return f"{round_name[: LONGEST_TITLE - 15]} · adjudication"
