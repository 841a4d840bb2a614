"""Commands that look at what judges said: status, show and compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from erranal.cli import options, output
from erranal.cli.judging.asking import open_study

if TYPE_CHECKING:
    import pandas as pd

    from erranal.judge.compare import Comparison


@click.command()
@options.db
@options.as_json
def status(db: Path, as_json: bool) -> None:
    """List the judges: what each has judged, could not, and cost."""
    frame = open_study(db).read("judge_status")
    shown = frame
    if not as_json:
        named = {"cost_usd": "USD", "verdicts": "all", "refused": "ref.", "unparsed": "unp."}
        book = frame["codebook"].str.partition("#")[0]
        shown = frame.assign(codebook=book)[_STATUS].rename(columns=named)
    output.table(shown, as_json=as_json, title="Judges (--json has more)")


_STATUS = ["judge", "kind", "codebook", "verdicts", "ok", "unparsed", "failed", "refused"]
_STATUS += ["gaps", "exported", "mode", "cost_usd"]


@click.command()
@click.argument("record", metavar="RECORD")
@options.db
@click.option("--prompt/--no-prompt", default=True, help="Print the prompts too.")
@options.as_json
def show(record: str, db: Path, prompt: bool, as_json: bool) -> None:
    """Show one record's verdicts, with the exact prompts and replies behind them."""
    from erranal.judge import show as showing

    found = showing.show(open_study(db), record)
    if as_json:
        output.print_json(found)
        return
    print(output.printable(showing.in_words(found, prompts=prompt)))


@click.command()
@click.argument("judges", nargs=-1, metavar="JUDGE JUDGE...", required=True)
@options.db
@options.scorer
@click.option(
    "--part",
    type=click.Choice(["tune", "test"]),
    help="Only items in this part of the gold labels (see `judge split`).",
)
@click.option("--disagreements", is_flag=True, help="List the records on which they differ.")
@options.as_json
def compare(
    judges: tuple[str, ...],
    db: Path,
    scorer: str,
    part: str | None,
    disagreements: bool,
    as_json: bool,
) -> None:
    """Compare judges, or one judge under two codebooks: NAME, or NAME+CODEBOOK."""
    from erranal.judge import compare as comparing

    study = open_study(db)
    if len(judges) < 2:
        raise click.UsageError("name two judges: `erranal judge status` lists them")
    if len(judges) > 2:
        table = comparing.pairwise(study, judges, scorer=scorer, part=part)
        output.table(table, as_json=as_json, title="Agreement of every two judges")
        return
    found = comparing.compare(study, *judges, scorer=scorer, part=part)
    if disagreements:
        frame = found.disagreements if as_json else _short(found.disagreements)
        output.table(frame, as_json=as_json, title="Records on which they differ")
    elif as_json:
        output.print_json(_plain(found))
    else:
        _draw(found)


def _short(records: pd.DataFrame) -> pd.DataFrame:
    """Return what fits a terminal; the start of an id is enough for `judge show`."""
    shown = records[["output_id", "arm", "primary_a", "primary_b", "only_a", "only_b"]]
    return shown.assign(output_id=shown["output_id"].str[:10])


def _plain(found: Comparison) -> dict[str, Any]:
    import pandas as pd

    return {
        name: output.records(value) if isinstance(value, pd.DataFrame) else value
        for name, value in vars(found).items()
    }


def _draw(found: Comparison) -> None:
    output.say(f"A is {found.a}, B is {found.b}.")
    output.table(found.totals, as_json=False, title="Records")
    shown = ["code", "n", "both", "only_a", "only_b", "neither", "observed", "positive", "kappa"]
    output.table(found.per_code[shown], as_json=False, title="Codes (--json has all figures)")
    if len(found.left_out):
        output.table(found.left_out, as_json=False, title="Codes that are not compared")
    if found.quality is not None:
        figures = ["code", "arm", "n", "gold", "sensitivity", "specificity", "precision"]
        known = found.quality.loc[found.quality["gold"] > 0, figures].round(2)
        title = "A against the labels of B, codes that B gave (--json has all, and the limits)"
        output.table(known, as_json=False, title=title)
    output.say("`--disagreements` lists the records on which they differ.")


COMMANDS = (status, show, compare)
