"""One record as a judge saw it: the exact prompt, the reply, and what was made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.errors import StageError
from erranal.judge import pictures, records, saving, settings
from erranal.judge.labelling import Job
from erranal.judge.records import Selected, Selection
from erranal.models.chat import Capabilities

if TYPE_CHECKING:
    from erranal.models.chat import ChatRequest, Picture
    from erranal.store import Study

CHANGED = "the record, the codebook or the code changed since: the prompt cannot be rebuilt"


def find(study: Study, text: str) -> str:
    """Return the one output that is meant by an id, the start of one, or an item's id.

    Raises
    ------
    StageError
        When there is none or more than one; the message lists them.
    """
    found = study.read("judge_find_output", text=text)
    if len(found) == 0:
        raise StageError(
            f"no output or item {text!r}: `erranal discordant --json` lists some, and any "
            "output_id or item id of the study will do"
        )
    if len(found) == 1 or found["output_id"].iloc[0] == text:
        return str(found["output_id"].iloc[0])
    listed = "\n".join(
        f"  {row.output_id}  {row.item_id}  {row.model} {row.arm} {row.prompt_style}"
        for row in found.itertuples()
    )
    raise StageError(f"{text!r} may mean {len(found)} outputs; give the id of one:\n{listed}")


def show(study: Study, record: str) -> dict[str, Any]:
    """Return all verdicts on one record and the calls behind them.

    Parameters
    ----------
    record
        An output's id, the start of it, or its item's id.

    Returns
    -------
    dict
        ``output_id``, ``verdicts`` (each with its ``evidence``), and ``calls``, each with the
        ``prompt`` as it was sent (messages of role and text; None with a ``note`` where it cannot
        be rebuilt) and the ``reply`` as it came.
    """
    output_id = find(study, record)
    evidence = _rows(study, "judge_evidence_of", output_id)
    verdicts = _rows(study, "judge_verdicts_of", output_id)
    for verdict in verdicts:
        verdict["evidence"] = [one for one in evidence if _filed(one) == _filed(verdict)]
    calls = _rows(study, "judge_shown", output_id)
    requests: dict[str, ChatRequest] = {}
    for ids in {_filed(call) for call in calls}:
        requests |= _rebuilt(study, output_id, *ids)
    for call in calls:
        request = requests.get(call["repairs"] or call["call_id"])
        call["prompt"] = _plain(request) if request else None
        call["note"] = _note(call, request)
    return {"output_id": output_id, "verdicts": verdicts, "calls": calls}


def _rows(study: Study, name: str, output_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = study.arrow(name, output_id=output_id).to_pylist()
    return found


def _filed(row: dict[str, Any]) -> tuple[str, str]:
    return row["judge_id"], row["codebook_id"]


def _rebuilt(
    study: Study, output_id: str, judge_id: str, codebook_id: str
) -> dict[str, ChatRequest]:
    """Return the requests by call as they would be made now; a call that is not there changed."""
    stored = study.arrow("judge_one", judge_id=judge_id).to_pylist()[0]
    try:
        judge = settings.from_stored(stored)
    except StageError:  # it was shown examples, which are not kept whole
        return {}
    job = Job(study, saving.load_book(study, codebook_id), judge, Selection())
    scorer = study.read("judge_scorer_of", judge_id=judge_id)["scorer"].tolist()
    reference = study.read("judge_reference_of", output_id=output_id)["reference_id"].iloc[0]
    chosen = [Selected(output_id, reference, None, None, fresh=False)]
    found = records.read(study, chosen, scorer=(scorer or ["erranal"])[0])
    asker = job.asker(Capabilities("json_schema", logprobs=False, images=True))
    made: dict[str, ChatRequest] = {}
    for record in found:
        seen = {None, pictures.find(record, None)}
        made |= {one.key: one.request for seen_ in seen for one in asker.questions(record, seen_)}
    return made


def _note(call: dict[str, Any], request: ChatRequest | None) -> str | None:
    if request is None:
        return CHANGED
    if call["repairs"]:
        return "a repair: after this prompt came the unreadable reply and what was wrong with it"
    return None


def _plain(request: ChatRequest) -> list[dict[str, str]]:
    """Return the messages as text; a picture is named by its kind, size and hash."""
    return [
        {"role": message.role, "text": "\n".join(_text(part) for part in message.parts)}
        for message in request.messages
    ]


def _text(part: str | Picture) -> str:
    if isinstance(part, str):
        return part
    return f"[picture: {part.media_type}, {len(part.data):,} bytes, sha256 {part.sha256[:12]}]"


def in_words(found: dict[str, Any], *, prompts: bool = True) -> str:
    """Return what :func:`show` found as text for a terminal."""
    parts = [f"Output {found['output_id']}"]
    for verdict in found["verdicts"]:
        parts.append(_verdict_in_words(verdict))
    for call in found["calls"]:
        parts.append(_call_in_words(call, prompts=prompts))
    if not found["calls"]:
        parts.append("No model was asked about this output.")
    return "\n\n".join(parts)


def _verdict_in_words(verdict: dict[str, Any]) -> str:
    who = "rules, not a model" if verdict["kind"] == "rules" else verdict["model"] or "imported"
    head = f"== {verdict['judge']} ({who}) under {verdict['codebook_id']}: {verdict['status']}"
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
    lines = [f"== asked {call['judge']} about {about}, sample {call['sample']}: {call['status']}"]
    if call["note"]:
        lines.append(f"({call['note']})")
    if prompts and call["prompt"]:
        lines += [f"-- {turn['role']} --\n{turn['text']}" for turn in call["prompt"]]
    lines.append(f"-- reply --\n{call['reply'] or call['error'] or ''}")
    return "\n".join(lines)
