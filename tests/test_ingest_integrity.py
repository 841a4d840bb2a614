"""The ledger names what was planted, and nothing in a study without faults."""

from __future__ import annotations

import pytest

from erranal import ingest

GIVEN = {"constant": {"model": "m", "benchmark": "b"}}


def record(number: int, modality: str = "text", **changes) -> dict:
    known = {"id": number, "question": f"{number}?", "answer": "1", "modality": modality}
    return known | {"response": f"It is {number}, by {modality}."} | changes


def pair(number: int, **of_image) -> list[dict]:
    return [record(number), record(number, "image", **of_image)]


@pytest.fixture
def findings(study, tmp_path, write):
    """Return a function that reads records and gives the ledger as (check, item, severity).

    That an arm stands alone is left out: most of these studies are of a few rows of one arm.
    """

    def read(
        *records: dict, name: str = "a.jsonl", mapping: dict = GIVEN
    ) -> set[tuple[str, str | None, str]]:
        ingest.run(study, write(tmp_path / name, *records), mapping=mapping)
        rows = study.query(
            "SELECT check_name, item_id, severity FROM integrity WHERE check_name <> 'no_partner'"
        )
        rows = rows.astype(object).where(rows.notna(), None)
        return set(rows.itertuples(index=False, name=None))

    return read


def details(study) -> list[str]:
    return study.view("integrity")["detail"].tolist()


def test_a_study_without_faults_has_no_findings(findings):
    assert findings(*pair(1), *pair(2)) == set()


def test_an_item_in_one_arm_only(study, findings):
    assert findings(*pair(1), record(2)) == {("item_in_one_arm", "b/2", "warning")}
    assert details(study) == ["m, default: answered in text, not in image"]


def test_arms_of_another_model_or_benchmark_are_no_gap(findings):
    own = {"model": "m", "benchmark": "b"}
    others = [own | {"model": "n"}, own | {"benchmark": "c"}]
    rows = [one | own for one in pair(1)] + [record(n) | other for n, other in enumerate(others)]
    assert findings(*rows, mapping={}) == set()
    rows.append(record(2) | own)
    assert findings(*rows, mapping={}) == {("item_in_one_arm", "b/2", "warning")}


def test_an_arm_without_a_partner_is_named(study, findings):
    findings(*pair(1), record(1) | {"model": "M"}, mapping={"constant": {"benchmark": "b"}})
    [alone] = study.query("SELECT detail FROM integrity WHERE check_name = 'no_partner'")["detail"]
    assert alone.startswith("model M, prompt style default has outputs under text only")


def test_items_without_a_gold_answer_are_an_error(study, findings):
    assert findings(*pair(1), *(one | {"answer": None} for one in pair(2))) == {
        ("no_gold", None, "error")
    }
    assert details(study)[0].startswith("b: 1 of 2 items have no gold answer, e.g. b/2")


@pytest.mark.parametrize(
    ("check", "severity", "changes"),
    [
        ("gold_differs", "error", {"answer": "2"}),
        ("question_differs", "warning", {"question": "Look: 1?"}),
        ("choices_differ", "error", {"choices": ["b", "a"]}),
    ],
)
def test_arms_whose_items_differ(study, findings, check, severity, changes):
    first = record(1, choices=["a", "b"])
    second = record(1, "image", choices=["a", "b"]) | changes
    assert findings(first, second) == {(check, "b/1", severity)}
    assert details(study)[0].startswith("image: ")
    assert " / text: " in details(study)[0]


def test_a_field_left_null_is_no_difference(findings):
    assert findings(record(1), record(1, "image", answer=None, question=None)) == set()


def test_cut_cells(findings):
    cut = pair(1, response="x" * 32_767)
    assert findings(*cut) == {("truncated_cell", "b/1", "warning")}


def test_responses_cut_at_a_common_length(findings):
    texts = [f"{number:04d}" * 250 for number in range(6)]
    rows = [one for n, text in enumerate(texts) for one in pair(n, response=text)]
    found = findings(*rows)
    assert found == {("truncated_cell", f"b/{n}", "warning") for n in range(6)}


def test_images_that_were_removed_or_missing(findings):
    rows = [
        *pair(1, image="<base64-data-removed>"),
        *pair(2, prompt="Look at <image /> and answer"),
        *pair(3, image="error: file not found"),
        *pair(4, prompt="Look at <image 1>", image="images/4.png"),
    ]
    assert findings(*rows) == {("placeholder_image", f"b/{n}", "warning") for n in (1, 2, 3)}


def test_failures_of_the_endpoint_and_empty_responses(findings):
    rows = [*pair(1, response="Failed to obtain answer via API."), *pair(2, response=None)]
    assert findings(*rows) == {
        ("api_failure", "b/1", "warning"),
        ("empty_response", "b/2", "warning"),
    }


def test_refusals_are_counted_by_arm(study, findings):
    rows = [*pair(1, response="I'm sorry, I can't."), *pair(2)]
    assert findings(*rows) == {("refusal_share", None, "note")}
    assert details(study) == ["m, default, image: 1 of 2 responses are refusals (50.0 %)"]


def test_two_files_that_fill_the_same_slots(study, findings):
    findings(*pair(1), name="first.jsonl")
    found = findings(*pair(1, response="Another run."), name="second.jsonl")
    assert found == {("several_runs", None, "warning")}
    assert "1 responses of" in details(study)[0]
    assert "first.jsonl were replaced by those of" in details(study)[0]


def test_a_file_written_again_is_no_second_run(findings):
    findings(*pair(1))
    assert findings(*pair(1, response="Corrected.")) == set()


def test_one_long_response_for_many_items(study, findings):
    stuck = "The figure shows a triangle. " * 10
    rows = [one for n in range(6) for one in pair(n, response=stuck)]
    found = {check for check, *_ in findings(*rows)}
    assert "identical_responses" in found
    assert any("stands for 6 items" in detail for detail in details(study))
    short = [one for n in range(6) for one in pair(n, response="B")]
    assert "identical_responses" not in {check for check, *_ in findings(*short)}


def test_several_filters_of_one_log_are_named_with_their_lines(study, findings):
    rows = [*pair(1), record(1), *pair(2), record(2, response="filtered")]
    assert findings(*rows) == {
        ("duplicate_filter", None, "note"),
        ("duplicate_filter", None, "warning"),
    }
    assert sorted(detail.split(".jsonl, ")[1] for detail in details(study)) == [
        "line 3: b/1, sample 0: the same as on line 1",
        "line 6: b/2, sample 0: other content than on line 4",
    ]


def test_a_finding_goes_when_its_cause_does(findings):
    assert findings(*pair(1, answer="2"))
    assert findings(*pair(1, answer="1")) == set()
