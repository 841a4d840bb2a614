"""A Label Studio server as a round needs it: projects, tasks, images, annotations as they are.

Everything goes over the REST interface in JSON, so that an annotation is kept as the server gave
it, and a request that must not be carried out twice is repeated only after a look at what is
there. Server: Label Studio 1.20 or newer, Community Edition or above.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from erranal.errors import StageError
from erranal.rounds.connection import Connection, ServerAnswerError, delete
from erranal.rounds.images import show_folder, upload
from erranal.rounds.paging import chunks, column_filter, column_names, exported, is_light, tasks_of
from erranal.rounds.projects import create, titled
from erranal.rounds.suggestions import replace_predictions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Json = dict[str, Any]

TOKEN_VARIABLE = "LABEL_STUDIO_API_KEY"  # noqa: S105 (its name)
IDS_SHOWN_CHARACTERS = 500
# Written inside transactions that end later: what a listing did not see may be older than it.
CLOCK_MARGIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account on the server."""

    user_id: int
    email: str
    name: str


class LabelStudio:
    """A client of one server.

    Parameters
    ----------
    url
        Address, such as ``http://127.0.0.1:8080``.
    token_env
        Environment variable that holds a personal access token or a legacy token.
    patience_s
        Seconds for which the server may be away in the middle of the work.

    Raises
    ------
    StageError
        By every method: the server is away for longer, or refuses the token or the request.
    """

    def __init__(
        self, url: str, *, token_env: str = TOKEN_VARIABLE, patience_s: float = 60.0
    ) -> None:
        self._connection = Connection(url, token_env, patience_s)
        self.url = self._connection.url
        self._ask = self._connection.ask

    def __repr__(self) -> str:
        return f"LabelStudio({self.url!r})"

    def __enter__(self) -> LabelStudio:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def me(self) -> User:
        """Return whose token this is."""
        return _user(self._ask("GET", "/api/current-user/whoami"))

    def users(self) -> list[User]:
        """Return everybody in the organisation, by id."""
        users = [_user(user) for user in self._ask("GET", "/api/users/")]
        return sorted(users, key=lambda user: user.user_id)

    def clock(self) -> datetime:
        """Return a time on the server's clock from which a later pull misses nothing.

        Take it before :meth:`changed_tasks`, and give it as `since` the next time.
        """
        self.me()
        return self._connection.clock() - CLOCK_MARGIN

    def create_project(
        self,
        title: str,
        config: str,
        *,
        coders_per_task: int = 1,
        instructions: str = "",
        show_instructions: bool = True,
    ) -> int:
        """Make a project and return its id.

        Parameters
        ----------
        title
            3 to 50 characters.
        config
            Labelling form.
        coders_per_task
            How many people are given each task.
        instructions
            Coder instructions in HTML, shown before the first task when `show_instructions`.

        Raises
        ------
        StageError
            When the form is not one, or the title is too short or too long.
        """
        return create(
            self._ask,
            title,
            {
                "label_config": config,
                "maximum_annotations": coders_per_task,
                "expert_instruction": instructions,
                "show_instruction": show_instructions and bool(instructions),
            },
        )

    def find_project(self, title: str) -> int | None:
        """Return the oldest project with exactly this title, None when there is none."""
        return min(titled(self._ask, title), default=None)

    def config_of(self, project_id: int) -> str:
        """Return the labelling form that a project has now."""
        return str(self._ask("GET", f"/api/projects/{project_id}/")["label_config"])

    def delete_project(self, project_id: int) -> None:
        """Delete a project with its tasks and annotations; no project is no error."""
        delete(self._ask, f"/api/projects/{project_id}/")

    def delete_task(self, task_id: int) -> None:
        """Delete a task with its annotations; no task is no error."""
        delete(self._ask, f"/api/tasks/{task_id}/")

    def import_tasks(
        self,
        project_id: int,
        tasks: Sequence[Json],
        *,
        known: Mapping[str, int] | None = None,
        landed: Callable[[dict[str, int]], None] | None = None,
    ) -> dict[str, int]:
        """Make the tasks that are not there yet.

        Parameters
        ----------
        project_id
            The project.
        tasks
            ``{"data": {"record_id": ..., ...}, "predictions": [...]}`` each.
        known
            What :meth:`task_ids` gave; asked for when None.
        landed
            Called with the new ids after each request.

        Returns
        -------
        dict
            Task id by record id, of all the tasks given.
        """
        wanted = [str(task["data"]["record_id"]) for task in tasks]
        if len(set(wanted)) < len(wanted):
            raise StageError("two tasks of one import have the same record_id")
        ids = dict(self.task_ids(project_id) if known is None else known)
        for chunk in chunks([task for task in tasks if task["data"]["record_id"] not in ids]):
            new = self._import(project_id, chunk)
            ids |= new
            if landed is not None:
                landed(new)
        return {record: ids[record] for record in wanted}

    def task_ids(self, project_id: int) -> dict[str, int]:
        """Return task id by record id, of the tasks there that have one; the oldest of doubles."""
        ids: dict[str, int] = {}
        if not self._ask("GET", f"/api/projects/{project_id}/")["task_number"]:
            return ids
        for task in tasks_of(self._ask, project_id, fields="task_only"):
            if record := task["data"].get("record_id"):
                ids.setdefault(str(record), task["id"])
        return ids

    def update_task(self, task_id: int, data: Json, predictions: Sequence[Json]) -> None:
        """Replace a task's data and predictions; its annotations stay."""
        self._ask("PATCH", f"/api/tasks/{task_id}/", json={"data": data})
        replace_predictions(self._ask, task_id, predictions)

    def changed_tasks(self, project_id: int, since: datetime | None) -> Iterator[Json]:
        """Yield the tasks changed at or after a time, or all of them, with annotations whole.

        By id. A task counts as changed when it, an annotation or a prediction of it was made,
        edited or deleted. All tasks together come as one export, which is several times faster
        than pages and has predictions by their ids only, unless they would be too large for one
        answer.
        """
        if since is None:
            light = is_light(self._ask, project_id)
            return (exported if light else tasks_of)(self._ask, project_id)
        when = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        changed = column_filter("updated_at", "greater_or_equal", "Datetime", when)
        return tasks_of(self._ask, project_id, filters=[changed])

    def annotation_ids(self, project_id: int) -> dict[int, list[int]]:
        """Return the ids of the annotations that exist now, skips included, by task."""
        columns = self._ask("GET", "/api/dm/columns", params={"project": project_id})["columns"]
        hidden = [name for name in column_names(columns) if name != "tasks:annotations_ids"]
        ids: dict[int, list[int]] = {}
        for task in tasks_of(self._ask, project_id, fields="task_only", hidden=hidden):
            shown = task.get("annotations_ids") or ""
            if len(shown) >= IDS_SHOWN_CHARACTERS:
                ids[task["id"]] = sorted(one["id"] for one in self._annotations(task["id"]))
            else:
                ids[task["id"]] = sorted(int(number) for number in shown.split(",") if number)
        return ids

    def add_local_images(self, project_id: int, folder: str | Path) -> None:
        """Let a project show images of a folder of the server's machine.

        They are reached as ``/data/local-files/?d=<path below the document root>``.
        """
        show_folder(self._ask, project_id, Path(folder))

    def upload_images(self, project_id: int, files: Sequence[Path]) -> dict[str, str]:
        """Upload image files and return the URL by file name for use in task data."""
        return upload(self._ask, project_id, files)

    def annotate(
        self, task_id: int, result: list[Json], *, lead_time: float, skipped: bool = False
    ) -> int:
        """Make an annotation in the token's name and return its id."""
        own = {"unique_id": str(uuid4()), "ground_truth": False}
        body = {"result": result, "lead_time": lead_time, "was_cancelled": skipped, **own}
        before = {one["id"] for one in self._annotations(task_id)}
        try:
            return int(self._ask("POST", _annotations_of(task_id), json=body)["id"])
        except ServerAnswerError as error:
            if error.status != 409:
                raise
        # The first try had arrived: the server knows the unique id of the second.
        me = self.me().user_id
        mine = [one["id"] for one in self._annotations(task_id) if one["completed_by"] == me]
        return int(max(set(mine) - before))

    def _import(self, project_id: int, tasks: Sequence[Json]) -> dict[str, int]:
        import orjson

        records = [str(task["data"]["record_id"]) for task in tasks]

        def landed_already() -> Json | None:
            # One import is one transaction: all of it is there, or nothing.
            ids = self.task_ids(project_id)
            there = [ids[record] for record in records if record in ids]
            return {"task_ids": there} if len(there) == len(records) else None

        answer = self._ask(
            "POST",
            f"/api/projects/{project_id}/import",
            params={"return_task_ids": "true"},
            content=orjson.dumps(tasks),
            headers={"Content-Type": "application/json"},
            again=landed_already,
        )
        ids = answer["task_ids"]
        if len(ids) != len(records):
            raise StageError(f"{len(records)} tasks were sent to {self.url}, {len(ids)} made")
        return dict(zip(records, ids, strict=True))

    def _annotations(self, task_id: int) -> list[Json]:
        found: list[Json] = self._ask("GET", _annotations_of(task_id))
        return found


def _annotations_of(task_id: int) -> str:
    return f"/api/tasks/{task_id}/annotations/"


def _user(told: Json) -> User:
    name = f"{told.get('first_name', '')} {told.get('last_name', '')}".strip()
    return User(told["id"], told["email"], name)
