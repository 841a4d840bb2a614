"""Predictions of one Label Studio task, which coders see as suggestions: replaced as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.rounds.connection import delete

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Json = dict[str, Any]

PREDICTIONS = "/api/predictions/"


def replace_predictions(ask: Callable[..., Any], task_id: int, predictions: Sequence[Json]) -> None:
    """Delete a task's predictions and make the ones given."""
    for old in _of(ask, task_id):
        delete(ask, f"{PREDICTIONS}{old['id']}/")
    for number, prediction in enumerate(predictions):
        _make(ask, task_id, prediction, before=number)


def _make(ask: Callable[..., Any], task_id: int, prediction: Json, before: int) -> None:
    def made_already() -> Json | None:
        now = _of(ask, task_id)
        return now[-1] if len(now) > before else None

    ask("POST", PREDICTIONS, json={"task": task_id, **prediction}, again=made_already)


def _of(ask: Callable[..., Any], task_id: int) -> list[Json]:
    found: list[Json] = ask("GET", PREDICTIONS, params={"task": task_id})
    return found
