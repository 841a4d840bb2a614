"""What judging would take: records, calls, tokens, money and time. Nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from erranal import engine
from erranal.judge import labelling, records, tokens
from erranal.models import prices
from erranal.models.chat import Capabilities

if TYPE_CHECKING:
    from erranal.judge.labelling import Job, Progress
    from erranal.judge.settings import Terms
    from erranal.models.chat import ChatRequest

# Of a reply, where the judge has not been asked yet: seen with mid-sized models on real errors.
TOKENS_OUT = {"all": 450, "each": 90}
SECONDS = 5.0
# Typical share of the tokens estimated for a limit that a request really takes.
LEANING = tokens.BYTES_PER_TOKEN / 4.0


def plan(job: Job, terms: Terms, *, progress: Progress | None = None) -> dict[str, Any]:
    """Return what a run would ask and about what it would cost.

    Returns
    -------
    dict
        ``records`` selected, ``to_judge`` among them, ``calls``, ``tokens_in`` (of which
        ``tokens_repeated`` are the same for every call and may come from a prompt cache),
        ``pictures`` and ``pictures_missing`` (records that name one that cannot be shown),
        ``tokens_out``, ``cost_usd`` and ``cost_usd_at_most`` (None where no price is known),
        ``seconds``, and ``basis``: what the estimates rest on.
    """
    job = replace(job, pictures=terms.pictures)
    work = _work(job, progress)
    (seen,) = job.study.arrow("judge_token_rates", **job.ids).to_pylist()
    basis = "what this judge's calls took so far" if seen["calls"] else "typical replies"
    tokens_out = (seen["tokens_out"] or TOKENS_OUT[job.settings.ask]) * work.calls
    likely_in = work.tokens_in_at_most * LEANING
    price = prices.find(job.settings.model, terms.prices)
    most_out = job.settings.max_tokens * work.calls
    return {
        "judge": job.spec.name,
        "model": job.settings.model,
        "codebook": job.book.codebook_id,
        "records": work.records,
        "to_judge": work.to_judge,
        "calls": work.calls,
        "pictures": work.pictures,
        "pictures_missing": job.album.missing if job.settings.images else 0,
        "tokens_in": round(likely_in),
        "tokens_repeated": round(work.tokens_repeated * LEANING),
        "tokens_out": round(tokens_out),
        "cost_usd": price and price.cost(round(likely_in), 0, round(tokens_out)),
        "cost_usd_at_most": price and price.cost(work.tokens_in_at_most, 0, most_out),
        "seconds": _seconds(work, terms, seen["seconds"] or SECONDS),
        "basis": basis,
    }


@dataclass
class _Work:
    records: int
    to_judge: int = 0
    calls: int = 0
    pictures: int = 0
    tokens_in_at_most: int = 0
    tokens_repeated: int = 0

    def add(self, request: ChatRequest) -> None:
        self.calls += 1
        self.tokens_in_at_most += tokens.estimate(request)[0]
        self.tokens_repeated += tokens.of_prefix(request)
        self.pictures += tokens.pictures(request)


def _work(job: Job, progress: Progress | None) -> _Work:
    work = _Work(records.count(job.study, job.selection))
    asker = job.asker(Capabilities("json_schema", logprobs=False, images=job.settings.images))
    for task in labelling.tasks(job, asker, images=job.settings.images):
        work.to_judge += 1
        for question in task.questions:
            if question.key not in task.known:
                work.add(question.request)
        if progress and work.to_judge % 500 == 0:
            progress(work.to_judge, work.records, "reading")
    return work


def _seconds(work: _Work, terms: Terms, seconds_a_call: float) -> float:
    """Return the time by whatever is slowest: the model, or a limit on calls or tokens."""
    limits = terms.limits or engine.Limits()
    times = [work.calls * seconds_a_call / limits.concurrency]
    if limits.rpm:
        times.append(60 * work.calls / limits.rpm)
    if limits.tpm:
        times.append(60 * work.tokens_in_at_most * LEANING / limits.tpm)
    return round(max(times), 1)
