"""Tasks are checked before they are sent, annotations when they come back, by the same form."""

from __future__ import annotations

import copy
import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from round_fakes import (
    CALCULATION,
    MISREAD,
    TEXT,
    codes,
    confidence,
    flags,
    made_round,
    memo,
    primary,
    region,
    span,
)

from erranal import codebook
from erranal.errors import StageError
from erranal.rounds import form, interface, units
from erranal.rounds.annotations import LONGEST_MEMO, Asked, Label, Refusal, read
from erranal.rounds.round import find
from erranal.rounds.shown import Shown, shown
from erranal.rounds.tasks import _prediction, check_task, content_hash, task
from erranal.rounds.units import Verdict

BOOK = codebook.load("modality_gap")
FORM = form.parse(interface.build(BOOK, image=False, suggestions=True))
TEXTS = {"response": shown(TEXT, None), "reference": shown("61 × 2 = 122", None, field="reference")}
ASKED = Asked("unit", 7, TEXTS, FORM)
MEANT = [primary(MISREAD), codes(MISREAD, CALCULATION), span(TEXT, 9, 11)]


def annotation(*result: Any, **changes: Any) -> dict[str, Any]:
    known = {"id": 3, "task": 7, "completed_by": 1, "updated_by": 1, "was_cancelled": False}
    when = {"created_at": "2026-11-21T02:06:41Z", "updated_at": "2026-11-21T02:06:42.5Z"}
    return known | when | {"lead_time": 12.5, "result": list(result)} | changes


def said(*result: Any, **changes: Any) -> Label:
    found = read(annotation(*result, **changes), ASKED)
    assert isinstance(found, Label), found
    return found


def reason(*result: Any, **changes: Any) -> str:
    found = read(annotation(*result, **changes), ASKED)
    assert isinstance(found, Refusal), found
    return found.reason


# What coders say ----------------------------------------------------------------------------------


def test_a_whole_annotation():
    label = said(*MEANT, confidence(4), memo("why", "doubt"), flags("AMB"))
    assert (label.primary_code, label.codes) == (MISREAD, (MISREAD, CALCULATION))
    assert (label.confidence, label.memo, label.flags) == (4, "why\ndoubt", ("AMB",))
    assert (label.codebook_gap, label.status, label.lead_time_s) == (False, "submitted", 12.5)
    (one,) = label.regions
    assert (one.field, one.start, one.end, one.quote) == ("response", 9, 11, "61")
    assert (one.kind, one.origin) == ("Evidence", "manual")


def test_none_and_gap_are_answers_and_missing_is_not_one():
    none, gap = said(primary("none")), said(primary("codebook gap"), codes(CALCULATION))
    assert (none.primary_code, none.codes, none.codebook_gap) == (None, (), False)
    assert (gap.primary_code, gap.codes, gap.codebook_gap) == (None, (CALCULATION,), True)
    assert said(primary(MISREAD), flags("GAP")).codebook_gap
    assert reason(codes(MISREAD)) == "no_primary"
    assert reason(region("primary", "choices", {"choices": []})) == "no_primary"


def test_a_primary_without_codes_is_the_only_code():
    assert said(primary(MISREAD)).codes == (MISREAD,)
    assert said(primary(MISREAD), region("codes", "taxonomy", {"taxonomy": []})).codes == (MISREAD,)


def test_contradictions_are_refused():
    assert reason(primary("none"), codes(MISREAD)) == "none_with_codes"
    assert reason(primary(MISREAD), codes(CALCULATION)) == "primary_not_in_codes"


def test_a_skip_says_nothing():
    label = said(*MEANT, was_cancelled=True)
    assert label.status == "skipped"
    assert (label.primary_code, label.codes, label.codebook_gap, label.regions) == (
        None, None, None, (),
    )  # fmt: skip


def test_answers_taken_back_and_relations_are_nothing():
    relation = {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"}
    label = said(*MEANT, confidence(0), memo(), flags(), relation)
    assert (label.confidence, label.memo, label.flags) == (None, None, ())


def test_a_memo_without_end_is_cut_and_whole_in_the_raw_annotation():
    label = said(*MEANT, memo("<script>" + "A" * 200_000))
    assert label.memo == ("<script>" + "A" * LONGEST_MEMO)[:LONGEST_MEMO]
    assert len(label.raw) > 200_000


def test_names_of_people_are_not_kept():
    person = {"id": 5, "email": "ann@example.org", "first_name": "Ann"}
    label = said(*MEANT, completed_by=person, updated_by=5, created_username=" ann@example.org, 5")
    assert label.user_id == 5
    assert "ann" not in label.raw.lower()
    assert json.loads(label.raw)["completed_by"] == 5


WRONG = {
    "unknown control": region("other", "choices", {"choices": ["x"]}),
    "no control": {"type": "choices", "value": {"choices": ["x"]}},
    "other object": primary(MISREAD) | {"to_name": "reference"},
    "type in capitals": primary(MISREAD) | {"type": "Choices"},
    "two choices": region("primary", "choices", {"choices": [MISREAD, CALCULATION]}),
    "unknown choice": primary("reading.nothing"),
    "wrong case": primary(MISREAD.upper()),
    "no list": region("primary", "choices", {"choices": MISREAD}),
    "no value": region("primary", "choices", {}),
    "value no object": {**primary(MISREAD), "value": [MISREAD]},
    "only a leaf": region("codes", "taxonomy", {"taxonomy": [[MISREAD]]}),
    "reversed": region("codes", "taxonomy", {"taxonomy": [[MISREAD, "reading"]]}),
    "across branches": region("codes", "taxonomy", {"taxonomy": [["thinking", MISREAD]]}),
    "only a family": region("codes", "taxonomy", {"taxonomy": [["reading"]]}),
    "path no list": region("codes", "taxonomy", {"taxonomy": [MISREAD]}),
    "path twice": region("codes", "taxonomy", {"taxonomy": [["reading", MISREAD]] * 2}),
    "rating as text": confidence("4"),
    "rating too large": confidence(6),
    "rating true": confidence(True),
    "rating a half": confidence(3.5),
    "memo a number": region("memo", "textarea", {"text": [3]}),
    "unknown flag": flags("WHAT"),
}
SPANS = {
    "out of range": {"end": len(TEXT) + 1},
    "reversed": {"start": 11, "end": 9},
    "empty": {"start": 9, "end": 9},
    "negative": {"start": -2},
    "strings": {"start": "9", "end": "11"},
    "floats": {"start": 9.0},
    "booleans": {"start": True},
    "missing": {"start": None},
    "another text": {"text": "65"},
    "no label": {"labels": []},
    "two labels": {"labels": ["Evidence", "Correct step"]},
    "unknown label": {"labels": ["Proof"]},
}
for name, change in SPANS.items():
    bad = span(TEXT, 9, 11)
    WRONG[f"span {name}"] = bad | {"value": bad["value"] | change}


@pytest.mark.parametrize("name", WRONG)
def test_answers_that_the_form_cannot_give_are_refused(name):
    bad = WRONG[name]
    others = [one for one in MEANT if one["from_name"] != bad.get("from_name")]
    assert reason(*others, bad) == "wrong_answer"


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ("other_task", {"task": 8}),
        ("no_coder", {"completed_by": None}),
        ("no_coder", {"completed_by": "ann"}),
        ("no_coder", {"completed_by": True}),
        ("no_time", {"updated_at": None}),
        ("no_time", {"updated_at": "yesterday"}),
        ("malformed", {"id": None}),
        ("malformed", {"id": "3"}),
        ("malformed", {"result": None}),
        ("malformed", {"result": ["x"]}),
        ("malformed", {"was_cancelled": "no"}),
    ],
)
def test_what_is_no_annotation_of_the_task_is_refused(expected, changes):
    assert reason(*MEANT, **changes) == expected


def test_a_control_given_twice_is_refused():
    assert reason(primary(MISREAD), primary(CALCULATION)) == "given_twice"
    assert len(said(*MEANT, span(TEXT, 0, 1)).regions) == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from([*annotation(), *MEANT[0], *MEANT[2]["value"], "choices"]), JSON)
def test_nothing_in_an_annotation_breaks_the_reader(key, value):
    def put(inner: Any) -> Any:
        if isinstance(inner, dict):
            return {k: value if k == key else put(v) for k, v in inner.items()}
        return [put(one) for one in inner] if isinstance(inner, list) else inner

    found = read(put(annotation(*MEANT, confidence(3))), ASKED)
    assert isinstance(found, Label | Refusal)


@pytest.mark.parametrize("value", [None, 3, "x", [], [1]])
def test_no_object_is_no_annotation(value):
    assert read(value, ASKED).reason == "malformed"


def test_deep_nesting_is_refused():
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    found = read(annotation(*MEANT, other=deep), ASKED)
    assert isinstance(found, Refusal)
    while isinstance(deep, list):  # taken apart by hand: its own end would be as deep
        deep = deep.pop()


# Offsets ------------------------------------------------------------------------------------------

LETTERS = st.text("ab \r\n\te\u0301\u200d👩🏽‍🚀重שׁ\u202e\x00", min_size=1, max_size=40)


@given(st.data(), LETTERS, st.none() | LETTERS)
def test_spans_survive_the_way_to_the_screen_and_back(data, response, reasoning):
    text = shown(response, reasoning)
    field, source = data.draw(
        st.sampled_from(
            [("response", response)] + ([("reasoning", reasoning)] if reasoning else [])
        )
    )
    start = data.draw(st.integers(0, len(source) - 1))
    end = data.draw(st.integers(start + 1, len(source)))
    placed = text.place(field, start, end)
    assert placed is not None
    assert text.text[slice(*placed)] == source[start:end].replace("\x00", "�")
    assert list(text.spans(*placed)) == [(field, start, end)]


@given(st.data(), LETTERS)
def test_a_coder_s_span_is_kept_as_it_was_marked(data, response):
    texts = {"response": shown(response, None), "reference": shown(None, None, field="reference")}
    start = data.draw(st.integers(0, len(response) - 1))
    end = data.draw(st.integers(start + 1, len(response)))
    mark = span(texts["response"].text, start, end)
    sent = json.loads(json.dumps(annotation(primary(MISREAD), mark)))
    label = read(sent, Asked("unit", 7, texts, FORM))
    assert isinstance(label, Label)
    assert [(r.start, r.end) for r in label.regions] == [(start, end)]
    assert label.regions[0].quote == response[start:end].replace("\x00", "�")


def test_a_span_over_reasoning_and_answer_is_two():
    text = shown("answer", "steps")
    whole = list(text.spans(0, len(text.text)))
    assert whole == [("reasoning", 0, 5), ("response", 0, 6)]
    assert isinstance(text, Shown)


def test_places_outside_a_text_are_none():
    text = shown("answer", None)
    assert text.place("response", 0, 7) is None
    assert text.place("response", 3, 3) is None
    assert text.place("reference", 0, 1) is None


# Tasks --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    made = made_round(tmp_path_factory.mktemp("round"), 3)
    about = find(made.study, "pilot")
    return [task(unit, about, FORM) for unit in units.read(made.study, about, made.units)]


def test_a_task_suggests_what_the_judge_said(sent):
    (prediction,) = sent[0]["predictions"]
    by_name = {one["from_name"]: one["value"] for one in prediction["result"]}
    assert by_name["primary"] == {"choices": [MISREAD]}
    assert by_name["codes"] == {"taxonomy": [["reading", MISREAD], ["thinking", CALCULATION]]}
    assert by_name["ev_response"] == {"start": 9, "end": 11, "text": "61", "labels": ["Evidence"]}
    assert set(by_name) == {"primary", "codes", "ev_response"}
    assert sent[0]["data"]["judge_note"] == "Reads 61 as 65."
    check_task(sent[0], FORM)


def suggested(**said):
    told = {"primary_code": None, "codes": (), "codebook_gap": False, "rationale": ""} | said
    unit = SimpleNamespace(texts={})
    about = SimpleNamespace(judge="j", judge_id="j")
    made = _prediction(unit, Verdict(**told), about, FORM)
    return {one["from_name"]: one["value"] for one in made["result"]}


def test_a_primary_code_alone_is_not_repeated_where_a_change_would_leave_it_behind():
    assert suggested(primary_code=MISREAD, codes=(MISREAD,)) == {"primary": {"choices": [MISREAD]}}
    assert set(suggested(primary_code=MISREAD, codes=(CALCULATION, MISREAD))) == {
        "primary",
        "codes",
    }


def test_a_judge_that_does_not_look_for_every_code_never_suggests_that_there_is_none():
    assert suggested() == {"primary": {"choices": ["none"]}}
    assert suggested(complete=False) == {}
    assert suggested(complete=False, codebook_gap=True) == {
        "primary": {"choices": ["codebook gap"]}
    }


def test_a_blind_task_knows_nothing_of_the_judge(sent):
    assert sent[2]["predictions"] == []
    assert sent[2]["data"]["judge_note"] == ""


def test_a_task_does_not_name_the_model(sent):
    assert "secret-model" not in json.dumps(sent)
    assert "image" in sent[0]["data"]["response_title"]


def test_the_round_trip_of_a_suggestion(sent):
    result = [one | {"origin": "prediction"} for one in sent[0]["predictions"][0]["result"]]
    texts = {name: shown(sent[0]["data"][name], None, field=name) for name in TEXTS}
    label = read(annotation(*result), Asked("unit", 7, texts, FORM))
    assert isinstance(label, Label)
    assert label.codes == (MISREAD, CALCULATION)
    assert [one.origin for one in label.regions] == ["prediction"]


BAD = {name: bad for name, bad in WRONG.items() if name != "no control"}


@pytest.mark.parametrize("name", BAD)
def test_malformed_predictions_are_not_sent(name, sent):
    bad, broken = BAD[name], copy.deepcopy(sent[0])
    result = broken["predictions"][0]["result"]
    kept = [one for one in result if one["from_name"] != bad["from_name"]]
    if bad["from_name"] == "ev_response":
        text = broken["data"]["response"]
        if bad["value"].get("end") == len(TEXT) + 1:
            bad = bad | {"value": bad["value"] | {"end": len(text) + 1}}
    broken["predictions"][0]["result"] = [*kept, bad]
    with pytest.raises(StageError, match="cannot be sent"):
        check_task(broken, FORM)


def changed(sent: dict[str, Any], change: Any) -> dict[str, Any]:
    broken = copy.deepcopy(sent)
    change(broken, broken["predictions"][0]["result"])
    return broken


@pytest.mark.parametrize(
    ("message", "change"),
    [
        ("given twice", lambda _, result: result.append(primary(MISREAD) | {"id": "other"})),
        ("used twice", lambda _, result: result[1].update(id=result[0]["id"])),
        ("no id", lambda _, result: result[0].pop("id")),
        ("coder's own", lambda _, result: result.append(confidence(4))),
        ("coder's own", lambda _, result: result.append(memo("I think"))),
        ("no object", lambda _, result: result.append("x")),
        ("coders would see", lambda task, _: task["predictions"][0].update(score=0.9)),
        ("more than one", lambda task, _: task["predictions"].append(task["predictions"][0])),
        ("missing", lambda task, _: task["data"].pop("response_title")),
        ("no text", lambda task, _: task["data"].update(gold=3)),
        ("list of regions", lambda task, _: task["predictions"].__setitem__(0, {"result": "x"})),
        ("list of predictions", lambda task, _: task.update(predictions=None)),
    ],
)
def test_malformed_tasks_are_not_sent(message, change, sent):
    with pytest.raises(StageError, match=message):
        check_task(changed(sent[0], change), FORM)


def test_a_form_for_blind_coders_takes_no_suggestions(sent):
    blind = form.parse(interface.build(BOOK, image=False, suggestions=False))
    with pytest.raises(StageError, match="see no suggestions"):
        check_task(sent[0], blind)


def test_the_hash_is_of_what_is_shown(sent):
    other = copy.deepcopy(sent[0])
    other["data"]["image"] = "/data/upload/17-a.png"
    assert content_hash(sent[0], "upload:a") == content_hash(other, "upload:a")
    assert content_hash(sent[0], "upload:a") != content_hash(sent[0], "upload:b")
    assert content_hash(sent[0], None) != content_hash({**sent[0], "predictions": []}, None)


# Forms --------------------------------------------------------------------------------------------


def test_forms_are_the_same_whatever_their_indentation():
    config = interface.build(BOOK, image=True, suggestions=True)
    assert form.same(config, config.replace(">\n", ">\r\n   "))
    assert not form.same(config, config.replace(MISREAD, "reading.other"))


@pytest.mark.parametrize("config", ["", "<View>", '<!DOCTYPE x [<!ENTITY a "b">]><View/>'])
def test_what_is_no_form_is_refused(config):
    with pytest.raises(StageError, match="labelling form"):
        form.parse(config)
