"""Records to columns: every target's values, converted, with the rows that have to be rejected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from erranal.ingest import values
from erranal.ingest.batch import Batch, Reject, reject
from erranal.ingest.fields import Fields
from erranal.ingest.mapping import TARGETS, Mapping

_ABSENT = object()

# How a value of each target is read; texts and anything not named are plain texts.
_READ: dict[str, Callable[[Any], Any]] = {
    "id": values.identifier,
    "choices": values.choices,
    "answer_type": values.answer_type,
    "gold": values.text_or_json,
    "prediction": values.text_or_json,
    "modality": values.modality,
    "sample": values.integer,
    "tokens_in": values.integer,
    "tokens_out": values.integer,
    "latency_s": values.number,
    "correct": values.outcome,
}
_DEFAULTS = {"prompt_style": "default", "sample": 0, "benchmark": "unnamed"}


@dataclass
class Columns:
    """Values by target, one list each of the same length, and what was left out.

    Parameters
    ----------
    lines
        Line of each row, 1-based.
    of
        Values by target.
    metadata
        JSON text kept with the item, or None, one a row.
    rejects
        Rows that cannot land.
    unscored
        Rows whose score was neither right nor wrong: they land without one.
    """

    lines: list[int]
    of: dict[str, list[Any]]
    metadata: list[str | None]
    rejects: list[Reject] = field(default_factory=list)
    unscored: int = 0

    def keep(self, rows: list[int]) -> None:
        """Keep only the rows with these places."""
        self.lines = [self.lines[row] for row in rows]
        self.metadata = [self.metadata[row] for row in rows]
        self.of = {name: [held[row] for row in rows] for name, held in self.of.items()}


def columns(batch: Batch, mapping: Mapping, around: dict[str, Any]) -> Columns:
    """Read every target of the mapping out of a batch of records.

    Parameters
    ----------
    batch
        Records with their lines.
    mapping
        Complete mapping, see :mod:`erranal.ingest.mapping`.
    around
        Fields of the object around the records.
    """
    sources = [*mapping.fields.values(), *mapping.metadata.values()]
    fields = Fields(batch.records, around, sources)
    faults: dict[int, values.Unusable] = {}
    found = {target: _target(target, fields, mapping, faults) for target in TARGETS}
    _require(found, faults)
    unscored = _unscored(fields, found["correct"], mapping)
    result = Columns(batch.lines, found, _metadata(fields, mapping), list(batch.rejects), unscored)
    if faults:
        result.rejects += [
            reject(batch.lines[row], fault.reason, fault.detail) for row, fault in faults.items()
        ]
        result.keep([row for row in range(len(batch.lines)) if row not in faults])
    return result


def _target(
    target: str, fields: Fields, mapping: Mapping, faults: dict[int, values.Unusable]
) -> list[Any]:
    read = _READ.get(target, values.text)
    default = mapping.constant.get(target, _DEFAULTS.get(target))
    if target not in mapping.fields:
        return _constant(target, default, read, len(fields), faults)
    raw = fields.column(mapping.fields[target], _ABSENT if target == "response" else None)
    if translation := mapping.values.get(target):
        raw = [_translate(value, translation) for value in raw]
    if target != "response" and "" in raw:
        raw = [None if value == "" else value for value in raw]
    found = _convert(raw, read, faults)
    if default is not None and None in found:
        return [default if value is None else value for value in found]
    return found


def _constant(
    target: str,
    value: Any,
    read: Callable[[Any], Any],
    rows: int,
    faults: dict[int, values.Unusable],
) -> list[Any]:
    if value is None and target not in ("id", "modality"):
        return [None] * rows
    try:
        return [read(value)] * rows
    except values.Unusable as fault:
        faults.update(dict.fromkeys(range(rows), fault))
        return [None] * rows


def _translate(value: Any, translation: dict[str, str]) -> Any:
    if isinstance(value, str | int | float):
        return translation.get(values.text(value) or "", value)
    return value


def _convert(
    raw: list[Any], read: Callable[[Any], Any], faults: dict[int, values.Unusable]
) -> list[Any]:
    kinds = set(map(type, raw))
    if read in values.WHOLE and (found := values.WHOLE[read](raw, kinds)) is not None:
        return found
    if kinds == {str} and len(distinct := set(raw)) <= len(raw) // 8:
        meanings, bad = _convert_distinct(distinct, read)
        faults.update((row, bad[value]) for row, value in enumerate(raw) if value in bad)
        return [meanings.get(value) for value in raw]
    found = []
    for row, value in enumerate(raw):
        try:
            found.append(value if value is _ABSENT else read(value))
        except values.Unusable as fault:
            found.append(None)
            faults.setdefault(row, fault)
    return found


def _convert_distinct(
    distinct: set[str], read: Callable[[Any], Any]
) -> tuple[dict[str, Any], dict[str, values.Unusable]]:
    meanings, bad = {}, {}
    for value in distinct:
        try:
            meanings[value] = read(value)
        except values.Unusable as fault:
            bad[value] = fault
    return meanings, bad


def _require(found: dict[str, list[Any]], faults: dict[int, values.Unusable]) -> None:
    """Tell a response that is null (empty) from a row that has none at all (a reject)."""
    responses = found["response"]
    if set(map(type, responses)) != {str}:
        for row, response in enumerate(responses):
            if response is _ABSENT:
                fault = values.Unusable("missing_response", "the row has no response")
                faults.setdefault(row, fault)
        found["response"] = [held if isinstance(held, str) else "" for held in responses]
    if None in found["model"]:
        for row, model in enumerate(found["model"]):
            if model is None:
                faults.setdefault(row, values.Unusable("missing_model", "the row names no model"))


def _unscored(fields: Fields, outcomes: list[str | None], mapping: Mapping) -> int:
    if "correct" not in mapping.fields or None not in outcomes:
        return 0
    pairs = zip(fields.column(mapping.fields["correct"]), outcomes, strict=True)
    return sum(value not in (None, "") and outcome is None for value, outcome in pairs)


def _metadata(fields: Fields, mapping: Mapping) -> list[str | None]:
    if not mapping.metadata:
        return [None] * len(fields)
    import orjson

    names = list(mapping.metadata)
    held = [fields.column(path) for path in mapping.metadata.values()]
    return [
        orjson.dumps(
            {k: v for k, v in zip(names, row, strict=True) if v is not None}, default=str
        ).decode()
        for row in zip(*held, strict=True)
    ]
