"""The projects of a round on a server: made once, recognised again, and held to their form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from erranal.errors import StageError
from erranal.rounds import form, interface, tables, units

if TYPE_CHECKING:
    from erranal.rounds.groups import Group
    from erranal.rounds.round import Round
    from erranal.store import Study


@dataclass(frozen=True, slots=True)
class Project:
    """One project of a round; ``config`` is the form it was made with."""

    title: str
    project_id: int
    arm: str
    config: str
    config_hash: str
    coder_id: str | None = None
    pulled_to: datetime | None = None


def recorded(study: Study, about: Round, client: Any) -> list[Project]:
    """Return the projects of a round that are on a server.

    Raises
    ------
    StageError
        When they are on another one.
    """
    rows = study.arrow("rounds_projects_of", round_id=about.round_id).to_pylist()
    for row in rows:
        if row["server"] != client.url:
            _require_moved(row, client)
            with study.write() as tx:
                told = {"server": client.url, "before": row["server"]}
                tx.execute("rounds_moved", None, round_id=about.round_id, **told)
                tx.execute("rounds_moved_coders", None, **told)
            return recorded(study, about, client)
    return [
        Project(
            row["project"],
            row["project_id"],
            row["arm"],
            about.form_of(row["config_hash"]),
            row["config_hash"],
            row["coder_id"],
            row["pulled_to"],
        )
        for row in rows
    ]


def _require_moved(row: dict[str, Any], client: Any) -> None:
    """Refuse a server that is not the one of a project under another address."""
    if client.find_project(row["project"]) != row["project_id"]:
        raise StageError(
            f"project {row['project']!r} is on {row['server']}, and {client.url} has none of that "
            "name and number: give the address of the server the round was pushed to"
        )


def ensure(study: Study, about: Round, client: Any, group: Group) -> Project:
    """Return the project of a group, made on the server when it is not there yet.

    Raises
    ------
    StageError
        When the one on the server has another form.
    """
    title = group.title(about)
    known = {project.title: project for project in recorded(study, about, client)}
    project = known.get(title) or _made(study, about, client, group)
    require_form(about, client, project)
    return project


def _made(study: Study, about: Round, client: Any, group: Group) -> Project:
    title = group.title(about)
    config = about.form(image=group.image, suggestions=group.suggestions)
    project_id = client.find_project(title)
    if project_id is None:
        project_id = client.create_project(
            title, config, coders_per_task=group.people, instructions=about.instructions
        )
    project = Project(
        title, project_id, group.arm, config, interface.digest(config), group.coder_id
    )
    require_form(about, client, project)
    row = {
        "round_id": about.round_id,
        "project": title,
        "server": client.url,
        "project_id": project_id,
        "arm": group.arm,
        "coder_id": group.coder_id,
        "config_hash": project.config_hash,
        "created_at": datetime.now(UTC),
    }
    with study.write() as tx:
        tx.append("round_projects", tables.frame([row], tables.PROJECTS))
    return project


def has_form(client: Any, project: Project) -> bool:
    """Return whether a project still has the form it was made with."""
    now = client.config_of(project.project_id)
    try:
        return form.same(now, project.config)
    except StageError:
        return False


def require_form(about: Round, client: Any, project: Project) -> None:
    """Refuse a project whose form was changed on the server.

    Raises
    ------
    StageError
        Naming the project and where the form is.
    """
    if not has_form(client, project):
        raise StageError(
            f"project {project.title!r} on {client.url} has another labelling form than round "
            f"{about.name!r}, whose form is frozen: put the round's form back "
            "(`erranal rounds export` writes it) and give the same command again"
        )


def require_own(study: Study, about: Round, project: Project, there: Iterable[str]) -> None:
    """Refuse a project that holds tasks of something else.

    Raises
    ------
    StageError
        Naming one of them.
    """
    own = {unit.unit_id for unit in units.places(study, about.round_id)}
    foreign = sorted(set(there) - own)
    if foreign:
        raise StageError(
            f"project {project.title!r} holds {len(foreign)} tasks that are not of round "
            f"{about.name!r}, such as {foreign[0]!r}: remove them there, or give the server of "
            "this round"
        )
