"""Instructions for coders, generated from the codebook version that they code with.

The same blocks are written twice: as HTML for the dialogue of Label Studio, and as Markdown for
paper. Every text of the codebook is escaped for the form it is written in.
"""

from __future__ import annotations

import html as markup
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from erranal.rounds import hotkeys
from erranal.rounds.form import GAP, NONE
from erranal.rounds.interface import FLAGS, titles

if TYPE_CHECKING:
    from erranal.codebook import Code, Codebook, Example

# Characters that Markdown, or the HTML inside it, would read as more than themselves.
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~$&])")
_LIST_START = re.compile(r"^(\d+)([.)])|^([-+=])")

_STEPS = (
    "Read the question, as text and as the image, and work out what a right answer needs.",
    "Read the response in the blue frame. It is the one that you code. The reference beside it, in "
    "the dashed frame, is another run on the same item: it shows what the model can do, and is "
    "never coded.",
    "Mark the evidence: choose Evidence, then draw over the words with the mouse, or double-click "
    "a word. Correct step is for a step that is right and that the other run lacks or breaks.",
    "Choose one primary category: the first code that applies in the order of decisions below.",
    "Where more than one code applies, choose every one under Codes, the primary one too: a label "
    "in which it is missing there cannot be read. Left empty, Codes means the primary one alone.",
    "Give your confidence, set flags where they are due, and write a memo where you hesitated.",
    "Submit. Skip only what you cannot code at all, for instance because a text is missing.",
)
_RULES = (
    "Code alone. Do not talk about units, and do not look at the work of other coders, until the "
    "round is closed. Talk about the codebook belongs into the meetings between rounds.",
    "Code what is on the screen, not what you know or expect of the model, of image input or of "
    "the study.",
    "The gold answer and the scorer can be wrong. Check them before you blame the response.",
    "Suggestions, where you see any, come from a judge that makes mistakes. Decide first, then "
    "compare. Remove what you would not have chosen yourself.",
    "Do not ask a language model, and do not paste a unit anywhere else.",
    "An answer that is left out counts as missing, never as no.",
    "Stop when you notice that you are no longer reading. You can come back to a submitted unit "
    "and correct it; the earlier version is kept.",
)
_FLAG_MEANING = {
    "GOLD": "the gold answer is wrong, or you believe so. Say in the memo what is right.",
    "AMB": "a competent reader could defend another answer. Give both readings in the memo.",
    "GAP": "no code describes this error, or the codebook does not decide the case. Say what "
    "is missing: flags and memos are the agenda for its next version.",
}
_ANSWER_MEANING = {
    NONE: "there is no error that a code describes, for instance because the response is right. "
    "Leave Codes empty.",
    GAP: "there is an error, and no code describes it. Leave Codes empty, and describe the error "
    "in the memo.",
}
_LISTS = {"list": ("ul", ""), "numbered": ("ol", ""), "keys": ("ul", ' class="er-columns"')}


@dataclass(frozen=True, slots=True)
class Block:
    """A heading (``level`` 1 to 4), a paragraph, or a list; texts are plain.

    ``kind`` is ``heading``, ``paragraph``, ``list``, ``numbered`` or ``keys`` (a list of short
    lines).

    Each text is a pair: a lead in bold, which may be empty, and what follows it.
    """

    kind: str
    texts: tuple[tuple[str, str], ...]
    level: int = 0


def html(book: Codebook) -> str:
    """Return the instructions as HTML, on one line, for the dialogue of a Label Studio project."""
    css = resources.files("erranal.rounds").joinpath("guide.css").read_text("utf-8")
    style = " ".join(css.split())
    body = "".join(_html_block(block) for block in _blocks(book))
    return f'<style>{style}</style><div class="er-guide">{body}</div>'


def markdown(book: Codebook) -> str:
    """Return the instructions as Markdown."""
    return "\n".join(_markdown_block(block) for block in _blocks(book))


def _blocks(book: Codebook) -> Iterator[Block]:
    yield _heading(1, f"How to code with {book.title}")
    yield _paragraph("Codebook", book.codebook_id)
    yield _paragraph("", book.description)
    yield _heading(2, "What you do with each unit")
    yield Block("numbered", tuple(("", step) for step in _STEPS))
    yield _heading(2, "Rules")
    yield Block("list", tuple(("", rule) for rule in _RULES))
    yield from _decisions(book)
    yield from _special()
    yield from _keys(book)
    yield from _codes(book)


def _decisions(book: Codebook) -> Iterator[Block]:
    named = titles(book)
    yield _heading(2, "Order of decisions")
    yield _paragraph(
        "",
        "Ask in this order. The first code that applies is the primary category; it does not "
        "remove the others from Codes.",
    )
    steps = ((step.ask, ", ".join(named[code] for code in step.codes)) for step in book.decision)
    yield Block("numbered", tuple((codes, ask) for ask, codes in steps))


def _special() -> Iterator[Block]:
    yield _heading(2, "Answers that are no code")
    yield Block("list", (("None", _ANSWER_MEANING[NONE]), ("Codebook gap", _ANSWER_MEANING[GAP])))
    yield _heading(2, "Flags")
    yield _paragraph("", "Flags stand beside the codes and replace none of them.")
    yield Block("list", tuple((title, _FLAG_MEANING[alias]) for alias, title in FLAGS.items()))
    yield _heading(2, "Confidence")
    yield _paragraph(
        "",
        "1 is a guess; 3, another answer would not surprise you; 5, certain. Rate the primary "
        "category. Low values are welcome: they show where the codebook needs work.",
    )


def _keys(book: Codebook) -> Iterator[Block]:
    keys, named = hotkeys.assign(book), titles(book)
    yield _heading(2, "Keys")
    lines = [
        ("Ctrl+Enter", "submit (Mac: Cmd+Enter)"),
        ("Ctrl+Space", "skip (Mac: Alt+Enter)"),
        ("Ctrl+Z", "undo (Mac: Cmd+Z)"),
        *((key, f"{label}, in the response") for label, key in hotkeys.RESPONSE.items()),
        *((key, f"{label}, in the reference") for label, key in hotkeys.REFERENCE.items()),
        ("Alt+.", "next marked span; Backspace removes it, U leaves it"),
        (hotkeys.CONFIDENCE, "one star more"),
        *((hotkeys.FLAGS[alias], f"flag: {title}") for alias, title in FLAGS.items()),
        ("Shift+Enter", "in the memo: keep it, and return to the keys"),
        (keys[NONE], "primary category: None"),
        (keys[GAP], "primary category: Codebook gap"),
        *((keys[code], f"primary category: {named[code]}") for code in named if code in keys),
    ]
    yield Block("keys", tuple(lines))


def _codes(book: Codebook) -> Iterator[Block]:
    keys, named = hotkeys.assign(book), titles(book)
    yield _heading(2, "Codes")
    for family in book.families:
        yield _heading(3, family.title)
        yield _paragraph("", family.definition)
        for code in book.codes:
            if code.family == family.id:
                yield from _code(code, named[code.code], keys.get(code.code, ""))


def _code(code: Code, title: str, key: str) -> Iterator[Block]:
    yield _heading(4, f"{title} ({code.code})" + (f", key {key}" if key else ""))
    yield _paragraph("", code.definition)
    for lead, texts in (
        ("Include", code.include),
        ("Exclude", code.exclude),
        ("Rules", code.rules),
    ):
        if texts:
            yield _paragraph(lead, "")
            yield Block("list", tuple(("", text) for text in texts))
    for example in code.examples:
        yield from _example(example)


def _example(example: Example) -> Iterator[Block]:
    near = f"Not this code, but {example.instead}" if example.instead else "Not this code"
    yield _paragraph("Example" if example.kind == "positive" else near, "")
    lines = [
        ("Question", example.question),
        ("Options", "; ".join(example.choices)),
        ("Gold answer", example.gold),
        ("Reference", example.text),
        ("Response", example.image or "(empty)"),
        ("Why", example.why),
    ]
    yield Block("list", tuple(line for line in lines if line[1]))


def _heading(level: int, text: str) -> Block:
    return Block("heading", (("", text),), level)


def _paragraph(lead: str, text: str) -> Block:
    return Block("paragraph", ((lead, text),))


def _line(text: str) -> str:
    return " ".join(text.split())


def _html_block(block: Block) -> str:
    parts = [_html_text(lead, text) for lead, text in block.texts]
    if block.kind in _LISTS:
        tag, style = _LISTS[block.kind]
        items = "".join(f'<li dir="auto">{part}</li>' for part in parts)
        return f"<{tag}{style}>{items}</{tag}>"
    tag = f"h{block.level}" if block.kind == "heading" else "p"
    return f'<{tag} dir="auto">{parts[0]}</{tag}>'


def _html_text(lead: str, text: str) -> str:
    bold = f"<b>{markup.escape(_line(lead))}:</b> " if lead else ""
    return (bold + markup.escape(_line(text))).strip()


def _markdown_block(block: Block) -> str:
    parts = [_markdown_text(lead, text) for lead, text in block.texts]
    if block.kind == "heading":
        return f"{'#' * block.level} {parts[0]}\n"
    if block.kind == "paragraph":
        return f"{parts[0]}\n"
    marks = (f"{number}." if block.kind == "numbered" else "-" for number in range(1, 1000))
    return "".join(f"{mark} {part}\n" for mark, part in zip(marks, parts, strict=False))


def _markdown_text(lead: str, text: str) -> str:
    plain = _MARKDOWN.sub(r"\\\1", _line(text))
    if lead:
        bold = _MARKDOWN.sub(r"\\\1", _line(lead))
        return f"**{bold}:** {plain}".strip()
    return _LIST_START.sub(_quoted, plain)


def _quoted(found: re.Match[str]) -> str:
    number, dot, mark = found.groups()
    return f"{number}\\{dot}" if number else f"\\{mark}"
