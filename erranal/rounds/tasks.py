"""A unit as a task of Label Studio: what the coder is shown, and what the judge suggests.

A task does not name the model, and calls the judge's labels a suggestion. The two arms are named,
since coders need to know which text comes from the picture.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

from erranal.errors import StageError
from erranal.rounds.answers import region_problems
from erranal.rounds.form import GAP, NONE, Form
from erranal.rounds.units import SUGGESTED

if TYPE_CHECKING:
    from erranal.rounds.round import Round
    from erranal.rounds.units import Unit, Verdict

EVIDENCE = "Evidence"
OWN = {"confidence", "memo", "flags"}  # what is the coder's alone is never suggested
LONGEST_NAME = 80
_LABELLED = re.compile(r"\s*\(?[A-Za-z0-9]\s*[).:]")


def task(unit: Unit, about: Round, form: Form, *, image: str | None = None) -> dict[str, Any]:
    """Return the task of a unit: its data, and in the suggested arm the judge's labels.

    Parameters
    ----------
    unit, about
        The unit and its round.
    form
        The form of the project it goes to.
    image
        URL or data URI, None in a project without images.
    """
    texts = unit.texts
    said = unit.verdict if unit.coding_arm == SUGGESTED else None
    data = {
        "record_id": unit.unit_id,
        "meta_line": _meta_line(unit, about),
        "question": unit.question or "",
        "choices_text": _choices_text(unit.choices),
        "gold": unit.gold or "",
        "answer_line": _answer_line(unit),
        "response": texts["response"].text,
        "response_title": _title(unit.arm, unit.outcome, unit.status),
        "reference": texts["reference"].text,
        "reference_title": _title(unit.reference_arm, unit.reference_outcome, unit.reference_status)
        if unit.reference_arm
        else "no other run of this item",
        "judge_note": said.rationale if said else "",
    }
    if image is not None:
        data["image"] = image
    predictions = [_prediction(unit, said, about, form)] if said else []
    return {"data": {name: _clean(text) for name, text in data.items()}, "predictions": predictions}


def content_hash(made: Mapping[str, Any], picture: str | None) -> str:
    """Return the hash of what a task shows.

    Parameters
    ----------
    made
        The task.
    picture
        What identifies the image and how it is delivered: the URL of an upload is another one each
        time, though the image is the same.
    """
    data = {**made["data"], "image": picture}
    said = [data, made["predictions"]]
    text = json.dumps(said, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _meta_line(unit: Unit, about: Round) -> str:
    parts = [about.name, f"unit {unit.position + 1}", unit.item_id, unit.subject]
    return " · ".join(part[:LONGEST_NAME] for part in parts if part)


def _title(arm: str | None, outcome: str | None, status: str | None) -> str:
    parts = [arm, outcome, None if status in {None, "ok"} else status]
    return " · ".join(part.replace("_", " ") for part in parts if part)


def _answer_line(unit: Unit) -> str:
    answer = unit.extracted
    found = "no answer was found" if answer is None else f"answer taken: {answer}"
    outcome = (unit.outcome or "not scored").replace("_", " ")
    return f"{found} · scorer: {outcome}"


def _choices_text(choices: tuple[str, ...]) -> str:
    if not choices:
        return "no options: an open question"
    if len(choices) > len(ascii_uppercase) or all(map(_LABELLED.match, choices)):
        return "\n".join(choices)
    lines = zip(ascii_uppercase, choices, strict=False)
    return "\n".join(f"({letter}) {choice}" for letter, choice in lines)


def _clean(text: str) -> str:
    return text.replace("\x00", "�")


# The judge's labels -------------------------------------------------------------------------------


def _prediction(unit: Unit, said: Verdict, about: Round, form: Form) -> dict[str, Any]:
    answers = [_primary(said), _codes(said, form.paths)]
    regions = [*filter(None, answers), *_spans(unit, said)]
    version = f"{(about.judge or 'judge')[:LONGEST_NAME]} {(about.judge_id or '')[:12]}".strip()
    return {"model_version": version, "result": regions}


def _primary(said: Verdict) -> dict[str, Any] | None:
    primary = said.primary_code
    if primary is None and said.codes:
        return None  # which of them the judge holds to be the root cause, it did not say
    if primary is None and not said.codebook_gap and not said.complete:
        return None  # it found nothing of what it looks for, and does not look for everything
    answer = primary or (GAP if said.codebook_gap else NONE)
    return _region("primary", "primary", "response", "choices", {"choices": [answer]})


def _codes(said: Verdict, paths: Mapping[str, tuple[str, ...]]) -> dict[str, Any] | None:
    # A primary code alone says that it is the only one. Repeated here, it would stay behind where
    # a coder chooses another primary one.
    if set(said.codes) <= {said.primary_code}:
        return None
    # A code that the form does not have is left as it is: the check names it.
    chosen = [list(paths.get(code, (code,))) for code in dict.fromkeys(said.codes)]
    return _region("codes", "codes", "response", "taxonomy", {"taxonomy": chosen})


def _spans(unit: Unit, said: Verdict) -> Iterator[dict[str, Any]]:
    for number, (field, start, end) in enumerate(said.spans):
        for name, shown in unit.texts.items():
            if placed := shown.place(field, start, end):
                value = {
                    "start": placed[0],
                    "end": placed[1],
                    "text": shown.text[slice(*placed)],
                    "labels": [EVIDENCE],
                }
                yield _region(f"evidence-{number}", f"ev_{name}", name, "labels", value)


def _region(
    region_id: str, control: str, to_name: str, kind: str, value: dict[str, Any]
) -> dict[str, Any]:
    return {
        "id": region_id,
        "from_name": control,
        "to_name": to_name,
        "type": kind,
        "value": value,
    }


# Checks before sending ----------------------------------------------------------------------------


def check_task(made: Mapping[str, Any], form: Form) -> None:
    """Refuse a task that the server would accept and the form could not show as it is meant.

    Raises
    ------
    StageError
        When a field is missing or no text, or a prediction is malformed; all problems are listed.
    """
    problems = list(_problems(made, form))
    if problems:
        data = made.get("data")
        name = data.get("record_id") if isinstance(data, Mapping) else None
        raise StageError(f"task {name!r} cannot be sent: " + "; ".join(problems))


def _problems(made: Mapping[str, Any], form: Form) -> Iterator[str]:
    data, predictions = made.get("data"), made.get("predictions")
    if not isinstance(data, Mapping) or not isinstance(predictions, list):
        yield "it needs data and a list of predictions"
        return
    for field in sorted(form.fields | {"record_id"}):
        if not isinstance(data.get(field), str):
            yield f"the field {field!r} is missing or no text"
    if predictions and "judge_note" not in form.fields:
        yield "the form is for coders who see no suggestions"
    if len(predictions) > 1:
        yield "more than one prediction"
    for prediction in predictions:
        yield from _prediction_problems(prediction, data, form)


def _prediction_problems(prediction: Any, data: Mapping[str, Any], form: Form) -> Iterator[str]:
    if not isinstance(prediction, Mapping) or not isinstance(prediction.get("result"), list):
        yield "a prediction without a list of regions"
        return
    if unknown := sorted(prediction.keys() - {"model_version", "result"}):
        yield f"a prediction says {', '.join(map(str, unknown))}, which coders would see"
    ids: set[str] = set()
    given: set[str] = set()
    for region in prediction["result"]:
        if not isinstance(region, Mapping):
            yield f"a region that is no object: {region!r:.60}"
            continue
        yield from _twice(region, ids, given, form)
        yield from region_problems(region, data, form)
        if region.get("from_name") in OWN:
            yield f"{region['from_name']} is the coder's own and cannot be predicted"


def _twice(region: Mapping[str, Any], ids: set[str], given: set[str], form: Form) -> Iterator[str]:
    region_id, name = region.get("id"), region.get("from_name")
    if not isinstance(region_id, str) or not region_id:
        yield f"a region of {name!r} has no id"
    elif region_id in ids:
        yield f"the region id {region_id!r} is used twice"
    else:
        ids.add(region_id)
    control = form.controls.get(name) if isinstance(name, str) else None
    if control and control.kind != "labels":
        if control.name in given:
            yield f"{control.name} is given twice"
        given.add(control.name)
