"""Reading replies: what can be read in one way only is read, and what cannot is said why."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erranal import codebook
from erranal.judge import prompt, reply
from erranal.judge.reply import Quote, Unreadable
from erranal.models.chat import Token

BOOK = codebook.load("modality_gap")
STYLE = prompt.Style()
CODES = [code.code for code in BOOK.codes]
MISREAD, CALCULATION = "reading.value_misread", "thinking.calculation"


def verdict(*codes: str, **more) -> dict:
    return {
        "rationale": "It reads 19 for 16.",
        "codes": {code: code in codes for code in [*CODES, "codebook gap"]},
        "evidence": [{"code": code, "source": "response", "quote": "19 rolls"} for code in codes],
        "primary": codes[0] if codes else "none",
        "gap_note": "",
        "confidence": 0.8,
        **more,
    }


def read(text: str) -> reply.Reading:
    return reply.parse_all(text, BOOK, STYLE)


GOOD = json.dumps(verdict(MISREAD, CALCULATION))


def test_a_plain_reply():
    found = read(GOOD)
    assert found.codes == (MISREAD, CALCULATION)
    assert (found.primary, found.gap, found.gap_note, found.confidence) == (
        MISREAD,
        False,
        None,
        0.8,
    )
    assert found.quotes[0] == Quote(MISREAD, "response", "19 rolls")
    assert found.rationale == "It reads 19 for 16."


def test_none_and_gap_are_answers():
    assert read(json.dumps(verdict())).primary == "none"
    found = read(json.dumps(verdict("codebook gap", gap_note=" A code for units. ")))
    assert (found.codes, found.primary, found.gap) == ((), "codebook gap", True)
    assert found.gap_note == "A code for units."
    both = read(json.dumps(verdict(MISREAD, "codebook gap")))
    assert (both.codes, both.primary, both.gap) == ((MISREAD,), MISREAD, True)


WRAPPED = {
    "fence": f"```json\n{GOOD}\n```",
    "bare fence": f"```\n{GOOD}\n```",
    "prose": f"Here is my verdict:\n\n{GOOD}\n\nI hope that this helps {{really}}.",
    "thoughts": f'<think>Perhaps {{"primary": "none", "codes": {{}}}}?</think>\n{GOOD}',
    "latex before": f"Since \\frac{{1}}{{2}} is right: {GOOD}",
    "other object": f'Given {{"a": 1}}: {GOOD}',
    "twice the same": f"{GOOD}\n{GOOD}",
    "byte order mark": f"\ufeff{GOOD}",
    "trailing commas": GOOD.replace("}]", "},]").replace("0.8}", "0.8,\n}"),
    "pretty": json.dumps(json.loads(GOOD), indent=4),
    "more properties": json.dumps({**json.loads(GOOD), "notes": "none"}),
}


@pytest.mark.parametrize("text", WRAPPED.values(), ids=WRAPPED)
def test_wrappings_are_put_up_with(text):
    assert read(text) == read(GOOD)


def test_raw_control_characters_and_single_backslashes_in_strings():
    raw = GOOD.replace("19 rolls", "line one\nline two\t\x01 \\sqrt{2} \\(x\\) \\\\frac", 1)
    assert read(raw).quotes[0].text == "line one\nline two\t\x01 \\sqrt{2} \\(x\\) \\frac"


def test_commas_and_backslashes_inside_strings_are_left_alone():
    quote = 'a list [1, 2, ] and {x, } and \\\\ " done'
    text = json.dumps(verdict(MISREAD))[:-1] + ",}"
    text = text.replace('"19 rolls"', json.dumps(quote))
    assert read(text).quotes[0].text == quote


def spoiled(change) -> str:
    made = json.loads(GOOD)
    change(made)
    return json.dumps(made)


def _drop(*path):
    def change(made):
        for step in path[:-1]:
            made = made[step]
        del made[path[-1]]

    return change


def _set(value, *path):
    def change(made):
        for step in path[:-1]:
            made = made[step]
        made[path[-1]] = value

    return change


QUOTE = {"code": MISREAD, "source": "response", "quote": "x"}
UNREADABLE = {
    "empty": ("", "empty"),
    "white space": (" \n", "empty"),
    "prose": ("I cannot judge this.", "no JSON object"),
    "list": ("[1, 2]", "no JSON object"),
    "html": ("<html><body>502 {bad gateway}</body></html>", "no JSON object of the form"),
    "truncated in a string": (GOOD[:40], "ends before"),
    "truncated in the codes": (GOOD[:400], "ends before"),
    "truncated at the end": (GOOD[:-1], "ends before"),
    "broken": (GOOD.replace('"primary":', '"primary"'), "broken at character"),
    "single quotes": (GOOD.replace('"', "'"), "no JSON object"),
    "two verdicts": (GOOD + json.dumps(verdict()), "more than one"),
    "duplicate key": (GOOD.replace('"confidence"', '"primary": "none", "confidence"'), "twice"),
    "duplicate code": (
        GOOD.replace(f'"{MISREAD}": true', f'"{MISREAD}": true, "{MISREAD}": false', 1),
        f'the key "{MISREAD}" is given twice',
    ),
    "NaN": (GOOD.replace("0.8", "NaN"), "NaN"),
    "infinity": (GOOD.replace("0.8", "1e999"), "from 0 to 1"),
    "other form": ('{"label": "none", "score": 1}', '"codes" is missing'),
    "no rationale": (spoiled(_drop("rationale")), '"rationale" is missing'),
    "no evidence": (spoiled(_drop("evidence")), '"evidence" is missing'),
    "no confidence": (spoiled(_drop("confidence")), '"confidence" is missing'),
    "a code left out": (spoiled(_drop("codes", "output.refusal")), 'leaves out "output.refusal"'),
    "a list of codes": (spoiled(_set([MISREAD], "codes")), "must be an object"),
    "unknown code": (spoiled(_set(True, "codes", "praise.good")), '"praise.good" in "codes"'),
    "unknown code, false": (spoiled(_set(False, "codes", "praise.good")), '"praise.good"'),
    "unknown primary": (spoiled(_set("praise.good", "primary")), 'primary "praise.good" is no'),
    "unknown code of a quote": (
        spoiled(_set("praise.good", "evidence", 0, "code")),
        '"praise.good" in "evidence"',
    ),
    "unknown source": (spoiled(_set("appendix", "evidence", 0, "source")), '"appendix"'),
    "no quote": (spoiled(_drop("evidence", 0, "quote")), '"quote" is missing'),
    "quote of nothing": (spoiled(_set(None, "evidence", 0, "quote")), "must be a string"),
    "evidence in words": (spoiled(_set("see above", "evidence", 0)), "must be an object"),
    "too many quotes": (spoiled(_set([QUOTE] * 61, "evidence")), "61 entries"),
    "string for a boolean": (spoiled(_set("true", "codes", MISREAD)), "must be true or false"),
    "number for a boolean": (spoiled(_set(1, "codes", MISREAD)), "must be true or false"),
    "null for a boolean": (spoiled(_set(None, "codes", MISREAD)), "must be true or false"),
    "primary is false": (spoiled(_set("output.refusal", "primary")), 'false in "codes"'),
    "primary is none": (spoiled(_set("none", "primary")), f'"none", but "{MISREAD}" is true'),
    "gap is false": (spoiled(_set("codebook gap", "primary")), 'false in "codes"'),
    "null primary": (spoiled(_set(None, "primary")), "must be a string"),
    "confidence too large": (spoiled(_set(1.01, "confidence")), "from 0 to 1"),
    "confidence negative": (spoiled(_set(-0.1, "confidence")), "from 0 to 1"),
    "confidence in words": (spoiled(_set("high", "confidence")), "number from 0 to 1"),
    "confidence true": (spoiled(_set(True, "confidence")), "number from 0 to 1"),
    "enormous confidence": (GOOD.replace("0.8", "9" * 4_000), "an enormous number"),
    "endless number": (GOOD.replace("0.8", "9" * 5_000), "too long"),
    "deep arrays": ('{"a":' + "[" * 90_000, "nested too deeply"),
    "deep objects": ('{"a":' * 30_000, "nested too deeply"),
    "deep and closed": ('{"codes":' + "[" * 50_000 + "]" * 50_000 + "}", "nested too deeply"),
    "a megabyte": (GOOD.replace("It reads", "x" * 1_000_000), "characters long"),
    "nothing but brackets": ("{" * 150_000, "no JSON object of the form"),
    "endless string": ('{"a":"' + '\\"' * 90_000, "ends before"),
}


@pytest.mark.parametrize(("text", "problem"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_says_why(text, problem):
    start = time.process_time()
    with pytest.raises(Unreadable) as caught:
        read(text)
    assert problem in str(caught.value)
    assert len(str(caught.value)) < 400
    assert time.process_time() - start < 2


@given(st.text(max_size=300) | st.binary(max_size=200).map(lambda b: b.decode("latin-1")))
def test_noise_is_never_a_verdict(text):
    with pytest.raises(Unreadable):
        read(text)


@given(st.integers(0, len(GOOD) - 1))
def test_no_beginning_of_a_reply_is_a_verdict(length):
    with pytest.raises(Unreadable):
        read(GOOD[:length])


HOSTILE = [
    (entry["name"], entry["text"] * entry.get("times", 1))
    for entry in map(
        json.loads, (Path(__file__).parent / "corpus/injections.jsonl").read_text().splitlines()
    )
]


@pytest.mark.parametrize("text", [text for _, text in HOSTILE], ids=[name for name, _ in HOSTILE])
def test_a_judge_that_echoes_a_hostile_text_gives_no_verdict(text):
    with pytest.raises(Unreadable):
        read(text)
    # What the hostile text claims changes nothing in a verdict that quotes it.
    quoting = json.dumps(verdict(MISREAD, rationale=text[:3_000]))
    assert read(quoting).codes == (MISREAD,)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
)


@given(st.sampled_from(sorted(json.loads(GOOD))), JSON)
def test_values_of_other_types_are_refused_or_mean_what_they_say(name, value):
    made = {**json.loads(GOOD), name: value}
    try:
        found = read(json.dumps(made))
    except Unreadable:
        return
    if name == "confidence":
        assert found.confidence == value
        assert 0 <= value <= 1
    elif name == "rationale":
        assert found.rationale == value.strip().replace("\0", "\ufffd")
    elif name == "evidence":
        assert value == []
    else:
        assert name == "gap_note"


def test_quotes_of_codes_that_do_not_apply_show_nothing():
    extra = [QUOTE, {"code": "output.refusal", "source": "response", "quote": "sorry"}]
    assert read(json.dumps(verdict(MISREAD, evidence=extra))).quotes == (
        Quote(MISREAD, "response", "x"),
    )


def test_texts_can_be_stored():
    found = read(json.dumps(verdict(MISREAD, rationale="a\ud800b\0" + "c" * 9_000)))
    found.rationale.encode()
    assert "\0" not in found.rationale
    assert len(found.rationale) == 4_000


def test_only_the_codes_that_were_asked_about():
    style = prompt.Style(codes=(CALCULATION,))
    made = verdict(CALCULATION, codes={CALCULATION: True, "codebook gap": False})
    assert reply.parse_all(json.dumps(made), BOOK, style).codes == (CALCULATION,)
    with pytest.raises(Unreadable, match="is no code of the codebook"):
        reply.parse_all(GOOD, BOOK, style)


# ------------------------------------------------------------------ one code


def answer(applies: bool = True, **more) -> str:
    quote = [{"source": "response", "quote": "19 rolls"}]
    made = {"rationale": "r", "evidence": quote, "applies": applies, "confidence": 0.6}
    return json.dumps({**made, **more})


def test_one_code():
    yes = reply.parse_one(answer(), MISREAD)
    assert (yes.codes, yes.asked, yes.primary, yes.gap) == ((MISREAD,), MISREAD, None, None)
    assert yes.quotes == (Quote(MISREAD, "response", "19 rolls"),)
    assert yes.probability is None
    no = reply.parse_one(answer(applies=False), MISREAD)
    assert (no.codes, no.quotes) == ((), ())


@pytest.mark.parametrize("value", ['"yes"', "1", "null", "[]"])
def test_one_code_is_true_or_false(value):
    with pytest.raises(Unreadable, match="true or false"):
        reply.parse_one(answer().replace("true", value), MISREAD)


def tokens(*texts: str, at: int, alternatives) -> tuple[Token, ...]:
    listed = tuple((text, math.log(share)) for text, share in alternatives)
    return tuple(
        Token(text, listed[0][1] if n == at else -0.1, listed if n == at else ())
        for n, text in enumerate(texts)
    )


HEAD = '{"rationale": "not \\"applies\\": false", "evidence": [], '


END = ', "confidence": 0.6}'
SPELLINGS = [(" true", 0.4), ("true", 0.2), (" false", 0.2), (" maybe", 0.2)]


@pytest.mark.parametrize(
    ("texts", "alternatives", "expected"),
    [
        # The boolean is a token of its own, with or without its space.
        (['"applies":', " true", END], [(" true", 0.6), (" false", 0.2)], 0.75),
        (['"applies": ', "true", END], [("true", 0.9), ("false", 0.1)], 0.9),
        # It shares its token with what stands before or after it.
        (['"applies', '": true', END], [('": true', 0.5), ('": false', 0.5)], 0.5),
        (['"applies":', "true,", END[1:]], [("true,", 0.8), ("false,", 0.2)], 0.8),
        # It is split over tokens; the first one decides.
        (['"applies": ', "t", "rue", END], [("t", 0.3), ("f", 0.1)], 0.75),
        # Spellings add up, other tokens do not count.
        (['"applies":', " true", END], SPELLINGS, 0.75),
        # The other answer is not listed: at most as likely as the last one that is.
        (['"applies":', " true", END], [(" true", 0.9), (" \n", 0.1)], 0.9),
        (['"applies":', " true", END], [(" true", 0.9)], 0.9),
    ],
)
def test_probability_of_yes(texts, alternatives, expected):
    listed = tokens(HEAD, *texts, at=2, alternatives=alternatives)
    found = reply.parse_one(HEAD + "".join(texts), MISREAD, listed)
    assert found.probability == pytest.approx(expected)


def test_probability_of_a_no():
    texts = ['{"rationale": "r", "evidence": [], "applies":', " false", ', "confidence": 0.6}']
    listed = tokens(*texts, at=1, alternatives=[(" false", 0.8), (" true", 0.2)])
    assert reply.parse_one("".join(texts), MISREAD, listed).probability == pytest.approx(0.2)
    alone = tokens(*texts, at=1, alternatives=[(" false", 0.8)])
    assert reply.parse_one("".join(texts), MISREAD, alone).probability == pytest.approx(0.2)


def test_no_probability_where_the_tokens_are_of_another_text():
    text = answer(applies=True)
    assert reply.parse_one(text, MISREAD, (Token("something else", -1.0),)).probability is None
    other = tokens('"applies":', " false", at=1, alternatives=[(" false", 0.9)])
    assert reply.parse_one(text, MISREAD, other).probability is None
