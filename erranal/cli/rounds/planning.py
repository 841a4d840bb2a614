"""Commands that draw a sample: plan, create and list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from erranal.cli import options, output

if TYPE_CHECKING:
    from erranal.store import Study

_share = click.FloatRange(0, 1)
design = options.combine(
    click.option(
        "--size", type=click.IntRange(min=1), required=True, metavar="PAIRS", help="Pairs to draw."
    ),
    options.codebook,
    click.option("--judge", metavar="JUDGE", help="Whose labels are suggested (see judge status)."),
    options.scorer,
    click.option(
        "--kind",
        type=click.Choice(["main", "calibration"]),
        default="main",
        show_default=True,
        help="A calibration round is small and coded by all, to learn the codebook.",
    ),
    click.option(
        "--purpose",
        type=click.Choice(["test", "tune"]),
        help="What the labels may be used for; test by default, tune for calibration.",
    ),
    click.option("--where", metavar="SQL", help="Only these pairs, e.g. \"model = 'gpt-4o'\"."),
    click.option(
        "--uniform-share", type=_share, default=0.4, show_default=True, help="Drawn uniformly."
    ),
    click.option(
        "--overlap-share",
        type=_share,
        default=0.3,
        show_default=True,
        help="Coded by two or more.",
    ),
    click.option(
        "--blind-share",
        type=_share,
        default=0.25,
        show_default=True,
        help="Coded without suggestions, to measure anchoring.",
    ),
    click.option(
        "--strata",
        default="family,pattern",
        show_default=True,
        help="What strata are made of; empty for a simple random sample.",
    ),
    click.option("--again", is_flag=True, help="Items of earlier rounds may be drawn again."),
    options.seed,
)


def open_study(db: Path) -> Study:
    """Return the study, which must be there."""
    import erranal

    return erranal.open(db, create=False)


@click.command()
@options.db
@design
@click.option(
    "--coders",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="People who code, for the hours it takes.",
)
@options.as_json
def plan(db: Path, coders: int, as_json: bool, **wanted: Any) -> None:
    """Say what a sample would look like and how precise its figures would be."""
    import pandas as pd

    from erranal.rounds import planning
    from erranal.rounds.expected import Pace

    made = planning.plan(open_study(db), pace=Pace(coders=coders), **wanted)
    if as_json:
        output.print_json(made)
        return
    names = ("pairs", "units", "sampled_pairs", "sampled_units", "effective_pairs", "blind_pairs")
    rows = [{"what": name.replace("_", " "), "number": made[name]} for name in names]
    output.table(pd.DataFrame(rows), as_json=False, title="Nothing was written")
    output.table(pd.DataFrame(made["strata"]), as_json=False, title="Strata")
    output.table(_as_frame(made["coding"]), as_json=False, title="Coding")
    output.table(_as_frame(made["precision"]), as_json=False, title="Expected precision")


def _as_frame(value: Any) -> Any:
    import pandas as pd

    if isinstance(value, dict):
        return pd.DataFrame([{"what": name, "value": one} for name, one in value.items()])
    return pd.DataFrame(value)


@click.command()
@click.argument("name")
@options.db
@design
@options.as_json
def create(name: str, db: Path, as_json: bool, **wanted: Any) -> None:
    """Draw the sample of a round and freeze its form and instructions."""
    from erranal.rounds import planning

    table = planning.create(open_study(db), name, **wanted)
    output.table(table, as_json=as_json, title=f"Round {name}")
    output.say(f"`erranal rounds push {name}` brings it to a server.")


@click.command("list")
@options.db
@options.as_json
def list_(db: Path, as_json: bool) -> None:
    """List the rounds and how far they are."""
    from erranal.rounds import lifecycle

    output.table(lifecycle.list_rounds(open_study(db)), as_json=as_json, title="Rounds")


COMMANDS = (plan, create, list_)
