"""One annotation of Label Studio as a label of its round, or the reason why it is none.

What the rules are
------------------
- ``primary`` is one code, ``none`` (no error that a code describes) or ``codebook gap``.
- ``none`` goes with no codes. A coder who chose both said two things, and is asked which.
- A code as ``primary`` with ``codes`` left empty says that it is the only code. Where codes are
  chosen, the primary one is among them; a label in which it is not is refused.
- ``codebook gap`` as primary, or the flag GAP, sets ``codebook_gap``; other codes may stand beside.
- No stars are no confidence. A relation between spans says nothing that a round asks for.
- An annotation that was skipped says nothing, whatever was filled in before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from erranal.rounds.answers import region_problems
from erranal.rounds.form import GAP, NONE, Form
from erranal.rounds.shown import Shown

SUBMITTED, SKIPPED, DELETED = "submitted", "skipped", "deleted"
# What the server adds and what may name people; who it was is kept as a number.
_PEOPLE = ("completed_by", "updated_by", "last_created_by")
_NAMING = ("created_username", "created_by")
_LONGEST = 300
LONGEST_MEMO = 10_000


@dataclass(frozen=True, slots=True)
class Region:
    """A span that a coder marked in one of the study's texts."""

    region_id: str
    field: str
    start: int
    end: int
    quote: str
    kind: str
    origin: str | None


@dataclass(frozen=True, slots=True)
class Label:
    """What one coder said of one unit; ``raw`` is the annotation as JSON, without names."""

    unit_id: str
    annotation_id: int
    user_id: int
    edited_by: int
    status: str
    primary_code: str | None
    codes: tuple[str, ...] | None
    codebook_gap: bool | None
    flags: tuple[str, ...] | None
    confidence: int | None
    memo: str | None
    lead_time_s: float | None
    created_at: datetime | None
    updated_at: datetime
    regions: tuple[Region, ...]
    raw: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an annotation is no label; ``raw`` is the annotation as JSON, without names."""

    reason: str
    detail: str
    annotation_id: int | None = None
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What an annotation answers: a unit's texts, shown in a task with a form.

    ``task_id`` is that of the server, None where any is right.
    """

    unit_id: str
    task_id: int | None
    texts: Mapping[str, Shown]
    form: Form


class _RefusedError(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail[:_LONGEST]


def read(annotation: Any, asked: Asked) -> Label | Refusal:
    """Read one annotation.

    Parameters
    ----------
    annotation
        An element of a task's ``annotations``, from a server or a file; may be anything.
    asked
        The unit it is said to be of.

    Returns
    -------
    Label or Refusal
        Reasons are ``malformed``, ``other_task``, ``no_coder``, ``no_time``, ``no_primary``,
        ``wrong_answer`` (one that the form cannot give), ``given_twice``, ``none_with_codes`` and
        ``primary_not_in_codes``.
    """
    if not isinstance(annotation, Mapping):
        return Refusal("malformed", f"no annotation: {annotation!r:.80}")
    number = annotation.get("id")
    known = number if _whole(number) else None
    try:
        return _label(annotation, asked)
    except _RefusedError as refused:
        return Refusal(refused.reason, refused.detail, known, raw(annotation))
    except RecursionError:
        return Refusal("malformed", "it is nested too deep", known)


def raw(annotation: Mapping[str, Any]) -> str:
    """Return an annotation as JSON text without what names people."""
    kept = {key: value for key, value in annotation.items() if key not in _NAMING}
    for key in _PEOPLE:
        if isinstance(kept.get(key), Mapping):
            kept[key] = kept[key].get("id")
    text = json.dumps(kept, ensure_ascii=False, default=str)
    # Half a surrogate pair is no text that a database takes.
    return text.encode("utf-8", "replace").decode()


def said(annotation: Mapping[str, Any]) -> str:
    """Return a digest of what a coder did: answers, skip and time taken, without clocks."""
    keys = ("result", "was_cancelled", "lead_time", "completed_by")
    text = json.dumps([annotation.get(key) for key in keys], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def moment(value: Any) -> datetime | None:
    """Return a time as servers write it, None for what is none."""
    if not isinstance(value, str):
        return None
    try:
        when = datetime.fromisoformat(value)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _label(annotation: Mapping[str, Any], asked: Asked) -> Label:
    _require_task(annotation, asked)
    cancelled = annotation.get("was_cancelled") or False
    if not isinstance(cancelled, bool):
        raise _RefusedError("malformed", f"was_cancelled is {cancelled!r}")
    coder = _user(annotation.get("completed_by"))
    if coder is None:
        raise _RefusedError("no_coder", "it does not say who made it")
    editor = _user(annotation.get("updated_by"))
    created, updated = (moment(annotation.get(key)) for key in ("created_at", "updated_at"))
    if updated is None:
        raise _RefusedError("no_time", f"updated_at is {annotation.get('updated_at')!r}")
    number = annotation["id"]
    answers = _NOTHING if cancelled else _answers(annotation.get("result"), asked)
    return Label(
        unit_id=asked.unit_id,
        annotation_id=number,
        user_id=coder,
        edited_by=coder if editor is None else editor,
        status=SKIPPED if cancelled else SUBMITTED,
        **answers,
        lead_time_s=_seconds(annotation.get("lead_time")),
        created_at=created,
        updated_at=updated,
        raw=raw(annotation),
    )


_NOTHING: dict[str, Any] = {
    "primary_code": None,
    "codes": None,
    "codebook_gap": None,
    "flags": None,
    "confidence": None,
    "memo": None,
    "regions": (),
}


def _require_task(annotation: Mapping[str, Any], asked: Asked) -> None:
    if not _whole(annotation.get("id")):
        raise _RefusedError("malformed", f"its id is {annotation.get('id')!r}")
    own = annotation.get("task", asked.task_id)
    if asked.task_id is not None and own != asked.task_id:
        raise _RefusedError("other_task", f"it is of task {own!r}, not {asked.task_id}")


def _user(value: Any) -> int | None:
    number = value.get("id") if isinstance(value, Mapping) else value
    return number if _whole(number) else None


def _whole(value: Any) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63


def _seconds(value: Any) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
        return float(value)
    return None


# Answers ------------------------------------------------------------------------------------------


def _answers(result: Any, asked: Asked) -> dict[str, Any]:
    if not isinstance(result, list) or not all(isinstance(one, Mapping) for one in result):
        raise _RefusedError("malformed", "result is no list of regions")
    given = [one for one in result if not _says_nothing(one)]
    data = {name: shown.text for name, shown in asked.texts.items()}
    problems = [problem for one in given for problem in region_problems(one, data, asked.form)]
    if problems:
        raise _RefusedError("wrong_answer", "; ".join(problems))
    _require_once(given, asked.form)
    values = {one["from_name"]: one["value"] for one in given}
    flags = tuple(values.get("flags", {}).get("choices", ()))
    regions = tuple(_regions(given, asked))
    return {
        **_codes(values, flags),
        "flags": flags,
        "confidence": values.get("confidence", {}).get("rating") or None,
        "memo": _memo(values.get("memo", {}).get("text", [])),
        "regions": regions,
    }


def _says_nothing(region: Mapping[str, Any]) -> bool:
    """Whether a region is a relation, or what a form leaves of an answer taken back."""
    if region.get("type") == "relation" and "from_name" not in region:
        return True
    value = region.get("value")
    kinds = {"choices": "choices", "taxonomy": "taxonomy", "textarea": "text"}
    key = kinds.get(str(region.get("type")))
    return isinstance(value, Mapping) and key is not None and value.get(key) == []


def _require_once(given: list[Mapping[str, Any]], form: Form) -> None:
    names = [one["from_name"] for one in given if form.controls[one["from_name"]].kind != "labels"]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise _RefusedError("given_twice", f"{', '.join(twice)} is given more than once")


def _codes(values: Mapping[str, Any], flags: tuple[str, ...]) -> dict[str, Any]:
    if "primary" not in values:
        raise _RefusedError("no_primary", "the primary category was not chosen")
    primary = values["primary"]["choices"][0]
    codes = [path[-1] for path in values.get("codes", {}).get("taxonomy", ())]
    if primary == NONE and codes:
        raise _RefusedError("none_with_codes", f"no error, and yet {', '.join(codes)}")
    if primary not in {NONE, GAP} and codes and primary not in codes:
        raise _RefusedError("primary_not_in_codes", f"{primary} is not among {', '.join(codes)}")
    code = None if primary in {NONE, GAP} else primary
    return {
        "primary_code": code,
        "codes": tuple(codes) if codes or code is None else (code,),
        "codebook_gap": primary == GAP or "GAP" in flags,
    }


def _memo(text: str | list[str]) -> str | None:
    said = (text if isinstance(text, str) else "\n".join(text)).strip()
    return said[:LONGEST_MEMO] or None  # all of it is in the raw annotation


def _regions(given: list[Mapping[str, Any]], asked: Asked) -> Iterator[Region]:
    for one in given:
        control = asked.form.controls[one["from_name"]]
        if control.kind != "labels":
            continue
        shown, value, origin = asked.texts[control.to_name], one["value"], one.get("origin")
        for piece in shown.spans(value["start"], value["end"]):
            yield Region(
                region_id=str(one.get("id", "")),
                field=piece.field,
                start=piece.start,
                end=piece.end,
                quote=shown.quote(piece),
                kind=value["labels"][0],
                origin=origin if isinstance(origin, str) else None,
            )
