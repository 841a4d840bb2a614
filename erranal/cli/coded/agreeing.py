"""``erranal agreement``."""

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
@options.seed
@options.as_json
@options.quiet
def agreement(db: Path, as_json: bool, quiet: bool, **given: Any) -> None:
    """Say how far coders agree, and where a judge can be trusted."""
    import erranal
    from erranal import agreement as stage

    study = erranal.open(db, create=False)
    with output.progress_bar(quiet=quiet or as_json) as progress:
        found = stage.run(study, progress=progress, **given)
    if as_json:
        output.print_json(basis.records(found))
        return
    basis.say(found, quiet=quiet)
    found = basis.said_once(found)
    of = {name: found[found["analysis"] == name] for name in stage.ANALYSES}
    between = of["agreement"][of["agreement"]["arm"].isna()]
    _draw("Between coders", _between_coders(between), "no unit was coded by two")
    _draw("Judge against humans, by arm", _judged(of["trust"]), "no code was given, or no judge")
    _draw("Shown the judge's labels, or not", _anchored(of["anchoring"]), "all units are alike")


def _draw(title: str, table: pd.DataFrame, otherwise: str) -> None:
    if len(table):
        output.table(table, as_json=False, title=title)
    else:
        output.say(f"{title}: cannot be said, {otherwise}.")


def _between_coders(rows: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    wide = rows.pivot(index="code", columns="estimand", values="estimate")
    alpha = rows[rows["estimand"].str.startswith("alpha")]
    shown = []
    for row in alpha.itertuples():
        table: dict[str, Any] = row.counts if isinstance(row.counts, dict) else {}
        if table and not row.positives:
            continue
        shown.append(
            {
                "code": row.code if table else row.estimand,
                "with it": f"{row.positives:.0f}/{_units(table)}" if table else "",
                "alpha": row.estimate,
                "interval": _interval(row),
                "AC1": wide["AC1"].get(row.code) if table else None,
                "kappa": wide["kappa"].get(row.code) if table else None,
                "what it allows": row.note,
            }
        )
    return pd.DataFrame(shown).round(2)


def _units(table: dict[str, Any]) -> int:
    return int(table["all gave it"] + table["some did"] + table["nobody did"])


def _judged(rows: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    shown = []
    for (arm, code), part in rows.groupby(["arm", "code"], sort=False):
        one = part.set_index("estimand")
        table = one["counts"].iloc[0]
        if not isinstance(table, dict) or not sum(list(table.values())[:3]):
            continue
        shown.append(
            {
                "arm": arm,
                "code": code,
                "with it": f"{int(one['positives'].iloc[0])}/{sum(table.values())}",
                "finds, %": _percent(one.loc["sensitivity"]),
                "spares, %": _percent(one.loc["specificity"]),
                "PPV, %": _percent(one.loc["PPV"]),
                "what it allows": one["note"].iloc[0],
            }
        )
    return pd.DataFrame(shown)


def _anchored(rows: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "code": rows["code"],
            "points": (100 * rows["estimate"]).round(1),
            "interval": [
                f"{100 * low:+.0f} to {100 * high:+.0f}"
                for low, high in zip(rows["low"], rows["high"], strict=True)
            ],
            "what it says": rows["note"],
        }
    )


def _interval(row: Any) -> str:
    return f"{row.low:.2f} to {row.high:.2f}"


def _percent(row: Any) -> str:
    if row["estimate"] != row["estimate"]:
        return "–"
    estimate, low, high = (100 * row[name] for name in ("estimate", "low", "high"))
    return f"{estimate:.0f} ({low:.0f}–{high:.0f})"
