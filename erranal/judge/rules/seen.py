"""Sentences in which the model says that it cannot see or read what it was shown."""

from __future__ import annotations

import re

from erranal.judge.verdict import Evidence, Record, span

CODE = "reading.not_seen"
MAX_CHARS = 3_000
SHOWS_AN_IMAGE = frozenset({"text+image", "instruction+image", "ocr-1p", "ocr-2p", "image"})

_THING = (
    r"(?:images?|pictures?|figures?|diagrams?|photos?|screenshots?|attachments?|graphs?|charts?"
    r"|drawings?|scans?|visuals?)"
)
# Spaces are written \\s: the patterns below are verbose.
_NOT = r"(?:can(?:['’]?t|not|\snot)|unable\sto|not\sable\sto|could(?:n['’]?t|\snot))"
_GIVEN = r"(?:provided|attached|included|uploaded|available|loaded|shared|visible)"
_SAYS_SO = re.compile(
    rf"""
    \b{_NOT}\s(?:(?:actually|directly|currently|really)\s)?
      (?:see|view|access|open|load|read|look\sat)\b[^.\n]{{0,40}}?\b(?:{_THING}|text\sin)\b
  | \b(?:no|without\san?)\s{_THING}\s(?:(?:was|is|were|has\sbeen|being)\s)?{_GIVEN}\b
  | \bno\s(?:visible|readable|legible)\s(?:text|content|{_THING})\b
  | \b(?:{_THING}|page|it)\s(?:is|appears|looks|seems)\s(?:to\sbe\s)?(?:blank|empty|corrupted)\b
  | \b(?:don['’]?t|do\snot)\ssee\s(?:an?|any|the)\s{_THING}\b
  | \b{_THING}\s(?:(?:was|is|were|has|have)(?:n['’]t|\snot)\s(?:been\s)?{_GIVEN}\b
      |(?:seems?|appears?)\sto\sbe\smissing\b|did(?:n['’]?t|\snot)\s(?:load|come\sthrough|upload))
  | \bplease\s(?:re-?)?(?:upload|attach|share|send|provide)\b[^.\n]{{0,30}}?\b{_THING}\b
  | \b(?:don['’]?t|do\snot)\shave\s(?:access|the\sability)\sto\s(?:(?:see|view|open)\s)?
      [^.\n]{{0,20}}?\b{_THING}\b
    """,
    re.VERBOSE,
)
_HARD_TO_READ = re.compile(
    rf"\b(?:{_THING}|text)\s(?:is|are|appears?)\s(?:too\s(?:blurry|small|blurred|dark|unclear)"
    r"|blurry|blurred|illegible|unreadable|not\s(?:legible|readable|clear))\b"
)

# One of these is in every sentence that the patterns find: a quick look before the slow one.
_CUES = (
    *("can't", "can’t", "cant ", "cannot", "can not", "able to", "could", "please", "missing"),
    *("no ", "without", "don't", "don’t", "do not", "n't", "n’t", "not ", "blur", "too "),
    *("illegible", "unreadable", "blank", "empty", "corrupted"),
)


def assess(record: Record) -> list[Evidence]:
    """Return the sentence that says so; beside an answer, only a flat denial counts."""
    if record.modality not in SHOWS_AN_IMAGE:
        return []
    text = record.response[:MAX_CHARS].lower()
    if not any(cue in text for cue in _CUES):
        return []
    if len(text) != len(record.response[:MAX_CHARS]):
        text = record.response[:MAX_CHARS]  # a letter whose small form is longer moves the places
    match = _SAYS_SO.search(text)
    if match is None and record.outcome in {"no_answer", "refused"}:
        match = _HARD_TO_READ.search(text)
    if match is None:
        return []
    note = "says that what was shown cannot be seen or read"
    return [span(CODE, record, "response", sentence(text, match.start(), match.end()), note)]


def sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the extent of the sentence around a span."""
    left = max(text.rfind(mark, 0, start) for mark in (".", "\n", "!", "?")) + 1
    rights = [text.find(mark, end) for mark in (".", "\n", "!", "?")]
    right = min((place + 1 for place in rights if place >= 0), default=len(text))
    while left < start and text[left].isspace():
        left += 1
    return left, right
