"""Which field of a file is which: the mapping.

A mapping is a small TOML file, or a dictionary of the same shape. What it leaves out is taken from
the reader's own mapping, or guessed from common field names (and the guess is reported).

=================  ===============================================================================
target             meaning of its value
=================  ===============================================================================
id                 the item, the same text in every file and arm (required)
benchmark          name of the benchmark; ``unnamed`` when not given
split, subject     part of the benchmark; subject of the item
question           what is asked, without the instructions of the prompt
choices            list of options, or a list written as text, or an object {A: ..., B: ...}
gold               right answer: a letter, a number or a text; a list is kept as JSON
answer_type        choice, numeric or text
model              name of the model (required)
modality           text, text+image, instruction+image, ocr-1p, ocr-2p, image or none (required)
prompt_style       name of the prompt, e.g. direct or cot; ``default`` when not given
render             name of the render condition
sample             index of the sample, 0-based; 0 when not given
response           what the model said (required, or prediction)
prediction         answer that the file's own parser read from the response
correct            whether the file's own scorer found it right: true/false, 1/0, correct/incorrect
reasoning          reasoning channel where the file keeps it apart
prompt, image      prompt as sent; path or URL of the image shown
finish_reason      why the model stopped: stop, length, content_filter ...
status             ok, empty, truncated, refusal, filtered, api_error, or error
tokens_in/out      token counts; latency_s: seconds
=================  ===============================================================================

A source is a field name (``question_id``), a dotted path into nested objects and lists
(``evaluation.model_response``, ``choices.0.text``), a template of several
(``{task}/{index}``), or a field of the object around the records (``^model``). ``false`` switches
a target off. Besides the targets, or with all of them in a table ``[fields]``, there may be::

    records = "predictions"       # key of a JSON document that holds the records

    [constant]                    # target = value for every row
    benchmark = "MyBench"

    [values.modality]             # value in the file = value meant
    vision = "image"

    [metadata]                    # name kept with the item = source
    difficulty = "level"

    [render_params]               # kept with the condition, as they are
    font = "DejaVu Sans"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from erranal.errors import IngestError

ITEM = ("benchmark", "split", "subject", "question", "choices", "gold", "answer_type")
CONDITION = ("model", "modality", "prompt_style", "render")
RESPONSE = ("response", "reasoning", "prompt", "image", "finish_reason", "status")
NUMBERS = ("sample", "tokens_in", "tokens_out", "latency_s")
SCORE = ("prediction", "correct")
TARGETS = ("id", *ITEM, *CONDITION, *RESPONSE, *NUMBERS, *SCORE)

_TABLES = ("fields", "constant", "values", "metadata", "render_params")


@dataclass(frozen=True)
class Mapping:
    """Which field of a file is which; see the table of this module."""

    fields: dict[str, str] = field(default_factory=dict)
    constant: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    render_params: dict[str, Any] = field(default_factory=dict)
    records: str | None = None
    off: frozenset[str] = frozenset()

    def has(self, target: str) -> bool:
        """Whether a target is decided: by a field, by a constant or by being switched off."""
        return target in self.fields or target in self.constant or target in self.off

    def over(self, lower: Mapping) -> Mapping:
        """Return this mapping with what it leaves open taken from another."""
        fields = {k: v for k, v in lower.fields.items() if not self.has(k)}
        constant = {k: v for k, v in lower.constant.items() if not self.has(k)}
        return replace(
            self,
            fields=fields | self.fields,
            constant=constant | self.constant,
            values=lower.values | self.values,
            metadata=lower.metadata | self.metadata,
            render_params=lower.render_params | self.render_params,
            records=self.records or lower.records,
            off=self.off | lower.off - set(self.fields) - set(self.constant),
        )

    def sources(self) -> set[str]:
        """Return the top-level fields of a record that the mapping reads."""
        names: set[str] = set()
        for path in [*self.fields.values(), *self.metadata.values()]:
            for part in parts_of(path):
                names |= {part, part.split(".")[0]}
        return names

    def as_dict(self) -> dict[str, Any]:
        """Return the mapping in the shape of its TOML file, without what is empty."""
        tables = {name: dict(sorted(getattr(self, name).items())) for name in _TABLES}
        shown = {name: table for name, table in tables.items() if table}
        return shown | ({"records": self.records} if self.records else {})


def parts_of(path: str) -> list[str]:
    """Return the paths inside one source: the fields of a template, or the path itself."""
    pieces = [piece.split("}")[0] for piece in path.split("{")[1:]]
    return pieces or [path]


def load(given: Mapping | MappingOf[str, Any] | str | Path | None) -> Mapping:
    """Read a mapping from a TOML file or a dictionary of the same shape.

    A dictionary may name a TOML file under ``file``; its other entries then win over the file's.

    Raises
    ------
    IngestError
        When the file cannot be read, or an entry is unknown or of the wrong kind.
    """
    if given is None:
        return Mapping()
    if isinstance(given, Mapping):
        return given
    if isinstance(given, str | Path):
        return _from(_toml(Path(given)), str(given))
    entries = dict(given)
    file = entries.pop("file", None)
    return _from(entries, "mapping").over(load(file))


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise IngestError(f"the mapping {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise IngestError(f"the mapping {path} is not a TOML file: {error}") from error


def _from(entries: dict[str, Any], where: str) -> Mapping:
    tables = {name: entries.pop(name, None) or {} for name in _TABLES}
    records = entries.pop("records", None)
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise IngestError(f"{where}: [{name}] must be a table of key = value")
    fields = entries | tables["fields"]
    constant = tables["constant"]
    _check_targets(where, fields, constant, tables["values"])
    return Mapping(
        fields={target: _source(where, target, path) for target, path in fields.items() if path},
        constant={target: _scalar(where, target, value) for target, value in constant.items()},
        values={k: _translation(where, k, table) for k, table in tables["values"].items()},
        metadata={name: _source(where, name, path) for name, path in tables["metadata"].items()},
        render_params=tables["render_params"],
        records=None if records is None else _source(where, "records", records),
        off=frozenset(target for target, path in fields.items() if not path),
    )


def _check_targets(where: str, *tables: dict[str, Any]) -> None:
    for table in tables:
        for target in table:
            if target not in TARGETS:
                raise IngestError(
                    f"{where}: {target!r} is no target of a mapping; targets are "
                    f"{', '.join(TARGETS)}"
                )
    both = sorted(target for target in tables[0].keys() & tables[1].keys())
    if both:
        raise IngestError(f"{where}: {both[0]} is given both as a field and as a constant")


def _source(where: str, target: str, path: Any) -> str:
    if not isinstance(path, str) or not path.strip():
        raise IngestError(f"{where}: {target} = {path!r} is no field name or dotted path")
    return path


def _scalar(where: str, target: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise IngestError(f"{where}: constant {target} = {value!r} must be a text or a number")
    return str(value)


def _translation(where: str, target: str, table: Any) -> dict[str, str]:
    if not isinstance(table, dict):
        raise IngestError(f"{where}: [values.{target}] must be a table of value = value")
    return {str(value): _scalar(where, target, meant) for value, meant in table.items()}
