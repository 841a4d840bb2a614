"""Which format a file has, by its content first and its name second."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from erranal.errors import IngestError
from erranal.ingest import delimited, document, lines, parquet
from erranal.ingest.batch import Batch

_HEAD_ROWS = 100
_HEAD_BYTES = 256 << 10
# A file whose first 64 MiB hold no record is not a file of records.
_HEAD_BLOCKS = 256


@dataclass(frozen=True)
class DataFile:
    """An opened file of records.

    Parameters
    ----------
    path
        The file.
    kind
        jsonl, json, csv or parquet.
    head
        The first records, to recognise the file by.
    fields
        Names of the top-level fields that the first records have.
    around
        Fields of the object around the records of a JSON document.
    records
        All records of a JSON document; empty for formats that are streamed.
    """

    path: Path
    kind: str
    head: list[dict[str, Any]]
    fields: list[str]
    around: dict[str, Any] = field(default_factory=dict)
    records: list[Any] = field(default_factory=list, repr=False)

    def batches(self, *, only: Collection[str] | None = None) -> Iterator[Batch]:
        """Yield all records; ``only`` names the fields that a column store has to read."""
        if self.kind == "json":
            return document.batches(self.records)
        if self.kind == "parquet":
            return parquet.batches(self.path, only=only)
        return delimited.batches(self.path) if self.kind == "csv" else lines.batches(self.path)


def open_file(path: Path, *, records: str | None = None) -> DataFile:
    """Recognise a file and read its first records.

    Parameters
    ----------
    path
        The file.
    records
        Key of a JSON document under which its records are; found when only one key holds any.

    Raises
    ------
    IngestError
        When the file cannot be read, is empty, or holds no record.
    """
    try:
        return _open(path, records)
    except OSError as error:
        reason = error.strerror or str(error)
        raise IngestError(f"{path} cannot be read: {reason}") from error


def _open(path: Path, records: str | None) -> DataFile:
    if not path.is_file():
        what = (
            "a folder with no data file"
            if path.is_dir()
            else "no such file"
            if not path.exists()
            else "no file"
        )
        raise IngestError(f"{path} cannot be read: {what}")
    if path.stat().st_size == 0:
        raise IngestError(f"{path} is empty")
    kind = _kind(path, records)
    if kind == "json":
        return _document(path, records)
    if kind == "jsonl":
        return _json_lines(path)
    streamed = parquet.batches(path) if kind == "parquet" else _csv_head(path)
    head = next((batch.records for batch in streamed if batch.records), [])[:_HEAD_ROWS]
    if not head:
        raise IngestError(f"{path} holds no record: no row below its header can be read")
    return DataFile(path, kind, head, list(head[0]))


def _kind(path: Path, records: str | None) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    suffix = suffixes[-1] if suffixes else ""
    with path.open("rb") as file:
        if file.read(4) == b"PAR1" or suffix == ".parquet":
            return "parquet"
    if records is not None:
        return "json"
    if suffix in (".csv", ".tsv"):
        return "csv"
    if suffix == ".json" and not _is_lines(path):
        return "json"
    return "jsonl"


def _is_lines(path: Path) -> bool:
    """Whether a .json file holds one object a line, which its name does not tell."""
    try:
        return len(_head(lines.batches(path, rows=2, size=_HEAD_BYTES))) > 1
    except OSError:
        return False


def _head(batches: Iterator[Batch]) -> list[dict[str, Any]]:
    with closing(batches):  # type: ignore[type-var]
        for _, batch in zip(range(_HEAD_BLOCKS), batches, strict=False):
            if batch.records:
                return batch.records[:_HEAD_ROWS]
    return []


def _csv_head(path: Path) -> Iterator[Batch]:
    return delimited.batches(path, rows=_HEAD_ROWS, size=_HEAD_BYTES)


def _json_lines(path: Path) -> DataFile:
    head = _head(lines.batches(path, rows=_HEAD_ROWS, size=_HEAD_BYTES))
    if not head:
        with suppress(IngestError):
            return _document(path, None)
        raise IngestError(
            f"{path} holds no record: no line is a JSON object. Readable are JSON Lines, JSON, "
            "CSV, TSV and Parquet; name the file accordingly"
        )
    return DataFile(path, "jsonl", head, _fields(head))


def _document(path: Path, key: str | None) -> DataFile:
    found, around, _ = document.find_records(document.read(path), key, path)
    first = next((batch for batch in document.batches(found) if batch.records), None)
    if first is None:
        raise IngestError(f"{path} holds no record: its list has no JSON object that can be read")
    head = first.records[:_HEAD_ROWS]
    return DataFile(path, "json", head, _fields(head), around, found)


def _fields(head: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for record in head for name in record))
