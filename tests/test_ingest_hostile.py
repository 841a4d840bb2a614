"""No file brings ingest down: good rows land, bad ones are named, unreadable files are refused."""

from __future__ import annotations

import importlib.util
import json
import sys
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

import erranal
from erranal import ingest
from erranal.errors import IngestError
from erranal.ingest import lines

_SPEC = importlib.util.spec_from_file_location(
    "hostile", Path(__file__).parent / "corpus" / "hostile.py"
)
hostile = importlib.util.module_from_spec(_SPEC)
sys.modules["hostile"] = hostile
_SPEC.loader.exec_module(hostile)


@pytest.fixture
def study(study, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where a payload that runs would leave its mark
    return study


def reasons(study) -> dict[str, int]:
    return dict(Counter(study.view("rejects")["reason"]))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, one_arm):
    """Every hostile file in one go: the frame by name, the rejects by name, and the folder."""
    folder = tmp_path_factory.mktemp("corpus")
    study = erranal.open(folder / "study" / "study.duckdb", create=True)
    paths = hostile.write_all(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # where a payload that runs would leave its mark
        frame = ingest.run(study, paths.values(), mapping=one_arm)
    frame["name"] = [Path(path).name for path in frame["path"]]
    rejects: dict[str, Counter[str]] = {}
    found = study.query("SELECT path, reason FROM rejects JOIN sources USING (source_id)")
    for path, reason in found.itertuples(index=False):
        rejects.setdefault(Path(path).name, Counter())[reason] += 1
    return frame.set_index("name"), rejects, folder, study


def test_the_corpus_is_large_enough():
    assert len(hostile.CASES) >= 90
    assert len({case.name for case in hostile.CASES}) == len(hostile.CASES)


@pytest.mark.parametrize("case", hostile.ROWS + hostile.FILES, ids=lambda case: case.name)
def test_good_rows_land_and_bad_ones_are_named(corpus, case):
    frame, rejects, *_ = corpus
    row = frame.loc[case.name]
    wanted = {reason: count for reason, count in case.reasons.items() if count}
    assert row.status == "done", row.note
    assert rejects.get(case.name, {}) == wanted
    # Files share good rows, which land from the first one of them.
    assert row.landed + row.unchanged == case.landed
    assert row.rejected == sum(wanted.values())


@pytest.mark.parametrize("case", hostile.REFUSED, ids=lambda case: case.name)
def test_unreadable_files_are_refused_by_name(corpus, case):
    row = corpus[0].loc[case.name]
    assert row.status == "failed"
    assert case.refused in row.note
    assert case.name in row.note


def test_nothing_in_a_file_is_run(corpus):
    folder = corpus[2]
    assert not (folder / "evaluated").exists()
    assert not (folder / "unpickled").exists()


def test_reading_the_corpus_again_changes_nothing(corpus, one_arm):
    *_, folder, study = corpus
    names = "output_id, slot_id, item_id, item_hash, response, status, source_id, line"
    content = f"SELECT {names} FROM outputs ORDER BY output_id"
    before = study.query(content)
    ingest.run(study, [folder / case.name for case in hostile.CASES], mapping=one_arm)
    assert before.equals(study.query(content))


@pytest.mark.parametrize("name", ["empty.jsonl", "cut.parquet", "nothing.jsonl"])
def test_the_only_file_raises_when_it_is_refused(study, tmp_path, name, one_arm):
    case = next(case for case in hostile.REFUSED if case.name == name)
    case.write(tmp_path / name)
    with pytest.raises(IngestError, match=name):
        ingest.run(study, tmp_path / name, mapping=one_arm)
    assert study.count("sources") == 0


def test_rejects_name_the_line(study, tmp_path, one_arm):
    path = tmp_path / "f.jsonl"
    path.write_bytes(hostile.lines(hostile.GOOD, b"", b"{", b"[]", hostile.row(1), b'{"id": NaN}'))
    ingest.run(study, path, mapping=one_arm)
    found = study.view("rejects").set_index("line")["reason"].to_dict()
    assert found == {3: "broken_json", 4: "not_an_object", 6: "not_a_number"}
    assert study.view("outputs")["line"].sort_values().tolist() == [1, 5]


def test_lines_of_a_csv_count_the_newlines_in_its_cells(study, tmp_path, one_arm):
    path = tmp_path / "f.csv"
    path.write_bytes(hostile.HEADER + b'a,q,1,"one\ntwo"\nb,q\nc,q,1,r\n')
    ingest.run(study, path, mapping=one_arm)
    assert study.view("rejects")["line"].tolist() == [4]
    assert study.view("outputs")["line"].sort_values().tolist() == [2, 5]
    assert "one\ntwo" in study.view("outputs")["response"].tolist()


def long_line(path: Path, megabytes: int) -> None:
    """Write a good row, a line of that length, and another good row."""
    rows = [hostile.dump(hostile.row(number)) for number in (1, 2)]
    if path.suffix == ".csv":
        rows = [hostile.HEADER + b"a,q,1,r", b"b,q,1,r"]
    with path.open("wb") as file:
        file.write(rows[0] + b"\n")
        for _ in range(megabytes):
            file.write(b"x" * 1_000_000)
        file.write(b"\n" + rows[1] + b"\n")


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_a_line_that_is_too_long_is_skipped(study, tmp_path, monkeypatch, suffix, one_arm):
    monkeypatch.setattr("erranal.ingest.lines.LONGEST_LINE", 2 << 20)
    long_line(tmp_path / f"long{suffix}", 5)
    result = ingest.run(study, tmp_path / f"long{suffix}", mapping=one_arm).iloc[0]
    assert (result.landed, result.rejected) == (2, 1)
    assert reasons(study) == {"line_too_long": 1}


def test_a_line_of_100_mb_is_not_held(tmp_path):
    long_line(tmp_path / "long.jsonl", 100)
    tracemalloc.start()
    found = list(lines.batches(tmp_path / "long.jsonl"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [line for batch in found for line in batch.lines] == [1, 3]
    # At most the limit of 64 MiB, joined with the next block and split again.
    assert peak < 3 * lines.LONGEST_LINE


def test_details_of_rejects_are_short_and_printable(study, tmp_path, one_arm):
    path = tmp_path / "f.jsonl"
    path.write_bytes(hostile.lines(hostile.GOOD, hostile.row(1, choices="\x00\x1b[31m" * 5_000)))
    ingest.run(study, path, mapping=one_arm)
    detail = study.view("rejects")["detail"].iloc[0]
    assert len(detail) <= 300
    assert "\x00" not in detail


def test_a_file_that_ends_early_keeps_what_was_read_and_says_so(
    study, tmp_path, monkeypatch, one_arm
):
    """A gzip file cut in the middle: the rows before the cut land, the source is unfinished."""
    monkeypatch.setattr("erranal.ingest.landing._ROWS", 500)
    path = tmp_path / "cut.jsonl.gz"
    import gzip

    whole = gzip.compress(hostile.lines(*map(hostile.row, range(20_000))), 1)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(IngestError, match="damaged"):
        ingest.run(study, path, mapping=one_arm)
    landed = study.count("outputs")
    assert 5_000 < landed < 20_000
    assert study.view("sources")["status"].tolist() == ["reading"]
    assert "unfinished_source" in study.view("integrity")["check_name"].tolist()


def test_json_lines_with_a_document_on_one_line_say_what_fields_there_are(study, tmp_path, one_arm):
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps({"predictions": [hostile.GOOD]}))
    with pytest.raises(IngestError, match="Its records have predictions"):
        ingest.run(study, path, mapping=one_arm)
    result = ingest.run(study, path, mapping={"file": None, "records": "predictions"} | one_arm)
    assert result["landed"].tolist() == [1]
