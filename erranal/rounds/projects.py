"""Label Studio projects by their title: made once, even over a bad line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Callable

    Json = dict[str, Any]

TITLE_LENGTHS = range(3, 51)
DEFAULTS = {
    "evaluate_predictions_automatically": False,
    "show_collab_predictions": True,
    "sampling": "Sequential sampling",
}


def create(ask: Callable[..., Any], title: str, given: Json) -> int:
    """Make a project and return its id; another one of the same title is no obstacle.

    Raises
    ------
    StageError
        When the title has fewer than 3 or more than 50 characters, or the form is none.
    """
    _require_form(given["label_config"])
    if len(title) not in TITLE_LENGTHS:
        raise StageError(f"the project title {title!r} must have 3 to 50 characters")
    before = set(titled(ask, title))

    def made_already() -> Json | None:
        new = set(titled(ask, title)) - before
        return {"id": min(new)} if new else None

    body = {"title": title, **DEFAULTS, **given}
    return int(ask("POST", "/api/projects/", json=body, again=made_already)["id"])


def titled(ask: Callable[..., Any], title: str) -> list[int]:
    """Return the ids of the projects with exactly this title."""
    found: list[int] = []
    page, more = 1, True
    while more:
        params = {"title": title, "include": "id,title", "page": page, "page_size": 100}
        answer = ask("GET", "/api/projects/", params=params)
        found += [one["id"] for one in answer["results"] if one["title"] == title]
        page, more = page + 1, bool(answer["next"])
    return found


def _require_form(config: str) -> None:
    """Refuse what Label Studio's own client does not take for a labelling form."""
    from label_studio_sdk import label_interface

    form: Any = label_interface  # it has no types
    try:
        form.LabelInterface(config).validate()
    except Exception as error:  # the client raises what its parsers do
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StageError(f"this is no labelling form: {reason}") from error
