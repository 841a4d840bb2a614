"""From replies to a verdict: what was heard is counted, what was not heard is not a no."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erranal import codebook
from erranal.engine import Answer
from erranal.judge import prompt, votes
from erranal.judge.reply import Quote, Reading
from erranal.judge.verdict import Record
from erranal.judge.votes import Heard
from erranal.models.chat import ChatReply

BOOK = codebook.load("modality_gap")
ALL, EACH = prompt.Style(), prompt.Style(ask="each")
CODES = [code.code for code in BOOK.codes]
MISREAD, CALCULATION, KNOWLEDGE = CODES[0], "thinking.calculation", "thinking.knowledge"
RECORD = Record(
    "o1",
    question="A baker packs 16 rolls into every basket.",
    response="He packs 19 rolls. 19 * 12 = 228.",
    reference="16 * 12 = 192.",
    reference_arm="text",
)


def reading(*codes: str, primary: str | None = None, quote: str = "19 rolls", **more) -> Reading:
    gap = "codebook gap" in codes
    return Reading(
        rationale=f"because of {', '.join(codes)}",
        codes=tuple(code for code in codes if code != "codebook gap"),
        confidence=more.pop("confidence", 0.7),
        quotes=tuple(Quote(code, "response", quote) for code in codes if quote),
        primary=primary or (codes[0] if codes else "none"),
        gap=gap,
        gap_note="a missing code" if gap else None,
        **more,
    )


def answered(
    status: str = "answered", *, finish: str = "stop", cost: float | None = 0.5, **context
):
    given = ChatReply("{}", finish, "m", 100, 80, 10) if status == "answered" else None
    error = None if given else f"it {status}"
    context = {"mode": "json_schema", **context}
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Answer("k", status, given, error, 1, 0.1, at, cost, context)


def heard(one: Reading | str, code: str | None = None) -> Heard:
    if isinstance(one, Reading):
        return Heard(code, (answered(),), one, None)
    if one == "unparsed":
        return Heard(code, (answered(), answered()), None, "its JSON ends early")
    return Heard(code, (answered(one, cost=None),), None, f"it {one}")


def combine(*ones: Reading | str, style: prompt.Style = ALL):
    return votes.combine(RECORD, [heard(one) for one in ones], BOOK, style)


def test_one_sample_is_taken_as_it_is():
    verdict = combine(reading(CALCULATION, MISREAD, primary=MISREAD, confidence=0.4))
    assert (verdict.status, verdict.primary_code) == ("ok", MISREAD)
    assert verdict.codes == (MISREAD, CALCULATION)  # in the order of the book
    assert (verdict.confidence, verdict.votes, verdict.samples) == (0.4, None, 1)
    assert (verdict.mode, verdict.detail) == ("json_schema", None)
    assert (verdict.tokens_in, verdict.tokens_cached, verdict.tokens_out) == (100, 80, 10)
    assert verdict.cost_usd == 0.5


def test_none_is_a_verdict_and_a_gap_is_one():
    nothing = combine(reading(quote=""))
    assert (nothing.status, nothing.codes, nothing.primary_code) == ("ok", (), None)
    assert (nothing.codebook_gap, nothing.confidence) == (False, 0.7)
    gap = combine(reading("codebook gap"))
    assert (gap.codes, gap.primary_code, gap.codebook_gap) == ((), None, True)
    assert gap.gap_note == "a missing code"
    assert [item.code for item in gap.evidence] == ["codebook gap"]


def test_codes_that_more_than_half_of_the_readable_samples_give():
    verdict = combine(
        reading(MISREAD, CALCULATION),
        reading(CALCULATION),
        reading(MISREAD),
        reading(MISREAD, KNOWLEDGE, primary=KNOWLEDGE),
        "unparsed",
    )
    assert verdict.codes == (MISREAD,)  # calculation has exactly half
    assert verdict.votes == {MISREAD: 0.75, CALCULATION: 0.5, KNOWLEDGE: 0.25}
    assert (verdict.primary_code, verdict.confidence) == (MISREAD, 0.5)
    assert verdict.samples == 4
    assert verdict.rationale == f"because of {MISREAD}"
    assert verdict.detail == "its JSON ends early (1 of 5)"


def test_primary_is_what_most_name_and_the_decision_order_breaks_ties():
    verdict = combine(
        reading(CALCULATION, MISREAD, primary=CALCULATION),
        reading(CALCULATION, MISREAD, primary=MISREAD),
    )
    assert (verdict.primary_code, verdict.confidence) == (MISREAD, 0.5)
    most = combine(*[reading(CALCULATION, MISREAD, primary=CALCULATION)] * 2, reading(MISREAD))
    assert most.primary_code == CALCULATION


def test_samples_that_agree_on_nothing_come_to_nothing():
    verdict = combine(reading(MISREAD), reading(CALCULATION), reading(KNOWLEDGE))
    assert (verdict.status, verdict.codes, verdict.primary_code) == ("ok", (), None)
    assert verdict.confidence == 0
    assert verdict.votes == {MISREAD: 1 / 3, CALCULATION: 1 / 3, KNOWLEDGE: 1 / 3}


@pytest.mark.parametrize(
    ("ones", "status"),
    [
        (["unparsed"], "unparsed"),
        (["refused"], "refused"),
        (["failed"], "failed"),
        (["failed", "failed", "unparsed"], "failed"),
        (["failed", "refused"], "failed"),
        (["unparsed", "failed"], "unparsed"),
        ([reading(MISREAD), "unparsed", "unparsed"], "unparsed"),
    ],
)
def test_what_was_not_heard_is_missing_and_never_a_no(ones, status):
    verdict = combine(*ones)
    assert verdict.status == status
    assert verdict.codes is None
    assert verdict.primary_code is None
    assert verdict.confidence is None
    assert verdict.evidence == ()
    assert verdict.detail


def test_half_of_the_samples_are_enough():
    assert combine(reading(MISREAD), "failed").codes == (MISREAD,)


def test_a_refusal_in_words_is_a_refusal():
    one = Heard(None, (answered(finish="refusal"),), None, "it holds no JSON object")
    assert votes.combine(RECORD, [one], BOOK, ALL).status == "refused"


def test_costs_of_repairs_and_samples_add_up():
    verdict = combine("unparsed", reading(MISREAD))
    assert (verdict.tokens_in, verdict.tokens_out, verdict.cost_usd) == (300, 30, 1.5)
    assert combine("failed").cost_usd is None


# ------------------------------------------------------------------ evidence


def test_quotes_are_placed():
    verdict = combine(reading(MISREAD, quote="19 rolls"))
    (item,) = verdict.evidence
    assert (item.field, item.match, item.quote) == ("response", "exact", "19 rolls")
    assert RECORD.response[item.start : item.end] == item.quote


def test_a_quote_that_is_not_there_keeps_its_code_and_is_marked():
    (item,) = combine(reading(MISREAD, quote="He packs 18 rolls")).evidence
    assert (item.code, item.match, item.quote) == (MISREAD, "unsupported", "He packs 18 rolls")
    assert (item.start, item.end) == (None, None)


def test_a_code_without_a_quote_is_kept_and_marked():
    verdict = combine(reading(MISREAD, quote=""))
    (item,) = verdict.evidence
    assert verdict.codes == (MISREAD,)
    assert (item.match, item.quote, item.note) == ("unsupported", None, votes.NO_QUOTE)


def test_same_places_of_several_samples_are_one():
    verdict = combine(reading(MISREAD), reading(MISREAD, quote="packs 19"), reading(MISREAD))
    assert [item.quote for item in verdict.evidence] == ["19 rolls", "packs 19"]


def test_long_quotes_are_cut_with_their_offsets():
    long = Record("o", response="word " * 200)
    one = heard(reading(MISREAD, quote=("word " * 150).strip()))
    (item,) = votes.combine(long, [one], BOOK, ALL).evidence
    assert len(item.quote) == 300
    assert long.response[item.start : item.end] == item.quote


def test_quotes_of_a_reference_that_was_not_shown_are_not_found():
    one = [heard(reading(MISREAD, quote="16 * 12 = 192"))]
    assert votes.combine(RECORD, one, BOOK, ALL).evidence[0].field == "reference"
    hidden = prompt.Style(reference=False)
    assert votes.combine(RECORD, one, BOOK, hidden).evidence[0].match == "unsupported"


# ------------------------------------------------------------------ one code at a time


def single(code: str, applies: bool, probability: float | None = None) -> Heard:
    quotes = (Quote(code, "response", "19 rolls"),) if applies else ()
    said = Reading(
        f"about {code}",
        (code,) if applies else (),
        0.9,
        quotes,
        asked=code,
        probability=probability,
    )
    return heard(said, code)


def test_answers_about_single_codes_become_one_verdict():
    given = {MISREAD: 0.9, CALCULATION: 0.6}
    ones = [single(code, code in given, given.get(code, 0.05)) for code in CODES]
    verdict = votes.combine(RECORD, ones, BOOK, EACH)
    assert verdict.codes == (MISREAD, CALCULATION)
    assert verdict.primary_code == MISREAD
    assert verdict.confidence == 0.9
    assert verdict.votes == {code: given.get(code, 0.05) for code in CODES}
    assert verdict.rationale == f"{MISREAD}: about {MISREAD}\n{CALCULATION}: about {CALCULATION}"
    assert {item.code for item in verdict.evidence} == {MISREAD, CALCULATION}
    assert verdict.codebook_gap is None
    assert verdict.tokens_in == 100 * len(CODES)


def test_none_of_the_single_codes():
    ones = [single(code, False, 0.3 if code == MISREAD else 0.1) for code in CODES]
    verdict = votes.combine(RECORD, ones, BOOK, EACH)
    assert (verdict.status, verdict.codes, verdict.primary_code) == ("ok", (), None)
    assert verdict.confidence == pytest.approx(0.7)


def test_samples_of_single_codes_are_averaged():
    style = prompt.Style(ask="each", codes=(MISREAD,))
    ones = [single(MISREAD, True), single(MISREAD, True), single(MISREAD, False)]
    verdict = votes.combine(RECORD, ones, BOOK, style)
    assert (verdict.codes, verdict.votes, verdict.samples) == ((MISREAD,), {MISREAD: 2 / 3}, 3)


def test_a_code_that_was_not_heard_leaves_no_verdict_but_the_votes_of_the_others():
    ones = [single(code, code == MISREAD, 0.5) for code in CODES if code != KNOWLEDGE]
    for extra in ([heard("unparsed", KNOWLEDGE)], []):
        verdict = votes.combine(RECORD, [*ones, *extra], BOOK, EACH)
        assert verdict.status == ("unparsed" if extra else "failed")
        assert verdict.codes is None
        assert KNOWLEDGE not in verdict.votes
        if extra:
            assert verdict.detail == f"its JSON ends early (1 of {len(CODES)}: {KNOWLEDGE})"
        assert verdict.votes[MISREAD] == 0.5


def test_an_answer_read_back_keeps_the_probability_that_was_made_of_it():
    said = Reading("r", (MISREAD,), 0.9, asked=MISREAD)
    one = Heard(MISREAD, (answered(probability=0.55),), said, None)
    verdict = votes.combine(RECORD, [one], BOOK, prompt.Style(ask="each", codes=(MISREAD,)))
    assert verdict.votes == {MISREAD: 0.55}


# ------------------------------------------------------------------ what always holds

SAMPLE = st.one_of(
    st.sampled_from(["unparsed", "refused", "failed"]),
    st.lists(st.sampled_from([*CODES[:4], "codebook gap"]), unique=True, max_size=3).map(
        lambda codes: reading(*codes)
    ),
)


@given(st.lists(SAMPLE, min_size=1, max_size=7))
def test_a_verdict_is_whole_or_missing(ones):
    verdict = combine(*ones)
    readable = [one for one in ones if isinstance(one, Reading)]
    if not readable or 2 * len(readable) < len(ones):
        assert verdict.status != "ok"
        assert verdict.codes is None
        return
    assert verdict.status == "ok"
    for code in CODES:
        share = sum(code in one.codes for one in readable) / len(readable)
        assert (code in verdict.codes) == (share > 0.5)
    assert verdict.primary_code is None or verdict.primary_code in verdict.codes
    if verdict.primary_code is None:
        assert not verdict.codes or verdict.codebook_gap
    assert {item.code for item in verdict.evidence} >= set(verdict.codes)
    assert 0 <= verdict.confidence <= 1
