"""A record with its verdicts and calls as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def in_words(found: dict[str, Any], *, prompts: bool = True) -> str:
    """Return what :func:`erranal.judge.show.show` found as text.

    Parameters
    ----------
    prompts
        Whether the prompts are in it; the item, the response, the verdicts and the replies are.
    """
    parts = [
        _record_in_words(found["record"]),
        *(_verdict_in_words(verdict) for verdict in found["verdicts"]),
        *(_call_in_words(call, prompts=prompts) for call in found["calls"]),
    ]
    return "\n\n".join(parts)


def _record_in_words(record: dict[str, Any]) -> str:
    where = (record["model"], record["arm"], record["prompt_style"], f"sample {record['sample']}")
    lines = [f"Output {record['output_id']}", f"item {record['item_id']}: {', '.join(where)}"]
    lines += [_outcome_in_words(score) for score in record["scores"]]
    if record["status"] != "ok":
        lines.append(f"status: {record['status']}")
    lines += [f"-- {name} --\n{text}" for name, text in _texts(record)]
    return "\n".join(lines)


def _outcome_in_words(score: dict[str, Any]) -> str:
    read = "" if score["extracted"] is None else f", answer read {score['extracted']!r}"
    return f"by {score['scorer']}: {score['outcome']}{read}"


def _texts(record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "question", record["question"] or "(none in the files)"
    if record["choices"]:
        yield "choices", "\n".join(record["choices"])
    yield "gold answer", record["gold"] or "(none in the files)"
    if record["reasoning"]:
        yield "reasoning", record["reasoning"]
    yield "response", record["response"] or "(empty)"


def _verdict_in_words(verdict: dict[str, Any]) -> str:
    who = "rules, not a model" if verdict["kind"] == "rules" else verdict["model"] or "labels"
    head = f"== {verdict['judge_id']} ({who}) under {verdict['codebook_id']}: {verdict['status']}"
    lines = [head, f"primary: {verdict['primary_code'] or '-'}"]
    if verdict["codes"] is not None:
        lines.append(f"codes: {', '.join(verdict['codes']) or 'none'}")
    if verdict["codebook_gap"]:
        lines.append(f"codebook gap: {verdict['gap_note'] or ''}")
    for name in ("confidence", "votes", "mode", "detail", "rationale"):
        if verdict[name] is not None:
            lines.append(f"{name}: {verdict[name]}")
    for one in verdict["evidence"]:
        lines.append(f"  {one['code']} in {one['field']} ({one['match']}): {one['quote']!r}")
    return "\n".join(lines)


def _call_in_words(call: dict[str, Any], *, prompts: bool) -> str:
    about = call["question"] or "all codes"
    asked = f"== asked {call['judge_id']} about {about}, sample {call['sample']}"
    lines = [f"{asked}: {call['status']}"]
    if prompts and call["note"]:
        lines.append(f"({call['note']})")
    if prompts and call["prompt"]:
        lines += [f"-- {turn['role']} --\n{turn['text']}" for turn in call["prompt"]]
    lines.append(f"-- reply --\n{call['reply'] or call['error'] or ''}")
    return "\n".join(lines)
