"""Commands that talk to Label Studio: serve, push, pull, and files for teams without a token."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from erranal.cli import options, output
from erranal.cli.rounds import showing
from erranal.cli.rounds.planning import open_study

if TYPE_CHECKING:
    import pandas as pd

    from erranal.rounds.labelstudio import LabelStudio
    from erranal.store import Study

_name = click.argument("name", metavar="ROUND")
server = options.combine(
    click.option(
        "--url",
        envvar="LABEL_STUDIO_URL",
        default="http://127.0.0.1:8080",
        show_default=True,
        help="Address of the Label Studio server.",
    ),
    click.option(
        "--token-env",
        metavar="NAME",
        default="LABEL_STUDIO_API_KEY",
        show_default=True,
        help="Environment variable that holds the token (either kind).",
    ),
)


def client_of(url: str, token_env: str) -> LabelStudio:
    """Return the server at an address, with the token in an environment variable."""
    from erranal.rounds.labelstudio import LabelStudio

    return LabelStudio(url, token_env=token_env)


pictures = options.combine(
    click.option(
        "--images",
        type=click.Choice(["auto", "local", "upload", "data", "none"]),
        default="auto",
        show_default=True,
        help="How pictures reach the server; auto is local where its folder is known, else upload.",
    ),
    click.option(
        "--image-folder",
        type=options.AS_PATH,
        envvar="LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT",
        help="The folder a server on this machine shows files from (its document root).",
    ),
)


@click.command()
@click.argument("folder", type=options.AS_PATH)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8080,
    show_default=True,
    help="Port on this machine.",
)
@click.option(
    "--coders",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Accounts for so many coders, beside the administrator's.",
)
@click.option(
    "--environment", type=options.AS_PATH, help="An environment that has Label Studio already."
)
@options.quiet
def serve(folder: Path, port: int, coders: int, environment: Path | None, quiet: bool) -> None:
    """Run a local Label Studio, all of it in FOLDER, until Ctrl-C; the first start installs it."""
    from erranal.rounds import server as local

    with output.progress_bar(quiet=quiet) as progress:
        local.serve(
            folder,
            port=port,
            coders=coders,
            environment_path=environment,
            progress=progress,
            ready=lambda running: output.say(running.message()),
        )


@click.command()
@_name
@options.db
@server
@click.option(
    "--layout",
    type=click.Choice(["overlap", "per-coder"]),
    default="overlap",
    show_default=True,
    help="One project for all, or one for each coder.",
)
@click.option(
    "--coder", multiple=True, help="E-mail of a coder, for per-coder or calibration (repeatable)."
)
@pictures
@options.limit
@options.as_json
@options.quiet
def push(
    name: str, db: Path, url: str, token_env: str, as_json: bool, quiet: bool, **flags: Any
) -> None:
    """Bring a round to the server; given again, it adds what is missing and nothing twice."""
    from erranal.rounds import push as stage

    study, client = open_study(db), client_of(url, token_env)
    flags["coders"] = flags.pop("coder")
    with output.progress_bar(quiet=quiet or as_json) as progress:
        table = stage.push(study, name, client, progress=progress, **flags)
    if as_json:
        output.table(table, as_json=True)
        return
    showing.moved(table, f"Projects of {name} at {client.url}")
    if not quiet:
        output.say(
            f"Coders sign in at {client.url} and press Label All Tasks in each project of theirs; "
            f"then `erranal rounds pull {quote(name)}`."
        )


@click.command()
@_name
@options.db
@server
@click.option("--full", is_flag=True, help="Read everything again and look for deletions.")
@options.as_json
@options.quiet
def pull(
    name: str, db: Path, url: str, token_env: str, full: bool, as_json: bool, quiet: bool
) -> None:
    """Read what coders did since the last pull; nothing is overwritten by anything older."""
    from erranal.rounds import pull as stage

    study, client = open_study(db), client_of(url, token_env)
    with output.progress_bar(quiet=quiet or as_json) as progress:
        table = stage.pull(study, name, client, full=full, progress=progress)
    _say_landed(study, name, table, as_json=as_json, quiet=quiet)


def _say_landed(
    study: Study, name: str, table: pd.DataFrame, *, as_json: bool, quiet: bool
) -> None:
    from erranal.rounds import pull as stage

    if as_json:
        output.table(table, as_json=True)
        return
    showing.moved(table, f"Labels of {name}")
    showing.refused(stage.refused(study, name))
    if not quiet:
        output.say(f"`erranal rounds status {quote(name)}` says how far it is.")


@click.command("export")
@_name
@click.argument("folder", type=options.AS_PATH)
@options.db
@click.option(
    "--layout",
    type=click.Choice(["overlap", "per-coder"]),
    default="overlap",
    show_default=True,
    help="One project for all, or one for each coder.",
)
@click.option("--coder", multiple=True, help="A coder, for per-coder (repeatable).")
@click.option(
    "--images",
    type=click.Choice(["data", "local", "none"]),
    default="data",
    show_default=True,
    help="How pictures come along.",
)
@options.limit
@options.as_json
def export(name: str, folder: Path, db: Path, as_json: bool, **flags: Any) -> None:
    """Write a round as files to import in Label Studio by hand, where there is no token."""
    from erranal.rounds import exporting

    flags["coders"] = flags.pop("coder")
    table = exporting.export(open_study(db), name, folder, **flags)
    if as_json:
        output.table(table, as_json=True)
        return
    output.table(table[["file", "people", "units"]], as_json=False, title=f"Files in {folder}")
    output.say(
        "In Label Studio, make a project for each: paste the .form.xml under Labeling Setup, Code, "
        "and import the .tasks.json; where there are 2 people, once for each of them, unless your "
        "server gives a task to several. Export each as JSON when it is coded, then "
        f"`erranal rounds import {quote(name)} EXPORT.json ...`."
    )


@click.command("import")
@_name
@click.argument("files", nargs=-1, required=True, type=options.AS_PATH)
@options.db
@click.option(
    "--source", default="files", show_default=True, help="Names the server they are from."
)
@options.as_json
@options.quiet
def import_(
    name: str, files: tuple[Path, ...], db: Path, source: str, as_json: bool, quiet: bool
) -> None:
    """Read Label Studio's JSON exports of a round."""
    from erranal.rounds import exchange

    study = open_study(db)
    with output.progress_bar(quiet=quiet or as_json) as progress:
        table = exchange.import_(study, name, files, source=source, progress=progress)
    _say_landed(study, name, table, as_json=as_json, quiet=quiet)


COMMANDS = (serve, push, pull, export, import_)
