"""The part of a prompt that shows one record."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from string import ascii_uppercase

from erranal.judge.prompt.data import Shown, mark, section, show
from erranal.judge.prompt.style import Style
from erranal.judge.verdict import Record

FACT_LIMIT = 300

ARMS = {
    "text": "the item as text",
    "text+image": "the item as text together with an image",
    "instruction+image": "an instruction as text, the item as an image",
    "ocr-1p": "the item as an image, to be written out and then solved in one response",
    "ocr-2p": "the text that the model itself had read from the image, in a second query",
    "image": "the item as an image, none of it as text",
    "none": "neither the item's text nor its image",
}
# What arms are called for a judge that is not to know them: the coded response's, and the other.
RUNS = ("run A", "run B")
ARMS |= dict.fromkeys(RUNS, "one of the ways of presenting the item; which one is not said")
_SAID = frozenset(
    {"ok", "empty", "truncated", "refusal", "filtered", "api_error", "stop", "length"}
    | {"correct", "incorrect", "no_answer", "refused", "failed", "ungradable"}
    | {"choice", "numeric", "text"}
)


def body(style: Style, record: Record, *, key: bytes, picture: bool) -> tuple[str, str]:
    """Return the record as data, and the mark that borders it."""
    texts = _texts(style, record)
    told = facts(record, reference=style.reference)
    told += f"\npicture: {_picture(record, attached=picture)}"
    for name in _missing(style, record):
        told += f"\n{name}"
    sign = mark(key, [told, *(shown.text for _, shown in texts)])
    parts = [f"=== {sign} record ===", told]
    parts += [section(name, shown, style.text_limit, sign) for name, shown in texts]
    return "\n".join([*parts, f"=== {sign} end of the record ==="]), sign


def blinded(record: Record) -> Record:
    """Return a record that does not say which arms its responses are of."""
    own, other = RUNS
    return replace(record, arm=own, modality=own, reference_arm=record.reference_arm and other)


def facts(record: Record, *, reference: bool = True) -> str:
    """Return what is known of a record beside its texts, one fact a line."""
    lines = [
        f"arm of the coded response: {_arm(record.arm, record.modality)}",
        f"prompt style: {_value(record.prompt_style)}",
        f"call: {_call(record)}",
        f"scorer: {_scored(record.outcome, record.extracted)}",
    ]
    if record.other_outcome is not None:
        lines.append(f"second scorer: {_scored(record.other_outcome, record.other_extracted)}")
    if reference:
        lines.append(f"reference: {_reference(record)}")
    gold = "not recorded" if record.gold is None else _value(record.gold)
    kind = f" (answer type: {_value(record.answer_type)})" if record.answer_type else ""
    return "\n".join([*lines, f"gold answer: {gold}{kind}"])


def choices_text(record: Record) -> str:
    """Return the choices with their letters, one a line."""
    return "\n".join(f"{_letter(n)}. {choice}" for n, choice in enumerate(record.choices))


def _texts(style: Style, record: Record) -> list[tuple[str, Shown]]:
    item = [("question", record.question), ("choices", choices_text(record))]
    coded = [("reasoning", record.reasoning), ("response", record.response)]
    other: list[tuple[str, str]] = []
    if style.reference and record.reference_arm is not None:
        other = [
            ("reference reasoning", record.reference_reasoning),
            ("reference", record.reference),
        ]
    answers = [*coded, *other] if style.response_first else [*other, *coded]
    return [
        (name, show(text))
        for name, text in [*item, *answers]
        if text or name in ("response", "reference")
    ]


def _missing(style: Style, record: Record) -> list[str]:
    lines = []
    if not record.question:
        lines.append("question: its text is not recorded")
    if not record.choices and record.answer_type == "choice":
        lines.append("choices: not recorded")
    if not record.reasoning:
        lines.append("reasoning: no channel apart from the response")
    return lines


def _arm(arm: str, modality: str) -> str:
    shown = ARMS.get(modality, "a way of presenting that has no description")
    return f"{_value(arm)}, which means {shown}"


def _call(record: Record) -> str:
    parts = [f"status {_value(record.status)}"]
    if record.finish_reason:
        parts.append(f"finish reason {_value(record.finish_reason)}")
    if record.tokens_out is not None:
        limit = f" of at most {record.token_limit:,}" if record.token_limit else ""
        parts.append(f"{record.tokens_out:,} tokens written{limit}")
    elif record.token_limit:
        parts.append(f"at most {record.token_limit:,} tokens")
    return ", ".join(parts)


def _scored(outcome: str, extracted: str | None) -> str:
    read = "read no answer" if extracted is None else f"read the answer {_value(extracted)}"
    return f"{_value(outcome)}; it {read}"


def _reference(record: Record) -> str:
    if record.reference_arm is None:
        return "none; this item has no response of the model under another arm"
    modality = record.reference_arm.partition(":")[0]
    parts = [_arm(record.reference_arm, modality)]
    if record.reference_status:
        parts.append(f"status {_value(record.reference_status)}")
    outcome = record.reference_outcome
    return "; ".join([*parts, f"scorer: {_value(outcome)}" if outcome else "not scored"])


def _picture(record: Record, *, attached: bool) -> str:
    if record.modality in RUNS:
        return "attached" if attached else "not attached"
    seen = record.modality not in ("text", "none", "ocr-2p")
    if attached:
        return "attached; " + (
            "the model was shown it" if seen else "the coded response was written without it"
        )
    return "not attached" + (", although the model was shown one" if seen else "")


def _value(text: str) -> str:
    """Return a value of a file: as it is when it is one of ours, as a JSON string otherwise."""
    return _short(text) if len(text) <= _REMEMBERED else _quoted(text)


def _quoted(text: str) -> str:
    if text in _SAID or text in ARMS:
        return text
    shown = show(text).text
    more = f" (the first {FACT_LIMIT} of {len(shown):,} characters)"
    return _json(shown[:FACT_LIMIT]) + (more if len(shown) > FACT_LIMIT else "")


# The same few values stand in most records.
_REMEMBERED = 40
_short = lru_cache(maxsize=4_096)(_quoted)
_json = json.JSONEncoder(ensure_ascii=False).encode


def _letter(position: int) -> str:
    return ascii_uppercase[position] if position < len(ascii_uppercase) else str(position + 1)
