"""Commands that run several stages: run, demo, ingest and status."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from erranal.cli import options, output

if TYPE_CHECKING:
    import pandas as pd


@click.command()
@options.files
@options.db
@options.encoder
@options.codebook
@options.seed
@options.limit
@options.out
@options.stage
def run(
    db: Path,
    encoder: str,
    codebook: str,
    seed: int,
    out: Path | None,
    **reading: Any,
) -> None:
    """From result files to the report: every stage, skipping what is done."""
    as_json, quiet = reading["as_json"], reading["quiet"]
    frame = _ingest(db, **reading)
    if reading["dry_run"] or not as_json:
        output.table(frame, as_json=as_json, title="Files")
    if reading["dry_run"]:
        return
    _fail_if_all_failed(frame)
    stages = {
        "embed": {"encoder": encoder},
        "judge": {"codebook": codebook},
        "cluster": {"seed": seed},
        "report": {"path": str(out) if out else None},
    }
    _analyse(db, stages, as_json=as_json, quiet=quiet)


@click.command()
@click.argument("folder", type=options.AS_PATH, default=Path("erranal-demo"))
@options.encoder
@options.seed
@options.machine
def demo(folder: Path, encoder: str, seed: int, as_json: bool, quiet: bool) -> None:
    """Run the whole job on a simulated study with known truth, into FOLDER."""
    import erranal
    from erranal import demo as simulated

    db = folder / "study.duckdb"
    files = simulated.write(folder / "outputs", seed=seed)
    frame = _ingest(db, files=files, quiet=quiet, as_json=as_json)
    _fail_if_all_failed(frame)
    with erranal.open(db).write() as tx:
        for table, rows in (
            ("planted_rates", simulated.rates()),
            ("planted", simulated.planted(seed)),
        ):
            tx.clear(table)
            tx.append(table, rows)
    if not as_json:
        output.say(simulated.NOTICE, style="yellow")
    page = {
        "path": str(folder / "report.html"),
        "title": "Demo study (simulated)",
        "notice": simulated.NOTICE,
    }
    stages = {"embed": {"encoder": encoder}, "cluster": {"seed": seed}, "report": page}
    _analyse(db, stages, as_json=as_json, quiet=quiet)


@click.command()
@options.files
@options.db
@options.limit
@options.stage
def ingest(db: Path, **reading: Any) -> None:
    """Read result files into the study; bad rows are reported, good ones land."""
    frame = _ingest(db, **reading)
    output.table(frame, as_json=reading["as_json"], title="Files")
    _fail_if_all_failed(frame)


@click.command()
@options.db
@options.as_json
def status(db: Path, as_json: bool) -> None:
    """Say what is done, what is stale and what to do next."""
    import pandas as pd

    import erranal
    from erranal import workflow

    study = erranal.open(db, create=False)
    states = workflow.states(study)
    size = {name: int(n) for name, n in study.read("study_size").iloc[0].items()}
    following = workflow.next_step(states)
    if as_json:
        stages = [vars(state) for state in states]
        output.print_json({"study": size, "stages": stages, "next": following})
        return
    print(", ".join(f"{n} {name.replace('_', ' ')}" for name, n in size.items()))
    output.table(pd.DataFrame([_status_row(state) for state in states]), as_json=False)
    print(f"next: {following}")


# -- parts of the above ---------------------------------------------------------------------------


def _status_row(state: Any) -> dict[str, Any]:
    return {
        "stage": state.stage,
        "state": state.state,
        "finished": state.finished_at.strftime("%Y-%m-%d %H:%M") if state.finished_at else "",
        "seconds": state.seconds,
        "counts": ", ".join(f"{count} {name}" for name, count in state.counts.items()),
        "note": state.note,
    }


def _ingest(
    db: Path,
    *,
    files: Any = (),
    text: Any = (),
    image: Any = (),
    mapping: Path | None = None,
    field: tuple[str, ...] = (),
    constant: tuple[str, ...] = (),
    reader: str = "auto",
    limit: int | None = None,
    dry_run: bool = False,
    as_json: bool = False,
    quiet: bool = False,
) -> pd.DataFrame:
    raise NotImplementedError


def _fail_if_all_failed(frame: pd.DataFrame) -> None:
    raise NotImplementedError


def _analyse(db: Path, stages: dict[str, dict[str, Any]], *, as_json: bool, quiet: bool) -> None:
    import erranal
    from erranal import report, workflow

    study = erranal.open(db)

    def announce(stage: str, due: bool) -> None:
        if not (quiet or as_json):
            output.say(f"{stage}: {erranal.STAGES[stage] if due else 'up to date'}", style="dim")

    with output.progress_bar(quiet=quiet or as_json) as progress:
        workflow.run_after_ingest(study, stages, progress=progress, announce=announce)
    summary = report.summary(study)
    if as_json:
        output.print_json(summary)
        return
    for finding in summary["findings"]:
        output.say(f"- {finding}")
    print(stages["report"]["path"] or report.default_path(study))


COMMANDS = (run, demo, ingest, status)
