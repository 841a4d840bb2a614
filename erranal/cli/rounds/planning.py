"""Commands that draw a sample: plan, create and list."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from erranal.cli import options, output
from erranal.cli.rounds import showing

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
        help="Coded by more than one.",
    ),
    click.option(
        "--people",
        type=click.IntRange(min=2),
        default=2,
        show_default=True,
        help="How many code each unit of the overlap; in a calibration round each unit.",
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
    help="People who share the work, for the hours it takes.",
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
    showing.strata(pd.DataFrame(made["strata"]), "A round as it would be; nothing was written")
    output.say(_SAMPLE.format(**made, left_out=_left_out(made["excluded"])))
    output.say(_CODING.format(**made["coding"]))
    showing.precision(made["precision"])


_SAMPLE = (
    "{sampled_pairs} of {pairs} pairs with an error, worth {effective_pairs:.0f} drawn uniformly; "
    "{blind_pairs} of them are shown without suggestions.{left_out}"
)
_CODING = (
    "{overlap_units} units are coded by {people}, the others by one: {codings} codings, {hours} "
    "hours at {minutes_per_unit:g} minutes each, {hours_per_coder} for each of {coders} coders."
)


def _left_out(excluded: dict[str, int]) -> str:
    reasons = ", ".join(f"{number} {reason}" for reason, number in excluded.items())
    return f" Left out: {reasons}." if reasons else ""


@click.command()
@click.argument("name")
@options.db
@design
@options.as_json
def create(name: str, db: Path, as_json: bool, **wanted: Any) -> None:
    """Draw the sample of a round and freeze its form and instructions."""
    from erranal.rounds import planning

    table = planning.create(open_study(db), name, **wanted)
    if as_json:
        output.table(table, as_json=True)
        return
    showing.strata(table, f"Round {name}")
    shown = quote(name)
    output.say(
        f"`erranal rounds push {shown}` brings it to Label Studio (`erranal rounds serve FOLDER` "
        f"starts one); `erranal rounds export {shown} FOLDER` writes files for one out of reach."
    )


@click.command("list")
@options.db
@options.as_json
def list_(db: Path, as_json: bool) -> None:
    """List the rounds and how far they are."""
    from erranal.rounds import lifecycle

    frame = lifecycle.list_rounds(open_study(db))
    if as_json:
        output.table(frame, as_json=True)
    elif frame.empty:
        output.say(
            "There is no round yet: `erranal rounds plan --size PAIRS` shows what one costs."
        )
    else:
        showing.rounds(frame)


COMMANDS = (plan, create, list_)
