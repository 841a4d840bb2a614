"""Many tasks of a Label Studio project: read page by page, sent chunk by chunk."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Json = dict[str, Any]

TASKS_PER_PAGE = 500
SAMPLED, EXPORT_BYTES = 10, 2**28
TASKS_PER_REQUEST, BYTES_PER_REQUEST = 1000, 16 * 2**20


def tasks_of(
    ask: Callable[..., Any],
    project_id: int,
    *,
    fields: str = "all",
    filters: Sequence[Json] = (),
    hidden: Sequence[str] = (),
) -> Iterator[Json]:
    """Yield a project's tasks by id.

    Each page begins after the last id of the one before, so that tasks that come, go or change
    while the pages are read are neither missed nor met twice, and no page is past the end.

    Parameters
    ----------
    ask
        ``Connection.ask``.
    project_id
        The project.
    fields
        "all" with annotations and predictions, "task_only" without.
    filters
        Column filters, all of which must hold.
    hidden
        Columns that need not be computed; none are computed beside the filters' when empty.
    """
    last, more = 0, True
    while more:
        after = column_filter("id", "greater", "Number", last)
        query: Json = {"filters": {"conjunction": "and", "items": [*filters, after]}}
        if hidden:
            query["hiddenColumns"] = {"explore": list(hidden), "labeling": list(hidden)}
        answer = _page(ask, project_id, query, TASKS_PER_PAGE, fields)
        tasks = answer["tasks"]
        yield from tasks
        more = bool(tasks) and answer["total"] > len(tasks)
        last = tasks[-1]["id"] if tasks else last


def is_light(ask: Callable[..., Any], project_id: int) -> bool:
    """Tell whether all tasks of a project fit into one answer, going by the data of the first."""
    import orjson

    answer = _page(ask, project_id, {}, SAMPLED, "task_only")
    sampled = answer["tasks"]
    total = int(answer["total"])
    return len(orjson.dumps(sampled)) * total <= EXPORT_BYTES * max(1, len(sampled))


def exported(ask: Callable[..., Any], project_id: int) -> Iterator[Json]:
    """Yield all tasks of a project by id, in one export; predictions are ids only."""
    params = {"exportType": "JSON", "download_all_tasks": "true", "download_resources": "false"}
    tasks = ask("GET", f"/api/projects/{project_id}/export", params=params)
    yield from sorted(tasks, key=lambda task: task["id"])


def _page(ask: Callable[..., Any], project_id: int, query: Json, size: int, fields: str) -> Any:
    params = {
        "project": project_id,
        "page_size": size,
        "fields": fields,
        "resolve_uri": "false",
        "query": json.dumps({"ordering": ["tasks:id"], **query}),
    }
    return ask("GET", "/api/tasks/", params=params)


def column_filter(column: str, operator: str, kind: str, value: Any) -> Json:
    """Return a filter of the data manager on a task's column."""
    name = f"filter:tasks:{column}"
    return {"filter": name, "operator": operator, "type": kind, "value": value}


def column_names(columns: Sequence[Json]) -> list[str]:
    """Return the data manager's columns as it names them in a list of hidden ones."""
    return [
        f"tasks:data.{column['id']}" if column.get("parent") == "data" else f"tasks:{column['id']}"
        for column in columns
    ]


def chunks(tasks: Sequence[Json]) -> Iterator[list[Json]]:
    """Yield tasks in lists short enough for one request."""
    import orjson

    chunk: list[Json] = []
    size = 0
    for task in tasks:
        weight = len(orjson.dumps(task))
        if chunk and (len(chunk) == TASKS_PER_REQUEST or size + weight > BYTES_PER_REQUEST):
            yield chunk
            chunk, size = [], 0
        chunk.append(task)
        size += weight
    if chunk:
        yield chunk
