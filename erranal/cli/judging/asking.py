"""Commands that put records to a judge, or say what that would take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from erranal.cli import options, output

if TYPE_CHECKING:
    import pandas as pd

    from erranal.engine import Report
    from erranal.judge import ModelJudge, Selection, Terms
    from erranal.judge.labelling import Job
    from erranal.store import Study

_MODEL = (
    click.option(
        "--model",
        metavar="KIND:NAME",
        help="openai:NAME, anthropic:NAME, ollama:NAME, lmstudio:NAME, hf:FOLDER or vllm:NAME; "
        "without it, rules judge (and are called that).",
    ),
    click.option("--url", help="Address of an OpenAI-compatible server, for openai:NAME."),
    click.option("--name", help="What to call this judge; by default the model's name."),
    click.option(
        "--ask",
        type=click.Choice(["all", "each"]),
        default="all",
        show_default=True,
        help="All codes in one call, or a yes/no question for each.",
    ),
    click.option("--code", multiple=True, help="Ask about this code only (repeatable)."),
    click.option(
        "--samples",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="K",
        help="Replies per question; several give vote shares.",
    ),
    click.option(
        "--temperature",
        type=click.FloatRange(0, 2),
        help="0 by default, 0.7 for several samples.",
    ),
    click.option("--top-p", type=click.FloatRange(0, 1), help="Nucleus sampling."),
    click.option(
        "--max-tokens",
        type=click.IntRange(min=16),
        default=2048,
        show_default=True,
        help="Longest reply.",
    ),
    click.option(
        "--mode",
        type=click.Choice(["auto", "json_schema", "json_object", "plain"]),
        default="auto",
        show_default=True,
        help="How replies are held to the schema; auto finds out what the model can do.",
    ),
    click.option("--no-images", is_flag=True, help="Do not show the pictures."),
    click.option("--no-reference", is_flag=True, help="Do not show the other arm's response."),
    click.option("--gold", metavar="JUDGE", help="Imported labels to draw examples from."),
    click.option(
        "--shots",
        type=click.IntRange(min=1),
        metavar="N",
        help="Show N examples, from the tune part of --gold only.",
    ),
)
_CHOICE = (
    options.codebook,
    options.scorer,
    click.option("--where", metavar="SQL", help="Only these, e.g. \"modality = 'image'\"."),
    click.option("--sample", type=click.IntRange(min=1), metavar="N", help="N drawn at random."),
    options.seed,
    options.limit,
)
_TERMS = (
    click.option(
        "--concurrency",
        type=click.IntRange(1, 4096),
        default=16,
        show_default=True,
        help="Calls under way at once.",
    ),
    click.option("--rpm", type=click.IntRange(min=1), help="Requests a minute at most."),
    click.option("--tpm", type=click.IntRange(min=1), help="Tokens a minute at most."),
    click.option("--budget", type=click.FloatRange(min=0), metavar="USD", help="Spend no more."),
    click.option("--prices", type=options.AS_PATH, help="TOML file of prices (see README)."),
    click.option("--pictures", type=options.AS_PATH, help="Folder of the pictures."),
    click.option("--key-env", metavar="NAME", help="Environment variable that holds the key."),
    click.option(
        "--timeout",
        type=click.FloatRange(min=1),
        default=120.0,
        show_default=True,
        help="Of one call, in seconds.",
    ),
    click.option("--device", help="Of a model in process, e.g. cuda:0 or cpu."),
)
model, choice, terms = (options.combine(*group) for group in (_MODEL, _CHOICE, _TERMS))


def open_study(db: Path) -> Study:
    """Return the study, which must be there."""
    import erranal

    return erranal.open(db, create=False)


def terms_of(flags: dict[str, Any]) -> Terms:
    """Return how a model is reached and what may be spent."""
    from erranal.engine import Limits
    from erranal.judge import Terms

    return Terms(
        limits=Limits(
            concurrency=flags["concurrency"],
            rpm=flags["rpm"],
            tpm=flags["tpm"],
            budget_usd=flags["budget"],
        ),
        key_env=flags["key_env"],
        prices=flags["prices"],
        pictures=flags["pictures"],
        timeout_s=flags["timeout"],
        device=flags["device"],
    )


def _selection_of(flags: dict[str, Any]) -> Selection:
    from erranal.judge import Selection

    return Selection(**{name: flags[name] for name in ("scorer", "where", "sample", "seed")})


def judge_of(study: Study, flags: dict[str, Any]) -> ModelJudge:
    """Return the judge that the flags describe."""
    from erranal.judge import ModelJudge

    if not flags["model"]:
        raise click.UsageError("name a model with --model, e.g. --model openai:gpt-4o-mini")
    temperature = flags["temperature"]
    if temperature is None:
        temperature = 0.7 if flags["samples"] > 1 else 0.0
    return ModelJudge(
        flags["model"],
        url=flags["url"],
        name=flags["name"],
        ask=flags["ask"],
        codes=flags["code"] or None,
        samples=flags["samples"],
        temperature=temperature,
        top_p=flags["top_p"],
        seed=flags["seed"] if flags["samples"] > 1 else None,
        max_tokens=flags["max_tokens"],
        mode=flags["mode"],
        images=not flags["no_images"],
        reference=not flags["no_reference"],
        shots=_shots_of(study, flags),
    )


def _shots_of(study: Study, flags: dict[str, Any]) -> tuple[Any, ...]:
    from erranal import codebook
    from erranal.judge import gold

    if not flags["shots"]:
        return ()
    if not flags["gold"]:
        raise click.UsageError("--shots needs --gold: the imported labels to draw examples from")
    book = codebook.load(flags["codebook"])
    return gold.shots(study, flags["gold"], book, n=flags["shots"], seed=flags["seed"])


def job_of(study: Study, flags: dict[str, Any]) -> Job:
    """Return who is to judge what."""
    from erranal import codebook
    from erranal.judge.labelling import Job

    book = codebook.load(flags["codebook"])
    selection, limit = _selection_of(flags), flags["limit"]
    retry = flags.get("retry", False)
    return Job(study, book, judge_of(study, flags), selection, retry=retry, limit=limit)


@click.command()
@options.db
@model
@choice
@terms
@options.as_json
@options.quiet
def plan(db: Path, as_json: bool, quiet: bool, **flags: Any) -> None:
    """Say how many calls, tokens, dollars and minutes a run would take; nothing is sent."""
    _say_plan(open_study(db), flags, as_json=as_json, quiet=quiet)


def _say_plan(study: Study, flags: dict[str, Any], *, as_json: bool, quiet: bool) -> None:
    import pandas as pd

    from erranal.judge import plan as planning

    with output.progress_bar(quiet=quiet or as_json) as progress:
        made = planning.plan(job_of(study, flags), terms_of(flags), progress=progress)
    if as_json:
        output.print_json(made)
        return
    shown = made | {"seconds": _duration(made["seconds"])}
    rows = [
        {"what": name.replace("_", " ").replace("seconds", "time"), "value": _said(value)}
        for name, value in shown.items()
    ]
    output.table(pd.DataFrame(rows), as_json=False, title="Nothing was sent")
    if made["cost_usd"] is None:
        output.say(f"No price of {made['model']!r} is known: --prices gives one.")


def _duration(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds:.0f} s"


def _said(value: Any) -> str:
    if value is None:
        return "not known"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


@click.command()
@options.db
@model
@choice
@terms
@click.option("--retry", is_flag=True, help="Only what failed or could not be read.")
@options.stage
def run(db: Path, dry_run: bool, as_json: bool, quiet: bool, **flags: Any) -> None:
    """Judge the errors; what is done is neither asked nor paid for again."""
    from erranal import judge as stage

    study = open_study(db)
    if dry_run and flags["model"]:
        _say_plan(study, flags, as_json=as_json, quiet=quiet)
        return
    if dry_run:
        output.say_state(study, "judge", as_json=as_json)
        return
    by = judge_of(study, flags) if flags["model"] else "rules"
    with output.progress_bar(quiet=quiet or as_json) as progress:
        table = stage.run(
            study,
            judge=by,
            codebook=flags["codebook"],
            selection=_selection_of(flags),
            limit=flags["limit"],
            retry=flags["retry"],
            terms=terms_of(flags),
            progress=progress,
        )
    _print(table, flags["model"], as_json=as_json)


def _print(table: pd.DataFrame, model: str | None, *, as_json: bool) -> None:
    report = table.attrs["report"]
    title = f"Codes given by {model}" if model else "Codes given by rules (not by a model)"
    if as_json and report is not None:
        from dataclasses import asdict

        output.print_json({"run": asdict(report), "codes": output.records(table)})
        return
    output.table(table, as_json=as_json, title=title)
    if report is not None:
        output.say(_in_words(report))
        _say_unread(table)
        if missing := table.attrs["pictures_missing"]:
            output.say(
                f"{missing:,} records name a picture that could not be shown: not in the folder of "
                "the result file (or of --pictures), too large, or no picture"
            )


def _say_unread(table: pd.DataFrame) -> None:
    from erranal.judge.summary import UNREAD

    unread = int(table[table["code"] == UNREAD].drop(columns="code").to_numpy().sum())
    if unread:
        output.say(f"{unread:,} records have no verdict: `erranal judge retry NAME` asks again.")


def _in_words(report: Report) -> str:
    cost = ", cost not known" if report.spent_usd is None else f", {report.spent_usd:,.4f} USD"
    text = (
        f"{report.items:,} records judged with {report.calls:,} calls{cost}; "
        f"{report.refused:,} calls refused, {report.failed:,} failed."
    )
    if report.stopped == "budget":
        text += " Stopped before the budget would be passed; the same command goes on."
    return text


@click.command()
@click.argument("name", metavar="JUDGE")
@options.db
@terms
@options.limit
@options.as_json
@options.quiet
def retry(name: str, db: Path, as_json: bool, quiet: bool, **flags: Any) -> None:
    """Ask a model again about what failed or could not be read, and nothing else."""
    from erranal.judge import labelling

    study = open_study(db)
    job = labelling.again(study, name, limit=flags["limit"])
    with output.progress_bar(quiet=quiet or as_json) as progress:
        table = labelling.run(job, terms_of(flags), progress)
    _print(table, job.settings.model, as_json=as_json)


COMMANDS = (plan, run, retry)
