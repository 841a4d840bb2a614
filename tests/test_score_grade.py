from __future__ import annotations

import subprocess
import sys
import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from erranal.score import OUTCOMES, Equivalence, Extraction, extract, grade, key
from erranal.score.number import numbers, pure, written

LETTERS = ["red", "green", "blue", "blue"]


def outcome(response, gold, **item):
    status = item.pop("status", "ok")
    found = key(gold, answer_type=item.get("answer_type"), choices=item.get("choices"))
    extraction = extract(
        response,
        answer_type=found.answer_type,
        choices=item.get("choices"),
        lettered=found.lettered,
    )
    asks = item.pop("asks_percent", False)
    return grade(extraction, gold=gold, status=status, asks_percent=asks, **item)


@pytest.fixture(scope="module")
def equivalence():
    with Equivalence() as held:
        yield held


@pytest.mark.parametrize(
    ("gold", "choices", "answer_type"),
    [
        ("C", ["x", "y", "z"], "choice"),
        ("(C)", ["x", "y", "z"], "choice"),
        ("c", ["x", "y", "z"], "choice"),
        ("yes", ["no", "yes"], "choice"),
        ("5", ["3", "5", "7"], "choice"),
        ("5.0", ["3", "5", "7"], "choice"),
        ("18", None, "numeric"),
        ("$1,200.50", None, "numeric"),
        ("3/4", None, "numeric"),
        ("She has 18.\n#### 18", None, "numeric"),
        ("triclinic", None, "text"),
        (r"\frac{\sqrt{3}}{2}", None, "text"),
        ("A", None, "text"),
    ],
)
def test_the_answer_type_is_derived(gold, choices, answer_type):
    found = key(gold, choices=choices)
    assert (found.answer_type, found.unusable) == (answer_type, "")


@pytest.mark.parametrize(
    ("response", "item", "expected"),
    [
        ("Answer: B", {"gold": "B", "choices": LETTERS}, "correct"),
        ("Answer: green", {"gold": "B", "choices": LETTERS}, "correct"),
        ("Answer: A", {"gold": "B", "choices": LETTERS}, "incorrect"),
        ("Answer: D", {"gold": "C", "choices": LETTERS}, "correct"),  # the same text twice
        ("No, they are not.", {"gold": "no", "choices": ["no", "yes"]}, "correct"),
        ("Maximum flow: 5", {"gold": "5", "choices": ["4", "5"]}, "correct"),
        ("Maximum flow: 6", {"gold": "5", "choices": ["4", "5"]}, "incorrect"),
        ("She makes $18.00.", {"gold": "work\n#### 18"}, "correct"),
        ("It costs $70k.", {"gold": "70000"}, "correct"),
        ("It costs $70k.", {"gold": "70,000"}, "correct"),
        ("#### 2.8", {"gold": "5"}, "incorrect"),
        ("1.5e3", {"gold": "1500"}, "correct"),
        ("0.75", {"gold": "3/4"}, "correct"),
        ("3.142857", {"gold": "22/7"}, "incorrect"),
        ("50%", {"gold": "0.5"}, "correct"),
        ("triclinic", {"gold": "triclinic"}, "correct"),
        ("**Triclinic.**", {"gold": "triclinic"}, "correct"),
        ("The crystal system is triclinic.", {"gold": "triclinic"}, "correct"),
        ("monoclinic", {"gold": "triclinic"}, "incorrect"),
        ("not triclinic", {"gold": "triclinic"}, "incorrect"),
        ("", {"gold": "B", "choices": LETTERS}, "no_answer"),
        (None, {"gold": "18"}, "no_answer"),
        ("I'm sorry, I can't help.", {"gold": "B", "choices": LETTERS}, "refused"),
        ("Answer: B", {"gold": "B", "choices": LETTERS, "status": "refusal"}, "correct"),
        ("Hmm.", {"gold": "B", "choices": LETTERS, "status": "refusal"}, "refused"),
        ("Answer: B", {"gold": "B", "choices": LETTERS, "status": "truncated"}, "correct"),
        ("Let me", {"gold": "B", "choices": LETTERS, "status": "truncated"}, "no_answer"),
        ("Answer: B", {"gold": "B", "choices": LETTERS, "status": "api_error"}, "failed"),
        (None, {"gold": "B", "choices": LETTERS, "status": "filtered"}, "failed"),
        ("Answer: B", {"gold": None, "choices": LETTERS}, "ungradable"),
        ("Answer: B", {"gold": "  "}, "ungradable"),
        ("Answer: B", {"gold": "K", "choices": LETTERS}, "ungradable"),
        ("Answer: B", {"gold": "purple", "choices": LETTERS}, "ungradable"),
    ],
)
def test_outcomes(response, item, expected):
    assert outcome(response, **item).outcome == expected


@pytest.mark.parametrize(
    ("response", "item", "detail"),
    [
        ("Let me", {"gold": "18", "status": "truncated"}, "truncated"),
        ("", {"gold": "18"}, "empty"),
        ("", {"gold": "18", "status": "empty"}, "empty"),
        ("Answer: B", {"gold": None}, "no gold"),
        ("Answer: B", {"gold": "K", "choices": LETTERS}, "the gold is not among the options"),
        (None, {"gold": "18", "status": "api_error"}, "api_error"),
        (
            "Answer: A or B",
            {"gold": "A", "choices": LETTERS},
            "the response settles on several options",
        ),
        ("Hello there.", {"gold": "A", "choices": LETTERS}, "nothing parses"),
        ("Answer: 5%", {"gold": "5"}, "differs by the per cent sign"),
    ],
)
def test_details_say_why(response, item, detail):
    assert outcome(response, **item).detail == detail


@pytest.mark.parametrize(
    ("gold", "answer", "asks_percent", "expected"),
    [
        ("5", "5%", False, "incorrect"),
        ("5", "500%", False, "incorrect"),
        ("0.05", "5%", False, "correct"),
        ("5", "500", False, "incorrect"),
        ("50", "50%", True, "correct"),
        ("50%", "50", True, "correct"),
        ("50%", "50", False, "incorrect"),
        ("50%", "0.5", True, "correct"),
    ],
)
def test_per_cent_signs_count(gold, answer, asks_percent, expected):
    assert outcome(f"Answer: {answer}", gold, asks_percent=asks_percent).outcome == expected


@pytest.mark.parametrize(
    ("gold", "answer", "expected"),
    [
        (r"\frac{\sqrt{3}}{2}", r"\boxed{\sqrt{3}/2}", "correct"),
        (r"\frac{\sqrt{3}}{2}", r"\boxed{\sqrt{2}/2}", "incorrect"),
        ("4", r"\boxed{\sqrt{16}}", "correct"),
        ("1024", r"\boxed{2^{10}}", "correct"),
        ("x^2+1", "Answer: $1 + x^2$", "correct"),
        (r"\pi", r"\boxed{\pi}", "correct"),
        (r"5\pi", r"\boxed{5\pi\%}", "incorrect"),
    ],
)
def test_formulas_go_to_the_symbolic_comparison(equivalence, gold, answer, expected):
    assert outcome(answer, gold, equivalent=equivalence.same).outcome == expected


def test_a_formula_without_a_comparison_is_not_guessed():
    assert outcome(r"\boxed{\sqrt{16}}", "4").outcome == "ungradable"


def test_words_never_reach_the_symbolic_comparison():
    def fail(gold, answer):
        raise AssertionError(f"asked about {gold} and {answer}")

    assert outcome("Answer: monoclinic", "triclinic", equivalent=fail).outcome == "incorrect"
    assert outcome("Answer: 12", "13", equivalent=fail).outcome == "incorrect"


def test_a_comparison_without_end_is_killed_and_the_next_one_works():
    tower = r"\boxed{9^{9^{9^{9}}}}"
    with Equivalence(seconds=1.0) as equivalence:
        assert equivalence.same("4", r"\sqrt{16}") is True  # the process is up
        started = time.monotonic()
        found = outcome(tower, "7", equivalent=equivalence.same)
        assert found == ("ungradable", "equivalence timed out")
        assert time.monotonic() - started < 3
        assert equivalence.same("4", r"\sqrt{25}") is False


def test_the_symbolic_process_keeps_its_output_clean():
    answers = '["4", "\\\\sqrt{16}"]\n["x", "\\\\frac{"]\n["", ""]\n'
    done = subprocess.run(
        [sys.executable, "-m", "erranal.score.symbolic"],
        input=answers,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout == "ready\ntrue\nfalse\nfalse\n"
    assert done.stderr == ""


values = st.fractions(min_value=-(10**9), max_value=10**9, max_denominator=10**6)


@settings(deadline=None)
@given(values)
def test_written_numbers_read_back_exactly(value):
    from erranal.score.number import Number

    text = written(Number(value, False, 0, 0))
    read = pure(text)
    assert read is not None
    assert read.value == value


@given(st.integers(-(10**15), 10**15))
def test_thousands_are_read(value):
    assert [n.value for n in numbers(f"{value:,}")] == [Fraction(value)]


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(st.none(), st.text(max_size=60)),
    st.one_of(st.none(), st.text(max_size=30), st.sampled_from(["A", "5", "50%", "yes"])),
    st.lists(st.text(max_size=10), max_size=12),
    st.sampled_from([None, "choice", "numeric", "text"]),
    st.sampled_from(["ok", "empty", "truncated", "refusal", "filtered", "api_error"]),
)
def test_every_output_has_one_outcome(response, gold, choices, answer_type, status):
    found = outcome(response, gold, choices=choices, answer_type=answer_type, status=status)
    assert found.outcome in OUTCOMES
    assert found.detail


@given(st.text(max_size=40).filter(str.strip))
def test_a_gold_text_grades_itself_as_right(gold):
    usable = key(gold, answer_type="text")
    if not usable.unusable:
        found = grade(Extraction(usable.gold, "short_text"), gold=gold, answer_type="text")
        assert found.outcome == "correct"


@pytest.mark.parametrize("text", ["", " ", "<image 1>", "<image>"])
def test_options_without_a_text_of_their_own_are_no_twins(text):
    found = extract("Answer: A", answer_type="choice", choices=[text] * 4)
    assert grade(found, gold="B", choices=[text] * 4).outcome == "incorrect"


def test_options_with_the_same_text_are_the_same_answer():
    choices = ["cat", "dog", "cat"]
    found = extract("Answer: C", answer_type="choice", choices=choices)
    assert grade(found, gold="A", choices=choices).outcome == "correct"


@pytest.mark.parametrize(
    ("response", "gold", "expected"),
    [
        ("Yes, because 0 = 2 * 0.", "yes", "correct"),
        ("No. The two nodes are apart.", "yes", "incorrect"),
        ("The answer is False.", "false", "correct"),
        ("It depends on what is meant.", "yes", "no_answer"),
    ],
)
def test_yes_and_no_are_options_even_where_none_are_listed(response, gold, expected):
    found = key(gold)
    extraction = extract(
        response, answer_type=found.answer_type, choices=found.options.texts, lettered=False
    )
    assert grade(extraction, gold=gold).outcome == expected
