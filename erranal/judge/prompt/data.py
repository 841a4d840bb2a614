"""Texts of models and files, shown as data.

What a model or a file wrote stands between lines that carry a mark. The mark is an HMAC of the
texts themselves under a key of the study, so no text can hold it: whoever wrote a text would have
had to know the key, and to solve for its own digest. What a chat template or a terminal could take
for a command is shown by a look-alike, one character for one, so that a quote of it can be found
again (:mod:`erranal.judge.quotes` folds both to the same).
"""

from __future__ import annotations

import hmac
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

MARK_DIGITS = 12

# Shown as nothing: zero-width and bidirectional controls, soft hyphens, Hangul fillers, tags and
# other invisible carriers of hidden text. The joiners U+200C and U+200D and the emoji selectors
# stay: Persian and emoji need them.
_INVISIBLE = (
    "\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
_ODD = re.compile(
    f"[{_INVISIBLE}]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]"
)
_ODD_ASCII = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_HIDDEN = re.compile(f"[{_INVISIBLE}]")
_LINE_ENDS = "\r\x85\u2028\u2029"

_TAGS = (
    r"s|bos|eos|pad|unk|mask|cls|sep|think|tools?|tool_calls?|tool_responses?|image|img|video|audio"
    r"|(?:start|end)_of_(?:turn|image|audio|utterance|role)|image_soft_token|global-img|img_context"
    r"|fake_token_around_image|row_\d+_col_\d+|extra_id_\d+|unused_?\d+|special_\d+|loc\d+|seg\d+"
    r"|ref|box|quad|point|im_(?:start|end|patch)|vision_(?:start|end)|im_msg|sys"
)
_NAMES = (
    r"INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_(?:CALLS|RESULTS|CONTENT)|IMG(?:_BREAK|_END)?|PREFIX"
    r"|SUFFIX|MIDDLE|[gs]MASK|CLS|SEP|PAD|MASK|UNK|BOS|EOS|UNUSED_TOKEN_\d+|ARGS|CALL_ID|THINK"
)
_NAME = r"[^\s<>|｜＜＞]{1,80}"
# Each alternative begins after one opening bracket, which lets the search skip ahead to it.
_TOKEN = re.compile(
    rf"[<＜\[](?:(?<=[<＜])[|｜]{_NAME}[|｜]?[>＞]|(?<=[<＜]){_NAME}[|｜][>＞]"
    rf"|(?<=[<＜])[<＜]?/?(?:{_TAGS})/?[>＞]{{1,2}}|(?<=\[)/?(?:{_NAMES})\])",
    re.IGNORECASE,
)
_LOOK_ALIKES = str.maketrans("<＜>＞[]", "‹‹››⟦⟧")


@dataclass(frozen=True, slots=True)
class Shown:
    """A text as it is shown: ``length`` counts the original, ``hidden`` what was left out of it."""

    text: str
    length: int
    hidden: int


def show(text: str) -> Shown:
    """Return a text without anything that acts instead of being read."""
    shown, hidden = text, 0
    if (_ODD_ASCII if text.isascii() else _ODD).search(text):
        hidden = len(_HIDDEN.findall(text))
        shown = _ODD.sub(_visible, text.replace("\r\n", "\n"))
    return Shown(_TOKEN.sub(_look_alike, shown), len(text), hidden)


def _visible(match: re.Match[str]) -> str:
    char = match[0]
    if _HIDDEN.match(char):
        return ""
    if char in _LINE_ENDS:
        return "\n"
    if char <= "\x1f":
        return chr(0x2400 + ord(char))
    return "\u2421" if char == "\x7f" else "\ufffd"


def _look_alike(match: re.Match[str]) -> str:
    return match[0].translate(_LOOK_ALIKES)


def mark(key: bytes, texts: Iterable[str]) -> str:
    """Return a mark of ``MARK_DIGITS`` hexadecimal digits that stands in none of the texts."""
    content = "\x1f".join(texts).encode("utf-8", "surrogatepass")
    lowered = content.lower()
    for attempt in itertools.count():
        digest = hmac.digest(key, attempt.to_bytes(4, "big") + content, "sha256")
        candidate = digest.hex()[:MARK_DIGITS]
        if candidate.encode() not in lowered:
            return candidate
    raise AssertionError("unreachable")


def cut(shown: str, limit: int, mark: str) -> str:
    """Return a text with its middle left out when it is longer than ``limit`` characters."""
    left_out = len(shown) - limit
    if left_out <= 0:
        return shown
    head = limit * 2 // 3
    tail = shown[len(shown) - (limit - head) :]
    note = f"=== {mark} {left_out:,} of {len(shown):,} characters are left out here ==="
    return f"{shown[:head]}\n{note}\n{tail}"


def section(name: str, shown: Shown, limit: int, mark: str) -> str:
    """Return one text between its two marked lines, or one marked line when there is no text."""
    if not shown.text:
        return f"=== {mark} {name}: empty ==="
    size = f"{shown.length:,} characters"
    if len(shown.text) > limit:
        size += ", the middle left out"
    if shown.hidden:
        size += f", {shown.hidden:,} invisible ones not shown"
    text = cut(shown.text, limit, mark)
    return f"=== {mark} {name} ({size}) ===\n{text}\n=== {mark} end of {name} ==="
