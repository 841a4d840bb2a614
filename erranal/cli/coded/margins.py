"""``erranal margin``."""

from __future__ import annotations

from pathlib import Path

import click

from erranal.cli import options, output


@click.command()
@options.db
@click.argument("code", required=False)
@click.argument("margin", type=float, required=False)
@click.option("--codebook", metavar="NAME", help="Codebook, where the study has several.")
@click.option("--reason", help="Why this much and not less; kept beside it.")
@options.as_json
def margin(
    db: Path,
    code: str | None,
    margin: float | None,
    codebook: str | None,
    reason: str | None,
    as_json: bool,
) -> None:
    """Fix how small a change of a rate counts as none, before looking; or list what was fixed.

    MARGIN is a difference of rates per item, such as 0.03 for three points. Every change is kept,
    and stands beside the test that rests on it.
    """
    import erranal
    from erranal.prevalence import margins

    study = erranal.open(db, create=False)
    if code is not None and margin is None:
        raise click.UsageError(f"give {code} a margin, such as `erranal margin {code} 0.03`")
    if code is not None and margin is not None:
        margins.put(study, margins.codebook_of(study, codebook), code, margin, reason=reason)
    table = margins.history(study)
    if not as_json:
        for column in ("set_at", "looked_at"):
            table[column] = table[column].dt.strftime("%Y-%m-%d %H:%M")
    if as_json or len(table):
        output.table(table, as_json=as_json, title="Equivalence margins")
    else:
        output.say("No margin is fixed yet: `erranal margin CODE 0.03` fixes one.")
