"""Revisions of labels: what is new beside what the study has, and what it is told as."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from erranal.rounds.annotations import DELETED, Label, Region, said

COUNTED = ("new", "edited", "skipped", "deleted", "unchanged", "older", "refused")
KEPT = ("unit_id", "annotation_id", "coder_id", "shown_judge_id", "created_at", "raw")
SAID = (
    "unit_id",
    "annotation_id",
    "status",
    "primary_code",
    "codes",
    "codebook_gap",
    "flags",
    "confidence",
    "memo",
    "lead_time_s",
    "created_at",
    "updated_at",
    "raw",
)


class Known(NamedTuple):
    """The newest revision of an annotation in the study, and how many there are."""

    label_id: str
    annotation_id: int
    unit_id: str
    status: str
    coder_id: str
    shown_judge_id: str | None
    created_at: datetime | None
    updated_at: datetime
    raw: str
    revisions: int


def fate(known: Known | None, label: Label, *, live: bool) -> str:
    """Return what a label is beside what is known: new, edited, unchanged or older.

    Parameters
    ----------
    known, label
        The newest revision, if there is one, and what was read.
    live
        Whether it is on the server now: what was deleted can come back there, not in a file.
    """
    if known is None or (live and known.status == DELETED):
        return "new"
    if label.updated_at < known.updated_at:
        return "older"
    same = known.raw == label.raw or said(json.loads(known.raw)) == said(json.loads(label.raw))
    return "unchanged" if same else "edited"


def is_another(known: Known, label: Label) -> bool:
    """Return whether a number stands for another annotation than before, as on another server.

    The name that a server gives an annotation says so, or else, as it is not told everywhere, the
    time it was made.
    """
    before, now = (json.loads(raw).get("unique_id") for raw in (known.raw, label.raw))
    if before and now:
        return bool(before != now)
    return bool(known.created_at and label.created_at and known.created_at != label.created_at)


def region_row(label_id: str, one: Region) -> dict[str, Any]:
    """Return the row of a region."""
    return {
        "label_id": label_id,
        "region_id": one.region_id,
        "field": one.field,
        "start_cp": one.start,
        "end_cp": one.end,
        "quote": one.quote,
        "kind": one.kind,
        "origin": one.origin,
    }


def summary(
    what: str, name: str, counts: Mapping[str, int], *, same_form: bool = True
) -> dict[str, Any]:
    """Return one row on what landed, with why annotations were refused, in words."""
    reasons = [
        f"{number} {reason.removeprefix('refused: ').replace('_', ' ')}"
        for reason, number in sorted(counts.items())
        if reason.startswith("refused: ")
    ]
    form_note = "" if same_form else "the form on the server is not the round's: put it back"
    told = "; ".join(filter(None, [form_note, ", ".join(reasons)]))
    return {what: name, **{n: counts.get(n, 0) for n in ("tasks", *COUNTED)}, "note": told}
