"""Answers that stand in prose: a leading letter, concluding phrases, first and last sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator

LINE = 200  # characters: a response of one line that is read like a marked answer
TERSE = 6  # spaces in a first sentence that can be nothing but the answer
LONE = 12  # spaces in a first line that stands alone
ENDS = 2_000  # characters at the end, and a quarter of it at the start, where conclusions stand
LATE = 1  # sentences from the end: further up, "so" opens a step and not the conclusion
SHORT = 400  # characters: a response that is little more than its answer

LEADING_LETTER = re.compile(
    r"^[\s*_#>\"'`]{0,6}(?:(?:option|choice)\s)?(?:\(([A-Z])\)|\[([A-Z])\]|\\?\(?\\text\{\(?([A-Z])\)?\}"
    r"|([A-Z])(?:[).:]|[*_]{1,2})(?![\w'’])|([A-Z])(?=\s*$|\s*\n|\s-\s))",
)
_ENUMERATED = re.compile(r"^[\s*_>\-]{0,6}\(?([A-Z])[).:](?=[\s*])", re.MULTILINE)
_RIGHT = r"(?i:correct|right|best|most \w{3,14}|appropriate|accurate|true|suitable|answer)"
_PICK = r"[*_(\[\"'“]{0,4}(?:option |choice )?[*_(\[\"'“]{0,4}([A-Z])(?![\w'’/])"
CONCLUSIONS = (
    re.compile(
        r"\b(?:[Aa]nswer|[Oo]ption|[Cc]hoice|[Rr]esult)\b[^.\n]{0,90}?[\s,](?:is|would be|be)"
        rf"(?::|\s)\s?(?:therefore |thus |likely |most likely |indeed )?(?:option |choice ){_PICK}"
    ),
    re.compile(
        rf"\b{_RIGHT} (?:option|choice|one|match|selection|statement|description|figure)"
        rf"(?: (?:here|among these|listed|given))?[\s*_]{{0,4}}(?:is|would be|should be|:)"
        rf"[\s:*_]{{1,4}}{_PICK}"
    ),
    re.compile(
        r"\b(?:[Oo]ption|[Cc]hoice)\s?[*_(\[]{0,4}([A-Z])[*_)\]]{0,4}"
        r"(?:[:,][^.\n]{1,80}?[,:]?)? (?:is|would be|must be|seems|appears)"
        rf" (?:therefore |thus |clearly |likely |to be )?(?:the )?(?:only )?{_RIGHT}\b"
    ),
    re.compile(
        r"\b(?:[Tt]herefore|[Tt]hus|[Hh]ence|[Ss]o|[Cc]onclusion|[Cc]onsequently)\b[,:]?"
        r"(?: the| it is| it's| we (?:choose|select|pick)"
        r"| I(?:'d| would)? (?:choose|select|pick))?"
        rf"\s?{_PICK}(?=[\s*_)\]]{{0,4}}(?:[.,;:)\n]|$| is\b))"
    ),
    re.compile(
        rf"\b(?:I|[Ww]e)(?:'d| would| will|'ll)? (?:choose|select|pick|go with)"
        rf" (?:the )?{_PICK}(?=[\s*_)\]]{{0,4}}(?:[.,;:)\n]|$))"
    ),
    re.compile(
        r"\b(?:correspond(?:s|ing)?|match(?:es|ing)?|closest|leads? us|points?|equivalent)"
        r" (?:to |with )?"
        r"(?:option|choice) [*_(\[]{0,4}([A-Z])(?![\w'’/])"
    ),
)
_CUE = re.compile(
    r"correct|best|right|most|therefore|thus|hence|so\b|conclu|conseq|choose|select"
    r"|pick|go with|option|choice"
)
_LETTERED_LINE = re.compile(
    r"^[\s*_>\\(\[$]{0,8}(?:\\(?:text|mathbf|textbf)\{)?(?:[Oo]ption )?\(?([A-Z])"
    r"(?:\s{0,2}[).:}*_\]$]{1,4}(?=\s|$|[\\(])|\s*$)"
)
_OWN_LETTER = re.compile(
    r"\(([A-Z])\)|\b[Oo]ption ([A-Z])\b|\b[Cc]hoice ([A-Z])\b|\*\*([A-Z])\*\*"
    r"|(?<![\w'’.])([B-HJ-Z])(?![\w'’])"
)
_DENIES = re.compile(r"\bnot\b|n['’]t\b|\b(?:wrong|incorrect)\b", re.IGNORECASE)
_CONCLUDING = re.compile(
    r"^[\W\d]{0,12}(?:(?P<firm>(?:short |final |overall )?(?:therefore|thus|hence|conclusion"
    r"|in conclusion|in summary|in short|summary|consequently|result|verdict|outcome|decision"
    r"|short answer|bottom line))|so|overall|as a result|this means|in other words|final)"
    r"\b[\s:,*-]*",
    re.IGNORECASE,
)
_VERDICT = re.compile(
    r"^[\s*_#>-]{0,8}(?:the )?(?:final |optimal |overall )?(?:winner|result|verdict|outcome"
    r"|decision)[*_]{0,3}(?: is)?[*_]{0,3}:[ *_]{0,4}([^\n]{1,300})",
    re.IGNORECASE | re.MULTILINE,
)
_REASONS_NEXT = re.compile(
    r"\s*\n[\s*_#>-]*(?:(?:brief|short|systematic|detailed|step[- ]by[- ]step|key|the|my|a|quick)"
    r"\s){0,2}(?:reason|explanation|explain|why|justification|details|proof|because|analysis"
    r"|rationale|here's|how|working|evidence|calculation|breakdown|solution)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[\w)\]\"'*%][.!?])\s+(?=[A-Z(\"'*\\-])|\n+")
_PLEASANTRY = re.compile(
    r"\b(?:let me know|hope (?:this|that|it)|feel free|would you like|do you want|if you (?:want"
    r"|like|need|can|share|tell|have|prefer|'d)|happy to|i can (?:also|help|give)|please|good luck"
    r"|need help|any (?:other |further )?questions|note that|note:|i'll|i’ll)\b"
    r"|\?\s*$",
    re.IGNORECASE,
)


def leading_letter(text: str) -> str | None:
    """Return the letter a response opens with, unless it goes on to list the options."""
    match = LEADING_LETTER.match(text)
    if match is None:
        return None
    letter = match[match.lastindex or 1]
    others = {m[1] for m in _ENUMERATED.finditer(text)} if "\n" in text else set()
    return None if others - {letter} else letter


def concluded_letters(text: str, low: str) -> list[str]:
    """Return the letters that concluding phrases name, in order of the phrases' kinds."""
    if not _CUE.search(low):
        return []
    if len(text) > ENDS:
        text = f"{text[: ENDS // 4]}\n{text[-ENDS:]}"
    return [match[1] for phrase in CONCLUSIONS for match in phrase.finditer(text)]


def closing_letters(text: str) -> set[str]:
    """Return the letters of lines that a colon announces, or of a last line that is one letter.

    A line that another lettered line follows or precedes belongs to a list of the options.
    """
    lines = [line for line in text[-1_500:].split("\n") if line.strip(" \\[]-*_")]
    marks = [_LETTERED_LINE.match(line) for line in lines]
    found = set()
    for at in range(1, len(lines)):
        mark = marks[at]
        if mark is None or marks[at - 1] or any(marks[at + 1 : at + 2]):
            continue
        announced = lines[at - 1].rstrip(" *_").endswith(":")
        last = at == len(lines) - 1 and len(lines[at].strip(" *_.()[]\\$")) == 1
        if announced or last:
            found.add(mark[1])
    return found


def lone_letters(text: str) -> set[str]:
    """Return the letters that stand alone in a short text, the words A and I left out.

    A text that denies something ("it is not B") names nothing.
    """
    if _DENIES.search(text):
        return set()
    return {match[match.lastindex or 1] for match in _OWN_LETTER.finditer(text)}


def opening(text: str, *, terse: bool) -> str | None:
    """Return the first sentence where it states the answer before the reasons.

    That is so when the response is one line or the next paragraph announces reasons; with
    ``terse`` also when the sentence has few words ("Black wins. White is ...").
    """
    line, _, rest = text.partition("\n")
    sentence = first_sentence(line)
    if not rest or _REASONS_NEXT.match(text, len(line)):
        return sentence
    plain = sentence.rstrip(" *_")
    if not terse or plain.endswith((":", "?")):
        return None
    alone = len(sentence) == len(line.rstrip()) and plain.endswith((".", "!"))
    return sentence if sentence.count(" ") < (LONE if alone else TERSE) else None


def first_sentence(text: str) -> str:
    """Return the first sentence or line of a text."""
    return _SENTENCE_END.split(text.lstrip()[:600], maxsplit=1)[0]


def announces_reasons(text: str) -> bool:
    """Return whether the reasons follow the first line, so that the line is the answer."""
    line, _, rest = text.partition("\n")
    return bool(rest) and _REASONS_NEXT.match(text, len(line)) is not None


def closing(text: str) -> Iterator[str]:
    """Yield the last sentences of a text from the end, pleasantries left out."""
    sentences = _SENTENCE_END.split(text[-1_500:].rstrip())
    for sentence in reversed(sentences[-6:]):
        if sentence.strip() and not _PLEASANTRY.search(sentence):
            yield sentence


def conclusion(text: str) -> str | None:
    """Return what the last concluding sentence ("Therefore, ...") says, without its opening."""
    sentences = _SENTENCE_END.split(text[-1_500:].rstrip())[-12:]
    for index in range(len(sentences) - 1, -1, -1):
        match = _CONCLUDING.match(sentences[index])
        if match and (match["firm"] or index >= len(sentences) - LATE):
            said = sentences[index][match.end() :]
            # "Conclusion:" may be a heading, with the sentence after it.
            said = said if said.strip() else (sentences[index + 1 : index + 2] or [""])[0]
            return said.lstrip(" -*•") or None
    return None


def verdict(text: str) -> str | None:
    """Return what the last line labelled as an outcome says: ``Winner: White``."""
    found = _VERDICT.findall(text)
    return found[-1] if found else None
