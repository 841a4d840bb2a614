"""A codebook in words, as a judge reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from erranal.judge.prompt.data import show
from erranal.judge.prompt.instructions import EXAMPLES
from erranal.judge.prompt.style import Style, asked

if TYPE_CHECKING:
    from erranal.codebook import Code, Codebook, Example

_LISTS = (("Include", "include"), ("Exclude", "exclude"), ("Rules", "rules"))
_COMMON = ("question", "choices", "gold", "text")


def codebook_text(book: Codebook, style: Style) -> str:
    """Return the families and codes that are asked about, each whole; the others by name."""
    wanted = frozenset(asked(book, style))
    parts = [f"# Codebook: {book.title} (version {book.version})", book.description]
    parts += [EXAMPLES] if style.examples else []
    for family in book.families:
        members = [code for code in book.codes if code.family == family.id and code.code in wanted]
        if members:
            parts.append(f"## {family.title}\n{family.definition}")
            parts += ["\n".join(_code(code, style)) for code in members]
    parts += _not_asked(book, wanted)
    return show("\n\n".join(part.strip() for part in parts)).text


def decision_text(book: Codebook, style: Style) -> str:
    """Return the decision order, with the codes that are asked about."""
    wanted = frozenset(asked(book, style))
    lines = [
        f"{number}. {step.ask}\n   {' > '.join(code for code in step.codes if code in wanted)}"
        for number, step in enumerate(book.decision, start=1)
        if wanted.intersection(step.codes)
    ]
    return show("\n".join(lines)).text


def _code(code: Code, style: Style) -> Iterator[str]:
    yield f"### {code.code} ({code.title})"
    yield f"Definition: {code.definition}"
    for title, name in _LISTS:
        entries = getattr(code, name)
        if entries:
            yield f"{title}:"
            yield from (f"- {entry}" for entry in entries)
    if style.examples:
        yield from _examples(code)


def _examples(code: Code) -> Iterator[str]:
    before: Example | None = None
    for example in code.examples:
        applies = example.kind == "positive"
        instead = f"; here it is {example.instead}" if example.instead else ""
        yield "Example, applies:" if applies else f"Example, does not apply{instead}:"
        if before and all(getattr(before, name) == getattr(example, name) for name in _COMMON):
            yield "- the same item and text response"
        else:
            yield from _item(example)
        yield f"- image response (coded, {_told(example)}): {_indented(example.image)}"
        yield f"- why: {_indented(example.why)}"
        before = example


def _item(example: Example) -> Iterator[str]:
    choices = "".join(f" {chr(65 + n)}. {text}" for n, text in enumerate(example.choices))
    yield f"- item: {_indented(example.question)}{choices} (gold: {example.gold})"
    yield f"- text response: {_indented(example.text)}"


def _told(example: Example) -> str:
    said = example.outcome
    if example.status != "ok":
        said += f", status {example.status}"
    if example.imported:
        said += f", second scorer {example.imported}"
    return said


def _not_asked(book: Codebook, wanted: frozenset[str]) -> Iterator[str]:
    others = [f"- {code.code} ({code.title})" for code in book.codes if code.code not in wanted]
    if others:
        head = "## Codes of this book that are not asked about\nAnswer as if they were not there."
        yield "\n".join([head, *others])


def _indented(text: str) -> str:
    return text.strip().replace("\n", "\n  ") or "(empty)"
