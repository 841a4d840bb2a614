"""Hostile files, written on demand, each with what has to come of it.

A case is a file with the number of rows that land and the reasons of those that do not, or with a
part of the message that refuses the file as a whole.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GOOD = {"id": "good", "question": "1 + 1?", "answer": "2", "response": "It is 2."}


@dataclass(frozen=True)
class Case:
    """One hostile file and its expectation."""

    name: str
    write: Callable[[Path], object]
    landed: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    refused: str | None = None
    note: str | None = None


def row(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a good record of its own, with changes."""
    return GOOD | {"id": f"item-{number}"} | changes


def lines(*rows: dict[str, Any] | bytes | str, end: bytes = b"\n") -> bytes:
    """Return lines of JSON; bytes and texts are taken as they are."""
    raw = [
        one if isinstance(one, bytes) else one.encode() if isinstance(one, str) else dump(one)
        for one in rows
    ]
    return end.join(raw) + end


def dump(record: Any) -> bytes:
    return json.dumps(record).encode()


def jsonl(name: str, *rows: dict[str, Any] | bytes | str, landed: int = 1, **reasons: int) -> Case:
    """Return a case of one good row and others after it."""
    return Case(name + ".jsonl", lambda path: path.write_bytes(lines(GOOD, *rows)), landed, reasons)


def file(name: str, content: bytes, landed: int = 0, **reasons: int) -> Case:
    return Case(name, lambda path: path.write_bytes(content), landed, reasons)


def refused(name: str, content: bytes, because: str) -> Case:
    return Case(name, lambda path: path.write_bytes(content), refused=because)


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("unpickled",)


def _parquet(columns: dict[str, list[Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def _parquet_of(*records: dict[str, Any]) -> bytes:
    return _parquet({name: [record[name] for record in records] for name in records[0]})


def _broken_page() -> bytes:
    whole = bytearray(_parquet_of(*(row(number) for number in range(50))))
    whole[20:200] = b"\xff" * 180
    return bytes(whole)


HEADER = b"id,question,answer,response\n"
DEEP = (
    b'{"id": "deep", "response": "r", "question": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"}"
)

ROWS = [
    jsonl("cut last line", dump(row(1))[:30], broken_json=1),
    jsonl("trailing comma", b'{"id": "x", "response": "r",}', broken_json=1),
    jsonl("python literal", b"{'id': 'x', 'response': 'r'}", broken_json=1),
    jsonl("two objects on a line", dump(row(1)) + b" " + dump(row(2)), broken_json=1),
    jsonl("raw control character", b'{"id": "x", "response": "a\x01b"}', broken_json=1),
    jsonl("deep nesting", DEEP, broken_json=1),
    jsonl("pretty printed inside", json.dumps(row(1), indent=1), broken_json=6),
    jsonl("not objects", b"[1]", b"null", b'"text"', b"7", not_an_object=4),
    jsonl("nan", b'{"id": "x", "response": "r", "latency": NaN}', not_an_object=0, not_a_number=1),
    jsonl("infinity", b'{"id": "x", "response": "r", "latency": -Infinity}', not_a_number=1),
    jsonl("overflowing float", b'{"id": "x", "response": "r", "latency": 1e999}', not_a_number=1),
    jsonl("bytes that are not utf-8", b'{"id": "x", "response": "\xff\xfe"}', invalid_utf8=1),
    jsonl("half a surrogate pair", b'{"id": "x", "response": "\\ud800"}', invalid_utf8=1),
    jsonl("no id", {"response": "r"}, row(id=None), row(id=""), row(id="  "), missing_id=4),
    jsonl("ids of wrong types", row(id=True), row(id=[1]), row(id={}), row(id=1.5), wrong_type=4),
    jsonl("id as text and number", row(id=7), row(id="7", response="other"), landed=2,
          duplicate_id=1),
    jsonl("the same row twice", row(1), row(1), landed=2, duplicate_row=1),
    jsonl("a slot twice", row(1), row(1, response="another"), landed=2, duplicate_id=1),
    jsonl("an item twice", row(1), row(1, answer="3"), landed=2, duplicate_id=1),
    jsonl("duplicate keys", b'{"id": "x", "response": "first", "response": "last"}', landed=2),
    jsonl("huge integer", b'{"id": "x", "response": "r", "output_tokens": 1%s}' % (b"0" * 400),
          b'{"id": "y", "response": "r", "output_tokens": 18446744073709551615}',
          not_a_number=1, wrong_type=1),
    jsonl("counts that are none", row(1, output_tokens=-1), row(2, output_tokens="many"),
          row(3, output_tokens=1.5), row(4, output_tokens=True), row(5, output_tokens=[]),
          wrong_type=5),
    jsonl("seconds that are none", row(1, latency="fast"), row(2, latency="inf"), wrong_type=1,
          not_a_number=1),
    jsonl("samples that are none", row(1, sample=-1), row(2, sample="a"), wrong_type=2),
    jsonl("no response", {"id": "x", "question": "q"}, missing_response=1),
    jsonl("response null or blank", row(1, response=None), row(2, response=" \n"), landed=3),
    jsonl("response of wrong type", row(1, response=["r"]), row(2, response={}), wrong_type=2),
    jsonl("response a number", row(1, response=42), row(2, response=True), landed=3),
    jsonl("question of wrong type", row(1, question=[{"role": "user"}]), wrong_type=1),
    jsonl("choices that are none", row(1, choices="a, b"), row(2, choices=7),
          row(3, choices=[None, "b"]), row(4, choices="[" * 3_000), row(5, choices="['a'" * 40_000),
          bad_choices=5),
    jsonl("choices that are code", row(1, choices="__import__('os').mkdir('evaluated')"),
          row(2, choices="[x for x in ().__class__.__bases__]"), bad_choices=2),
    jsonl("choices as they come", row(1, choices="['a', 'b']"), row(2, choices='["a", "b"]'),
          row(3, choices={"B": "b", "A": "a"}), row(4, choices=[1, 2.5]), row(5, choices=[]),
          landed=6),
    jsonl("text with NUL and odd characters", row(1, response="a\x00b\u202e\u200b\U0001f600\ufffe"),
          landed=2),
    jsonl("names that are SQL", row("'; DROP TABLE outputs; --", response="$source_id"), landed=2),
    jsonl("score that is neither", row(1, correct=0.5), row(2, correct="perhaps"),
          row(3, correct="yes"), landed=4),
    jsonl("excel cut", row(1, response="x" * 32_767), landed=2),
    jsonl("fields of nested names", row(1, **{"a.b": 1, "^model": "x", "{id}": 2}), landed=2),
]  # fmt: skip

FILES = [
    file("mark.jsonl", b"\xef\xbb\xbf" + lines(GOOD, row(1)), 2),
    file("windows lines.jsonl", lines(GOOD, row(1), end=b"\r\n"), 2),
    file("blank lines.jsonl", b"\n\n" + lines(GOOD, b"", b"   ", row(1)) + b"\n\n", 2),
    file("no final newline.jsonl", lines(GOOD, row(1)).rstrip(), 2),
    file("lines in.json", lines(GOOD, row(1)), 2),
    file("array in.jsonl", json.dumps([GOOD, row(1)], indent=1).encode(), 2),
    file("bad first line.jsonl", lines(b"# comment", GOOD, row(1)), 2, broken_json=1),
    file("packed.jsonl.gz", gzip.compress(lines(GOOD, row(1))), 2),
    file("not packed.jsonl.gz", lines(row(1), GOOD), 2),
    file("ragged.csv", HEADER + b"a,q,1,r\nb,q,1\nc,q,1,r,more\n", 1, ragged_row=2),
    file("quoted.csv", HEADER + b'a,"q, ""and""",1,"two\nlines"\nb,q,1,r\n', 2),
    file("quote left open.csv", HEADER + b'a,q,1,r\nb,q,1,"open\nc,q,1,r\n', 1, broken_csv=1),
    file("text after quote.csv", HEADER + b'a,q,1,"r"x\nb,q,1,r\n', 1, broken_csv=1),
    file("nul bytes.csv", HEADER + b"a,q,1,r\x00r\nb,q,1,r\n", 2),
    file("latin-1 cell.csv", HEADER + b"a,q,1,caf\xe9\nb,q,1,r\n", 1, invalid_utf8=1),
    file("mark and semicolons.csv", b"\xef\xbb\xbf" + HEADER.replace(b",", b";") + b"a;q;1;r\n", 1),
    file("tabs.tsv", HEADER.replace(b",", b"\t") + b"a\tq\t1\tr\n", 1),
    file("empty lines.csv", HEADER + b"\na,q,1,r\n\n", 1),
    file("nan inside.json", b"[" + dump(GOOD) + b', {"id": "x", "response": "r", "n": NaN}]', 1,
         not_a_number=1),
    file("surrogate inside.json", b"[" + dump(GOOD) + b', {"id": "x", "response": "\\ud800"}]', 1,
         invalid_utf8=1),
    file("scalars inside.json", b"[" + dump(GOOD) + b", 1, null, [2]]", 1, not_an_object=3),
    file("nulls.parquet", _parquet_of(GOOD, row(1, response=None), row(2, id=None)), 2,
         missing_id=1),
    file("floats as ids.parquet", _parquet({"id": [1.0, 2.0, float("nan")], "response": ["a"] * 3}),
         2, missing_id=1),
    file("bytes as response.parquet", _parquet({"id": ["a"], "response": [b"r"]}), 0, wrong_type=1),
    file("duplicates.parquet", _parquet_of(GOOD, row(1), row(1)), 2, duplicate_row=1),
]  # fmt: skip

REFUSED = [
    refused("empty.jsonl", b"", "is empty"),
    refused("blank.jsonl", b" \n \n", "no record"),
    refused("utf-16.jsonl", lines(GOOD).decode().encode("utf-16"), "UTF-16"),
    refused("utf-16.csv", HEADER.decode().encode("utf-16"), "UTF-16"),
    refused("binary.jsonl", bytes(range(256)) * 50, "no record"),
    refused("picture.jsonl", b"\x89PNG\r\n\x1a\n" + b"\x00" * 500, "no record"),
    refused("pickle.jsonl", pickle.dumps(_Bomb()), "no record"),
    refused("prose.jsonl", b"The model was correct.\nMostly.\n", "no record"),
    refused("cut.json", json.dumps([GOOD, GOOD]).encode()[:-20], "not a whole JSON document"),
    refused("deep.json", b"[" * 200_000, "nests too deeply"),
    refused("digits.json", b'[{"id": ' + b"1" * 6_000 + b', "b": NaN}]', "cannot be read as JSON"),
    refused("scalar.json", b"42", "holds no records"),
    refused("no list.json", b'{"accuracy": 0.5}', "no list of records"),
    refused("two lists.json", dump({"a": [GOOD], "b": [GOOD]}), "several lists of records (a, b)"),
    refused("empty list.json", b"[]", "no record"),
    refused("only scalars.json", b"[1, 2]", "no record"),
    refused("latin-1.json", b'[{"id": "caf\xe9", "response": "r"}]', "not UTF-8"),
    refused("strange fields.jsonl", lines({"foo": 1, "bar": 2}), "Its records have foo, bar"),
    refused("cut.parquet", _parquet_of(GOOD)[:-20], "not a readable Parquet file"),
    refused("magic only.parquet", b"PAR1", "not a readable Parquet file"),
    refused("text.parquet", lines(GOOD), "not a readable Parquet file"),
    refused("broken page.parquet", _broken_page(), "damaged"),
    refused("header only.csv", HEADER, "no record"),
    refused("twice.csv", b"id,id,response\na,b,r\n", "names columns twice"),
    refused("binary.csv", b"\x00\x01\x02" * 100, "not a UTF-8 text file"),
    refused("cut.jsonl.gz", gzip.compress(lines(*map(row, range(2_000))))[:-40], "damaged (gzip)"),
    refused("damaged.jsonl.gz", b"\x1f\x8b\x08" + b"\xff" * 50, "damaged (gzip)"),
    Case("folder.jsonl", lambda path: path.mkdir(), refused="a folder with no data file"),
    Case("nothing.jsonl", lambda path: None, refused="no such file"),
    Case("loop.jsonl", lambda path: path.symlink_to(path), refused="cannot be read"),
    Case("pipe.jsonl", os.mkfifo, refused="no file"),
]

CASES = [*ROWS, *FILES, *REFUSED]


def write_all(folder: Path) -> dict[str, Path]:
    """Write every hostile file into a folder and return their paths by name."""
    paths = {case.name: folder / case.name for case in CASES}
    for case in CASES:
        case.write(paths[case.name])
    return paths
