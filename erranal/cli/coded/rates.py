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
    found = basis.said_once(found[found["grouping"] == by])
    if found.empty:
        output.say(f"No group by {by}: the study has one of each only; leave --by out.")
        return
    output.table(
        _rates(found[found["analysis"] == "prevalence"]), as_json=False, title="Rates per item, %"
    )
    output.table(_changes(found), as_json=False, title="Change of rates, points")
    output.say(
        "Corrected: the judge's labels, corrected by those of humans. Codes that nobody gave are "
        "left out here; --json has all."
    )


def _rates(rows: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    shown = []
    for key, part in rows.groupby([*_GROUP, "arm", "code"], dropna=False, sort=False):
        one = part.set_index("source")
        best = one.loc["corrected" if "corrected" in one.index else "humans"]
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
    for row in rows[rows["source"] == "corrected"].to_dict("records"):
        if row["analysis"] not in _TESTS or not row["n"] or row["positives"] == 0:
            continue
        group = {name: row[name] for name in _GROUP if isinstance(row[name], str)}
        p = row["p_adjusted"] if row["analysis"] == "effect" else row["p"]
        shown.append(
            group
            | {
                "arms": f"{row['reference']} → {row['arm']}",
                "what": row["code"],
                "points": f"{100 * row['estimate']:+.1f}",
                "interval": f"{100 * row['low']:+.1f} to {100 * row['high']:+.1f}",
                "p": _short(p),
                "pairs": row["n"],
                "test": _TESTS[row["analysis"]],
                "says": row["note"] or "",
            }
        )
    return pd.DataFrame(shown)


def _short(p: float) -> str:
    if not p >= 0:
        return ""
    return "<.001" if p < 0.001 else f"{p:.3f}"


_GROUP = ("model", "prompt_style", "benchmark")
_TESTS = {"effect": "change", "equivalence": "same? (90 %)", "contrast": "contrast"}
