"""``erranal tables`` and ``erranal methods``: what goes into a paper."""

from __future__ import annotations

from pathlib import Path

import click

from erranal.cli import options, output

_NAMES = ("rates", "changes", "trust", "agreement")
_judge = click.option(
    "--judge", metavar="JUDGE", help="Whose estimates; by default those of the newest run."
)
_out = click.option(
    "--out", default="-", metavar="FILE", show_default=True, help="Where to write; - is stdout."
)


@click.command()
@options.db
@click.argument("names", nargs=-1, type=click.Choice(_NAMES))
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "latex", "markdown"]),
    default="markdown",
    show_default=True,
    help="LaTeX needs the package booktabs; CSV has every column and group.",
)
@click.option(
    "--by",
    type=click.Choice(["all", "model+prompt_style", "benchmark", "model+prompt_style+benchmark"]),
    default="all",
    show_default=True,
    help="Which groups rates and changes are of.",
)
@_judge
@_out
def tables(
    db: Path, names: tuple[str, ...], kind: str, by: str, judge: str | None, out: str
) -> None:
    """Print the corrected rates, changes, trust and agreement as tables for a paper."""
    import erranal
    from erranal.errors import StageError
    from erranal.report import estimate_basis, estimate_markup, estimate_tables

    study = erranal.open(db, create=False)
    found = estimate_basis.read(study, judge)
    if found is None:
        step = estimate_basis.next_step(study, judge)
        raise StageError(f"nothing has been estimated from human labels yet: run `{step}`")
    wanted = names or _NAMES
    if kind == "csv":
        analyses = [analysis for name in wanted for analysis in estimate_tables.ANALYSES[name]]
        _write(estimate_markup.comma_separated(found, analyses), out)
        return
    made = [table for name in wanted for table in estimate_tables.tables(found, name, by)]
    if not made:
        raise StageError(
            f"there is no table of {', '.join(wanted)} by {by}: run `erranal agreement` and "
            "`erranal prevalence`, or leave --by out"
        )
    _write((estimate_markup.latex if kind == "latex" else estimate_markup.markdown)(made), out)


@click.command()
@options.db
@click.option(
    "--format",
    "kind",
    type=click.Choice(["text", "markdown", "latex"]),
    default="text",
    show_default=True,
    help="How it is written.",
)
@_judge
@_out
def methods(db: Path, kind: str, judge: str | None, out: str) -> None:
    """Write how the numbers were made, as a methods section with references."""
    import erranal
    from erranal.report import estimate_methods

    study = erranal.open(db, create=False)
    _write(estimate_methods.write(study, kind, judge=judge), out)


def _write(text: str, out: str) -> None:
    if out == "-":
        print(text, end="")
        return
    path = Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    output.say(f"Wrote {path}.")
