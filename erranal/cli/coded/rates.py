"""``erranal prevalence``."""

from __future__ import annotations

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
@basis.level
@basis.interim
@click.option(
    "--by",
    type=click.Choice(["all", "model+prompt_style", "benchmark", "model+prompt_style+benchmark"]),
    default="all",
    show_default=True,
    help="Which groups to print; all are stored.",
)
@click.option(
    "--conditional", is_flag=True, help="Use rounds drawn by who is right; every number is marked."
)
@click.option(
    "--also",
    multiple=True,
    type=click.Choice(["shares", "unweighted", "pooled-errors", "uncorrected-test"]),
    help="Store a number that misleads, named so; repeatable, printed by --json.",
)
@options.as_json
@options.quiet
def prevalence(db: Path, by: str, as_json: bool, quiet: bool, **given: Any) -> None:
    """Give every code's rate per item, the judge corrected by humans, and image minus text."""
    import erranal
    from erranal import prevalence as stage

    study = erranal.open(db, create=False)
    with output.progress_bar(quiet=quiet or as_json) as progress:
        found = stage.run(study, progress=progress, **given)
    if as_json:
        output.print_json(basis.records(found))
        return
    basis.say(found, quiet=quiet)
    if not quiet:
        _say_unread(found)
    found = basis.said_once(found[found["grouping"] == by])
    if found.empty and by == "all":
        output.say("No pair of the population is left, so that there is nothing to estimate.")
        return
    if found.empty:
        output.say(f"No group by {by}: the study has one of each only; leave --by out.")
        return
    rates, changes = _rates(found[found["analysis"] == "prevalence"]), _changes(found)
    for title, table in (("Rates per item, %", rates), ("Change of rates, points", changes)):
        if len(table):
            output.table(table, as_json=False, title=title)
        else:
            output.say(f"{title}: none, {_why(found)}.")
    margins = found.loc[found["analysis"] == "equivalence", ["code", "note"]].to_numpy()
    for code, said in dict.fromkeys((code, note.partition("; ")[2]) for code, note in margins):
        if said:
            output.say(f"{code}: {said}.")
    if not quiet:
        output.say(_legend(found))


def _say_unread(found: pd.DataFrame) -> None:
    rows = found[(found["source"] == "judge") & (found["analysis"] == "prevalence")]
    rows = rows[(rows["grouping"] == "all") & (rows["excluded"] > 0)].drop_duplicates("arm")
    for row in rows.to_dict("records"):
        output.say(
            f"The judge has no readable verdict on {row['excluded']:.0f} of "
            f"{row['counts']['errors']} errors under {row['arm']}: it counts as giving no code.",
            style="yellow",
        )


def _legend(found: pd.DataFrame) -> str:
    rest = "Codes that nobody gave are left out here; --json has all."
    if found.attrs["basis"].judge is None:
        return f"There is no judge, so that nothing but human labels counts. {rest}"
    return f"Corrected: the judge's labels, corrected by those of humans. {rest}"


def _rates(rows: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    shown = []
    for key, part in rows.groupby([*_GROUP, "arm", "code"], dropna=False, sort=False):
        one = part.set_index("source")
        corrected = "corrected" in one.index and one.loc["corrected", "n"]
        best = one.loc["corrected" if corrected or "humans" not in one.index else "humans"]
        if not best["n"] or not (best["positives"] or best["estimate"]):
            continue
        group = {
            name: value for name, value in zip(_GROUP, key, strict=False) if isinstance(value, str)
        }
        shown.append(
            group
            | {"arm": best["arm"], "code": best["code"]}
            | {name: _percents(one, name) for name in ("corrected", "humans", "judge")}
            | {"units": int(best["n"])}
        )
    return pd.DataFrame(shown)


def _percents(one: pd.DataFrame, source: str) -> str:
    if source not in one.index or not one.loc[source, "n"]:
        return "–"
    row = one.loc[source]
    return f"{100 * row['estimate']:.1f} ({100 * row['low']:.1f}–{100 * row['high']:.1f})"


def _changes(rows: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    shown = []
    told = rows[rows["analysis"].isin(_TESTS) & (rows["n"] > 0) & (rows["positives"] != 0)]
    told = told[told["source"].isin(["corrected", "humans"])]
    keys = ["analysis", *_GROUP, "reference", "arm", "code"]
    alone = told.duplicated(keys, keep=False) & (told["source"] == "humans")
    for row in told[~alone].to_dict("records"):
        group = {name: row[name] for name in _GROUP if isinstance(row[name], str)}
        p = row["p_adjusted"] if row["analysis"] == "effect" else row["p"]
        shown.append(
            group
            | {
                "arms": f"{row['reference']} → {row['arm']}",
                "what": row["code"],
                "by": row["source"],
                "points": f"{100 * row['estimate']:+.1f}",
                "interval": f"{100 * row['low']:+.1f} to {100 * row['high']:+.1f}",
                "p": _short(p),
                "pairs": row["n"],
                "test": _TESTS[row["analysis"]],
                "says": (row["note"] or "").partition("; ")[0],
            }
        )
    dull = {"by": "corrected", "says": ""}
    left_out = [name for name in dull if all(row[name] == dull[name] for row in shown)]
    return pd.DataFrame(shown).drop(columns=left_out if shown else [])


def _why(found: pd.DataFrame) -> str:
    """Say why there is no number: the reason given most often, or that nobody gave a code."""
    reasons = found.loc[found["n"] == 0, "note"].value_counts()
    return str(reasons.index[0]) if len(reasons) else "humans gave no code"


def _short(p: float) -> str:
    if not p >= 0:
        return ""
    return "<.001" if p < 0.001 else f"{p:.3f}"


_GROUP = ("model", "prompt_style", "benchmark")
_TESTS = {"effect": "change", "equivalence": "same? (90 %)", "contrast": "contrast"}
