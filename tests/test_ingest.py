"""What lands is what the files say, whatever their format."""

from __future__ import annotations

import json
import tempfile
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import erranal
from erranal import ingest
from erranal.errors import IngestError

CONVENTIONS = Path(__file__).parent / "corpus" / "render_conventions.toml"


# -- real files -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(tmp_path_factory, real_outputs):
    study = erranal.open(tmp_path_factory.mktemp("real") / "study.duckdb", create=True)
    folders = [real_outputs / "mmmu_pro_gpt4o", real_outputs / "isobench_gpt5nano"]
    return study, ingest.run(study, folders), folders


def accuracy(study, benchmark: str) -> dict[tuple[str, str], int]:
    found = study.query(
        "SELECT prompt_style, modality, count(*) FILTER (correct) AS n FROM graded "
        "WHERE scorer = 'imported' AND benchmark = $benchmark GROUP BY ALL",
        benchmark=benchmark,
    )
    return {(style, modality): n for style, modality, n in found.itertuples(index=False)}


def discordant(study, benchmark: str) -> dict[str, tuple[int, int]]:
    found = study.query(
        "SELECT prompt_style, count(*) FILTER (correct_a) AS a, count(*) FILTER (correct_b) AS b "
        "FROM discordant WHERE scorer = 'imported' AND benchmark = $benchmark GROUP BY ALL",
        benchmark=benchmark,
    )
    return {style: (a, b) for style, a, b in found.itertuples(index=False)}


def test_mmmu_pro_has_its_published_figures(real):
    study, frame, _ = real
    mine = frame[frame["reader"] == "mmmu-pro"]
    assert (mine["landed"].tolist(), mine["rejected"].sum()) == ([1730] * 4, 0)
    assert (
        study.query("SELECT count(*) AS n FROM items WHERE benchmark = 'MMMU-Pro'")["n"][0] == 1730
    )
    assert accuracy(study, "MMMU-Pro") == {
        ("cot", "text+image"): 952,
        ("cot", "image"): 866,
        ("direct", "text+image"): 694,
        ("direct", "image"): 734,
    }
    assert discordant(study, "MMMU-Pro") == {"cot": (256, 170), "direct": (259, 299)}


def test_isobench_has_its_published_figures(real):
    study, frame, _ = real
    assert frame[frame["reader"] == "isobench"]["landed"].sum() == 2 * 1687
    assert accuracy(study, "IsoBench") == {("long", "text"): 1642, ("long", "image"): 1365}
    assert discordant(study, "IsoBench") == {"long": (298, 21)}
    responses = study.query(
        "SELECT modality, avg(length(response)) AS chars FROM responses "
        "WHERE benchmark = 'IsoBench' GROUP BY ALL ORDER BY modality"
    )
    assert responses["chars"].round().tolist() == [483, 608]


def test_isobench_arms_share_a_question_and_keep_their_prompts(real):
    arms = real[0].query(
        "SELECT modality, question, prompt FROM responses WHERE item_id = 'IsoBench/physics/0' "
        "ORDER BY modality"
    )
    assert arms["question"].nunique() == 1
    assert arms["prompt"].nunique() == 2
    assert arms["prompt"][1] == arms["question"][1]


def test_most_of_the_known_refusals_are_found_and_only_those(real):
    found = real[0].query(
        "SELECT modality, prompt_style, count(*) FILTER (status = 'refusal') AS n FROM responses "
        "WHERE benchmark = 'MMMU-Pro' GROUP BY ALL"
    )
    counts = {(style, modality): n for modality, style, n in found.itertuples(index=False)}
    assert 195 <= counts["direct", "image"] <= 216
    assert counts["cot", "text+image"] == 0
    assert counts["direct", "text+image"] <= 3
    notes = real[0].view("integrity").query("check_name == 'refusal_share'")["detail"]
    assert notes.str.contains("gpt-4o, direct, image: 2").sum() == 1


def test_an_imported_score_says_what_the_file_said_of_a_refusal(real):
    refused = real[0].query(
        "SELECT outcome, count(*) AS n FROM graded WHERE status = 'refusal' GROUP BY ALL"
    )
    assert set(refused["outcome"]) == {"correct", "incorrect"}


def test_reading_real_files_again_changes_nothing(real):
    study, first, folders = real
    again = ingest.run(study, folders)
    assert again["landed"].sum() == 0
    assert set(again["status"]) == {"unchanged", "skipped"}
    assert again["unchanged"].sum() == first["landed"].sum()


def test_a_summary_in_a_folder_is_skipped(real):
    skipped = real[1].query("status == 'skipped'")
    assert [Path(path).name for path in skipped["path"]] == ["evaluation_summary.json"]


def test_predictions_of_a_document_are_read_through_a_mapping_file(study, real_outputs):
    frame = ingest.run(study, real_outputs / "render_conventions", mapping=CONVENTIONS)
    assert frame["landed"].tolist() == [70] * 20
    arms = study.query("SELECT DISTINCT arm, model FROM responses")
    assert arms["arm"].nunique() == 5
    assert arms["model"].nunique() == 4
    assert study.count("scores") == 0
    item = study.query("SELECT DISTINCT item_id, gold FROM responses")
    assert len(item) == 70
    assert {"triclinic", "monoclinic"} <= set(item["gold"])


# -- the same records in every format -------------------------------------------------------------

# Whole Unicode but what no format can hold: surrogates; and for CSV, cells keep no bare newlines.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=40)
RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8),
            "question": TEXT,
            "answer": TEXT,
            "response": TEXT,
        }
    ),
    min_size=1,
    max_size=25,
    unique_by=lambda record: record["id"],
)


def write_csv(path: Path, records: list[dict]) -> None:
    import csv

    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(records[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)


@pytest.fixture(scope="module")
def shared_study(tmp_path_factory):
    return erranal.open(tmp_path_factory.mktemp("formats") / "study.duckdb", create=True)


@settings(max_examples=6, deadline=None)
@given(records=RECORDS)
def test_every_format_lands_the_same_outputs(shared_study, records, write, one_arm):
    """Later formats find their rows there already: the same items, responses and slots."""
    benchmark = uuid.uuid4().hex
    mapping = {"constant": one_arm["constant"] | {"benchmark": benchmark}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "a.jsonl", *records)
        (folder / "b.json").write_text(json.dumps(records), encoding="utf-8")
        write_csv(folder / "c.csv", records)
        pq.write_table(pa.Table.from_pylist(records), folder / "d.parquet")
        frame = ingest.run(shared_study, folder, mapping=mapping)
    assert frame["status"].tolist() == ["done"] * 4
    assert frame["landed"].tolist() == [len(records), 0, 0, 0]
    assert frame["unchanged"].tolist() == [0, *[len(records)] * 3]
    held = shared_study.query(
        "SELECT native_id, response, question FROM responses WHERE benchmark = $b", b=benchmark
    )
    wanted = {record["id"]: (record["response"], record["question"] or None) for record in records}
    assert {k: (a, q if isinstance(q, str) else None) for k, a, q in held.to_numpy()} == wanted


# -- what a run says ------------------------------------------------------------------------------


def test_one_bad_file_does_not_keep_the_others_out(study, tmp_path, row, write, one_arm):
    good = write(tmp_path / "good.jsonl", row(1))
    (tmp_path / "bad.json").write_text("{")
    frame = ingest.run(study, [tmp_path / "bad.json", good], mapping=one_arm)
    assert frame["status"].tolist() == ["failed", "done"]
    assert "not a whole JSON document" in frame["note"][0]


def test_folders_patterns_and_repeated_paths_name_each_file_once(
    study, tmp_path, row, write, one_arm
):
    inner = tmp_path / "in" / "deeper"
    inner.mkdir(parents=True)
    write(inner / "a.jsonl", row(1))
    write(tmp_path / "in" / "b.jsonl", row(2))
    write(tmp_path / "in" / ".hidden.jsonl", row(3))
    (tmp_path / "in" / "notes.txt").write_text("no data")
    paths = [tmp_path / "in", str(tmp_path / "in" / "*.jsonl"), inner / "a.jsonl"]
    frame = ingest.run(study, paths, mapping=one_arm)
    assert [Path(path).name for path in frame["path"]] == ["b.jsonl", "a.jsonl"]


def test_progress_counts_bytes_of_all_files(study, tmp_path, row, write, one_arm):
    paths = [write(tmp_path / f"{n}.jsonl", *map(row, range(5))) for n in range(2)]
    calls = []
    ingest.run(study, paths, mapping=one_arm, progress=lambda *call: calls.append(call))
    total = sum(path.stat().st_size for path in paths)
    assert calls[-1] == (total, total, "1.jsonl")
    assert [done for done, *_ in calls] == sorted(done for done, *_ in calls)


def test_a_plan_names_the_source_of_every_value_and_writes_nothing(study, tmp_path, row, write):
    path = write(tmp_path / "a_vision.jsonl", row(1, model="m", nothing=None))
    plan = ingest.plan(path, mapping={"fields": {"subject": "nothing"}}).set_index("target")
    assert plan.loc["response", ["source", "first_value"]].tolist() == ["response", "It is 1."]
    assert plan.loc["modality", ["source", "first_value"]].tolist() == ["constant", "image"]
    assert plan.loc["gold", "source"] == "answer"
    assert study.count("sources") == study.count("outputs") == study.count("journal") == 0


def test_a_preview_is_what_would_land(tmp_path, row, write, one_arm):
    path = write(tmp_path / "a.jsonl", row(1))
    seen = ingest.preview(path, mapping=one_arm)
    assert (seen.reader, seen.kind) == ("table", "jsonl")
    assert seen.first["gold"] == "1"
    assert seen.mapping["fields"]["gold"] == "answer"
    assert "gold from answer" in seen.notes
    with pytest.raises(IngestError, match="no such file"):
        ingest.preview(tmp_path / "none.jsonl")


def test_the_journal_has_the_counts(study, tmp_path, row, write, one_arm):
    ingest.run(study, write(tmp_path / "a.jsonl", row(1), row(1)), mapping=one_arm)
    entry = study.view("journal").iloc[0]
    counts = json.loads(entry["counts"])
    assert (entry["stage"], entry["status"]) == ("ingest", "done")
    assert (counts["files"], counts["landed"], counts["rejected"]) == (1, 1, 1)
