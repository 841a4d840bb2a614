"""The whole job in order, and what of it is done, stale or next.

Every stage is asked for by the same rule: it runs when it never finished, when what it reads has
changed since, or when its parameters have. So the same command resumes after a crash and does
nothing when there is nothing to do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import erranal

if TYPE_CHECKING:
    import pandas as pd

    from erranal.store import Study

Progress = Callable[[int, int, str], None]
# Judging by rules is one of several things that the judge's commands do.
_COMMANDS = {"judge": "judge run"}
_NARROWING = ("limit", "where", "sample")
AFTER_INGEST = [stage for stage in erranal.STAGES if stage != "ingest"]


@dataclass(frozen=True)
class State:
    """Where one stage stands.

    ``state`` is ``missing``, ``partial`` (it ran on a part), ``stopped`` (killed, failed or
    interrupted), ``stale`` (its inputs changed) or ``done``.
    """

    stage: str
    state: str
    finished_at: Any = None
    seconds: float | None = None
    counts: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    note: str = ""


def states(study: Study) -> list[State]:
    """Return the state of every stage, in order."""
    newest = study.read("journal_newest").set_index("stage")
    done = study.read("journal_newest_done").set_index("stage")
    return [_state(study, stage, newest, done) for stage in erranal.STAGES]


def _state(study: Study, stage: str, newest: pd.DataFrame, done: pd.DataFrame) -> State:
    if stage not in newest.index:
        return State(stage, "missing", note=command(stage))
    last = newest.loc[stage]
    if last["status"] != "done":
        reason = last["error"] or "it did not finish: killed, or still running"
        return State(stage, "stopped", note=str(reason))
    row = done.loc[stage]
    parameters = json.loads(row["parameters"] or "{}")
    known = {
        "finished_at": row["finished_at"],
        "seconds": row["seconds"],
        "counts": json.loads(row["counts"] or "{}"),
        "parameters": parameters,
    }
    for name in _NARROWING:
        if parameters.get(name) is not None:
            return State(stage, "partial", note=f"ran with {name} {parameters[name]}", **known)
    if json.loads(row["inputs"] or "{}") != _plain(study.inputs(stage)):
        return State(stage, "stale", note="its inputs changed since", **known)
    return State(stage, "done", **known)


def _plain(value: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(dict(value), default=str))


def command(stage: str) -> str:
    """Return the command that runs a stage."""
    return f"erranal {_COMMANDS.get(stage, stage)}"


def next_step(states: list[State]) -> str:
    """Say in one line what to do next."""
    for state in states:
        if state.state != "done":
            if state.stage == "ingest" and state.state == "missing":
                return "erranal run FILES: nothing has been read yet"
            return f"{command(state.stage)}: {state.stage} is {state.state}"
    return "nothing: everything is done; open the report"


def plan(study: Study, stage: str) -> dict[str, Any]:
    """Return what a stage would work on, without running it."""
    state = next(state for state in states(study) if state.stage == stage)
    size = study.read("study_size").iloc[0]
    counts = {name: int(size[name]) for name in ("outputs", "errors")}
    return {"stage": stage, "state": state.state, "note": state.note, **counts}


def run_after_ingest(
    study: Study,
    parameters: Mapping[str, Mapping[str, Any]],
    *,
    progress: Progress | None = None,
    announce: Callable[[str, bool], None] | None = None,
) -> dict[str, pd.DataFrame | None]:
    """Run every stage after ingest that is not done with these parameters, in order.

    Parameters
    ----------
    parameters
        Keyword arguments by stage.
    announce
        Called with the stage's name and whether it runs (False: it was up to date).

    Returns
    -------
    dict
        What each stage returned; None for those that were up to date.
    """
    results: dict[str, pd.DataFrame | None] = {}
    for stage in AFTER_INGEST:
        wanted = dict(parameters.get(stage, {}))
        due = _due(study, stage, wanted)
        if announce:
            announce(stage, due)
        results[stage] = (
            import_module(f"erranal.{stage}").run(study, progress=progress, **wanted)
            if due
            else None
        )
    return results


def _due(study: Study, stage: str, wanted: Mapping[str, Any]) -> bool:
    newest = study.read("journal_newest").set_index("stage")
    done = study.read("journal_newest_done").set_index("stage")
    state = _state(study, stage, newest, done)
    if state.state == "partial" and wanted.get("limit") is None:
        return True
    changed = any(state.parameters.get(name) != value for name, value in _plain(wanted).items())
    return state.state not in {"done", "partial"} or changed
