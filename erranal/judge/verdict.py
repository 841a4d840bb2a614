"""What every judge is given, and what it gives back.

A judge sees one :class:`Record` at a time and answers with one :class:`Verdict`. What it rests on
is :class:`Evidence`: a span of one of the record's texts, in Unicode code points, end exclusive,
so that ``text[start:end] == quote``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

MAX_QUOTE = 300


@dataclass(frozen=True, slots=True)
class Record:
    """One output, with what is needed to judge it.

    ``reference`` is the response of the same model to the same item under the other arm;
    ``other_outcome`` is what the other scorer made of this output, None where there is none;
    ``token_limit`` is the limit on the response's length in tokens, where the run recorded it.
    ``image`` is the picture that was shown, as the file in ``folder`` names it.
    """

    output_id: str
    question: str = ""
    choices: tuple[str, ...] = ()
    gold: str | None = None
    answer_type: str | None = None
    response: str = ""
    reasoning: str = ""
    status: str = "ok"
    finish_reason: str | None = None
    tokens_out: int | None = None
    token_limit: int | None = None
    modality: str = "image"
    arm: str = "image"
    prompt_style: str = "default"
    outcome: str = "incorrect"
    extracted: str | None = None
    other_outcome: str | None = None
    other_extracted: str | None = None
    reference: str = ""
    reference_reasoning: str = ""
    reference_arm: str | None = None
    reference_status: str | None = None
    reference_outcome: str | None = None
    image: str | None = None
    folder: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a code shows; ``start`` and ``end`` are None when it shows in no text."""

    code: str
    field: str
    start: int | None
    end: int | None
    quote: str | None
    match: str
    note: str


def span(code: str, record: Record, where: str, extent: tuple[int, int], note: str) -> Evidence:
    """Return exact evidence in one of the record's texts, cut to ``MAX_QUOTE`` code points."""
    start, end = extent
    end = min(end, start + MAX_QUOTE)
    return Evidence(code, where, start, end, getattr(record, where)[start:end], "exact", note)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judge's answer on one record.

    ``codes`` is None unless ``status`` is ok; an empty tuple means that the judge looked and found
    nothing among the codes it can give, which says nothing about the others. ``codebook_gap`` is
    True when the judge saw an error that no code describes. ``votes`` gives by code the share of
    the ``samples`` readable replies that gave it, or its probability; ``mode`` says how the replies
    were held to the schema, ``detail`` why the status is not ok or what was repaired.
    ``fingerprint`` covers everything that determined the verdict.
    """

    output_id: str
    status: str
    primary_code: str | None
    codes: tuple[str, ...] | None
    rationale: str
    confidence: float | None = None
    evidence: tuple[Evidence, ...] = ()
    codebook_gap: bool | None = None
    gap_note: str | None = None
    votes: Mapping[str, float] | None = None
    samples: int | None = None
    mode: str | None = None
    detail: str | None = None
    fingerprint: str | None = None
    tokens_in: int | None = None
    tokens_cached: int | None = None
    tokens_out: int | None = None
    cost_usd: float | None = None


@dataclass(frozen=True)
class JudgeSpec:
    """Everything that determines a judge's verdict on a record."""

    kind: str
    name: str
    version: str
    model: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def judge_id(self) -> str:
        """``kind:name@version#fingerprint``."""
        content = [self.kind, self.name, self.version, self.model, dict(self.params)]
        text = json.dumps(content, sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()
        return f"{self.kind}:{self.name}@{self.version}#{digest[:8]}"


class Judge(Protocol):
    """A judge: what it is, which codes it can give, and its verdict on one record."""

    @property
    def spec(self) -> JudgeSpec:
        """What determines its verdicts."""

    @property
    def assesses(self) -> frozenset[str]:
        """The codes it can give; every other code is not looked for, rather than absent."""

    def judge(self, record: Record) -> Verdict:
        """Judge one record; never raises for what the record holds."""
