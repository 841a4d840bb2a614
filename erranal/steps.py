r"""What a reasoning step looks like: whether a text shows any, where they are, how many there are.

A text shows a step when it is long, when it calculates, when it has a list, or when anything of
four words or more is left of it once the bare statements of an answer are taken out. So "C. 10.9
mm" and "The correct answer is B." show none, and any worked solution shows some. It is a rule about
form: it does not tell whether steps are right, nor whether a model reasoned silently.

The patterns mean the same to Python (with ``re.ASCII``) and to RE2, which a database asks about
millions of texts: the query ``gap_collapse`` says with them what :func:`shown` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

LONG = 200  # characters; of real responses, none that is as long states an answer alone
MAX_CHARS = 4_000  # of which steps are counted

_WORDS = r"(?:[^ \t\n]+[ \t]+){3}[^ \t\n]"
_CJK = "[\u3040-\u30ff\u4e00-\u9fff]{6}"
_ITEM = r"^[ \t]*(?:[-*•]|[0-9]+[.)])[ \t]+[^ \t\n]"
_STATES = (
    r"[ \t*_#>(\[-]{0,9}(?:"
    r"(?:so|thus|hence|therefore)?,? ?(?:the|my)? ?(?:best|correct|final|right|closest)? ?"
    r"(?:answer|option|choice|solution)\b"
    r"|[A-J][).:*\]]|options?\b|choices?\b|question\b|<answer)"
)
# Two characters before the stop: "B. The spread" labels an option and ends no sentence.
_END = r"[^ \t\n\r.!?;:]{2}[.!?;][ \t]+"
CALCULATION = r"[0-9)}%][ \t]?(?:=|≈|\\approx)[ \t]?[-+$(\\]{0,3}[0-9]"
ANSWER = rf"(?im)(^|{_END})(?:{_STATES}[^\n]*?(?:{_END}|$))+"
KEPT = "\\1\n"  # what stays of an answer: the end of the sentence before it
STEP = rf"(?m){_WORDS}|{_CJK}|[。！？].+?[。！？]|{_ITEM}.*\n+{_ITEM}"

_CALCULATION = re.compile(CALCULATION)
_ANSWER = re.compile(ANSWER, re.ASCII)
_STEP = re.compile(STEP, re.ASCII)
_MARK = re.compile(r"[.!?;\n。！？]")
_STATEMENT = re.compile(_STATES, re.IGNORECASE | re.ASCII)
_WORDY = re.compile(rf"{_WORDS}|{_CJK}")


def shown(response: str, reasoning: str = "") -> bool:
    """Return whether a response, or reasoning kept apart from it, shows any step.

    Examples
    --------
    >>> shown("The correct answer is B."), shown("The sides are parallel, so it must be B.")
    (False, True)
    """
    if len(response) + len(reasoning) >= LONG:
        return True
    text = f"{response}\n{reasoning}"
    return bool(_CALCULATION.search(text) or _STEP.search(_ANSWER.sub(KEPT, text)))


def count(text: str) -> int:
    """Return the number of steps in the first ``MAX_CHARS`` characters of a text."""
    return sum(1 for _ in extents(text))


def extents(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the steps of a text are: its sentences and lines that state more than an answer.

    Only of the first ``MAX_CHARS`` characters.
    """
    text = text[:MAX_CHARS]
    start = 0
    for end in [*_ends(text), len(text)]:
        while start < end and text[start].isspace():
            start += 1
        if end - start > 4 and _is_step(text, start, end):
            yield start, end
        start = end


def _ends(text: str) -> Iterator[int]:
    """Yield where sentences and lines end."""
    for mark in _MARK.finditer(text):
        end = mark.end()
        sentence = text[end : end + 1].isspace() and text[end - 3 : end - 2].isalnum()
        if sentence or mark.group() in "\n。！？":
            yield end


def _is_step(text: str, start: int, end: int) -> bool:
    if _CALCULATION.search(text, start, end):
        return True
    if _STATEMENT.match(text, start, end):
        return False
    return bool(_WORDY.search(text, start, end))
