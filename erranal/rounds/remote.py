"""The projects of a round on a server: made once, recognised again, and held to their form."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from erranal.errors import StageError
from erranal.rounds import form, interface, tables
from erranal.rounds.connection import ServerAnswerError

if TYPE_CHECKING:
    from erranal.rounds.groups import Group
    from erranal.rounds.round import Round
    from erranal.store import Study


FILES = "files"


class ProjectGoneError(StageError):
    """A project that was made is not on its server any more."""


@dataclass(frozen=True, slots=True)
class Project:
    """One project of a round; ``arm`` is None and ``config`` empty where disagreements are decided.

    ``config`` is the form it was made with.
    """

    title: str
    server: str
    project_id: int
    arm: str | None
    config: str
    config_hash: str
    coder_id: str | None = None
    pulled_to: datetime | None = None

    @property
    def is_files(self) -> bool:
        """Whether it was written to files, for a server that nobody here can reach."""
        return self.server == FILES


def kept(study: Study, about: Round) -> list[Project]:
    """Return the coding projects of a round, wherever they are."""
    rows = study.arrow("rounds_projects_of", round_id=about.round_id).to_pylist()
    return [_project(row, about.form_of(row["config_hash"])) for row in rows]


def _project(row: Mapping[str, Any], config: str) -> Project:
    return Project(
        row["project"],
        row["server"],
        row["project_id"],
        row["arm"],
        config,
        row["config_hash"],
        row["coder_id"],
        row["pulled_to"],
    )


def keep(study: Study, about: Round, project: Project) -> None:
    """Record a project that was made."""
    row = {
        "round_id": about.round_id,
        "project": project.title,
        "server": project.server,
        "project_id": project.project_id,
        "arm": project.arm,
        "coder_id": project.coder_id,
        "config_hash": project.config_hash,
        "created_at": datetime.now(UTC),
    }
    with study.write() as tx:
        tx.append("round_projects", tables.frame([row], tables.PROJECTS), on_conflict="replace")


def recorded(study: Study, about: Round, client: Any) -> list[Project]:
    """Return the coding projects of a round, which are on a server.

    Raises
    ------
    StageError
        When they are on another one.
    """
    _follow(study, about, client, kept(study, about))
    return kept(study, about)


def adjudicated(study: Study, about: Round, client: Any) -> list[Project]:
    """Return the projects in which the disagreements of a round are decided, on a server.

    Raises
    ------
    StageError
        When they are on another one.
    """

    def there() -> list[Project]:
        rows = study.arrow("rounds_adjudication_projects", round_id=about.round_id).to_pylist()
        return [_project(row, "") for row in rows]

    _follow(study, about, client, there())
    return there()


def _follow(study: Study, about: Round, client: Any, projects: Iterable[Project]) -> None:
    """Take a server's new address down for its projects and people."""
    for before in {one.server: one for one in projects if one.server != client.url}.values():
        _require_moved(about, before, client)
        told = {"server": client.url, "before": before.server}
        with study.write() as tx:
            tx.execute("rounds_moved", None, round_id=about.round_id, **told)
            tx.execute("rounds_moved_coders", None, **told)


def _require_moved(about: Round, project: Project, client: Any) -> None:
    """Refuse a server that is not the one of a project under another address."""
    if project.is_files:
        raise StageError(
            f"round {about.name!r} was exported to files: its labels come back by "
            "`erranal rounds import`; create another round for a server"
        )
    if client.find_project(project.title) != project.project_id:
        raise StageError(
            f"project {project.title!r} is on {project.server}, and {client.url} has none of that "
            "name and number: give the address of the server the round was pushed to"
        )


def ensure(
    study: Study, about: Round, client: Any, group: Group, known: Iterable[Project]
) -> Project:
    """Return the project of a group, made on the server when it is not among those known.

    Raises
    ------
    StageError
        When the one on the server has another form.
    """
    title = group.title(about)
    project = next((one for one in known if one.title == title), None)
    if project is None:
        return _made(study, about, client, group)
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
    digest = interface.digest(config)
    project = Project(title, client.url, project_id, group.arm, config, digest, group.coder_id)
    require_form(about, client, project)
    keep(study, about, project)
    return project


def has_form(client: Any, project: Project) -> bool:
    """Return whether a project still has the form it was made with.

    Raises
    ------
    StageError
        When the project is gone.
    """
    now = config_of(client, project)
    try:
        return form.same(now, project.config)
    except StageError:
        return False


def config_of(client: Any, project: Project) -> str:
    """Return the form that a project has on the server now.

    Raises
    ------
    ProjectGoneError
        When there is no such project any more.
    """
    try:
        return str(client.config_of(project.project_id))
    except ServerAnswerError as error:
        if error.status != 404:
            raise
    raise ProjectGoneError(
        f"project {project.title!r} is no longer on {client.url}, or the token's owner may not see "
        "it: put it back from a backup of the server. What was pulled from it is in the study; to "
        "go on without it, close the round with --force and create another one"
    )


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


def require_own(about: Round, project: Project, there: Iterable[str], own: Collection[str]) -> None:
    """Refuse a project that holds tasks of something else than the round's own units.

    Raises
    ------
    StageError
        Naming one of them.
    """
    foreign = sorted(set(there).difference(own))
    if foreign:
        raise StageError(
            f"project {project.title!r} holds {len(foreign)} tasks that are not of round "
            f"{about.name!r}, such as {foreign[0]!r}: remove them there, or give the server of "
            "this round"
        )
