"""The judge's commands, in the order of the work."""

from __future__ import annotations

import click

from erranal.cli import options
from erranal.cli.judging import asking, files, looking


@click.group(cls=options.InOrder)
def judge() -> None:
    """Label the errors against a codebook, by a model or by rules."""


for command in (*asking.COMMANDS, *looking.COMMANDS, *files.COMMANDS):
    judge.add_command(command)
