"""A row that is deleted from its file is named by the ledger, and nothing else is."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from erranal import ingest
from erranal.errors import IngestError
from erranal.store import Study


@pytest.fixture
def read(study, tmp_path, row, write, one_arm):
    """Return a function that writes and reads a file of rows, some given by number alone."""

    def run(name: str, *rows: int | dict, mapping: dict = one_arm, **options) -> None:
        records = [row(one) if isinstance(one, int) else one for one in rows]
        ingest.run(study, write(tmp_path / name, *records), mapping=mapping, **options)

    return run


def dropped(study: Study) -> dict[str, str]:
    """Return the details of what the ledger holds for dropped, by item."""
    found = study.query("SELECT item_id, detail FROM integrity WHERE check_name = 'dropped_row'")
    return dict(found.itertuples(index=False, name=None))


def findings(study: Study) -> set[str]:
    return set(study.view("integrity")["check_name"]) - {"no_partner"}


# -- one file -------------------------------------------------------------------------------------


def test_a_deleted_row_is_named_with_its_run_file_and_former_line(study, tmp_path, read):
    read("a.jsonl", 1, 2, 3)
    read("a.jsonl", 3, 1)
    [found] = study.query("SELECT * FROM integrity WHERE check_name = 'dropped_row'").to_dict(
        "records"
    )
    assert (found["severity"], found["item_id"]) == ("warning", "b/i2")
    assert found["detail"] == (
        f"m, default, text, sample 0: was on line 2 of {tmp_path / 'a.jsonl'}, "
        "which no longer holds it; the output still counts"
    )
    responses = study.query("SELECT item_id, output_id, line FROM responses ORDER BY item_id")
    assert responses["line"].tolist() == [2, 2, 1]  # of the file as it is, but for the row gone
    assert responses["output_id"][1] == found["output_id"]


def test_a_row_that_comes_back_is_no_longer_dropped(study, read):
    for rows in ((1, 2), (1,), (1, 2, 3)):
        read("a.jsonl", *rows)
        assert set(dropped(study)) == ({"b/i2"} if rows == (1,) else set())


def test_a_file_put_back_as_it_was_drops_what_only_the_change_had(study, read):
    for rows in ((1, 2), (1, 3), (1, 2)):
        read("a.jsonl", *rows)
    assert set(dropped(study)) == {"b/i3"}


def test_a_changed_row_is_not_dropped_but_one_with_another_id_is(study, read, row):
    read("a.jsonl", 1, 2, 3)
    read("a.jsonl", 1, row(2, response="It is two."), row(3, id="i03"))
    assert set(dropped(study)) == {"b/i3"}
    assert study.count("responses") == 4


def test_a_row_that_is_damaged_now_is_no_longer_held(study, read, row):
    read("a.jsonl", 1, 2)
    read("a.jsonl", 1, {"id": "i2"})
    assert set(dropped(study)) == {"b/i2"}


def test_a_deleted_arm_is_dropped_row_by_row(study, read, row):
    given = {"constant": {"model": "m", "benchmark": "b"}}
    arms = {arm: [row(n, modality=arm) for n in (1, 2)] for arm in ("text", "image")}
    read("a.jsonl", *arms["text"], *arms["image"], mapping=given)
    read("a.jsonl", *arms["text"], mapping=given)
    assert set(dropped(study)) == {"b/i1", "b/i2"}
    assert all(", image, sample 0" in detail for detail in dropped(study).values())


@settings(max_examples=5, deadline=None)
@given(versions=st.lists(st.sets(st.integers(1, 6)), min_size=2, max_size=4))
def test_what_is_dropped_is_what_the_last_version_lacks(versions, row, write, one_arm):
    with tempfile.TemporaryDirectory() as folder:
        study, path = Study(Path(folder) / "study.duckdb"), Path(folder) / "a.jsonl"
        for numbers in versions:
            write(path, row(0), *map(row, numbers))
            ingest.run(study, path, mapping=one_arm)
        gone = set().union(*versions) - versions[-1]
        assert set(dropped(study)) == {f"b/i{number}" for number in gone}


# -- readings that are not whole ------------------------------------------------------------------


def test_a_reading_that_is_limited_drops_nothing_until_the_rest_is_read(study, read):
    read("a.jsonl", 1, 2, 3, 4)
    read("a.jsonl", 1, 2, 4, limit=2)
    assert findings(study) == {"unfinished_source"}
    read("a.jsonl", 1, 2, 4)
    assert set(dropped(study)) == {"b/i3"}


def test_a_reading_that_was_interrupted_drops_nothing_until_it_is_done(study, read, monkeypatch):
    monkeypatch.setattr("erranal.ingest.landing._ROWS", 2)
    read("a.jsonl", *range(10))
    shorter = [number for number in range(10) if number != 3]
    with monkeypatch.context() as patch:
        patch.setattr("erranal.ingest.landing.finish", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            read("a.jsonl", *shorter)
    ingest.integrity.rebuild(study)
    assert findings(study) == {"unfinished_source"}
    read("a.jsonl", *shorter)
    assert findings(study) == {"dropped_row"}
    assert set(dropped(study)) == {"b/i3"}


def _interrupt(*_args: object, **_options: object) -> None:
    raise KeyboardInterrupt


def test_a_file_that_is_cut_off_drops_nothing(study, tmp_path, row, write, one_arm):
    path, packed = tmp_path / "a.jsonl", tmp_path / "a.jsonl.gz"
    for share, rows in ((1.0, 3_000), (0.5, 2_999)):
        whole = gzip.compress(write(path, *map(row, range(rows))).read_bytes())
        packed.write_bytes(whole[: int(len(whole) * share)])
        if share == 1.0:
            ingest.run(study, packed, mapping=one_arm)
    with pytest.raises(IngestError, match="damaged"):
        ingest.run(study, packed, mapping=one_arm)
    assert findings(study) == {"unfinished_source"}


def test_a_reading_that_never_ended_is_over_once_its_path_is_read_again(study, read):
    read("a.jsonl", 1, 2, 3, limit=2)
    read("a.jsonl", 1, 3)
    assert findings(study) == {"dropped_row"}
    assert set(dropped(study)) == {"b/i2"}


# -- files renamed, copied and split --------------------------------------------------------------


def test_a_renamed_file_is_followed(study, tmp_path, read, one_arm):
    read("a.jsonl", 1, 2)
    (tmp_path / "a.jsonl").rename(tmp_path / "b.jsonl")
    frame = ingest.run(study, tmp_path / "b.jsonl", mapping=one_arm)
    assert frame["status"].tolist() == ["unchanged"]
    assert study.view("sources")["path"].tolist() == [str(tmp_path / "b.jsonl")]
    read("b.jsonl", 1)
    assert "was on line 2" in dropped(study)["b/i2"]
    assert "b.jsonl" in dropped(study)["b/i2"]


def test_a_row_deleted_from_a_copy_stands_in_the_first_file_still(study, tmp_path, read, one_arm):
    read("a.jsonl", 1, 2)
    read("copy.jsonl", 1, 2)
    read("copy.jsonl", 1)
    assert findings(study) == set()


def test_a_row_deleted_from_the_first_file_stands_in_the_copy_still(
    study, tmp_path, read, row, write, one_arm
):
    read("a.jsonl", 1, 2)
    read("copy.jsonl", 1, 2)
    write(tmp_path / "a.jsonl", row(1))
    for _ in range(2):
        ingest.run(study, tmp_path, mapping=one_arm)
        assert findings(study) == set()
    assert study.query("SELECT DISTINCT line FROM responses ORDER BY ALL")["line"].tolist() == [
        1,
        2,
    ]


def test_a_split_file_drops_nothing(study, read):
    read("a.jsonl", 1, 2, 3, 4)
    read("part1.jsonl", 1, 2)
    read("part2.jsonl", 3, 4)
    assert findings(study) == set()


def test_a_file_split_under_its_own_name_drops_nothing_once_both_parts_are_read(study, read):
    read("a.jsonl", 1, 2, 3, 4)
    read("a.jsonl", 1, 2)
    assert set(dropped(study)) == {"b/i3", "b/i4"}
    read("part2.jsonl", 3, 4)
    assert findings(study) == set()
    read("part2.jsonl", 4)
    assert "part2.jsonl, which no longer holds it" in dropped(study)["b/i3"]


def test_a_part_that_was_read_first_is_named(study, tmp_path, read):
    read("a.jsonl", 1, 2, 3)
    read("part2.jsonl", 3)
    read("a.jsonl", 1)
    details = dropped(study)
    assert set(details) == {"b/i2", "b/i3"}  # which of them the part holds, only its file tells
    assert details["b/i3"].endswith(f"({tmp_path / 'part2.jsonl'} may hold it too)")


# -- two files with the same slots ----------------------------------------------------------------


def test_a_row_in_two_files_is_dropped_when_neither_holds_it(study, read):
    read("a.jsonl", 1, 2)
    read("b.jsonl", 2, 3)
    read("b.jsonl", 3)
    assert findings(study) == set()  # the first file holds it
    read("a.jsonl", 1)
    assert set(dropped(study)) == {"b/i2"}
    assert "may hold it too" not in dropped(study)["b/i2"]


def test_a_file_that_becomes_like_another_one_is_read(study, read):
    read("a.jsonl", 1, 2)
    read("b.jsonl", 1, 3)
    read("a.jsonl", 1, 3)
    assert set(dropped(study)) == {"b/i2"}


def test_files_of_labels_hold_no_rows(study, read):
    read("a.jsonl", 1, 2)
    labels = {"source_id": "l", "path": "labels.csv", "sha256": "", "bytes": 1, "reader": "labels"}
    with study.write() as tx:
        tx.append(
            "sources",
            pd.DataFrame([labels | {"status": "done", "rows_read": 9, "rows_rejected": 0}]),
        )
    read("a.jsonl", 1)
    assert dropped(study)["b/i2"].endswith("the output still counts")


def test_a_row_is_dropped_from_the_file_whose_content_is_current(study, read, row):
    read("a.jsonl", 1, 2)
    read("b.jsonl", row(2, response="Another run."), 3)
    read("a.jsonl", 1)
    assert findings(study) == {"several_runs"}  # what the first file said had been replaced
    read("b.jsonl", 3)
    assert "b.jsonl, which no longer holds it" in dropped(study)["b/i2"]


def test_two_mappings_of_one_file_stand_side_by_side(study, read, one_arm):
    image = {"constant": one_arm["constant"] | {"modality": "image"}}
    for mapping in (one_arm, image):
        read("a.jsonl", 1, 2, mapping=mapping)
    assert findings(study) == set()
    for mapping in (one_arm, image):
        read("a.jsonl", 1, mapping=mapping)
    assert findings(study) == {"dropped_row"}
    arms = study.query("SELECT detail FROM integrity WHERE check_name = 'dropped_row'")["detail"]
    assert sorted(detail.split(",")[2] for detail in arms) == [" image", " text"]


def test_a_mapping_that_moves_some_rows_to_another_arm_drops_them_from_the_first(study, read, row):
    rows = [row(1, modality="text"), row(2, modality="seen")]
    constant = {"model": "m", "benchmark": "b"}
    for arm in ("image", "ocr-1p"):
        read(
            "a.jsonl", *rows, mapping={"constant": constant, "values": {"modality": {"seen": arm}}}
        )
    assert set(dropped(study)) == {"b/i2"}
    assert ", image, sample 0" in dropped(study)["b/i2"]


# -- the same path without a common row -----------------------------------------------------------


def test_a_file_rewritten_with_other_ids_is_said_once(study, tmp_path, read, row):
    read("a.jsonl", 1, 2)
    read("a.jsonl", row(1, id="x1"), row(2, id="x2"))
    found = study.query("SELECT detail FROM integrity WHERE check_name = 'reused_path'")["detail"]
    [detail] = found
    assert detail.startswith(f"{tmp_path / 'a.jsonl'}: 2 outputs of what it held before still")
    assert dropped(study) == {}


def test_two_files_of_the_same_name_in_two_folders_drop_no_row(
    study, tmp_path, row, write, monkeypatch
):
    for model in ("m", "n"):
        (tmp_path / model).mkdir()
        monkeypatch.chdir(tmp_path / model)
        write(Path("a.jsonl"), row(1, model=model), row(2, model=model))
        ingest.run(study, "a.jsonl", mapping={"constant": {"modality": "text", "benchmark": "b"}})
    assert findings(study) == {"reused_path"}
