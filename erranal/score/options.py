"""The options of a multiple-choice item, and which of them a fragment of text names."""

from __future__ import annotations

import re
from functools import lru_cache
from string import ascii_uppercase

from erranal.score.markup import normal, unwrap
from erranal.score.number import Number, pure, stated

SEVERAL = -1  # the fragment names more than one option
OUTSIDE = -2  # the fragment is an answer, but none of the options

_PUNCTUATION = " .,;:!?)]}"
_LETTER = re.compile(
    r"^\W{0,4}(?:(?:option|choice|letter|answer)s?\b\W{0,3})?"
    r"(?P<open>[(\[{])?\s?(?P<letter>[A-Za-z])\s?(?P<close>[)\]}])?(?P<rest>(?![\w'’]).*)?$",
    re.DOTALL | re.IGNORECASE,
)
_SECOND = re.compile(
    r"^\W{0,3}(?:,|and|or|&|/|\+)\s*(?:option |choice )?[(\[]?(?P<letter>[A-Z])(?![\w'’])"
    r"(?!\s[a-z])"
)
_JOINED = re.compile(r"[A-Z]{2,6}$")
_EXPLICIT = re.compile(r"\b(?:option|choice) [(\[]?([A-Z])(?![\w'’])", re.IGNORECASE)
_AFTER_LETTER = re.compile(r"^\s*(?:$|[.:,;)\]|\n]|[-–—]\s|\(|[=→]>)")
_BECAUSE = re.compile(r"^\s+(?:because|since|as|is (?:the )?(?:correct|right|best)|due|for)\b")
_NEGATION = re.compile(
    r"(?:\bnot|n't|\bnon|\bneither|\bnor|\brather than|\binstead of)[\s-]"
    r"(?:\w{1,12} ){0,1}$"
)
_NEITHER = re.compile(r"^neither\b")
_SAME = re.compile(r"\b(?:same|equal|identical)\b")
_CLAUSE = re.compile(r"[,;(.\n]|\b(?:because|since|as|so|assuming|provided|if|but)\b")
_MAIN = re.compile(r"[;(—,.!](?:\s|$)|\s[—–(-]")
_REFUTATION = re.compile(r"^(?:no|false)\b")
_ASIDE = re.compile(r"\([^()]{0,400}(?:\)|$)")  # a normalised text has lost its last bracket
_JOINING = frozenset("^+_²³")  # Al^3+ is not Al
_DENIAL = re.compile(r"^(?:not|no|never|false|incorrect)\b")
_AFFIRMATION = re.compile(r"^(?:yes|true)\b")
_DENIED = re.compile(r"\b(?:not|cannot|never|isn't|aren't|doesn't|don't|can't)\b")


class Options:
    """The options of one item, prepared once.

    Parameters
    ----------
    choices
        Texts of the options, in order.
    lettered
        Whether the item is keyed by letters (gold "C") rather than by option texts (gold "even").
    """

    def __init__(self, choices: tuple[str, ...], *, lettered: bool) -> None:
        self.texts = choices
        self.lettered = lettered
        self.letters = ascii_uppercase[: len(choices)]
        self.normals = [normal(choice) for choice in choices]
        self.by_text: dict[str, int] = {}
        for index, text in enumerate(self.normals):
            self.by_text[text] = SEVERAL if text in self.by_text else index
        self.by_text.pop("", None)
        self.single_letters = any(len(text) == 1 and text.isalpha() for text in self.normals)
        self.by_value = _by_value(choices)
        self.numeric = len(self.by_value) == len(choices) > 0
        self.compact = {text.replace(" ", ""): index for text, index in self.by_text.items()}
        self.yes = self._only(_AFFIRMATION)
        self.no = self._only(_REFUTATION)
        self.neither = self._only(_NEITHER)
        self.same = self._only(_SAME)

    def _only(self, pattern: re.Pattern[str]) -> int | None:
        found = [index for index, text in enumerate(self.normals) if pattern.search(text)]
        return found[0] if len(found) == 1 else None

    def name(self, index: int) -> str:
        """Return how an option is written in a score: its letter, or its text."""
        return self.letters[index] if self.lettered else self.texts[index]

    @property
    def by_number(self) -> bool:
        """Whether the options are numbers keyed by value, so that a number is read."""
        return self.numeric and not self.lettered

    def named_by(self, fragment: str, *, declared: bool = True) -> int | None:
        """Return the index of the option a fragment names.

        Parameters
        ----------
        fragment
            What follows "Answer:", stands in a box, or a sentence of a response.
        declared
            Whether the fragment is where an answer belongs; a bare letter counts only there.

        Returns
        -------
        int or None
            ``SEVERAL`` and ``OUTSIDE`` are negative; None when the fragment names no option.
        """
        plain = unwrap(fragment)
        text = normal(plain)
        if not text:
            return None
        if not (len(text) == 1 and self.lettered) and text in self.by_text:
            return self.by_text[text]
        if not declared:
            return self._text(plain, text)
        index = self.letter(plain)
        if index is None:
            index = self._letters(plain)
        return self._text(plain, text) if index is None else index

    def _letters(self, plain: str) -> int | None:
        """Read ``EI`` (two letters run together) and ``117 m (option F)``."""
        if not self.lettered:
            return None
        if _JOINED.match(plain) and set(plain) <= set(self.letters):
            return SEVERAL
        explicit = {match[1].upper() for match in _EXPLICIT.finditer(plain)} & set(self.letters)
        if not explicit:
            return None
        index = self.letters.index(explicit.pop())
        other = self._text(plain, normal(plain))
        agree = other is None or other in (index, OUTSIDE, SEVERAL)
        return index if agree and not explicit else SEVERAL

    def said_in(self, sentence: str) -> int | None:
        """Return the option a sentence of prose names: in its main clause, else anywhere."""
        clause = _MAIN.split(sentence, maxsplit=1)[0]
        if len(clause) < len(sentence):
            index = self.named_by(clause, declared=False)
            if index is not None and index >= 0:
                return index
        return self.named_by(sentence, declared=False)

    def letter(self, plain: str) -> int | None:
        """Return the option whose letter a fragment opens with, like ``named_by``."""
        match = _LETTER.match(plain.rstrip(" .'\"”"))
        if match is None or (self.single_letters and not self.lettered):
            return None
        letter, rest = match["letter"], match["rest"] or ""
        if not (self._letter_counts(letter, rest, bracketed=bool(match["close"]))):
            return None
        index = ord(letter.upper()) - ord("A")
        if index >= len(self.letters):
            return None if rest.strip(_PUNCTUATION) else OUTSIDE
        second = _SECOND.match(rest)
        if second and second["letter"] != letter and second["letter"] in self.letters:
            return SEVERAL
        return index

    def _letter_counts(self, letter: str, rest: str, *, bracketed: bool) -> bool:
        if bracketed or _SECOND.match(rest):
            return True
        if letter.islower() and (rest.strip(_PUNCTUATION) or not self.lettered):
            return False
        return self._letter_stands(ord(letter.upper()) - ord("A"), letter, rest)

    def _letter_stands(self, index: int, letter: str, rest: str) -> bool:
        """Whether the letter is an answer, not a word ("A dramatic rise") or a name ("V = 5")."""
        if _AFTER_LETTER.match(rest) or _BECAUSE.match(rest):
            return True
        if index >= len(self.normals):
            return False
        own = self.normals[index]
        if own and normal(rest).startswith(own):
            return True
        if rest.lstrip()[:1] in "=+-*/^<>":
            return False
        return letter not in "AI" and not self.single_letters

    def _text(self, plain: str, text: str) -> int | None:
        if self.numeric:
            number = stated(plain)
            return None if number is None else self.valued(number)
        exact = pure(plain) if self.by_value else None
        if exact is not None and exact.value in self.by_value:
            return self.by_value[exact.value]
        if text.replace(" ", "") in self.compact:
            return self.compact[text.replace(" ", "")]
        return self._meant(text)

    def valued(self, number: Number) -> int:
        """Return the option with this value, or ``OUTSIDE``."""
        return self.by_value.get(number.value, OUTSIDE)

    def _meant(self, text: str) -> int | None:
        """Read words that stand for an option: a plain yes or no, neither, the same."""
        if self.no is not None and self.yes is not None:
            if _DENIAL.match(text):
                return self.no
            if _AFFIRMATION.match(text):
                return self.yes
        if self.neither is not None and "neither" in text:
            return self.neither
        found = self.contained(text)
        if found is None and self.no is not None and self.yes is not None:
            return self.no if _DENIED.search(text) else None
        if self.same is not None and (found is None or found == SEVERAL):
            main = _CLAUSE.split(text, maxsplit=1)[0]
            return self.same if _SAME.search(main) and not _DENIED.search(main) else found
        return found

    def contained(self, text: str) -> int | None:
        """Return the only option whose text occurs in a normalised fragment.

        What stands in brackets counts only where nothing outside them names an option.
        """
        if "(" in text:
            found = self._occurring(_ASIDE.sub(" ", text))
            if found is not None:
                return found
        return self._occurring(text)

    def _occurring(self, text: str) -> int | None:
        spans = [
            (start, start + len(option), index)
            for index, option in enumerate(self.normals)
            if len(option) > 1 and (start := _occurrence(option, text)) >= 0
        ]
        longest = [s for s in spans if not any(_inside(s, other) for other in spans)]
        found = {self.normals[index] for _, _, index in longest}
        if not found:
            return None
        return self.by_text[found.pop()] if len(found) == 1 else SEVERAL


def _by_value(choices: tuple[str, ...]) -> dict[object, int]:
    values: dict[object, int] = {}
    for index, choice in enumerate(choices):
        number = pure(choice)
        if number is not None:
            values[number.value] = SEVERAL if number.value in values else index
    return values


def _inside(span: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    shorter = span[1] - span[0] < other[1] - other[0]
    return shorter and other[0] <= span[0] and span[1] <= other[1]


def _occurrence(option: str, text: str) -> int:
    """Return where an option stands in a text as whole words and not denied, or -1."""
    start = text.find(option)
    while start >= 0:
        end = start + len(option)
        after = text[end : end + 1]
        whole = not (text[start - 1 : start].isalnum() or after.isalnum() or after in _JOINING)
        if whole and not _NEGATION.search(text, max(0, start - 24), start):
            return start
        start = text.find(option, start + 1)
    return -1


@lru_cache(maxsize=50_000)
def prepare(choices: tuple[str, ...], *, lettered: bool) -> Options:
    """Return the options of an item, kept for its other outputs."""
    return Options(choices, lettered=lettered)
