r"""Taking Markdown and LaTeX wrappers off short fragments: ``**(\text{C})**`` says C."""

from __future__ import annotations

import re
import unicodedata

FRAGMENT = 1_000  # characters of a fragment that are looked at

_WRAPPER = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mathsf|operatorname|mbox|bf|rm)\s?\{"
    r"([^{}]{0,400})\}"
)
_SPACING = re.compile(r"\\[,;:! ]|\\q?quad\b|\\left\b|\\right\b|\\displaystyle\b|~")
# A single asterisk between numbers is a product.
_EMPHASIS = re.compile(r"\*{2,3}|(?<![\d\s)])\*|\*(?![\d\s(])|__|`+|</?(?:b|i|strong|em)>")
_DELIMITER = re.compile(r"\\[()\[\]]|\$(?!\s?\d)")
_DEGREE = re.compile(r"\^\{?\\circ\}?|\\degree")
_SIGNS = str.maketrans(
    {"−": "-", "–": "-", "‐": "-", "‑": "-", "﹣": "-", "－": "-", "\u00a0": " ", "\u202f": " "}
    | {"\u2009": " ", "\u200b": "", "’": "'", "‘": "'", "“": '"', "”": '"', "：": ":"}
)
_MARKED = re.compile(r"[\\*_`$<~\u0080-\uffff]")
_EDGES = " \t\r\n\"'.,;:!?()[]{}"
_SPACES = re.compile(r"\s+")
_ARTICLE = re.compile(r"^(?:the|an?)\s+(?=\S)")


def unwrap(fragment: str) -> str:
    """Return a fragment without emphasis, maths delimiters and text macros."""
    fragment = fragment[:FRAGMENT]
    if not _MARKED.search(fragment):
        return fragment.strip()
    fragment = fragment.translate(_SIGNS)
    if "\\" in fragment:
        for _ in range(3):  # macros nest a little: \mathbf{\text{C}}
            fragment, count = _WRAPPER.subn(r"\1", fragment)
            if not count:
                break
        fragment = _DEGREE.sub("", fragment)
        fragment = fragment.replace(r"\$", "$").replace(r"\%", "%").replace("{,}", ",")
    fragment = _DELIMITER.sub(" ", _EMPHASIS.sub("", fragment))
    if "\\" in fragment or "~" in fragment:
        fragment = _SPACING.sub(" ", fragment)
    return fragment.strip()


def normal(text: str) -> str:
    """Return the form in which two texts are compared: case, spaces, edges and articles aside."""
    text = unwrap(text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_SIGNS)
    text = _SPACES.sub(" ", text.casefold()).strip(_EDGES)
    return _ARTICLE.sub("", text)
