"""Commands that exchange files: batch services, and labels made elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from erranal.cli import options, output
from erranal.cli.judging.asking import choice, job_of, model, open_study, terms, terms_of

_files = click.argument("files", nargs=-1, required=True, type=options.AS_PATH)


@click.group(cls=options.InOrder)
def batch() -> None:
    """Judge by way of a provider's batch service: cheaper, within a day."""


@batch.command("export")
@click.argument("folder", type=options.AS_PATH)
@options.db
@model
@choice
@terms
@click.option("--retry", is_flag=True, help="Only what failed or could not be read.")
@options.as_json
@options.quiet
def export(folder: Path, db: Path, as_json: bool, quiet: bool, **flags: Any) -> None:
    """Write what is due to batch files (OpenAI or Anthropic); nothing asks it again meanwhile."""
    from erranal.judge import batches

    study = open_study(db)
    with output.progress_bar(quiet=quiet or as_json) as progress:
        made = batches.export(job_of(study, flags), terms_of(flags), folder, progress=progress)
    output.table(made, as_json=as_json, title="Batch files")
    for reason, count in made.attrs["left"].items():
        if count:
            output.say(f"{count:,} left out: {_LEFT.get(reason, reason)}")


_LEFT = {
    "too_large": "too large for a file of this service",
    "over_budget": "beyond the budget",
    "answered_already": "answered already; `erranal judge run` gives their verdicts, and asks "
    "again about replies that cannot be read",
}


@batch.command("import")
@_files
@options.db
@click.option("--prices", type=options.AS_PATH, help="TOML file of prices.")
@options.as_json
@options.quiet
def import_(
    files: tuple[Path, ...], db: Path, prices: Path | None, as_json: bool, quiet: bool
) -> None:
    """Land the results of batch files and give their verdicts."""
    from erranal.judge import batches

    with output.progress_bar(quiet=quiet or as_json) as progress:
        table = batches.import_(open_study(db), files, prices=prices, progress=progress)
    verdicts, problems = table.attrs["verdicts"], table.attrs["problems"]
    if as_json:
        said = {"files": output.records(table), "verdicts": verdicts, "problems": problems}
        output.print_json(said)
        return
    output.table(table, as_json=False, title="Results")
    output.say(", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in verdicts.items()))
    if verdicts["to_repair"]:
        output.say("`erranal judge run` asks again about replies that cannot be read.")
    for problem in problems[:20]:
        output.say(problem)
    if len(problems) > 20:
        output.say(f"... and {len(problems) - 20} more problems (--json has all)")


@batch.command("list")
@options.db
@options.as_json
def list_(db: Path, as_json: bool) -> None:
    """List the batch files and what came back of each."""
    from erranal.judge import batches

    output.table(batches.listed(open_study(db)), as_json=as_json, title="Batch files")


@batch.command("forget")
@click.argument("file")
@options.db
def forget(file: str, db: Path) -> None:
    """Give up a batch file that will not come back, so that its calls are due again."""
    from erranal.judge import batches

    given_up = batches.forget(open_study(db), file)
    output.say(f"{given_up:,} requests of {file} are due again.")


@click.command("import")
@_files
@options.db
@click.option("--name", required=True, help="What to call these labels, e.g. gold.")
@options.codebook
@click.option(
    "--field",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="Where a value is, e.g. codes=labels (repeatable).",
)
@click.option(
    "--constant",
    multiple=True,
    metavar="FIELD=VALUE",
    help="A value for all rows, e.g. model=gpt-4o (repeatable).",
)
@click.option(
    "--rename",
    multiple=True,
    metavar="NAME=CODE",
    help="A label of the files' own and the code it stands for (repeatable).",
)
@options.as_json
@options.quiet
def import_labels(
    files: tuple[Path, ...],
    db: Path,
    name: str,
    codebook: str,
    as_json: bool,
    quiet: bool,
    **pairs: Any,
) -> None:
    """Read labels made elsewhere (CSV, JSONL, Parquet) as one more judge."""
    from erranal import codebook as books
    from erranal.judge import labels

    study = open_study(db)
    with output.progress_bar(quiet=quiet or as_json) as progress:
        table = labels.import_labels(
            study,
            files,
            name=name,
            codebook=codebook,
            fields=_pairs(pairs["field"]),
            constant=_pairs(pairs["constant"]),
            rename=_pairs(pairs["rename"]),
            progress=progress,
        )
    rejected = labels.rejects(study, name, books.load(codebook).codebook_id)
    if as_json:
        said = {"files": output.records(table), "rejected": output.records(rejected)}
        output.print_json(said)
        return
    output.table(table, as_json=False, title=f"Labels of {name}")
    if len(rejected):
        output.table(rejected, as_json=False, title="Rows that could not land")


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    for text in given:
        if "=" not in text:
            raise click.UsageError(f"{text!r} has no '=': give NAME=VALUE")
    return dict(text.split("=", 1) for text in given)


@click.command()
@click.argument("gold", metavar="JUDGE")
@options.db
@click.option(
    "--test-share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.5,
    show_default=True,
    help="Share of the items that is kept for the test.",
)
@options.seed
@click.option("--force", is_flag=True, help="Divide anew, although a judge may have seen tune.")
@options.as_json
def split(gold: str, db: Path, test_share: float, seed: int, force: bool, as_json: bool) -> None:
    """Divide imported labels by item: one part to tune a judge with, one to test it on."""
    from erranal.judge import gold as labelled

    table = labelled.split(open_study(db), gold, test_share=test_share, seed=seed, force=force)
    output.table(table, as_json=as_json, title="Items by code")


COMMANDS = (batch, import_labels, split)
