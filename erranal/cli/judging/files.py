"""Commands that exchange files: batch services, and labels made elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from erranal.cli import options, output
from erranal.cli.judging import fitting
from erranal.cli.judging.flags import choice, job_of, model, open_study, typable

if TYPE_CHECKING:
    import pandas as pd

_files = click.argument("files", nargs=-1, required=True, type=options.AS_PATH)
_prices = click.option("--prices", type=options.AS_PATH, help="TOML file of prices (see README).")
_PROBLEMS = 20


@click.group(cls=options.InOrder)
def batch() -> None:
    """Judge by way of a provider's batch service: cheaper, within a day."""


@batch.command("export")
@click.argument("folder", type=options.AS_PATH)
@options.db
@model
@choice
@click.option(
    "--budget", type=click.FloatRange(min=0), metavar="USD", help="Export what costs no more."
)
@_prices
@click.option("--pictures", type=options.AS_PATH, help="Folder of the pictures.")
@click.option("--retry", is_flag=True, help="Only what failed or could not be read.")
@options.machine
def export(
    folder: Path,
    db: Path,
    budget: float | None,
    prices: Path | None,
    pictures: Path | None,
    as_json: bool,
    quiet: bool,
    **flags: Any,
) -> None:
    """Write what is due to batch files (OpenAI or Anthropic); nothing asks it again meanwhile."""
    from erranal.engine import Limits
    from erranal.judge import Terms, batches

    study = open_study(db)
    terms = Terms(limits=Limits(budget_usd=budget), prices=prices, pictures=pictures)
    with output.progress_bar(quiet=quiet or as_json) as progress:
        made = batches.export(job_of(study, flags), terms, folder, progress=progress)
    left = made.attrs["left"]
    if as_json:
        output.print_json({"files": output.records(made), "left": left})
        return
    if len(made):
        output.table(_few(made), as_json=False, title="Batch files (--json has more)")
    elif not quiet:
        output.say("No file was written: nothing is due that could be exported.")
    for reason, count in left.items():
        if count and not quiet:
            output.say(f"{count:,} left out: {_LEFT.get(reason, reason)}")


def _few(made: pd.DataFrame) -> pd.DataFrame:
    shown = made.rename(columns={"cost_usd": "USD", "cost_usd_at_most": "USD at most"})
    return fitting.without_empty(
        shown.drop(columns=["bytes", "tokens_in", "tokens_out"]), "USD", "USD at most"
    )


_LEFT = {
    "too_large": "too large for a file of this service",
    "over_budget": "beyond the budget",
    "answered_already": "answered already; `erranal judge run` gives their verdicts, and asks "
    "again about replies that cannot be read",
}


@batch.command("import")
@_files
@options.db
@_prices
@options.machine
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
    counts = ("refused", "failed", "returned", "known", "unknown", "unreadable")
    output.table(fitting.without_empty(table, *counts), as_json=False, title="Results")
    if not quiet:
        _say_verdicts(verdicts, problems)


def _say_verdicts(verdicts: dict[str, int], problems: list[str]) -> None:
    output.say(", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in verdicts.items()))
    if verdicts["to_repair"]:
        output.say("`erranal judge run` asks again about replies that cannot be read.")
    for problem in problems[:_PROBLEMS]:
        output.say(problem)
    if len(problems) > _PROBLEMS:
        output.say(f"... and {len(problems) - _PROBLEMS} more problems (--json has all)")


@batch.command("list")
@options.db
@options.machine
def list_(db: Path, as_json: bool, quiet: bool) -> None:
    """List the batch files and what came back of each."""
    from erranal.judge import batches

    listed = batches.listed(open_study(db))
    if as_json:
        output.table(listed, as_json=True)
        return
    waiting = int(listed["waiting"].sum())
    listed["exported_at"] = fitting.minutes(listed["exported_at"])
    listed["codebook"] = listed["codebook"].str.partition("#")[0]
    shown, said = fitting.without_same(listed.drop(columns="judge_id"), "judge", "codebook")
    shown = fitting.without_empty(shown, "refused", "failed")
    title = f"Batch files of {said}" if said else "Batch files"
    output.table(shown.rename(columns={"exported_at": "exported"}), as_json=False, title=title)
    if waiting and not quiet:
        output.say(
            f"{waiting:,} requests wait for their results: `erranal judge batch import` lands "
            "them, `erranal judge batch forget FILE` gives a file up."
        )


@batch.command("forget")
@click.argument("file")
@options.db
@options.machine
def forget(file: str, db: Path, as_json: bool, quiet: bool) -> None:
    """Give up a batch file that will not come back, so that its calls are due again."""
    from erranal.judge import batches

    given_up = batches.forget(open_study(db), file)
    if as_json:
        output.print_json({"file": Path(file).name, "due_again": given_up})
    elif not quiet:
        output.say(f"{given_up:,} requests of {file} are due again.")


@click.command("import")
@_files
@options.db
@click.option(
    "--name", callback=typable, required=True, help="What to call these labels, e.g. gold."
)
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
@options.machine
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
    rejected = labels.rejects(study, name, books.load(codebook).codebook_id, files)
    if as_json:
        said = {"files": output.records(table), "rejected": output.records(rejected)}
        output.print_json(said)
        return
    # What the note says, the rows below say in full.
    shown = fitting.without_empty(table.drop(columns="note"), "changed", "unchanged", "unlabelled")
    output.table(shown, as_json=False, title=f"Labels of {name}")
    if len(rejected):
        shown, path = fitting.without_same(rejected, "path")
        title = f"Rows of {path} that could not land" if path else "Rows that could not land"
        output.table(shown, as_json=False, title=title)


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
@options.machine
def split(
    gold: str, db: Path, test_share: float, seed: int, force: bool, as_json: bool, quiet: bool
) -> None:
    """Divide imported labels by item: one part to tune a judge with, one to test it on."""
    from erranal.judge import gold as labelled

    table = labelled.split(open_study(db), gold, test_share=test_share, seed=seed, force=force)
    output.table(table, as_json=as_json, title="Items by code")
    if not (quiet or as_json):
        output.say(
            f"`erranal judge compare JUDGE {gold} --part test` tests a judge on the test part."
        )


COMMANDS = (batch, import_labels, split)
