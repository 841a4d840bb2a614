"""Reading numbers as people and models write them: $18.00, 1,234, $70k, 3/4, 50 %, 1.5e3, ½.

Values are exact fractions, so 0.1 + 0.2 is 0.3 and 18.00 is 18.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from erranal.score.markup import unwrap


class Number(NamedTuple):
    """A number with its place in the fragment; ``percent`` when it carries a per cent sign."""

    value: Fraction
    percent: bool
    start: int
    end: int

    @property
    def amount(self) -> Fraction:
        """The value with the per cent sign carried out."""
        return self.value / 100 if self.percent else self.value


_NUMBER = re.compile(
    r"(?<![\w.,])(?P<sign>[-+](?=[\d.$€£¥]))?[$€£¥]?(?P<inner>-(?=[\d.]))?\s?"
    r"(?:(?P<whole>\d{1,30})\s(?=\d{1,6}/))?"
    r"(?P<digits>\d{1,3}(?:,\d{3}){1,12}(?!\d)(?:\.\d{1,60})?|\d{1,60}(?!\d)(?:\.\d{1,60})?"
    r"|\.\d{1,60})(?!\d)"
    r"(?P<power>[eE][-+]?\d{1,3}(?![\w])|\s?(?:×|x|\*|\\times|\\cdot)\s?10\s?(?:\^|\*\*)"
    r"\s?\{?(?P<exponent>[-+]?\d{1,3})\}?)?"
    r"(?:\s?/\s?(?P<divisor>\d{1,30}(?:\.\d{1,30})?)(?![\d/]))?"
    r"(?P<scale>\s?%|\s?per\s?cent\b|\s?k(?![\w])|K(?![\w])|\s(?:thousand|million|billion)\b)?"
)
_SCALES = {"k": 1_000, "thousand": 1_000, "million": 10**6, "billion": 10**9}
_FRACTION = re.compile(r"(\d?)\s?\\[dtc]?frac\s?\{(-?\d{1,30})\}\s?\{(\d{1,30})\}")
_SHORT_FRACTION = re.compile(r"(\d?)\s?\\[dtc]?frac\s?(\d)\s?(\d)")
_CALCULATOR = re.compile(r"<<[^<>]{0,200}>>")
_LABEL = re.compile(
    r"\b(?:step|question|problem|part|figure|fig\.|table|example|case|equation|eq\.|option|choice"
    r"|method|rule|page|no\.|#)\s?#?\s?$",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\([^()]{0,400}\)")
_ORDINAL = re.compile(r"(?:st|nd|rd|th)\b")
_UNIT = re.compile(
    r"\s?(?:[a-zA-Zµμ°Ωω€$£¥²³/^·.%']{1,15}|per|an?|square|cubic|cu\.|sq\.)(?![\w\\^{=])"
)
_VULGAR = str.maketrans({"½": " 1/2", "¼": " 1/4", "¾": " 3/4", "⅓": " 1/3", "⅔": " 2/3"})
_CLOCK = re.compile(
    r"^\W{0,3}(\d{1,6})\s(hours?|days?|minutes?|feet|foot|dollars?),?\s(?:and\s)?"
    r"(\d{1,4})\s(hours?|minutes?|seconds?|inch(?:es)?|cents?)\b",
    re.IGNORECASE,
)
# How many of the second unit make one of the first.
_PARTS = {("h", "m"): 60, ("d", "h"): 24, ("m", "s"): 60, ("f", "i"): 12, ("d", "c"): 100}
# The sign after a sum, not the one in "at x = 3".
_TOTAL = re.compile(r"(?<!\b[a-zA-Z])(?<!\b[a-zA-Z] )=")
_EQUALS = re.compile(r"[=≈:]|\\approx")
_SUM = re.compile(r"\s[-+*/×÷]\s")
_VERB = re.compile(
    r"\b(?:is|are|was|be|equals?|totals?|makes?|total of|gives?|takes?|needs?)\b",
    re.IGNORECASE,
)
_OPERATOR = re.compile(r"\s?(?:[-+*/×÷^=]|\\times|\\div|\\cdot)\s?[\d(\\]")
_WORDS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
_WORD = re.compile(rf"^\W{{0,4}}(?:there (?:is|are) )?({'|'.join(_WORDS)})\b(?!-)", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[^\d\W][.!?])\s|(?<=[\d)%][.!?])\s+(?=[A-Z(])|\n")


def tidy(fragment: str) -> str:
    """Return a fragment with markup, calculator notes and LaTeX fractions written plainly."""
    if "<<" in fragment:
        fragment = _CALCULATOR.sub("", fragment)
    fragment = unwrap(fragment)
    if "frac" in fragment:
        fragment = _FRACTION.sub(_plain_fraction, fragment)
        fragment = _SHORT_FRACTION.sub(_plain_fraction, fragment)
    return fragment if fragment.isascii() else fragment.translate(_VULGAR)


def _plain_fraction(match: re.Match[str]) -> str:
    return f"{match[1]} {match[2]}/{match[3]}" if match[1] else f"{match[2]}/{match[3]}"


def numbers(fragment: str) -> list[Number]:
    """Return the numbers of a tidy fragment in order, those of labels (step 2) left out."""
    found = []
    for match in _NUMBER.finditer(fragment):
        if _LABEL.search(fragment, max(0, match.start() - 12), match.start()):
            continue
        if _ORDINAL.match(fragment, match.end()):
            continue
        number = _value(match)
        if number is not None:
            found.append(number)
    return found


def _value(match: re.Match[str]) -> Number | None:
    value = Fraction(match["digits"].replace(",", ""))
    if match["exponent"]:
        value *= Fraction(10) ** int(match["exponent"])
    elif match["power"]:
        value *= Fraction(10) ** int(match["power"][1:])
    if match["divisor"]:
        divisor = Fraction(match["divisor"])
        if not divisor:
            return None
        value /= divisor
    if match["whole"]:
        value += int(match["whole"])
    scale = (match["scale"] or "").strip().lower()
    value *= _SCALES.get(scale, 1)
    if match["sign"] == "-" or match["inner"]:
        value = -value
    start = match.start() + (len(match[0]) - len(match[0].lstrip()))
    return Number(value, scale.startswith(("%", "per")), start, match.end())


def exact(text: str) -> Number | None:
    """Return the number when the text is a number and nothing else, units of one word aside."""
    text = tidy(text).strip().rstrip(".")
    if not text or len(text) > 120:
        return None
    match = _NUMBER.match(text)
    if match is None or not _only_unit(text[match.end() :]):
        return None
    return _value(match)


def _only_unit(rest: str) -> bool:
    rest = rest.strip()
    if not rest:
        return True
    unit = _UNIT.match(rest)
    return unit is not None and unit.end() == len(rest)


def pure(text: str) -> Number | None:
    """Return the number when the text is a number with at most a currency or per cent sign."""
    text = tidy(text).strip()
    match = _NUMBER.fullmatch(text)
    return _value(match) if match else None


def stated(fragment: str) -> Number | None:
    """Return the number that a statement gives as its result, or None.

    The first sentence counts; what stands in brackets after it does not. In ``20 - 2 = 18`` it is
    what follows the last sign or verb of equality, in ``18 apples and 3 pears`` the first number,
    else the last one.
    """
    fragment = _first_sentence(tidy(fragment))
    outside = _ASIDE.sub(" ", fragment) if "(" in fragment else fragment
    found = numbers(outside)
    if not found:
        outside, found = fragment, numbers(fragment)
    if len(found) < 2:
        return found[0] if found else None
    return _compound(outside) or _result(outside, found)


def _first_sentence(fragment: str) -> str:
    for sentence in _SENTENCE.split(fragment.strip(), maxsplit=3):
        if any(character.isdigit() for character in sentence):
            return sentence
    return fragment


def _result(fragment: str, found: list[Number]) -> Number:
    starts = not fragment[: found[0].start].strip(" ~≈:")
    sums = _SUM.search(fragment, found[0].end, fragment.find("=", found[0].end) + 1)
    if starts and not sums and not _OPERATOR.match(fragment, found[0].end):
        return found[0]
    for marks in (_TOTAL, _VERB, _EQUALS):
        for mark in reversed(list(marks.finditer(fragment))):
            after = next((number for number in found if number.start >= mark.end()), None)
            if after and not _OPERATOR.match(fragment, after.end):
                return after
    return found[-1]


def _compound(fragment: str) -> Number | None:
    match = _CLOCK.match(fragment)
    if match is None:
        return None
    size = _PARTS.get((match[2][0].lower(), match[4][0].lower()))
    if size is None:
        return None
    return Number(Fraction(match[1]) + Fraction(int(match[3]), size), False, 0, match.end())


def worded(sentence: str) -> Number | None:
    """Return the number a sentence opens with as a word: ``Two breakpoints``."""
    match = _WORD.match(tidy(sentence))
    if match is None:
        return None
    return Number(Fraction(_WORDS.index(match[1].lower())), False, match.start(1), match.end(1))


def written(number: Number) -> str:
    """Return a number the short way: an integer, a finite decimal, or a fraction."""
    value, sign = number.value, "%" if number.percent else ""
    if value.denominator == 1:
        return f"{_digits(value.numerator)}{sign}"
    divisor = value.denominator
    for prime in (2, 5):
        while divisor % prime == 0:
            divisor //= prime
    if divisor == 1 and value.denominator < 10**15:
        return f"{_decimal(value)}{sign}"
    return f"{_digits(value.numerator)}/{_digits(value.denominator)}{sign}"


def _digits(value: int) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:20]}...e{len(text) - 1}"


def _decimal(value: Fraction) -> str:
    from decimal import Context

    context = Context(prec=60)
    quotient = context.divide(context.create_decimal(value.numerator), value.denominator)
    return format(quotient.normalize(context), "f")
