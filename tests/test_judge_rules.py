"""What every rule finds, what it leaves alone, and that its evidence is where it says."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from erranal import codebook
from erranal.judge.rules import RuleJudge, misread, repetition
from erranal.judge.verdict import MAX_QUOTE, Record

BOOK = codebook.load("modality_gap")
JUDGE = RuleJudge(BOOK)
EXAMPLES = [(code.code, example) for code in BOOK.codes for example in code.examples]


def record_of(example) -> Record:
    return Record(
        "x",
        question=example.question,
        choices=example.choices,
        gold=example.gold,
        response=example.image,
        status=example.status,
        outcome=example.outcome,
        other_outcome=example.imported,
        reference=example.text,
        reference_arm="text",
        reference_status="ok",
        prompt_style="cot",
    )


def codes(**fields) -> tuple[str, ...]:
    return JUDGE.judge(Record("x", **fields)).codes


@pytest.mark.parametrize(("code", "example"), EXAMPLES, ids=lambda x: getattr(x, "kind", x))
def test_the_examples_of_the_codebook_are_coded_as_they_say(code, example):
    verdict = JUDGE.judge(record_of(example))
    if example.kind == "positive":
        assert verdict.primary_code == (code if code in JUDGE.assesses else None)
    else:
        assert code not in verdict.codes
        assert verdict.primary_code in {example.instead, None}


def test_the_rules_say_what_they_cannot_assess():
    assert "thinking.calculation" in JUDGE.assesses
    assert not JUDGE.assesses & {
        "thinking.reasoning",
        "thinking.knowledge",
        "reading.content_missed",
    }
    verdict = JUDGE.judge(Record("x", response="It is a whale. Answer: B", outcome="incorrect"))
    assert verdict.status == "ok"
    assert verdict.codes == ()
    assert verdict.primary_code is None
    assert "no rule fired" in verdict.rationale
    assert "thinking.knowledge" in verdict.rationale
    assert verdict.confidence is None


def test_a_right_answer_is_no_error():
    verdict = JUDGE.judge(Record("x", response="2 + 2 = 5, the answer is B", outcome="correct"))
    assert verdict.codes == ()


def test_the_judge_is_labelled_as_rules_and_its_id_covers_what_matters():
    assert JUDGE.spec.kind == "rules"
    assert JUDGE.spec.model is None
    assert JUDGE.spec.judge_id.startswith("rules:")
    assert RuleJudge(BOOK).spec.judge_id == JUDGE.spec.judge_id
    assert RuleJudge(BOOK, scorer="imported@1").spec.judge_id != JUDGE.spec.judge_id
    assert replace(JUDGE.spec, version="2").judge_id != JUDGE.spec.judge_id


# -- reading --------------------------------------------------------------------------------------

QUESTION = (
    "A bus leaves with 36 passengers. At the first stop 5 get off, and at the second stop 14 get "
    "on. How many passengers are on the bus then?"
)


@pytest.mark.parametrize(
    ("response", "quote"),
    [
        ("The bus leaves with 63 passengers. Then 5 get off and 14 get on.", "63"),
        ("The bus leaves with 86 passengers, 5 get off, 14 get on.", "86"),
        ("Given: passengers on the bus: 38; get off: 5; get on: 14.", "38"),
        ("The bus leaves with 3.6 passengers, so it is small.", "3.6"),
        ("First 56 - 5 = 51 stay. Then 51 + 14 = 65.", "56"),
        ("The bus leaves with 36 passengers; at the second stop 17 get on.", "17"),
    ],
)
def test_a_misread_value_is_found(response, quote):
    found = misread.assess(Record("x", question=QUESTION, response=response))
    assert found[0].quote == quote
    assert [item.field for item in found] == ["response", "question"]


@pytest.mark.parametrize(
    "response",
    [
        "The bus leaves with 36 passengers. 36 - 5 = 21, and 21 + 14 = 35.",  # a slip
        "36 - 5 = 31 passengers stay. Then there are 31 + 14 = 45.",
        "With 36 on the bus it needs 2 drivers and 46 seats.",  # 36 is there
        "The bus leaves with thirty passengers more than 6.",
        "We know that 19 people get on or off at the two stops.",  # 5 + 14
        "The year was 1936, and the bus was old.",
        "It starts with a full bus. Option 3 says 63.",
        "",
    ],
)
def test_a_value_that_is_not_misread(response):
    assert misread.assess(Record("x", question=QUESTION, response=response)) == []


def test_a_value_among_the_choices_is_known():
    fields = {
        "question": QUESTION,
        "response": "The bus leaves with 63 passengers, the first stop.",
    }
    assert misread.assess(Record("x", **fields))
    assert not misread.assess(Record("x", choices=("36 people", "63 people"), **fields))


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("16", "61", True),
        ("16", "18", True),
        ("160", "16", True),
        ("1.5", "15", True),
        ("16", "27", False),
        ("16", "16", False),
        ("1", "10", False),
        ("1234", "1324", True),
        ("1234", "4321", False),
    ],
)
def test_which_numbers_look_alike(one, other, alike):
    assert misread.look_alike(one, other) is alike
    assert misread.look_alike(other, one) is alike


@pytest.mark.parametrize(
    "response",
    [
        "I'm sorry, but I can't see the image.",
        "I’m unable to view images directly. Please describe the graph.",
        "No image was provided, so I cannot answer.",
        "It seems the picture was not attached to your message.",
        "Could you please upload the diagram again?",
        "I don't have access to the image you mention.",
        "There is no visible text in the image.",
        "The image is too blurry to read.",
    ],
)
def test_not_seen_is_found_and_beats_refusal(response):
    given = codes(response=response, outcome="refused", modality="image")
    assert given == ("reading.not_seen",)


@pytest.mark.parametrize(
    "response",
    [
        "I'm sorry, I can't determine the answer from the image.",
        "Pancreas: usually not visible in such images. Answer: B",
        "We cannot see from these values alone which is larger. Answer: C",
        "The image shows a cell. It is not visible in the diagram how large it is. Answer: A",
        "No option was provided that fits. Answer: D",
    ],
)
def test_other_denials_are_not_not_seen(response):
    assert "reading.not_seen" not in codes(response=response, outcome="incorrect", modality="image")


def test_under_plain_text_there_was_no_image_to_see():
    response = "I can't see the image you are referring to."
    assert codes(response=response, outcome="no_answer", modality="text") == ("output.no_answer",)


# -- collapse -------------------------------------------------------------------------------------

REFERENCE = (
    "The stall has 12 crates with 20 jars in every one of them.\n"
    "So there are 12 * 20 = 240 jars in the beginning.\n"
    "Of these, 40 are broken and have to be sent back.\n"
    "That leaves 240 - 40 = 200 jars for the stall to sell.\nThe answer is 200."
)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"response": "240"}, ("collapse.no_steps",)),
        ({"response": "The answer is 240."}, ("collapse.no_steps",)),
        ({"response": "**Answer: B**"}, ("collapse.no_steps",)),
        ({"response": "12 * 20 = 240"}, ("collapse.shortened_steps",)),
        ({"response": "240", "reasoning": REFERENCE}, ()),  # it thought elsewhere
        ({"response": "240", "prompt_style": "direct"}, ()),  # it was asked to
        ({"response": "240", "reference": "200"}, ()),
        ({"response": "240", "reference": ""}, ()),
        ({"response": "240", "reference_status": "truncated"}, ()),
        ({"response": REFERENCE.replace("40", "50")}, None),
        ({"response": "240", "status": "truncated"}, ("output.truncated",)),
    ],
)
def test_missing_steps_are_measured_against_the_other_arm(fields, expected):
    given = codes(**({"reference": REFERENCE, "outcome": "incorrect"} | fields))
    if expected is None:
        assert not any(code.startswith("collapse") for code in given)
    else:
        assert given == expected


def test_a_reference_that_copies_the_item_does_not_make_a_response_short():
    choices = tuple(f"The long text of an option, with number {n} in it" for n in range(10))
    copied = "Let me restate it:\n" + "\n".join(choices)
    reference = f"{copied}\nIt is red.\nThat leaves the first of them.\nSo it must be so."
    response = "It is blue and this leaves the second one of them all, I suppose."
    fields = {"response": response, "reference": reference, "outcome": "incorrect"}
    assert "collapse.shortened_steps" in codes(**fields)
    assert codes(**fields, choices=choices) == ()


@pytest.mark.parametrize(
    "unit",
    [
        "so we check the next number, ",
        "wait ",
        "abcabd",
        "Hmm, no. Let me think again.\n",
        "我不知道",
        "😀🎉 ok ",
    ],
)
def test_a_loop_is_found_in_full(unit):
    text = "We begin with something sensible here.\n" + unit * (400 // len(unit))
    loop = repetition.longest_loop(text)
    assert loop is not None
    assert loop.end > len(text.rstrip()) - 8
    assert loop.end - loop.start > 300
    assert loop.rounds >= 5


@pytest.mark.parametrize(
    "text",
    [
        REFERENCE,
        "\n".join(f"- Option ({letter}) is not right, as it is another one." for letter in "ABCD"),
        "| a | b |\n|---|---|\n" + "\n".join(f"| {n} | {n * 7 % 13} |" for n in range(20)),
        "[" + ", ".join(["0"] * 60) + "]",
        "\n".join(f"Path 0 -> {n} -> {n + 3} with flow {n * 3 % 7}" for n in range(12)),
        "no no no no",
    ],
)
def test_structure_that_repeats_by_nature_is_no_loop(text):
    assert repetition.longest_loop(text) is None


@given(st.text(alphabet="ab c", min_size=1, max_size=12), st.integers(60, 200))
@settings(max_examples=200, deadline=None)
def test_periods_are_periods(unit, rounds):
    pieces = list(unit * rounds)
    for first, last, period in repetition.periodic(pieces):
        assert 0 <= first <= last < len(pieces)
        assert all(pieces[i] == pieces[i - period] for i in range(first + period, last + 1))
    assert any(
        last - first + 1 > len(pieces) // 2 for first, last, _ in repetition.periodic(pieces)
    )


# -- output and measurement -----------------------------------------------------------------------

CHOICES = ("Shark", "Dolphin", "Tuna", "The same as a shark")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"response": "", "status": "empty"}, ("output.no_answer",)),
        ({"response": "All of them live in water."}, ("output.no_answer",)),
        ({"response": "{'x': 'dolphin'}", "choices": CHOICES, "gold": "B"}, ("output.format",)),
        ({"response": "dolphin or tuna", "choices": CHOICES, "gold": "B"}, ("output.no_answer",)),
        ({"response": "the same as a shark", "choices": CHOICES, "gold": "D"}, ("output.format",)),
        (
            {"response": "dolphins everywhere", "choices": CHOICES, "gold": "B"},
            ("output.no_answer",),
        ),
        ({"response": "fifty-four", "gold": "54"}, ("output.format",)),
        ({"response": "Sum := {54}", "gold": "54"}, ("output.format",)),
        ({"response": "54 or 56", "gold": "54"}, ("output.no_answer",)),
        ({"response": "ca. 540", "gold": "54"}, ("output.no_answer",)),
        ({"response": "To add them, we", "status": "truncated"}, ("output.truncated",)),
        ({"response": "To add them, we", "finish_reason": "length"}, ("output.truncated",)),
        (
            {"response": "To add them, we", "tokens_out": 64, "token_limit": 64},
            ("output.truncated",),
        ),
        ({"response": "We list " + ", ".join(map(str, range(400)))}, ("output.no_answer",)),
        (
            {"response": "We go on from " + " to ".join(f"node {n}" for n in range(150)) + " and"},
            ("output.truncated",),
        ),
        (
            {"response": "", "status": "api_error", "outcome": "failed"},
            ("measurement.infrastructure",),
        ),
        (
            {"response": "No image was provided", "status": "filtered", "outcome": "refused"},
            ("measurement.infrastructure",),
        ),
    ],
)
def test_why_there_is_no_answer(fields, expected):
    assert codes(**({"outcome": "no_answer", "modality": "image"} | fields)) == expected


def test_a_scorer_error_needs_the_gold_answer_stated():
    fields = {"choices": CHOICES, "gold": "B", "outcome": "incorrect", "extracted": "A"}
    stated = {"response": "A shark is a fish. The answer is B."}
    assert codes(**fields, **stated, other_outcome="correct") == ("measurement.scorer_error",)
    assert codes(**fields, **stated, other_outcome="incorrect") == ()
    assert codes(**fields, **stated) == ()
    guessed = {"response": "A shark it is. The answer is A."}
    assert codes(**fields, **guessed, other_outcome="correct") == ()


@pytest.mark.parametrize(
    ("response", "quote"),
    [
        ("Total maximum flow = 8 + 5 = 13.\n\nThe edge 0 -> 1 still has 1 unit unused.", "13"),
        ("We send 8 and then 5, which is 13", "13"),
        ("Total maximum flow = 8 + 6 = 14.\n\nThere are 13 edges.", None),
    ],
)
def test_a_stated_number_is_looked_for_in_the_conclusion(response, quote):
    record = Record("x", response=response, gold="13", outcome="incorrect", other_outcome="correct")
    found = [e.quote for e in JUDGE.judge(record).evidence if e.code == "measurement.scorer_error"]
    assert found == ([quote] if quote else [])


# -- evidence -------------------------------------------------------------------------------------

_PIECES = (
    "I'm sorry, I can't see the image. |24 * 15 = 340. |The answer is B. |The answer is 12|"
    "The bus leaves with 63 passengers. |again and again, |😀👩‍🔬 |漢字の本 |İstanbul |\n|"
    "No image was provided |e\u0301 |= 7 |1+1|<<3*4=13>>|ﬁ|\u2028|\x00"
)
HOSTILE = st.lists(st.sampled_from(_PIECES.split("|")) | st.text(max_size=12), max_size=30).map(
    "".join
)


@given(
    response=HOSTILE,
    reference=st.sampled_from(["", REFERENCE]) | HOSTILE,
    question=st.sampled_from([QUESTION, ""]) | HOSTILE,
    outcome=st.sampled_from(["incorrect", "no_answer", "refused", "failed"]),
    status=st.sampled_from(["ok", "empty", "truncated", "refusal", "filtered", "api_error"]),
    gold=st.sampled_from([None, "B", "12", "Dolphin", ""]),
    choices=st.sampled_from([(), CHOICES, ("", "x")]),
    other=st.sampled_from([None, "correct", "incorrect"]),
)
@settings(max_examples=500, deadline=None)
def test_evidence_is_where_it_says(**drawn):
    record = Record(
        "x", other_outcome=drawn.pop("other"), reference_status="ok", modality="image", **drawn
    )
    verdict = JUDGE.judge(record)
    assert set(verdict.codes) == {item.code for item in verdict.evidence}
    assert set(verdict.codes) <= JUDGE.assesses
    assert verdict.primary_code == (BOOK.primary(verdict.codes))
    for item in verdict.evidence:
        if item.start is None:
            assert item.field == "status"
            continue
        text = getattr(record, item.field)
        assert 0 <= item.start <= item.end <= len(text)
        assert text[item.start : item.end] == item.quote
        assert item.end - item.start <= MAX_QUOTE


_COSTLY = (
    "a|1|1,|= |I can't see |no image |please send |\n|the answer | |x.|12 |12 cats |😀|漢|'|"
    "\\boxed{|1. |so we go on, |ab1 |-|((|Dolphin"
)


@pytest.mark.parametrize("piece", _COSTLY.split("|"))
def test_hostile_texts_cost_bounded_time(piece):
    text = piece * (1_000_000 // len(piece))
    record = Record(
        "x", question=text, response=text, reference=text, choices=CHOICES, gold="B",
        outcome="no_answer", other_outcome="correct", reference_status="ok",
    )  # fmt: skip
    before = time.process_time()
    JUDGE.judge(record)
    JUDGE.judge(replace(record, outcome="incorrect", gold="12", choices=()))
    JUDGE.judge(replace(record, outcome="refused"))
    assert time.process_time() - before < 3


# -- real texts -----------------------------------------------------------------------------------


def test_worked_solutions_restate_their_questions(real_outputs):
    """In 1,319 checked solutions nothing is misread."""
    lines = (real_outputs / "gsm8k" / "test.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    alarms = [
        r for r in rows if misread.assess(Record("x", question=r["question"], response=r["answer"]))
    ]
    assert len(alarms) <= 2


def test_refusals_of_a_real_run_are_told_apart(real_outputs):
    path = real_outputs / "mmmu_pro_gpt4o" / "gpt-4o_vision_direct.jsonl"
    texts = [json.loads(line)["response"] or "" for line in path.read_text("utf-8").splitlines()]
    sorry = [text for text in texts if text.startswith(("I'm sorry", "I'm unable", "I can't"))]
    assert len(sorry) > 200
    given = [codes(response=text, outcome="refused", modality="image") for text in sorry]
    assert set(given) == {("output.refusal",), ("reading.not_seen",)}
    assert 20 <= given.count(("reading.not_seen",)) <= 60
