"""A reasoning step is the same to the rules of the judge and to the query that counts responses."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erranal import steps

SHOWN = [
    "First we add the apples. Then we take away the pears that were eaten.",
    "The sides are parallel and equal\nso the shape must be a parallelogram",
    "3 * 4 = 12, so B",
    "$$\\frac{1}{2} = 0.5$$",
    "- 3 cows\n- 4 hens\nB",
    "1. Cows\n2. Hens",
    "三个苹果。还剩两个。",
    "The two forces are equal, so B.",
    "The answer is B because the sky is blue. The sun stands in the west.",
    "x" * steps.LONG,
]
NOT_SHOWN = [
    "",
    "B",
    "Answer: (B)",
    "**Answer: B**",
    "C. 10.9 mm",
    "B. The spread of pathogens across the Silk Road",
    "The correct answer is B. The spread of pathogens across the Silk Road",
    "So, the final answer is 240.",
    "Rome. The answer is B.",
    "(E) Bulb 3 is brighter than bulb 1 or 2.\n\nAnswer: E",
    "G. v = x",
    "x" * (steps.LONG - 1),
]
PIECES = [
    "The answer is B. ", "A) ", "three four ", "so. ", "x\n", "\n", "= 4", " 3 ", "1. ", "- ", "。",
    "三个苹果还剩", "I ", "option ", "<answer>", "\r", "\v", "!! ", "Ends. ", "é. ", "question: ",
    "* ", "my ", "\\approx 7", "\u2028", "\x00",
]  # fmt: skip


@pytest.mark.parametrize("text", SHOWN)
def test_work_is_seen(text):
    assert steps.shown(text)


@pytest.mark.parametrize("text", NOT_SHOWN)
def test_the_bare_statement_of_an_answer_is_none(text):
    assert not steps.shown(text)


def test_reasoning_kept_apart_counts():
    assert steps.shown("B", "There are 3 + 4 = 7 of them.")
    assert not steps.shown("B", "Answer: B")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("B", 0),
        ("The answer is B.", 0),
        ("B. The spread of pathogens across the Silk Road", 0),
        ("First we add them up. Then we divide by two.", 2),
        ("3 + 4 = 7", 1),
        ("我们先把这两个数字加起来。然后除以二就得到答案。", 2),
    ],
)
def test_what_counts_as_a_step(text, number):
    assert steps.count(text) == number


@given(st.lists(st.sampled_from([*SHOWN, *NOT_SHOWN]), max_size=4).map(" \n".join))
def test_extents_are_within_the_text_and_in_order(text):
    ends = [0]
    for start, end in steps.extents(text):
        assert ends[-1] <= start < end <= len(text)
        ends.append(end)


def _texts(n: int) -> list[str]:
    draw = random.Random(3)
    made = ["".join(draw.choices(PIECES, k=draw.randint(1, 14))) for _ in range(n)]
    return [text.replace("\x00", "") for text in made]


def test_the_database_sees_the_same_as_python(tmp_path):
    from erranal.store import Study

    texts = [*SHOWN, *NOT_SHOWN, *_texts(20_000)]
    patterns = {"calculation": steps.CALCULATION, "answer": steps.ANSWER, "step": steps.STEP}
    # The condition of the query gap_collapse.
    found = Study(tmp_path / "s.duckdb").query(
        "SELECT length(t) >= $long OR regexp_matches(concat(t, chr(10)), $calculation) OR "
        "regexp_matches(regexp_replace(concat(t, chr(10)), $answer, $kept, 'g'), $step) AS shown "
        "FROM (SELECT unnest(CAST($texts AS VARCHAR[])) AS t)",
        texts=texts, long=steps.LONG, kept=steps.KEPT, **patterns,
    )["shown"]  # fmt: skip
    assert found.tolist() == [steps.shown(text) for text in texts]
    assert 0.2 < found.mean() < 0.8


@pytest.mark.parametrize(
    "unit", ["- ", "answer ", "the best answer. ", "so, the ", "1. 2. ", "a. ", "。x", "( * ", "= "]
)
def test_hostile_texts_take_no_time(unit):
    began = time.process_time()
    for size in (steps.LONG - 1, 100_000):
        text = (unit * size)[:size]
        steps.shown(text)
        steps.count(text)
    assert time.process_time() - began < 0.5
