"""No usable answer: declined, cut off, absent, or in a form that was not read as one."""

from __future__ import annotations

import re

from erranal.judge.rules.quantities import NUMBER, canonical, pieces, spoken
from erranal.judge.rules.seen import sentence
from erranal.judge.verdict import Evidence, Record, span

REFUSAL = "output.refusal"
TRUNCATED = "output.truncated"
FORMAT = "output.format"
NO_ANSWER = "output.no_answer"

LIMIT_REASONS = frozenset({"length", "max_tokens", "max_output_tokens", "token_limit"})
LONG = 1_000  # characters from which a text that breaks off is taken for cut
MAX_CHARS = 8_000
WRAPPED = 200  # characters up to which a text answer counts as the only thing that is said
EDGE = 80  # characters of a longer text at whose beginning or end an answer may stand

_DECLINES = re.compile(
    r"\b(?:I['’]?m (?:very |so )?(?:sorry|unable|not able)|sorry, (?:but )?I|I apologi[sz]e"
    r"|I (?:can['’]?t|cannot|can not|won['’]?t|will not|am (?:unable|not able)|must decline)"
    r"|(?:can['’]?t|cannot|can not|unable to) (?:assist|help|answer|determine|provide|identify))\b",
    re.IGNORECASE,
)
_FINISHED = re.compile(
    r"(?:[.!?:…。！？)\]}>*`\"'”’$|]|\\\]|\\boxed\{[^{}]{0,80}\}|\d|\b[A-J])\s*$"
)


def refusal(record: Record) -> list[Evidence]:
    """Return the words of declining, for what was graded or recorded as a refusal."""
    if record.outcome != "refused" and record.status != "refusal":
        return []
    match = _DECLINES.search(record.response[:MAX_CHARS])
    if match is None:
        note = f"graded {record.outcome}, status {record.status}"
        return [Evidence(REFUSAL, "status", None, None, None, "exact", note)]
    extent = sentence(record.response, match.start(), match.end())
    return [span(REFUSAL, record, "response", extent, "declines to answer")]


def truncated(record: Record) -> list[Evidence]:
    """Return the end of a response that reached a limit."""
    note = _why_truncated(record)
    if not note:
        return []
    end = len(record.response)
    if end == 0:
        return [Evidence(TRUNCATED, "status", None, None, None, "exact", note)]
    return [span(TRUNCATED, record, "response", (max(0, end - 80), end), note)]


def _why_truncated(record: Record) -> str:
    if record.status == "truncated":
        return "recorded as truncated"
    if (record.finish_reason or "").lower() in LIMIT_REASONS:
        return f"finish reason {record.finish_reason}"
    if record.tokens_out and record.token_limit and record.tokens_out >= record.token_limit:
        return f"{record.tokens_out} tokens, the limit of the run"
    end = record.response[-200:]
    breaks_off = len(record.response) >= LONG and not _FINISHED.search(end)
    breaks_off = breaks_off and "answer" not in end.lower()
    if record.outcome == "no_answer" and breaks_off:
        return "a long text without an answer breaks off"
    return ""


def wrapped(record: Record) -> list[Evidence]:
    """Return the right answer, where it is the only candidate and was not read as an answer."""
    if record.outcome != "no_answer" or not record.gold or record.status != "ok":
        return []
    extent = _only_option(record) if record.choices else _only_value(record)
    if extent is None:
        return []
    return [span(FORMAT, record, "response", extent, "the right answer, as the only candidate")]


def _only_option(record: Record) -> tuple[int, int] | None:
    """Return where the gold option is named, if no other option is."""
    right = _gold_option(record)
    text = record.response[:MAX_CHARS].casefold()
    if right is None or len(text) != len(record.response[:MAX_CHARS]):
        return None
    options = [choice.strip().casefold() for choice in record.choices]
    if any(len(option) < 3 for option in options):
        return None
    found = {option: place for option in options if (place := _whole(text, option)) is not None}
    # An option inside a longer one that is named ("same", "not the same") is not named itself.
    named = [o for o in found if not any(o != other and o in other for other in found)]
    place = found[options[right]] if named == [options[right]] else None
    return place if place and _prominent(text, place) else None


def _prominent(text: str, place: tuple[int, int]) -> bool:
    """Tell whether an option stands where answers stand: a short text, its beginning or its end."""
    return len(text) <= WRAPPED or place[1] <= EDGE or place[0] >= len(text) - EDGE


def _gold_option(record: Record) -> int | None:
    gold = (record.gold or "").strip()
    if len(gold) == 1 and gold.isalpha():
        index = ord(gold.upper()) - ord("A")
        return index if index < len(record.choices) else None
    texts = [choice.strip().casefold() for choice in record.choices]
    return texts.index(gold.casefold()) if gold.casefold() in texts else None


def _whole(text: str, part: str) -> tuple[int, int] | None:
    """Find a text that is not part of a longer word or number."""
    place = text.find(part)
    while place >= 0:
        end = place + len(part)
        before, after = text[place - 1 : place], text[end : end + 1]
        if not before.isalnum() and not after.isalnum():
            return place, end
        place = text.find(part, place + 1)
    return None


def _only_value(record: Record) -> tuple[int, int] | None:
    """Return where the gold value stands, if the response holds no other number."""
    gold = (record.gold or "").strip()
    numbers = [piece for piece in pieces(gold) if piece.number]
    text = record.response[:MAX_CHARS]
    if len(numbers) == 1 and len(gold) - len(numbers[0].text) <= 2:
        return _only_number(text, numbers[0].number)
    if len(gold) < 3 or len(text) > WRAPPED:
        return None
    place = _whole(text.casefold(), gold.casefold())
    return place if place and len(text.casefold()) == len(text) else None


def _only_number(text: str, gold: str) -> tuple[int, int] | None:
    digits = NUMBER.findall(text)
    if len(digits) > 1 or (digits and canonical(digits[0]) != gold):
        return None
    found = [piece for piece in pieces(text) if piece.number]
    if not found or (digits and len(found) > 1):
        return None
    start, end = found[0].start, found[-1].end
    if digits:
        return start, end
    together = len(found) <= 4 and len(pieces(text, start, end)) == len(found)
    return (start, end) if together and spoken([p.text for p in found]) == gold else None


def absent(record: Record) -> list[Evidence]:
    """Return the end of a response that commits to nothing."""
    if record.outcome != "no_answer" or record.status not in {"ok", "empty"}:
        return []
    end = len(record.response.rstrip())
    if end == 0:
        return [Evidence(NO_ANSWER, "status", None, None, None, "exact", "the response is empty")]
    start, _ = sentence(record.response, max(0, end - 2), end - 1)
    extent = (max(start, end - 200), end)
    return [span(NO_ANSWER, record, "response", extent, "ends without an answer")]
