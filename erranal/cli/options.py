"""Options that several commands share, as decorators."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_DB = Path("db/study.duckdb")
AS_PATH = click.Path(path_type=Path)


class InOrder(click.Group):
    """A group that lists its commands in the order of the work."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands as they were added."""
        return list(self.commands)


db = click.option(
    "--db",
    type=AS_PATH,
    envvar="ERRANAL_DB",
    default=DEFAULT_DB,
    show_default=True,
    help="Study database.",
)
as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON to stdout, for machines."
)
quiet = click.option("--quiet", "-q", is_flag=True, help="No progress, no remarks.")
limit = click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="Work on this many only."
)
dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done and stop.")
scorer = click.option(
    "--scorer",
    type=click.Choice(["erranal", "imported"]),
    default="erranal",
    show_default=True,
    help="Scorer that says what is right.",
)
seed = click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Seed of everything random.",
)
encoder = click.option(
    "--encoder",
    default="auto",
    show_default=True,
    help="Sentence-transformers name or path; 'lexical' is built in and knows words only; "
    "'auto' takes MiniLM where it is installed, else lexical.",
)
population = click.option(
    "--population",
    type=click.Choice(["errors", "all"]),
    default="errors",
    show_default=True,
    help="Which outputs.",
)
codebook = click.option(
    "--codebook",
    default="modality_gap",
    show_default=True,
    help="Codebook name, or path of a YAML file.",
)
out = click.option("--out", type=AS_PATH, help="Where to write the page.")


def files(command: Command) -> Command:
    """Add the arguments and options that say which files to read, and how."""
    for option in reversed(_FILES):
        command = option(command)
    return command


_FILES = (
    click.argument("files", nargs=-1, type=AS_PATH),
    click.option(
        "--text", multiple=True, type=AS_PATH, help="Results of the text arm (repeatable)."
    ),
    click.option(
        "--image", multiple=True, type=AS_PATH, help="Results of the image arm (repeatable)."
    ),
    click.option(
        "--reader",
        type=click.Choice(["auto", "table", "mmmu-pro", "isobench"]),
        default="auto",
        show_default=True,
        help="Layout of the files.",
    ),
    click.option("--mapping", type=AS_PATH, help="TOML file that says which field is which."),
    click.option(
        "--field",
        multiple=True,
        metavar="TARGET=SOURCE",
        help="Where a value is, e.g. id=question_id (repeatable).",
    ),
    click.option(
        "--constant",
        multiple=True,
        metavar="TARGET=VALUE",
        help="A value for all rows, e.g. model=my-vlm (repeatable).",
    ),
)


def combine(*options: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Put several options on a command, in the order given."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


machine = combine(as_json, quiet)
stage = combine(dry_run, as_json, quiet)
