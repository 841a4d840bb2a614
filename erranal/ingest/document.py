"""JSON documents: a list of records, or records under a key of an object."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from erranal.errors import IngestError
from erranal.ingest.batch import Batch, Reject, reject
from erranal.ingest.lines import open_bytes, without_mark

# A document is held whole, and its objects take several times its length.
LARGEST = 512 << 20
DOCUMENT_ROWS = 4_096


class _NotANumber:
    """Stands where a document has NaN or Infinity; no serializer accepts it."""


def read(path: Path) -> Any:
    """Parse a whole JSON document.

    Raises
    ------
    IngestError
        When it is too large, not UTF-8, not JSON or nested too deeply; the message says where.
    """
    import orjson

    with open_bytes(path) as stream:
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise IngestError(
            f"{path} is a JSON document of over {LARGEST >> 20} MiB, which has to be held whole: "
            "turn it into JSON Lines, e.g. jq -c '.[]' FILE > FILE.jsonl"
        )
    data = without_mark(data, path)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _read_leniently(path, data)


def _read_leniently(path: Path, data: bytes) -> Any:
    """Parse what the strict parser refuses as a whole: NaN, say, costs one record only."""
    try:
        return json.loads(data.decode("utf-8"), parse_constant=lambda name: _NotANumber())
    except UnicodeDecodeError as error:
        raise IngestError(f"{path} is not UTF-8: {error}; save it as UTF-8 first") from error
    except json.JSONDecodeError as error:
        raise IngestError(
            f"{path} is not a whole JSON document: {error.msg} at line {error.lineno}, column "
            f"{error.colno}; write it again, or name it .jsonl if it is one object a line"
        ) from error
    except RecursionError as error:
        raise IngestError(f"{path} nests too deeply to be read as JSON") from error
    except ValueError as error:  # an integer of thousands of digits
        raise IngestError(f"{path} cannot be read as JSON: {error}") from error


def find_records(value: Any, key: str | None, path: Path) -> tuple[list[Any], dict[str, Any], str]:
    """Return the list of records, the object around it (empty for a list) and the key it is under.

    Raises
    ------
    IngestError
        When the key given holds no list, or no key was given and none or several do.
    """
    if isinstance(value, list) and key is None:
        return value, {}, ""
    if not isinstance(value, dict):
        raise IngestError(f"{path} holds no records: it is a JSON {type(value).__name__}")
    lists = [name for name, held in value.items() if _is_list_of_records(held)]
    if key is None and len(lists) == 1:
        key = lists[0]
    if key is None or not isinstance(value.get(key), list):
        raise IngestError(
            f"{path} has no list of records under {key!r}" if key else _which(path, value, lists)
        )
    around = {name: _whole(held) for name, held in value.items() if name != key}
    return value[key], around, key


def _which(path: Path, value: dict[str, Any], lists: list[str]) -> str:
    fields = ", ".join(map(str, list(value)[:20]))
    found = f"several lists of records ({', '.join(lists)})" if lists else "no list of records"
    return (
        f"{path} is an object with {found} (fields: {fields}): name the key in the mapping, "
        'records = "KEY"'
    )


def _is_list_of_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _whole(value: Any) -> Any:
    # Half of a surrogate pair in the one object around all records shall not cost the records.
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def batches(records: list[Any], *, rows: int = DOCUMENT_ROWS) -> Iterator[Batch]:
    """Yield the records of a parsed document; numbers are places in its list, 1-based."""
    for start in range(0, len(records), rows):
        batch = Batch()
        for number, record in enumerate(records[start : start + rows], start + 1):
            fault = _fault(number, record)
            if fault is None:
                batch.lines.append(number)
                batch.records.append(record)
            else:
                batch.rejects.append(fault)
        yield batch


def _fault(number: int, record: Any) -> Reject | None:
    import orjson

    if not isinstance(record, dict):
        return reject(number, "not_an_object", f"a JSON {type(record).__name__}: {record!r:.80}")
    try:
        orjson.dumps(record)
    except TypeError as error:
        if "UTF-8" in str(error):
            return reject(number, "invalid_utf8", "half of a surrogate pair")
        if "_NotANumber" in str(error):
            return reject(number, "not_a_number", "NaN or Infinity")
        if "64-bit" not in str(error):
            return reject(number, "wrong_type", error)
    return None
