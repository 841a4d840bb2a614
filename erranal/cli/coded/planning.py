"""``erranal plan``."""

from __future__ import annotations

from math import isinf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from erranal.cli import options, output
from erranal.cli.coded import basis

if TYPE_CHECKING:
    import pandas as pd


@click.command()
@options.db
@basis.rounds
@basis.judge
@click.option(
    "--half-width",
    type=float,
    default=0.02,
    show_default=True,
    help="Wanted half-width of a corrected rate per item.",
)
@click.option(
    "--effect",
    type=float,
    default=0.05,
    show_default=True,
    help="Change of a rate per item that is to be found.",
)
@click.option(
    "--power", type=float, default=0.8, show_default=True, help="Wanted chance to find it."
)
@click.option(
    "--labels",
    type=click.IntRange(min=1),
    metavar="N",
    help="The reverse: what N labelled pairs in all would give.",
)
@basis.level
@basis.interim
@options.as_json
@options.quiet
def plan(
    db: Path,
    half_width: float,
    effect: float,
    power: float,
    labels: int | None,
    level: float,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Say how many more labels a width or a power takes, from what is known so far."""
    import erranal
    from erranal.prevalence import planning

    wanted = planning.Wanted(half_width, labels, effect, power, level)
    study = erranal.open(db, create=False)
    found = planning.plan(study, wanted, **given)
    if as_json:
        output.print_json(basis.about(found) | {"plan": output.records(found)})
        return
    basis.say(found, quiet=quiet)
    if found.empty:
        output.say("Nothing can be foretold: humans have given no code yet.")
        return
    rates, changes = (found[found["what"] == what] for what in ("rate", "change"))
    output.table(_rates(rates, labels), as_json=False, title="Rates per item")
    title = f"Finding a change of {100 * effect:g} points"
    output.table(_changes(changes, labels), as_json=False, title=title)
    if quiet:
        return
    output.say(
        "Labels are labelled pairs. Give all that the plan asks for before looking: stopping when "
        "an interval is narrow enough breaks its coverage."
    )


def _rates(rows: pd.DataFrame, labels: int | None) -> pd.DataFrame:
    table = rows[["code", "arm", "labels_now"]].rename(columns={"labels_now": "labels now"})
    table["± now, points"] = (100 * rows["now"]).round(2)
    if labels is not None:
        return table.assign(**{f"± with {labels}": (100 * rows["goal"]).round(2)})
    table["± wanted"] = (100 * rows["goal"]).round(2)
    return table.assign(**{"more labels": [_count(more) for more in rows["more"]]})


def _changes(rows: pd.DataFrame, labels: int | None) -> pd.DataFrame:
    table = rows[["code", "arm", "labels_now"]].rename(columns={"labels_now": "labels now"})
    table["power now"] = rows["now"].round(2)
    if labels is not None:
        return table.assign(**{f"power with {labels}": rows["power"].round(2)})
    table["power wanted"] = rows["power"]
    return table.assign(**{"more labels": [_count(more) for more in rows["more"]]})


def _count(labels: float) -> str:
    return "no number is enough" if isinf(labels) else f"{labels:.0f}"
