"""Lines of text files, and JSON Lines.

Files are read in blocks of bytes, so that memory does not depend on the file: a line of more than
64 MiB is skipped without being held whole.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from erranal.errors import IngestError
from erranal.ingest.batch import BATCH_BYTES, BATCH_ROWS, Batch, Reject, reject

BLOCK = 1 << 20
LONGEST_LINE = 64 << 20

Lines = list[bytes | None]
Stream = gzip.GzipFile | io.BufferedReader

_MARK = b"\xef\xbb\xbf"
_OTHER_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00\x00\xfe\xff": "UTF-32"}


def open_bytes(path: Path) -> Stream:
    """Open a file, unpacking gzip by its first bytes rather than by its name."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else path.open("rb")


def blocks(path: Path, size: int = BLOCK) -> Iterator[tuple[int, Lines]]:
    """Yield (number of the first line, lines); a line that is too long is None.

    Lines come without their newline; numbers are 1-based.

    Raises
    ------
    IngestError
        When the file is in another encoding than UTF-8, or its compression is damaged.
    """
    try:
        with open_bytes(path) as stream:
            yield from _blocks(stream, path, size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise IngestError(f"{path} is damaged (gzip): {error}; copy or pack it again") from error


def _blocks(stream: Stream, path: Path, size: int) -> Iterator[tuple[int, Lines]]:
    number, rest, skipping = 1, b"", False
    chunk = without_mark(stream.read1(size), path)
    while chunk:
        *whole, rest = (rest + chunk).split(b"\n")
        if whole:
            lines: Lines = list(whole)
            if skipping or len(whole[0]) > LONGEST_LINE:
                lines[0] = None
            yield number, lines
            number, skipping = number + len(lines), False
        if skipping or len(rest) > LONGEST_LINE:
            rest, skipping = b"", True
        chunk = stream.read1(size)  # what a damaged gzip file still gives comes before its error
    if rest or skipping:
        yield number, [None if skipping else rest]


def without_mark(head: bytes, path: Path) -> bytes:
    """Strip the UTF-8 byte order mark from the first bytes of a file; refuse the other marks."""
    for mark, encoding in _OTHER_MARKS.items():
        if head.startswith(mark):
            raise IngestError(f"{path} is {encoding}: save it as UTF-8 (e.g. with iconv) first")
    return head.removeprefix(_MARK)


def batches(path: Path, *, rows: int = BATCH_ROWS, size: int = BLOCK) -> Iterator[Batch]:
    """Yield the records of a JSON Lines file, batch by batch."""
    batch = Batch()
    held = 0
    try:
        for first, lines in blocks(path, size):
            _parse(first, lines, batch)
            length = sum(len(line) for line in lines if line)
            held, batch.offset = held + length, batch.offset + length
            if len(batch) >= rows or held >= BATCH_BYTES:
                yield batch
                batch, held = Batch(offset=batch.offset), 0
    except IngestError:
        yield batch  # what was read before the damage
        raise
    yield batch


def _parse(first: int, lines: Lines, batch: Batch) -> None:
    import orjson

    try:
        found = [orjson.loads(line) for line in lines]  # type: ignore[arg-type]
    except orjson.JSONDecodeError:
        found = []
    if found and set(map(type, found)) == {dict}:
        batch.lines += range(first, first + len(found))
        batch.records += found
        return
    for number, line in enumerate(lines, first):
        if line is None:
            batch.rejects.append(reject(number, "line_too_long", f"over {LONGEST_LINE >> 20} MiB"))
        elif line.strip():
            _parse_one(number, line, batch)


def _parse_one(number: int, line: bytes, batch: Batch) -> None:
    import orjson

    try:
        record: Any = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        batch.rejects.append(_explain(number, line, error.msg, error.pos))
        return
    if isinstance(record, dict):
        batch.lines.append(number)
        batch.records.append(record)
    else:
        kind = type(record).__name__
        batch.rejects.append(reject(number, "not_an_object", f"a JSON {kind}: {line[:80]!r}"))


def _explain(number: int, line: bytes, message: str, position: int) -> Reject:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        return reject(number, "invalid_utf8", error)
    # The parser points at the value, or just behind its sign.
    around = text[max(0, position - 2) : position + 10]
    if "surrogate" in message:
        return reject(number, "invalid_utf8", f"half of a surrogate pair near {around!r}")
    if "NaN" in around or "Infinity" in around or "infinity" in message:
        return reject(number, "not_a_number", f"near {around!r}")
    return reject(number, "broken_json", f"{message}, at character {position + 1}: {around!r}")
