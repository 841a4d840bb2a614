"""Files of labels made elsewhere: CSV, JSON Lines and Parquet, as records with their line numbers.

Memory does not depend on the file: a line of more than 64 MiB is reported without being held.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from erranal.errors import StageError

LONGEST_LINE = 64 << 20
_PARQUET_ROWS = 4_096
_DELIMITERS = ",;\t|"
_MARK = b"\xef\xbb\xbf"
_REFUSED = {
    b"\xff\xfe": "is UTF-16: save it as UTF-8",
    b"\xfe\xff": "is UTF-16: save it as UTF-8",
    b"\x1f\x8b": "is packed: unpack it with gunzip",
    b"PK\x03\x04": "is a spreadsheet or archive: save it as UTF-8 CSV",
    b"[": "is one JSON array: write one JSON object a line (JSON Lines)",
}


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a row cannot land; ``detail`` says what was found."""

    reason: str
    detail: str


Numbered = tuple[int, dict[str, Any] | Flaw]


def read(path: Path) -> Iterator[Numbered]:
    """Yield each row of a file as (line, record), or as (line, flaw) where it is no record.

    Lines are 1-based; for Parquet they are row numbers. The format is told by the content: Parquet
    by its first bytes, JSON Lines by an opening brace, everything else is taken for CSV, whose
    delimiter is the one of comma, semicolon, tab and bar that its first line has most of.

    Raises
    ------
    StageError
        When the file cannot be read, is in another format, or names a column twice.
    """
    return _reader(path)(path)


def _reader(path: Path) -> Callable[[Path], Iterator[Numbered]]:
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        reason = error.strerror or error
        raise StageError(f"{path} cannot be read ({reason}): name files of labels") from error
    if head.startswith(b"PAR1"):
        return _parquet
    text = head.removeprefix(_MARK).lstrip()
    for start, problem in _REFUSED.items():
        if text.startswith(start):
            raise StageError(f"{path} {problem} first")
    return _json_lines if text.startswith(b"{") else _csv


def _lines(path: Path) -> Iterator[bytes | None]:
    """Yield lines without their ends; one that is too long is None."""
    with path.open("rb") as file:
        first, line = True, file.readline(LONGEST_LINE)
        while line:
            whole = line.endswith(b"\n") or len(line) < LONGEST_LINE
            while not whole:
                rest = file.readline(LONGEST_LINE)
                whole, line = rest.endswith(b"\n") or not rest, b""
            text = line.removeprefix(_MARK) if first else line
            yield text.removesuffix(b"\n").removesuffix(b"\r") if line else None
            first, line = False, file.readline(LONGEST_LINE)


_TOO_LONG = Flaw("line_too_long", f"over {LONGEST_LINE >> 20} MiB")
_NOT_UTF8 = Flaw("invalid_utf8", "bytes that are not UTF-8")


# JSON Lines ---------------------------------------------------------------------------------------


def _json_lines(path: Path) -> Iterator[Numbered]:
    for number, line in enumerate(_lines(path), 1):
        if line is None:
            yield number, _TOO_LONG
        elif line.strip():
            yield number, _json_record(line)


def _json_record(line: bytes) -> dict[str, Any] | Flaw:
    import orjson

    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        record = _with_nan(line)
        if record is None:
            return _broken(line, error)
    return record if isinstance(record, dict) else Flaw("not_an_object", repr(line[:80]))


def _with_nan(line: bytes) -> Any:
    """Read JSON in which NaN and infinities, which are no JSON, stand for missing values."""
    import orjson

    if b"NaN" not in line and b"Infinity" not in line:
        return None
    try:
        record = json.loads(line, parse_constant=lambda _: None)
        orjson.dumps(record)  # refuses what the database cannot hold: halves of surrogate pairs
    except (ValueError, RecursionError, TypeError):
        return None
    return record


def _broken(line: bytes, error: Exception) -> Flaw:
    try:
        line.decode()
    except UnicodeDecodeError:
        return _NOT_UTF8
    return Flaw("broken_json", str(error))


# CSV ----------------------------------------------------------------------------------------------


def _csv(path: Path) -> Iterator[Numbered]:
    csv.field_size_limit(LONGEST_LINE)
    too_long: list[int] = []
    text = _decoded(path, too_long)
    header_line = next(text, "")
    if "\x00" in header_line or not _is_unicode([header_line]):
        raise StageError(f"{path} is not a UTF-8 text file: save it as UTF-8 CSV first")
    delimiter = max(_DELIMITERS, key=header_line.count)
    header = _header(path, header_line, delimiter)
    rows = csv.reader(text, delimiter=delimiter, strict=True)
    while True:
        number = rows.line_num + 2  # the header is line 1 and was read before
        try:
            cells = next(rows)
        except StopIteration:
            break
        except csv.Error as error:
            yield number, Flaw("broken_csv", f"{error} (to line {rows.line_num + 1})")
            continue
        if cells:
            yield number, _csv_record(header, cells)
    for number in too_long:
        yield number, _TOO_LONG


def _decoded(path: Path, too_long: list[int]) -> Iterator[str]:
    for number, line in enumerate(_lines(path), 1):
        if line is None:
            too_long.append(number)
        # Bytes that are not UTF-8 come back as lone surrogates, and are found in their row.
        yield (line or b"").decode("utf-8", "surrogateescape") + "\n"


def _header(path: Path, line: str, delimiter: str) -> list[str]:
    try:
        header = [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error as error:
        raise StageError(f"{path} has no readable header line: {error}") from error
    if not any(header):
        raise StageError(f"{path} is empty: its first line must name the columns")
    _require_unique(path, [name for name in header if name])
    return header


def _csv_record(header: list[str], cells: list[str]) -> dict[str, Any] | Flaw:
    if len(cells) != len(header):
        return Flaw("ragged_row", f"{len(cells)} cells under {len(header)} columns")
    if not _is_unicode(cells):
        return _NOT_UTF8
    return {name: cell or None for name, cell in zip(header, cells, strict=True)}


def _is_unicode(cells: list[str]) -> bool:
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return False
    return True


def _require_unique(path: Path, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise StageError(f"{path} names columns twice ({', '.join(twice)}): rename one")


# Parquet ------------------------------------------------------------------------------------------


def _parquet(path: Path) -> Iterator[Numbered]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            _require_unique(path, list(file.schema_arrow.names))
            for batch in file.iter_batches(batch_size=_PARQUET_ROWS):
                for record in _parquet_records(batch):
                    number += 1
                    yield number, record
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0][:200]
        raise StageError(f"{path} is damaged after row {number} ({reason}): write it again") from (
            error
        )


def _parquet_records(batch: Any) -> list[dict[str, Any] | Flaw]:
    try:
        records: list[dict[str, Any] | Flaw] = batch.to_pylist()
    except (ValueError, OverflowError):  # find the rows that are to blame
        return [_parquet_record(batch, row) for row in range(len(batch))]
    return records


def _parquet_record(batch: Any, row: int) -> dict[str, Any] | Flaw:
    try:
        record: dict[str, Any] = batch.slice(row, 1).to_pylist()[0]
    except UnicodeDecodeError:
        return _NOT_UTF8
    except (ValueError, OverflowError) as error:
        return Flaw("wrong_type", str(error))
    return record
