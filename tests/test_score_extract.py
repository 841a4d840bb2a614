from __future__ import annotations

import re
import time
from string import ascii_uppercase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from erranal.score import RULES, extract

PLANETS = [
    "Mercury",
    "Venus",
    "the Earth",
    "A dramatic planet",
    "Mars",
    "I do not know",
    "7",
    "8.5",
]
TEN = [f"option number {n}" for n in range(10)]


def letter(response, choices=TEN):
    return extract(response, answer_type="choice", choices=choices)


def worded(response, choices):
    return extract(response, answer_type="choice", choices=choices, lettered=False)


@pytest.mark.parametrize(
    ("response", "answer", "rule"),
    [
        ("<answer>C</answer>", "C", "answer_tag"),
        ("<answer>B</answer> no, <answer> (D) </answer> it is", "D", "answer_tag"),
        ("<answer>B", "B", "answer_tag"),
        (r"so \boxed{C}", "C", "boxed"),
        (r"\boxed{A} then \boxed{\text{(D)}}.", "D", "boxed"),
        (r"\boxed B", "B", "boxed"),
        ("Answer: C", "C", "final_line"),
        ("Answer: (C)", "C", "final_line"),
        ("**Answer: (C)**", "C", "final_line"),
        ("**Answer:** C", "C", "final_line"),
        ("**Answer**: C.", "C", "final_line"),
        ("Final Answer: **C**", "C", "final_line"),
        ("### Final Answer\n\nC", "C", "final_line"),
        ("Answer:\n\n(C)", "C", "final_line"),
        (r"Answer: \( \text{C} \)", "C", "final_line"),
        (r"\[ \text{Answer: C} \]", "C", "final_line"),
        ("Answer: $C$", "C", "final_line"),
        ("'Answer: C'", "C", "final_line"),
        ("The answer is C.", "C", "final_line"),
        ("The correct answer is option C, as shown.", "C", "final_line"),
        ("the answer to this question is therefore C", "C", "final_line"),
        ("Answer: c", "C", "final_line"),
        ("Answer: C because B is too small", "C", "final_line"),
        ("Answer: B\nWait, that is wrong.\nAnswer: C", "C", "final_line"),
        ("#### C", "C", "final_line"),
        ("B. The spread of pathogens", "B", "leading_letter"),
        ("(C)", "C", "leading_letter"),
        ("J", "J", "leading_letter"),
        ("J.", "J", "leading_letter"),
        ("**D**", "D", "leading_letter"),
        ("C) because it is so", "C", "leading_letter"),
        ("J. A dramatic increase in migration", "J", "leading_letter"),
        ("I. A dramatic increase", "I", "leading_letter"),
        ("A. It rises", "A", "leading_letter"),
        ("Some work.\n\nHence the height difference is:\n\nH", "H", "closing_letter"),
        ("Some work.\n\nThe closest value is:\n\n**J. 0.126 mm**", "J", "closing_letter"),
        ("Long work. The best option is **B**", "B", "conclusion"),
        ("Long work. Therefore, B.", "B", "conclusion"),
        ("Looking closely, option (C) is correct, since it fits.", "C", "conclusion"),
        ("Work.\nCorrect option: **J**", "J", "conclusion"),
        ("It was clearly (E) that fits the figure", "E", "only_letter"),
        ("option number 3", "D", "option_text"),
        ("I'm sorry, I can't see the image.\n\nAnswer: (E)", "E", "final_line"),
    ],
)
def test_letters(response, answer, rule):
    assert letter(response) == (answer, rule)


@pytest.mark.parametrize(
    "response",
    [
        "",
        "   \n",
        "I'm sorry, I can't help with that.",
        "I’m sorry, I can’t assist with this request.",
        "I'm unable to view the image.",
        "Sorry, but I can't determine the answer.",
        "A dramatic increase is seen here",
        "I think so",
        "I would say it depends",
        "Answer: K",
        "Answer: N/A",
        "Answer: None of the above",
        "Answer: $LETTER",
        "The answer is not B.",
        "Answer: A and C",
        "Answer: A, C",
        "Answer: EI",
        "B, I",
        "A could be right. B could be right. C is possible too.",
        "Option A is large.\nOption B is small.\nOption C is green.",
        "A. first analysis\nB. second analysis\nC. third analysis",
        "If it is round, the answer is B. If it is flat, the answer is C.",
        "Therefore, A dramatic increase follows.",
        "The correct option is B. On reflection the correct option is D.",
        "<think>Answer: C",
    ],
)
def test_no_letter_is_guessed(response):
    assert letter(response).answer is None


@pytest.mark.parametrize(
    ("response", "rule"),
    [
        ("I'm sorry, I can't help with that.", "refusal"),
        ("I can't view images.", "refusal"),
        ("I'm sorry, but I can't help with that.", "refusal"),
        ("I'm sorry, but I'm not able to view images. Could you describe it?", "refusal"),
        ("I can't determine the direction without knowing which poles face.", "asks_back"),
        ("As an AI I cannot look at pictures.", "refusal"),
        ("I'm unable to identify people in images.\n\nAnswer: $LETTER", "refusal"),
        ("I can judge the position, but I need to know whose move it is.", "asks_back"),
        ("Please upload the image.", "asks_back"),
        ("Answer: A and C", "several_options"),
        ("Answer: K", "outside_options"),
        ("<think>let me see", "unfinished_thinking"),
        ("", "empty"),
        (None, "empty"),
    ],
)
def test_reasons_for_no_letter(response, rule):
    assert letter(response) == (None, rule)


def test_a_long_solution_that_gives_up_is_no_refusal():
    response = "The graph shows two lines. " * 40 + "I cannot determine which one is right."
    assert letter(response) == (None, None)


def test_thinking_is_not_read():
    assert letter("<think>Answer: B</think>Answer: C").answer == "C"


def test_letters_end_with_the_options():
    assert letter("Answer: D", choices=["x", "y", "z"]).answer is None
    assert letter("D. something", choices=["x", "y", "z"]).answer is None


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("Answer: Mars", "E"),
        ("Answer: A dramatic planet", "D"),
        ("The answer is the Earth.", "C"),
        ("Answer: I do not know", "F"),
        ("Answer: 7", "G"),
        ("Answer: 8.50", "H"),
        ("Answer: Mars (the red one, not Venus)", "E"),
        ("Answer: F(I do not know)", "F"),
        ("Answer: Pluto", None),
    ],
)
def test_option_texts_name_letters(response, answer):
    assert letter(response, choices=PLANETS).answer == answer


@pytest.mark.parametrize(
    ("response", "choices", "answer"),
    [
        ("Final answer: 'neither'", ["even", "neither", "odd"], "neither"),
        ("It is neither even nor odd.", ["even", "neither", "odd"], "neither"),
        ("Final answer: ne ither", ["even", "neither", "odd"], "neither"),
        ("No. The two query nodes are in different parts.", ["no", "yes"], "no"),
        ("Not connected.\n\nReasoning: they are apart.", ["no", "yes"], "no"),
        ("Yes, the graphs are isomorphic.\n\nReason: yes.", ["no", "yes"], "yes"),
        (
            "Yes. It is.",
            ["Yes, it is balanced.", "No, it is not balanced."],
            "Yes, it is balanced.",
        ),
        ("White wins — Black is checkmated.\n\nKey: x", ["black", "draw", "white"], "white"),
        ("Winner: Black (White is mated)\n\nReasoning: x", ["black", "draw", "white"], "black"),
        (
            "Long talk.\n\nConclusion: Solution B has more.",
            ["Solution A", "Solution B"],
            "Solution B",
        ),
        ("Steps.\n\nThus Black is better. White wins.", ["black", "draw", "white"], None),
        ("Final answer: convex", ["concave", "convex"], "convex"),
        ("The convexity is unclear.", ["concave", "convex"], None),
        ("Al^3+ (the ion).\n\nReason: x", ["Al", "Fe"], None),
        ("2 breakpoints.\n\nReason: at x = -1.5 and x = 3.", ["2", "3"], "2"),
        ("Two breakpoints.\n\n- at x = 3\n- at x = 5", ["2", "3"], "2"),
        ("Answer: The maximum flow from source 0 to sink 2 is 5.", ["1", "2", "5"], "5"),
        ("4 breakpoints.", ["2", "3"], "4"),
        ("16 V.\n\nReason: in parallel, 4 A and 8 A.", ["4", "8", "5", "16"], "16"),
    ],
)
def test_options_keyed_by_text(response, choices, answer):
    assert worded(response, choices).answer == answer


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("#### 18", "18"),
        ("Step 4: #### 2.8", "2.8"),
        (r"\boxed{\$18.00}", "18"),
        ("She makes $18.00 every day.", "18"),
        ("The answer is $70k.", "70000"),
        ("The answer is 18 per day (that is 126 per week).", "18"),
        ("Answer: 18 (that is 126 per week)", "18"),
        ("She earns $18.\n\nLet me know if you need help with step 2!", "18"),
        ("He needs 5 hours and 0 minutes.", "5"),
        ("5 hours and 0 minutes", "5"),
        ("Answer: 5 hours and 30 minutes", "5.5"),
        ("The total is 1,234 apples.", "1234"),
        ("Answer: 3/4", "0.75"),
        ("Answer: 50%", "50%"),
        ("Answer: 1.5e3", "1500"),
        ("Answer: 1.5 × 10^3", "1500"),
        ("Answer: −7", "-7"),
        (r"Answer: \frac{3}{4}", "0.75"),
        (r"\boxed{2\frac{1}{2}}", "2.5"),
        (r"\boxed{\dfrac12}", "0.5"),
        ("Answer: 1/3", "1/3"),
        ("Answer: 20 - 2 = 18 eggs", "18"),
        ("Answer: 16 eggs - 3 = 13", "13"),
        ("She makes 9 * 2 = $<<9*2=18>>18 every day.", "18"),
        ("Answer: 2 breakpoints at x = -3.22 and x = 7.49.", "2"),
        ("Therefore, there are 2 breakpoints: x = -5.78 and x = 0.17.", "2"),
        ("Answer: 12 apples and 3 pears", "12"),
        ("Answer: **42**", "42"),
        ("- 5 apples are left", "5"),
        ("Answer: $-5", "-5"),
        ("Answer: 2.5 million", "2500000"),
        ("The 3rd runner needs 12 seconds.", "12"),
        ("42", "42"),
        ("The price is 3.14.", "3.14"),
        ("Step 1: Step 2: nothing", None),
        ("No number here.", None),
        ("I'm sorry, I can't do that in 5 steps.", None),
    ],
)
def test_numbers(response, answer):
    assert extract(response, answer_type="numeric").answer == answer


def test_a_formula_in_a_box_is_kept_whole():
    assert extract(r"\boxed{\sqrt{16}}", answer_type="numeric").answer == r"\sqrt{16}"


@pytest.mark.parametrize(
    ("response", "answer", "rule"),
    [
        ("triclinic", "triclinic", "short_text"),
        ("The crystal system is triclinic.", "The crystal system is triclinic.", "short_text"),
        ("Long talk.\nMore.\nAnswer: **triclinic**", "triclinic", "final_line"),
        (r"x \boxed{\frac{\sqrt{3}}{2}} y", r"\frac{\sqrt{3}}{2}", "boxed"),
        ("word " * 40, None, None),
    ],
)
def test_texts(response, answer, rule):
    assert extract(response) == (answer, rule)


HOSTILE = {
    "open braces": r"\boxed" + "{" * 2_000_000,
    "boxes": r"\boxed{" * 300_000,
    "answers": "the answer is " * 300_000,
    "stars": "*" * 2_000_000,
    "spaces": " " * 2_000_000 + "x",
    "spaces after a mark": "answer:" + " " * 19_000 + "x",
    "digits": "1" * 2_000_000,
    "commas": "1,234" * 400_000,
    "brackets": "(" * 1_000_000,
    "tags": "<answer>" * 200_000,
    "hashes": "#### " * 300_000,
    "macros": r"\text{" * 300_000,
    "fractions": "1/" * 900_000,
    "sorry": "i'm so " * 300_000,
    "letters": "A. B. " * 300_000,
    "growing letters": "İ" * 100_000 + " Answer: C",
    "lines": ("\n" + " " * 50) * 5_000,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("answer_type", ["choice", "numeric", "text"])
def test_hostile_text_takes_no_time(name, answer_type):
    started = time.process_time()
    extract(HOSTILE[name], answer_type=answer_type, choices=TEN)
    assert time.process_time() - started < 0.5


def test_an_answer_at_the_end_of_megabytes_is_read():
    assert letter("bla bla. " * 400_000 + "\nAnswer: G").answer == "G"


marks = st.sampled_from(
    ["Answer: ", "answer is ", "\\boxed{", "}", "<answer>", "</answer>", "#### ", "(", ")", "A",
     "I", "K", "B.", "\n", " ", "**", "1", "2/", "%", "$", "e5", "=", "option ", "therefore, ",
     "sorry", "I can't ", ",", "\\frac", "{", "İ", "-", "</think>"]
)  # fmt: skip
texts = st.one_of(st.text(max_size=200), st.lists(marks, max_size=40).map("".join))
options = st.lists(st.one_of(texts, st.sampled_from(["yes", "no", "1", "2"])), max_size=26)


@settings(max_examples=300, deadline=None)
@given(texts, st.sampled_from(["choice", "numeric", "text"]), options, st.booleans())
def test_extraction_never_raises_and_names_its_rule(response, answer_type, choices, lettered):
    first = extract(response, answer_type=answer_type, choices=choices, lettered=lettered)
    assert first == extract(response, answer_type=answer_type, choices=choices, lettered=lettered)
    if first.answer is not None:
        assert first.rule in RULES
        assert first.answer.strip()
    if first.answer is not None and answer_type == "choice" and choices and lettered:
        assert first.answer in ascii_uppercase[: len(choices)]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(ascii_uppercase[:10]), st.sampled_from(["Answer: {}", "({})", "{}.", "**{}**"])
)
def test_an_extracted_letter_is_read_again_as_itself(chosen, form):
    found = letter(form.format(chosen)).answer
    assert found == chosen
    assert letter(found).answer == chosen


@settings(max_examples=200, deadline=None)
@given(st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False, places=4))
def test_numbers_survive(value):
    found = extract(f"Answer: {value}", answer_type="numeric").answer
    assert found is not None
    assert extract(f"Answer: {found}", answer_type="numeric").answer == found
    assert re.fullmatch(r"-?\d+(?:\.\d+)?", found)
    assert float(found) == pytest.approx(float(value))


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        (
            "Send 8.\nSend 5.\nTotal maximum flow = 8 + 5 = 13.\nThe edge still has 1 unit left.",
            "13",
        ),
        ("The final price: $40\nEach of the 4 gets 10 back.", "40"),
        ("Maximum flow from 0 to 2 = 4 units.\nResidual: 0 -> 1 has 2 remaining.", "4"),
    ],
)
def test_a_named_extreme_counts_before_a_later_number(response, answer):
    assert extract(response, answer_type="numeric") == (answer, "named_extreme")


def test_a_line_of_any_length_is_read_at_once():
    started = time.process_time()
    extract("final " * 200_000 + "\n" + "=" * 200_000, answer_type="numeric")
    assert time.process_time() - started < 1
