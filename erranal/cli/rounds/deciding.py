"""Commands on what coders said: status, adjudicate, agenda and close."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from erranal.cli import options, output
from erranal.cli.rounds.planning import open_study
from erranal.cli.rounds.serving import client_of, server

_name = click.argument("name", metavar="ROUND")


@click.command()
@_name
@options.db
@click.option("--agreement", is_flag=True, help="Also the agreement so far; every look is counted.")
@options.as_json
def status(name: str, db: Path, agreement: bool, as_json: bool) -> None:
    """Say how far a round is: progress and pace of every coder."""
    from erranal.rounds import progress

    found = progress.status(open_study(db), name, agreement=agreement)
    frames = {"units": found.units, "coders": found.coders, "agreement": found.agreement}
    shown = {title: frame for title, frame in frames.items() if frame is not None}
    if as_json:
        tables = {title: output.records(frame) for title, frame in shown.items()}
        said = {"name": found.name, "state": found.state, "notes": list(found.notes)}
        output.print_json(said | tables)
        return
    output.say(f"{found.name} is {found.state}.")
    for title, frame in shown.items():
        output.table(frame, as_json=False, title=title.capitalize())
    for note in found.notes:
        output.say(note)


@click.command()
@_name
@options.db
@click.option("--out", type=options.AS_PATH, help="Write the disagreements to this CSV file.")
@click.option(
    "--decisions", type=options.AS_PATH, help="Keep the decisions of a CSV file that was filled in."
)
@click.option("--adjudicator", help="Alias of the person who decides.")
@click.option("--push", is_flag=True, help="Make a project of them on the server.")
@click.option("--pull", is_flag=True, help="Keep the decisions made in that project.")
@server
@options.seed
@options.as_json
def adjudicate(
    name: str,
    db: Path,
    out: Path | None,
    decisions: Path | None,
    adjudicator: str | None,
    seed: int,
    as_json: bool,
    **on_server: Any,
) -> None:
    """List where coders disagree, in random order and without names, or keep decisions."""
    from erranal.rounds import adjudicate as stage
    from erranal.rounds import adjudicating, sheet

    study = open_study(db)
    if on_server["push"]:
        client = client_of(on_server["url"], on_server["token_env"])
        output.print_json(adjudicating.push(study, name, client))
        return
    if on_server["pull"]:
        client = client_of(on_server["url"], on_server["token_env"])
        table = adjudicating.pull(study, name, client)
        output.table(table, as_json=as_json, title="Decisions")
        return
    if decisions is not None:
        table = stage.decide_all(study, name, decisions, adjudicator=adjudicator)
        output.table(table, as_json=as_json, title="Decisions")
        return
    table = stage.disagreements(study, name, seed=seed)
    if out is not None:
        sheet.save(table, out)
        output.say(f"{len(table)} disagreements are in {out}: fill in the last columns, then give")
        output.say(f"`erranal rounds adjudicate {name} --decisions {out} --adjudicator ALIAS`")
        return
    output.table(_shown(table, as_json=as_json), as_json=as_json, title="Disagreements")


def _shown(table: Any, *, as_json: bool) -> Any:
    names = ["unit_id", "state", "A_primary", "A_codes", "B_primary", "B_codes", "decided_primary"]
    return table if as_json else table[names]


@click.command()
@options.db
@click.option("--codebook", help="Only this codebook.")
@click.option("--out", type=options.AS_PATH, help="Write it as Markdown.")
@options.as_json
def agenda(db: Path, codebook: str | None, out: Path | None, as_json: bool) -> None:
    """Collect what coders and judges found lacking in the codebook."""
    from erranal.rounds import agenda as stage

    points = stage.agenda(open_study(db), codebook=codebook)
    if out is not None:
        out.write_text(stage.markdown(points), "utf-8")
        print(out)
        return
    output.table(points, as_json=as_json, title="Agenda of the next codebook version")


@click.command()
@_name
@options.db
@click.option("--force", is_flag=True, help="Although something is open.")
@options.as_json
def close(name: str, db: Path, force: bool, as_json: bool) -> None:
    """Freeze a round; its gold labels become a judge's verdicts."""
    from erranal.rounds import lifecycle

    table = lifecycle.close(open_study(db), name, force=force)
    output.table(table, as_json=as_json, title=f"Gold labels of {name}")


COMMANDS = (status, adjudicate, agenda, close)
