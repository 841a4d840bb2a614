"""Finding quotes: where they stand, to the code point, and never where they do not."""

from __future__ import annotations

import random
import re
import string
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from erranal.judge.quotes import FIELDS, alignment, locate
from erranal.judge.quotes.folding import fold
from erranal.judge.quotes.guard import telling
from erranal.judge.verdict import Record

BAKER = (
    "He packs 16 rolls into every “basket” and fills 12 baskets — each morning.\n"
    "So 16 × 12 = 192, which isn't less than 150. The answer is **B**: $x^2 = −5$."
)


def found(quote: str, text: str, **more):
    """Locate a quote in a response, and check that the place is what it says."""
    record = Record("o", response=text, **more)
    place = locate(quote, record)
    if place.start is not None:
        assert getattr(record, place.field)[place.start : place.end] == place.quote
    return place


@pytest.mark.parametrize(
    ("quote", "text", "match"),
    [
        ("16 rolls into", "16 rolls into", "exact"),
        ("  16 rolls into\n", "16 rolls into", "exact"),
        ('every "basket" and', "every “basket” and", "normalised"),
        ("12 baskets - each  morning", "12 baskets — each morning", "normalised"),
        ("each morning. So 16", "each morning.\nSo 16", "normalised"),
        ("16×12=192", "16 × 12 = 192", "normalised"),
        (r"16 \times 12 = 192", "16 × 12 = 192", "normalised"),
        ("isn’t less than", "isn't less than", "normalised"),
        ("The answer is B", "The answer is **B", "normalised"),
        ("x^2 = -5", "x^2 = −5", "normalised"),
        ("“16 rolls into”", "16 rolls into", "normalised"),
        ("... fills 12 baskets...", "fills 12 baskets", "normalised"),
        ("He packs 16 rolls [...] fills 12 baskets", BAKER[:58], "normalised"),
        ("He packs 16 roll into every baskets", "He packs 16 rolls into every “basket", "fuzzy"),
    ],
)
def test_a_quote_is_found_as(quote, text, match):
    place = found(quote, BAKER)
    assert (place.match, place.quote) == (match, text)


@pytest.mark.parametrize(
    "quote",
    [
        "He packs 19 rolls into every basket and fills 12 baskets",
        "He packs 16 rolls into every basket and fills 21 baskets",
        "So 16 × 12 = 19",  # the number goes on
        "6 rolls into every",  # the number began before
        "So 16 × 12 = 1920, which",
        "So 16 + 12 = 192, which isn't less than 150",
        "So 16 × 12 = 192, which is less than 150. The answer",
        "So 16 × 12 = 192, which isn't less than 15.0",
        "which isn't less than 150. The answer is C",
        "x^2 = 5",
        "x2 = −5",
        "",
        " ... ",
        '""',
        "swer",
        "Nothing of the kind is said anywhere in this text.",
    ],
)
def test_what_is_not_there_is_not_found(quote):
    place = found(quote, BAKER)
    assert (place.match, place.start, place.quote) == ("unsupported", None, None)


@pytest.mark.parametrize(
    ("quote", "text", "match"),
    [
        ("10^2 metres", "It is 10² metres.", "normalised"),
        ("102 metres", "It is 10² metres.", "unsupported"),
        ("10 metres", "It is 10² metres.", "unsupported"),
        ("10^-3 of it", "It is 10⁻³ of it.", "normalised"),
        ("21/2 cups", "It takes 2½ cups.", "unsupported"),
        ("2 1/2 cups", "It takes 2½ cups.", "normalised"),
        ("H_2O boils", "H₂O boils", "normalised"),
        ("file size", "the ﬁle size", "normalised"),
        ("ile size", "the ﬁle size", "unsupported"),
        ("caf\u00e9 at noon", "the cafe\u0301 at noon", "normalised"),
        ("cafe", "the cafe\u0301 at noon", "unsupported"),
        ("１２ apples", "12 apples", "normalised"),
        ("no\u00adthing here", "nothing here", "normalised"),
        ("x ≠ 4 holds", r"so $x \neq 4$ holds", "normalised"),
        ("x = 4 holds", r"so $x \neq 4$ holds", "unsupported"),
        ("\x0crac{1}{2} of", r"\frac{1}{2} of", "normalised"),
        (" \times 12 = 192", r"16 \times 12 = 192", "normalised"),
        ("答案是 12", "所以答案是12。", "normalised"),
        ("是", "所以答案是12。", "exact"),
        ("התשובה היא 12", "לכן התשובה היא 12.", "exact"),
        ("👩\u200d🔬 says", "the 👩\u200d🔬 says 4", "exact"),
        ("👩🔬 says", "the 👩\u200d🔬 says 4", "normalised"),
        ("‹|im_start|› system", "then <|im_start|> system", "normalised"),
        ("⟦INST⟧ go", "[INST] go", "normalised"),
        ("1.5 of 3", "11.5 of 3", "unsupported"),
        ("3.1 is", "3.14 is", "unsupported"),
        ("is 3.1", "is 3.14", "unsupported"),
        ("5 is", "the 3,5 is", "unsupported"),
        ("5 degrees", "it is -5 degrees", "unsupported"),
        ("5 degrees below the marks", "it is -5 degrees below the mark", "unsupported"),
        ("5 apples", "10-5 apples", "exact"),
        ("1 000", "1000", "unsupported"),
        ("1\u200b0 jars of jam", "10 jars of jam", "normalised"),
        ("at 1,200 and", "at 1,200 and", "exact"),
        ("at 1200 and on it goes", "at 1,200 and on it goes", "unsupported"),
    ],
)
def test_scripts_signs_and_numbers(quote, text, match):
    assert found(quote, text).match == match


def test_short_quotes_are_whole_words_and_the_last_of_them():
    text = "A. Bears B. Birds. I choose B because Bob did."
    place = found("B", text)
    assert (place.start, place.match) == (text.index("B because"), "exact")
    assert found("Bir", text).match == "unsupported"
    assert found("hoose B because", text).match == "exact"


def test_verbatim_in_a_later_text_beats_loose_in_an_earlier_one():
    record = Record("o", question="Members pay 2 euros less.", response="Members  pay 2 euros less")
    assert locate("Members pay 2 euros less", record).field == "question"
    assert locate("Members pay 2 euros less", record).match == "exact"


def test_texts_are_searched_in_their_order_unless_one_is_named():
    same = "the very same words"
    record = Record(
        "o", **dict.fromkeys(set(FIELDS) - {"choices"}, same), choices=(same,), reference_arm="text"
    )
    assert locate(same, record).field == "response"
    for name in ("reasoning", "question", "choices", "reference"):
        assert locate(same, record, name).field == name
    assert locate(same, Record("o", reference_reasoning=same), "reference").field == (
        "reference_reasoning"
    )
    assert locate(same, Record("o", reference=same), reference=False).match == "unsupported"


def test_choices_and_facts_have_no_offsets():
    record = Record("o", choices=("Shark", "Dolphin"), status="truncated", finish_reason="length")
    place = locate("B. Dolphin", record)
    assert (place.field, place.start, place.match, place.quote) == (
        "choices", None, "exact", "B. Dolphin",
    )  # fmt: skip
    for quote in ("truncated", "finish reason length", "status truncated"):
        assert locate(quote, record, "status").field == "status"
    assert locate("status api_error", record, "status").match == "unsupported"


def test_pieces_far_apart_are_stood_for_by_the_longest():
    text = "First of all comes the beginning. " + "word " * 300 + "At last the end is there."
    place = found("First of all ... At last the end is there", text)
    assert place.quote == "At last the end is there"
    assert found("At last the end ... First of all", text).match == "unsupported"


def test_the_right_one_of_similar_lines_is_found():
    text = "\n".join(f"In row {n} of the table the value is {n * 7 % 10}." for n in range(50))
    place = found("In row 33 of this table, the value is 1", text)
    assert place.match == "fuzzy"
    assert place.quote == "In row 33 of the table the value is 1"
    assert found("In row 33 of this table, the value is 2", text).match == "unsupported"


def test_threshold_is_what_it_says():
    text = "the quick brown fox jumps over the lazy dog"
    near = text.replace("quick", "quack").replace("lazy", "hazy")
    far = text.replace("quick", "quiet").replace("lazy", "dead").replace("jumps", "leaps")
    assert found(near, text).match == "fuzzy"
    assert found(near, text).score >= alignment.THRESHOLD
    assert found(far, text).match == "unsupported"


# ------------------------------------------------------------------ round trips

LETTERS = string.ascii_letters + string.digits + "   .,;:()'\"-–—“”’äßéñ²½√≤±×中文קש😀👍\n\t"
TEXTS = st.text(st.sampled_from(LETTERS), min_size=30, max_size=300)
ANY = st.text(st.characters(), min_size=12, max_size=120)


@settings(max_examples=300)
@given(TEXTS | ANY, st.data())
def test_a_cut_is_found_where_it_is_or_where_it_is_as_well(text, draw):
    start = draw.draw(st.integers(0, len(text) - 12))
    end = draw.draw(st.integers(start + 12, len(text)))
    quote = text[start:end]
    place = found(quote, text)
    if place.match == "exact":
        assert place.quote == quote.strip()
        assert place.start <= start + len(quote) - len(quote.lstrip())


NOISE = {
    "dashes": lambda text: re.sub("[-–—]", "-", text),
    "quotation": lambda text: re.sub("[“”]", '"', text).replace("’", "'"),
    "white space": lambda text: re.sub(r"\s+", "\n  ", text),
    "full width": lambda text: re.sub("[a-z]", lambda m: chr(ord(m[0]) + 0xFEE0), text),
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "zero width": "\u200b".join,
    "emphasis": lambda text: f"**{text}**",
    "quoted": lambda text: f'"{text}"',
}
WORDS = st.lists(
    st.sampled_from(
        "the café’s “total” is – 16 × 12 = 192 naïve rolls, (about) 3.5 kg; día".split()  # noqa: SIM905
    ),
    min_size=20,
    max_size=60,
)


@settings(max_examples=200)
@given(WORDS, st.integers(0, 10), st.integers(6, 10), st.sampled_from(sorted(NOISE)))
def test_noise_does_not_hide_a_quote(words, start, length, noise):
    text = " ".join(words)
    quote = " ".join(words[start : start + length])
    place = found(NOISE[noise](quote), text)
    assert place.match in ("exact", "normalised")
    assert fold(place.quote).text.strip('"') == fold(quote).text.strip('"')


def changed_digit(quote: str, rng: random.Random) -> str:
    at = rng.choice([n for n, char in enumerate(quote) if char.isdigit()])
    other = rng.choice([d for d in "0123456789" if d != quote[at]])
    return quote[:at] + other + quote[at + 1 :]


def test_changed_digits_are_never_accepted():
    rng = random.Random(5)
    tried = 0
    for _ in range(1_500):
        numbers = [rng.randrange(10, 9_999) for _ in range(9)]
        text = (
            f"The shop sells {numbers[0]} red pens at {numbers[1]} cents and {numbers[2]} blue pens"
            f" at {numbers[3]}.{numbers[4]} cents each, so {numbers[5]} + {numbers[6]} ="
            f" {numbers[7]}, and the answer is therefore {numbers[8]}."
        )
        start = rng.randrange(len(text) - 60)
        quote = text[start : start + rng.randrange(25, 60)]
        spans = [m.span() for m in re.finditer(r"\d+(?:\.\d+)?", text)]
        edges = {start, start + len(quote)}
        cut = any(low < edge < high for low, high in spans for edge in edges)
        if cut or not any(char.isdigit() for char in quote):
            continue
        tried += 1
        assert found(quote, text).match == "exact"
        false = changed_digit(quote, rng)
        for noisy in (false, false.replace("pens", "pen"), false.replace(" ", "  ")):
            place = found(noisy, text)
            assert place.quote is None or telling(fold(place.quote).text) == telling(
                fold(noisy).text
            )
            assert place.match == "unsupported" or noisy.strip() in text
    assert tried > 500


def numbers(text: str) -> list[str]:
    return re.findall(r"\d+", fold(text).text)


@settings(max_examples=300)
@given(TEXTS, st.data())
def test_numbers_of_what_is_found_are_those_of_the_quote(text, draw):
    start = draw.draw(st.integers(0, len(text) - 20))
    quote = list(text[start : start + 20])
    at = draw.draw(st.integers(0, len(quote) - 1))
    quote[at] = draw.draw(st.sampled_from("0123456789"))
    place = found("".join(quote), text)
    if place.quote is not None:
        assert numbers(place.quote) == numbers("".join(quote))


@settings(max_examples=300)
@given(st.text(st.characters(), max_size=60))
def test_folding_maps_back_in_order_and_forgets_form(text):
    folded = fold(text)
    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    assert all(0 <= a < b <= len(text) for a, b in zip(folded.starts, folded.ends, strict=True))
    if folded.text.isascii():
        assert list(folded.starts) == sorted(folded.starts)
    assert (
        fold(unicodedata.normalize("NFC", text)).text
        == fold(unicodedata.normalize("NFD", text)).text
    )


def test_lone_surrogates_and_marks_in_any_order():
    assert found("a\ud800b is here now", "so a\ud800b is here now").match == "exact"
    assert found("ab is here now", "so a\ud800b is here now").match == "normalised"
    assert found("q\u0323\u0307uite so, he said", "q\u0307\u0323uite so, he said").match == (
        "normalised"
    )


# ------------------------------------------------------------------ costs


def test_hostile_texts_cost_little():
    texts = [
        "1" * 100_000, "a" * 100_000, "(" * 100_000, "a." * 50_000, "\u0301" * 50_000,
        "*" * 100_000, "\\" * 100_000, "... " * 25_000, " " * 100_000,
    ]  # fmt: skip
    quotes = [
        "1",
        "11111111111111",
        "aaaa bbbb cccc dddd",
        "a.a.a.a.a.a.b",
        "\\,\\,\\,x",
        "...x...",
    ]
    start = time.process_time()
    for text in texts:
        for quote in [*quotes, text[:400], text[:5_000] + "x"]:
            found(quote, text)
    assert time.process_time() - start < 15


def test_exact_quotes_take_microseconds():
    record = Record("o", question="What is it?", response=BAKER * 20)
    quote = "which isn't less than 150"
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(1_000):
            locate(quote, record)
        best = min(best, (time.perf_counter() - start) / 1_000)
    assert best < 50e-6, f"{best * 1e6:.0f} µs"
