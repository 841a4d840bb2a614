"""The commands of human rounds, in the order of the work."""

from __future__ import annotations

import click

from erranal.cli import options
from erranal.cli.rounds import deciding, planning, serving


@click.group(cls=options.InOrder)
def rounds() -> None:
    """Have people code a sample of the errors in Label Studio."""


for command in (*planning.COMMANDS, *serving.COMMANDS, *deciding.COMMANDS):
    rounds.add_command(command)
