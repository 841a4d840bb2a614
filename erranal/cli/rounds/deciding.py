"""Commands on what coders said: status, adjudicate, agenda and close."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from erranal.cli import options, output
from erranal.cli.rounds import showing
from erranal.cli.rounds.planning import open_study
from erranal.cli.rounds.serving import client_of, pictures, server

if TYPE_CHECKING:
    from erranal.rounds.progress import Status
    from erranal.store import Study

_name = click.argument("name", metavar="ROUND")


@click.command()
@_name
@options.db
@click.option("--agreement", is_flag=True, help="Also the agreement so far; every look is counted.")
@options.as_json
def status(name: str, db: Path, agreement: bool, as_json: bool) -> None:
    """Say how far a round is: progress and pace of every coder."""
    from erranal.rounds import progress, pull

    study = open_study(db)
    found = progress.status(study, name, agreement=agreement)
    frames = {"units": found.units, "coders": found.coders, "agreement": found.agreement}
    shown = {title: frame for title, frame in frames.items() if frame is not None}
    if as_json:
        tables = {title: output.records(frame) for title, frame in shown.items()}
        said = {"name": found.name, "state": found.state, "notes": list(found.notes)}
        refused = {"refused": output.records(pull.refused(study, name))}
        output.print_json(said | tables | refused)
        return
    output.say(f"{found.name} is {found.state}.")
    showing.progress(shown)
    if found.state == "open":
        showing.refused(pull.refused(study, name))
    for note in (*found.notes, _next(found)):
        output.say(note)


def _next(found: Status) -> str:
    """Return what to do now in the round."""
    name = quote(found.name)
    if found.state == "closed":
        gold = quote(f"human:{found.name}")
        return f"`erranal judge compare JUDGE {gold}` compares a judge with its labels."
    if found.state == "planned":
        return f"It has no tasks yet: `erranal rounds push {name}` or export."
    if short := int(found.units["short"].sum()):
        return f"{short} of {int(found.units['units'].sum())} units are short of coders."
    return (
        f"Every unit has its coders: `erranal rounds adjudicate {name}` lists where they disagree, "
        f"`erranal rounds close {name}` ends the round."
    )


@click.command()
@_name
@options.db
@click.option("--out", type=options.AS_PATH, help="Write the disagreements to this CSV file.")
@click.option(
    "--decisions", type=options.AS_PATH, help="Keep the decisions of a CSV file that was filled in."
)
@click.option("--adjudicator", help="Alias of the person who decides, for --decisions.")
@click.option("--push", is_flag=True, help="Make a project of them on the server.")
@click.option("--pull", is_flag=True, help="Keep the decisions made in that project.")
@server
@pictures
@options.seed
@options.as_json
def adjudicate(name: str, db: Path, as_json: bool, seed: int, **flags: Any) -> None:
    """List where coders disagree, in random order and without names, or keep decisions."""
    wanted = [way for way in ("out", "decisions", "push", "pull") if flags[way]]
    if len(wanted) > 1:
        raise click.UsageError(f"--{wanted[0]} and --{wanted[1]} are two things: give one of them")
    study = open_study(db)
    if flags["push"]:
        _push(study, name, flags, as_json=as_json)
    elif flags["pull"] or flags["decisions"]:
        _decide(study, name, flags, as_json=as_json)
    else:
        _disagreements(study, name, flags["out"], seed, as_json=as_json)


def _push(study: Study, name: str, flags: Mapping[str, Any], *, as_json: bool) -> None:
    from erranal.rounds import adjudicating

    client = client_of(flags["url"], flags["token_env"])
    ways = {way: flags[way] for way in ("images", "image_folder")}
    table = adjudicating.push(study, name, client, **ways)
    if as_json:
        output.table(table, as_json=True)
        return
    if table.empty:
        output.say("Nothing waits for a decision.")
        return
    showing.moved(table, f"Adjudication of {name} at {client.url}")
    output.say(
        f"The adjudicator signs in at {client.url} and decides there; then "
        f"`erranal rounds adjudicate {quote(name)} --pull`."
    )


def _decide(study: Study, name: str, flags: Mapping[str, Any], *, as_json: bool) -> None:
    from erranal.rounds import adjudicate as stage
    from erranal.rounds import adjudicating

    if flags["pull"]:
        table = adjudicating.pull(study, name, client_of(flags["url"], flags["token_env"]))
    else:
        table = stage.decide_all(study, name, flags["decisions"], adjudicator=flags["adjudicator"])
    if as_json:
        output.table(table, as_json=True)
        return
    counts = table["result"].value_counts().rename_axis("result").reset_index(name="units")
    output.table(counts, as_json=False, title=f"Decisions on {name}")
    refused = table[table["result"] == "refused"].drop(columns="result")
    if len(refused):
        why = refused["detail"].str.replace(r"^unit \S+: ", "", regex=True)
        output.table(refused.assign(detail=why), as_json=False, title="Refused")
    output.say(f"`erranal rounds close {quote(name)}` ends the round when all is decided.")


def _disagreements(study: Study, name: str, out: Path | None, seed: int, *, as_json: bool) -> None:
    from erranal.rounds import adjudicate as stage
    from erranal.rounds import sheet

    table = stage.disagreements(study, name, seed=seed)
    if out is not None:
        sheet.save(table, out)
        if as_json:
            output.print_json({"file": str(out), "disagreements": len(table)})
            return
        output.say(f"{len(table)} disagreements are in {out}: fill in the last columns, then give")
        again = f"erranal rounds adjudicate {quote(name)} --decisions {quote(str(out))}"
        output.say(f"`{again} --adjudicator ALIAS`")
        return
    if as_json:
        output.table(table, as_json=True)
        return
    if table.empty:
        output.say("No unit that two have coded is in dispute.")
        return
    showing.disagreements(table)
    output.say("--out FILE.csv writes them to be decided on, --push brings them to the server.")


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
        output.say(f"{len(points)} points are in {out}.")
        return
    if as_json:
        output.table(points, as_json=True)
    elif points.empty:
        output.say("Nothing was flagged and nothing noted.")
    else:
        showing.agenda(points)
        output.say("--out FILE.md writes it with every note and where it was said.")


@click.command()
@_name
@options.db
@click.option("--force", is_flag=True, help="Although units are short of coders, or in dispute.")
@options.as_json
def close(name: str, db: Path, force: bool, as_json: bool) -> None:
    """Freeze a round; its gold labels become a judge's verdicts."""
    from erranal.rounds import lifecycle

    table = lifecycle.close(open_study(db), name, force=force)
    output.table(table, as_json=as_json, title=f"Gold labels of {name}")
    if not as_json:
        gold = quote(f"human:{name}")
        output.say(
            f"They are a judge now: `erranal judge compare JUDGE {gold}` says how far another one "
            "agrees with them."
        )


COMMANDS = (status, adjudicate, agenda, close)
