"""Label rows into the study: the output each one means, what is new, and where its quotes are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from erranal.judge import quotes, saving
from erranal.judge.labels.files import Flaw
from erranal.judge.labels.rows import Label, Place
from erranal.judge.verdict import MAX_QUOTE, Evidence, Record, Verdict

if TYPE_CHECKING:
    from erranal.store import Study

_TEXTS = ("question", "response", "reasoning", "reference", "reference_reasoning")


@dataclass(frozen=True, slots=True)
class Row:
    """One readable row of a file."""

    line: int
    place: Place
    label: Label


@dataclass(frozen=True, slots=True)
class Placed:
    """A row with the output it labels; ``digest`` names what it says."""

    line: int
    output_id: str
    label: Label
    digest: str


def place(study: Study, rows: Sequence[Row]) -> Iterator[Placed | tuple[int, Flaw]]:
    """Yield each row with its output, or with why it has none."""
    columns: dict[str, Any] = {
        name: [getattr(row.place, name) for row in rows] for name in Place._fields
    }
    columns["places"] = list(range(len(rows)))
    found = study.arrow("label_outputs", None, **columns).to_pylist()
    by_place = {match["place"]: match for match in found}
    for number, row in enumerate(rows):
        flaw = _misfit(row.place, by_place.get(number))
        if flaw:
            yield row.line, flaw
        else:
            yield Placed(row.line, by_place[number]["output_id"], row.label, _digest(row.label))


def _misfit(said: Place, match: Mapping[str, Any] | None) -> Flaw | None:
    if match is None:
        named = ", ".join(f"{name} {value}" for name, value in said._asdict().items() if value)
        return Flaw("unknown_output", f"the study has no output with {named[:200]}")
    if match["outputs"] > 1:
        some = "; ".join(match["candidates"])
        return Flaw("ambiguous_output", f"{match['outputs']} outputs fit, e.g. {some}"[:300])
    if not match["current"]:
        return Flaw("replaced_output", f"{match['output_id']} was replaced by newer content")
    return None


def _digest(label: Label) -> str:
    said = (label.codes, label.answers, label.primary, label.rationale, label.confidence)
    text = json.dumps((*said, label.quotes), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def fingerprints(study: Study, outputs: Sequence[str], ids: Mapping[str, str]) -> dict[str, str]:
    """Return what is stored for some outputs, by output."""
    known = study.arrow("label_fingerprints", outputs=list(outputs), **ids).to_pylist()
    return {row["output_id"]: row["fingerprint"] for row in known}


def records(study: Study, outputs: Iterable[str], *, scorer: str = "erranal") -> list[Record]:
    """Return outputs as a judge would be shown them, whatever their outcome, ordered by id."""
    rows = study.arrow("label_records", outputs=list(outputs), scorer=scorer).to_pylist()
    names = {field.name for field in fields(Record)}
    return [
        Record(**{name: _filled(name, value) for name, value in row.items() if name in names})
        for row in rows
    ]


def _filled(name: str, value: Any) -> Any:
    if name == "choices":
        return tuple(value or ())
    return "" if value is None and name in _TEXTS else value


def save(
    study: Study, placed: Sequence[Placed], *, ids: Mapping[str, str], replaced: Sequence[str]
) -> None:
    """Write the verdicts of some rows with their evidence, in one transaction."""
    quoting = [row.output_id for row in placed if row.label.quotes]
    texts = {record.output_id: record for record in records(study, quoting)} if quoting else {}
    verdicts = [_verdict(row, texts.get(row.output_id)) for row in placed]
    with study.write() as tx:
        saving.put_verdicts(
            tx, verdicts, **ids, judged_at=datetime.now(UTC), replaced=list(replaced)
        )


def _verdict(row: Placed, record: Record | None) -> Verdict:
    label = row.label
    answers = label.answers
    return Verdict(
        output_id=row.output_id,
        status="ok",
        primary_code=label.primary,
        codes=label.codes,
        rationale=label.rationale,
        confidence=label.confidence,
        evidence=tuple(_evidence(code, quote, record) for code, quote in label.quotes)
        if record
        else (),
        votes=None if answers is None else {code: float(yes) for code, yes in answers.items()},
        fingerprint=row.digest,
    )


def _evidence(code: str, quote: str, record: Record) -> Evidence:
    found = quotes.locate(quote, record)
    shown = (found.quote or quote)[:MAX_QUOTE]
    end = found.end if found.start is None else min(found.end or 0, found.start + MAX_QUOTE)
    return Evidence(code, found.field, found.start, end, shown, found.match, "")
