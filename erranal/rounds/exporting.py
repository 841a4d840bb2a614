"""A round as files for Label Studio, for a team that cannot give a token.

Somebody who may sign in to a server makes a project for each pair of files, pastes the form and
imports the tasks; :mod:`erranal.rounds.exchange` reads the export back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erranal.errors import StageError
from erranal.pictures import find
from erranal.rounds import assignment, form, interface, remote, tables, tasks, units
from erranal.rounds import coders as people
from erranal.rounds.groups import Group
from erranal.rounds.lifecycle import require_open
from erranal.rounds.pictures import Delivery
from erranal.rounds.reading import ANY

if TYPE_CHECKING:
    import pandas as pd

    from erranal.rounds.round import Round
    from erranal.store import Study

_WAYS = ("local", "data", "none")


def export(
    study: Study,
    round_name: str,
    folder: str | Path,
    *,
    layout: str = "overlap",
    coders: Sequence[str] = (),
    images: str = "data",
    limit: int | None = None,
) -> pd.DataFrame:
    """Write a round as files for Label Studio.

    Parameters
    ----------
    study, round_name
        The study and its round.
    folder
        Where to write: for each project a file of tasks (``.tasks.json``) and its form
        (``.form.xml``), and the instructions (``instructions.html``).
    layout
        ``overlap``, or ``per-coder`` for a project for each coder.
    coders
        Any names of the coders, for ``per-coder``; files and projects show aliases only.
    images
        ``data``, ``none``, or ``local``: below ``files`` in the folder, to be copied to the folder
        that the server shows files from.
    limit
        So many units only, the first of the round.

    Returns
    -------
    DataFrame
        One row a project: project, arm, image, coder, people, units, file.

    Raises
    ------
    StageError
        When the round is closed, or a task is malformed; nothing of its project is written then.
    """
    import pandas as pd

    about, folder = require_open(study, round_name), Path(folder)
    if images not in _WAYS:
        raise StageError(f"images cannot go by {images!r} into files: choose {', '.join(_WAYS)}")
    if images == "local":
        (folder / "files").mkdir(parents=True, exist_ok=True)
    delivery = Delivery(images, folder / "files", f"erranal-{about.round_id[:8]}")
    given = {"round": round_name, "folder": str(folder), "layout": layout, "images": images}
    with study.journal("rounds_export", {**given, "limit": limit}) as entry:
        aliases = people.of_names(study, coders)
        plan = assignment.plan(study, about, layout=layout, coders=aliases, delivery=delivery)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "instructions.html").write_text(about.instructions, "utf-8")
        rows = [
            _export(study, about, group, unit_ids, folder, delivery)
            for group in plan.groups
            if (unit_ids := plan.first(group, limit))
        ]
        entry.count(units=sum(row["units"] for row in rows))
    return pd.DataFrame(rows)


def _export(
    study: Study,
    about: Round,
    group: Group,
    unit_ids: Sequence[str],
    folder: Path,
    delivery: Delivery,
) -> dict[str, Any]:
    import orjson

    title = group.title(about)
    config = about.form(image=group.image, suggestions=group.suggestions)
    asked = form.parse(config)
    made, rows = [], []
    for unit in units.read(study, about, unit_ids):
        picture = find(unit.image, unit.folder) if group.image else None
        address = delivery.write([picture])[picture.name] if picture else None
        task = tasks.task(unit, about, asked, image=address)
        tasks.check_task(task, asked)
        key = delivery.key(picture) if picture else None
        rows.append((unit, tasks.content_hash(task, key)))
        task["data"]["project"] = title
        made.append(task)
    name = re.sub(r"\W+", "-", title).strip("-")
    file = folder / f"{name}.tasks.json"
    file.write_bytes(orjson.dumps(made, option=orjson.OPT_INDENT_2))
    file.with_name(f"{name}.form.xml").write_text(config, "utf-8")
    _record(study, about, group, rows)
    told = {"arm": group.arm, "image": group.image, "coder": group.coder_id}
    return {
        "project": title, **told, "people": group.people, "units": len(made), "file": file.name,
    }  # fmt: skip


def _record(
    study: Study, about: Round, group: Group, made: Sequence[tuple[units.Unit, str]]
) -> None:
    """Keep what was written to files; a project that is on a server stays what it is there."""
    title = group.title(about)
    known = {project.title: project for project in remote.kept(study, about)}
    if title in known and not known[title].is_files:
        return
    config = about.form(image=group.image, suggestions=group.suggestions)
    digest = interface.digest(config)
    remote.keep(
        study,
        about,
        remote.Project(title, remote.FILES, ANY, group.arm, config, digest, group.coder_id),
    )
    now = datetime.now(UTC)
    rows = [
        {
            "round_id": about.round_id,
            "project": title,
            "unit_id": unit.unit_id,
            "task_id": ANY,
            "content_hash": content,
            "shown_judge_id": about.judge_id if unit.verdict else None,
            "pushed_at": now,
        }
        for unit, content in made
    ]
    with study.write() as tx:
        tx.append("round_tasks", tables.frame(rows, tables.TASKS), on_conflict="replace")
        tx.execute("rounds_opened", round_id=about.round_id)
