"""What commands on labels have in common: which rounds and judge, and what is said of them."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any

import click

from erranal.cli import output

if TYPE_CHECKING:
    import pandas as pd


class _Level(click.FloatRange):
    """A range that does not let through what is no number, which is neither below nor above it."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the level, or refuse it."""
        number = float(super().convert(value, param, ctx))
        if isnan(number):
            self.fail(f"{value} is no confidence level: give e.g. 0.95", param, ctx)
        return number


level = click.option(
    "--level",
    type=_Level(0.5, 0.999),
    default=0.95,
    show_default=True,
    help="Confidence level of the intervals.",
)
rounds = click.option(
    "--round",
    "rounds",
    multiple=True,
    metavar="NAME",
    help="Round to rest on, repeatable; by default all test rounds of the newest codebook.",
)
judge = click.option(
    "--judge", metavar="NAME", help="Judge; by default the one the rounds show labels of."
)
interim = click.option(
    "--interim", is_flag=True, help="Use rounds that are not closed; every number is marked."
)


def records(found: pd.DataFrame) -> dict[str, Any]:
    """Return estimates and what they rest on as plain JSON values."""
    kept = found.drop(columns=["journal_id", "rounds"])
    return about(found) | {"estimates": output.records(kept)}


def about(found: pd.DataFrame) -> dict[str, Any]:
    """Return what numbers rest on as plain JSON values."""
    basis = found.attrs["basis"]
    return {
        "rounds": list(basis.rounds),
        "judge": basis.judge,
        "codebook_id": basis.codebook_id,
        "excluded": found.attrs["excluded"],
        "notes": list(basis.notes),
    }


def say(found: pd.DataFrame, *, quiet: bool) -> None:
    """Say on stderr what estimates rest on, and what was left out."""
    if quiet:
        return
    basis = found.attrs["basis"]
    rounds = ", ".join(basis.rounds)
    output.say(f"Round {rounds}, {basis.codebook_id}, judge {basis.judge or 'none'}.")
    for reason, count in found.attrs["excluded"].items():
        output.say(f"Left out: {count} units, {reason}.", style="yellow")
    for note in basis.notes:
        output.say(f"Note: {note}.", style="yellow")


def said_once(found: pd.DataFrame) -> pd.DataFrame:
    """Take from each row what was said of all of them."""
    notes = "; ".join(found.attrs["basis"].notes)
    rest = found["note"].fillna("").str.removeprefix(notes).str.removeprefix("; ")
    return found.assign(note=rest)
