"""What may be said to a judge on the command line, and what it comes to."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from erranal.cli import options

if TYPE_CHECKING:
    from erranal.judge import ModelJudge, Selection, Terms
    from erranal.judge.labelling import Job
    from erranal.store import Study


class _Number(click.FloatRange):
    """A number in a range; that of click takes nan and, where it is open, infinity."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is no number to work with: give one such as {self.min or 0:g}.5")
        return number


def typable(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    """Return the name of a judge, which commands are to repeat and tables to print."""
    text = name or ""
    if not text.isprintable() or text != text.strip() or text.startswith("-"):
        raise click.BadParameter(
            f"{text!r} could not be typed in a command: give a name without blanks around it, "
            "a dash before it or control characters in it"
        )
    return name


_COUNT = click.IntRange(1, 2**31 - 1)
_MODEL = (
    click.option(
        "--model",
        metavar="KIND:NAME",
        help="openai:NAME, anthropic:NAME, ollama:NAME, lmstudio:NAME, hf:FOLDER or vllm:NAME; "
        "without it, rules judge (and are called that).",
    ),
    click.option("--url", help="Address of an OpenAI-compatible server, for openai:NAME."),
    click.option(
        "--name", callback=typable, help="What to call this judge; by default the model's name."
    ),
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
        type=_Number(0, 2),
        help="0 by default, 0.7 for several samples.",
    ),
    click.option("--top-p", type=_Number(0, 1), help="Nucleus sampling."),
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
    click.option(
        "--blind", is_flag=True, help="Call the arms run A and run B; pictures still tell them."
    ),
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
    click.option("--sample", type=_COUNT, metavar="N", help="N drawn at random."),
    options.seed,
    click.option(
        "--limit",
        type=_COUNT,
        metavar="N",
        help="The first N only, in the order in which they were ingested; a sample of all errors "
        "is what --sample draws.",
    ),
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
    click.option("--budget", type=_Number(min=0), metavar="USD", help="Spend no more."),
    click.option("--prices", type=options.AS_PATH, help="TOML file of prices (see README)."),
    click.option("--pictures", type=options.AS_PATH, help="Folder of the pictures."),
    click.option("--key-env", metavar="NAME", help="Environment variable that holds the key."),
    click.option(
        "--timeout",
        type=_Number(min=1),
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


def selection_of(flags: dict[str, Any]) -> Selection:
    """Return which errors are to be judged."""
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
        blind=flags["blind"],
        shots=_shots_of(study, flags),
    )


def _shots_of(study: Study, flags: dict[str, Any]) -> tuple[Any, ...]:
    from erranal import codebook
    from erranal.judge import gold

    labels, wanted = flags["gold"], flags["shots"]
    if not labels and not wanted:
        return ()
    if not labels:
        raise click.UsageError("--shots needs --gold: the imported labels to draw examples from")
    if not wanted:
        raise click.UsageError(f"--gold {labels} draws nothing by itself: add e.g. --shots 5")
    book = codebook.load(flags["codebook"])
    drawn = gold.shots(study, labels, book, n=wanted, seed=flags["seed"])
    if len(drawn) < wanted:
        raise click.UsageError(
            f"--shots {wanted} is more than there are: the tune part of {labels} has {len(drawn)} "
            "items to show: ask for no more, or leave --gold and --shots out"
        )
    return drawn


def job_of(study: Study, flags: dict[str, Any]) -> Job:
    """Return who is to judge what."""
    from erranal import codebook
    from erranal.judge.labelling import Job

    book = codebook.load(flags["codebook"])
    selection, limit = selection_of(flags), flags["limit"]
    retry = flags.get("retry", False)
    return Job(study, book, judge_of(study, flags), selection, retry=retry, limit=limit)
