"""Commands that look at what judges said: status, show and compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from erranal.cli import options, output
from erranal.cli.judging import fitting
from erranal.cli.judging.flags import open_study

if TYPE_CHECKING:
    import pandas as pd

    from erranal.judge.compare import Comparison

_COUNTS = {"verdicts": "all", "ok": "ok", "unparsed": "unp.", "failed": "failed"}
_COUNTS |= {"refused": "ref.", "gaps": "gaps", "exported": "exported", "cost_usd": "USD"}
# Broken, so that a code fits beside them.
_AGREEMENT = {"code": "code", "n": "n", "both": "both", "only_a": "only\nA", "only_b": "only\nB"}
_AGREEMENT |= {"neither": "nei-\nther", "observed": "ob-\nserved", "positive": "posi-\ntive"}
_AGREEMENT |= {"kappa": "kappa"}
_QUALITY = {"code": "code", "arm": "arm", "n": "n", "gold": "gold", "sensitivity": "sensi-\ntivity"}
_QUALITY |= {"specificity": "speci-\nficity", "precision": "preci-\nsion"}


@click.command()
@options.db
@options.machine
def status(db: Path, as_json: bool, quiet: bool) -> None:
    """List the judges: what each has judged, could not, and cost."""
    from erranal.judge import status as standing

    frame = standing.status(open_study(db))
    if as_json:
        output.table(frame, as_json=True)
        return
    _draw_status(frame)
    if not quiet and len(frame):
        output.say(
            "Judges are named as in the first column, or by the start of what follows the #."
        )


def _draw_status(frame: pd.DataFrame) -> None:
    """Draw what the judges have done, and below it how they are set: that is too wide for one."""
    frame = frame.assign(
        judge=frame["short"],
        codebook=frame["codebook"].str.partition("#")[0],
        model=_unsaid(frame["model"], frame["short"]),
        last=fitting.minutes(frame["last_judged"]),
    )
    done, book = fitting.without_same(frame[["judge", "kind", "codebook", *_COUNTS]], "codebook")
    done = fitting.without_empty(done, *list(_COUNTS)[2:])
    title = f"Judges under {book}" if book else "Judges"
    output.table(done.rename(columns=_COUNTS), as_json=False, title=f"{title} (--json has more)")
    told = ("model", "settings", "mode")
    how = fitting.without_empty(frame[["judge", *told, "last"]], *told)
    output.table(how, as_json=False, title="How they are set, and when they last judged")


def _unsaid(models: pd.Series, judges: pd.Series) -> list[str]:
    """Return the models that the names of their judges do not say."""
    pairs = zip(models.fillna(""), judges, strict=True)
    return ["" if judge.startswith(model.partition(":")[2]) else model for model, judge in pairs]


@click.command()
@click.argument("record", metavar="RECORD")
@options.db
@click.option("--prompt/--no-prompt", default=True, help="Print the prompts too.")
@click.option(
    "--pictures",
    type=options.AS_PATH,
    help="Folder of the pictures; by default where the judge's runs found them.",
)
@options.machine
def show(
    record: str, db: Path, prompt: bool, pictures: Path | None, as_json: bool, quiet: bool
) -> None:
    """Show one record's verdicts, with the exact prompts and replies behind them."""
    from erranal.judge import show as showing

    found = showing.show(open_study(db), record, pictures=pictures)
    if as_json:
        output.print_json(found)
        return
    print(output.printable(showing.in_words(found, prompts=prompt)))
    if not (quiet or found["calls"]):
        output.say("No model was asked about this output.")


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
@options.machine
def compare(
    judges: tuple[str, ...],
    db: Path,
    scorer: str,
    part: str | None,
    disagreements: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compare judges, or one judge under two codebooks: NAME, or NAME+CODEBOOK."""
    from erranal.judge import compare as comparing

    study = open_study(db)
    if len(judges) < 2:
        raise click.UsageError("name two judges: `erranal judge status` lists them")
    if len(judges) > 2:
        if disagreements:
            raise click.UsageError("--disagreements is between two judges: name two")
        table = comparing.pairwise(study, judges, scorer=scorer, part=part)
        if as_json:
            output.table(table, as_json=True)
        else:
            _draw_pairs(table, comparing.described(study, judges))
        return
    found = comparing.compare(study, *judges, scorer=scorer, part=part)
    if as_json:
        output.print_json(output.records(found.disagreements) if disagreements else _plain(found))
    elif disagreements:
        _draw_disagreements(found)
    else:
        _draw(found)
        if not quiet:
            output.say("`--disagreements` lists the records on which they differ.")


def _draw_disagreements(found: Comparison) -> None:
    """Draw what fits a terminal; the start of an id is enough for `judge show`."""
    records = found.disagreements
    shown = records[["output_id", "arm"]].assign(output_id=records["output_id"].str[:10])
    for side, other in ("ab", "ba"):
        names = [f"only_{side}", f"primary_{side}", f"primary_{other}"]
        shown[f"only {side.upper()}"] = [
            _starred(*row) for row in records[names].itertuples(index=False)
        ]
    _draw_judges(found.judges)
    title = "Records on which they differ (* the primary code, where they name two)"
    output.table(shown, as_json=False, title=title)


def _starred(only: list[str], primary: object, other: object) -> list[str]:
    """Return the codes of one side only, with its primary code marked where it is another one."""
    differs = isinstance(primary, str) and primary != other
    also = [primary] if differs and primary not in only else []
    return [f"{code}*" if differs and code == primary else str(code) for code in [*only, *also]]


def _plain(found: Comparison) -> dict[str, Any]:
    import pandas as pd

    return {
        name: output.records(value) if isinstance(value, pd.DataFrame) else value
        for name, value in vars(found).items()
    }


def _draw(found: Comparison) -> None:
    _draw_judges(found.judges)
    output.table(found.totals, as_json=False, title="Records")
    per_code = found.per_code[list(_AGREEMENT)].round(2).rename(columns=_AGREEMENT)
    output.table(per_code, as_json=False, title="Codes (--json has all figures)")
    if len(found.left_out):
        output.table(found.left_out, as_json=False, title="Codes that are not compared")
    if found.quality is not None:
        known = found.quality.loc[found.quality["gold"] > 0, list(_QUALITY)].round(2)
        known = known.rename(columns=_QUALITY)
        title = "A against the labels of B, codes that B gave (--json has all, and the limits)"
        output.table(known, as_json=False, title=title)


def _draw_pairs(table: pd.DataFrame, judges: pd.DataFrame) -> None:
    """Draw the agreement of every two judges, which are named once, above it."""
    from itertools import combinations

    _draw_judges(judges)
    pairs = [" ".join(pair) for pair in combinations(_letters(len(judges)), 2)]
    shown = table.drop(columns=["a", "b"]).round(2).rename(columns=_spaced)
    shown.insert(0, "pair", pairs)
    output.table(shown, as_json=False, title="Agreement of every two judges")


def _draw_judges(judges: pd.DataFrame) -> None:
    """Draw who the judges are, with the letters by which the other tables call them."""
    shown = judges.assign(
        last_judged=fitting.minutes(judges["last_judged"]).str[:10],
        codebook=judges["codebook"].str.partition("#")[0],
        model=_unsaid(judges["model"], judges["judge"]),
    )
    shown, book = fitting.without_same(shown, "codebook")
    shown = fitting.without_empty(shown, "model", "settings")
    shown.insert(0, "", _letters(len(shown)))
    title = f"Judges under {book}" if book else "Judges"
    output.table(shown.rename(columns={"last_judged": "last"}), as_json=False, title=title)


def _letters(n: int) -> list[str]:
    """Return A, B, ... and after Z numbers."""
    return [chr(ord("A") + place) if place < 26 else str(place + 1) for place in range(n)]


def _spaced(name: str) -> str:
    """Return a heading that can be broken into lines."""
    return name.replace("_", " ")


COMMANDS = (status, show, compare)
