"""The labelling form of a round: Label Studio's XML, generated from one codebook version.

The form is frozen for the life of a round, so that it is deterministic: the same codebook gives
the same bytes. Every text of the codebook is data here. It cannot add a tag, refer to a field of
the task, or change the type of an attribute.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from importlib import resources
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from erranal.errors import StageError
from erranal.rounds import elements, hotkeys
from erranal.rounds.form import GAP, NONE

if TYPE_CHECKING:
    from erranal.codebook import Code, Codebook, Family

__all__ = ["FLAGS", "build", "build_adjudication", "digest", "titles"]

FLAGS = {"GOLD": "Gold looks wrong", "AMB": "Ambiguous item", "GAP": "Codebook gap"}

_COLOURS = {"Evidence": "#d4380d", "Correct step": "#389e0d"}
_ANSWERS = {
    NONE: (
        "None",
        "No error that a code describes: the response is right, or nothing in it is wrong.",
    ),
    GAP: (
        "Codebook gap",
        "There is an error, and no code describes it. Say in the memo what it is.",
    ),
}
_KEYS = "Ctrl+Enter submit · Ctrl+Space skip · Ctrl+Z undo"
_SPAN_KEYS = "Alt+. next marked span · Backspace remove it · U leave it"
_MAC = "(Mac: Cmd+Enter, Alt+Enter, Cmd+Z)"


def build(book: Codebook, *, image: bool, suggestions: bool) -> str:
    """Return the labelling form for coders.

    Parameters
    ----------
    book
        The codebook version that the round is coded with.
    image
        Whether the units have an image to show (``$image``).
    suggestions
        Whether the judge's note is shown (``$judge_note``).
    """
    root, content, side = _frame(book)
    _item(content, image=image)
    runs = elements.view(content, "er-runs")
    _run(runs, "response", "er-coded", "Code this response", hotkeys.RESPONSE)
    _run(runs, "reference", "er-reference", "Reference, for comparison", hotkeys.REFERENCE)
    if suggestions:
        elements.shown(elements.card(content, "Note of the judge"), "judge_note")
    elements.header(
        elements.view(content, "er-keys"),
        f"{_KEYS} {_MAC} · {_SPAN_KEYS} · Shift+Enter keep the memo",
    )
    _primary(side, book)
    _codes(side, book)
    _confidence_and_flags(side)
    _text_area(
        elements.part(side, "Memo: why, and what is in doubt"), "memo", "Why this code, what is odd"
    )
    return _text(root)


def build_adjudication(book: Codebook, *, image: bool, coders: int) -> str:
    """Return the form for adjudication: the coders' answers as text, and one decision.

    Parameters
    ----------
    book
        The codebook version that the round is coded with.
    image
        Whether the units have an image to show (``$image``).
    coders
        How many answers a task shows, as ``$coder_1``, ``$coder_2`` and so on.

    Raises
    ------
    StageError
        When there are fewer than two coders: there is nothing to decide between.
    """
    if coders < 2:
        raise StageError(f"adjudication needs the answers of 2 coders or more, not {coders}")
    root, content, side = _frame(book)
    answers = elements.view(content, "er-coders")
    for number in range(1, coders + 1):
        elements.shown(elements.card(answers, f"Coder {number}"), f"coder_{number}")
    _item(content, image=image)
    runs = elements.view(content, "er-runs")
    _run(runs, "response", "er-coded", "Decide on this response", {})
    _run(runs, "reference", "er-reference", "Reference, for comparison", {})
    elements.header(
        elements.view(content, "er-keys"), f"{_KEYS} {_MAC} · Shift+Enter keep the reason"
    )
    _primary(side, book)
    _codes(side, book)
    area = _text_area(elements.part(side, "Reason (required)"), "reason", "What decided it")
    area.attrib |= {"required": "true", "requiredMessage": "Say what decided it"}
    return _text(root)


def digest(config: str) -> str:
    """Return the SHA-256 of a form, in hex: what a label's ``config_hash`` is.

    Indentation and the order of attributes do not count, because a server may change them; what
    is no XML is hashed as it is, and so equals no form.
    """
    try:
        # A document type could define entities that grow without bound; no form has one.
        plain = config if "<!" in config else ET.canonicalize(config, strip_text=True)
    except (ET.ParseError, ValueError):
        plain = config
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def titles(book: Codebook) -> dict[str, str]:
    """Return what the form calls each code: its title, with the code where titles repeat."""
    named = {code.code: elements.plain(_long_title(book, code)) for code in book.codes}
    taken = Counter(title.casefold() for title in named.values())
    taken.update(title.casefold() for title, _ in _ANSWERS.values())
    return {
        code: title if taken[title.casefold()] == 1 else f"{title} ({code})"
        for code, title in named.items()
    }


def _long_title(book: Codebook, code: Code) -> str:
    if code.parent is None:
        return code.title
    return f"{_long_title(book, book[code.parent])} › {code.title}"


def _frame(book: Codebook) -> tuple[ET.Element, ET.Element, ET.Element]:
    """Return the form, the place of what is read, and the place of what is answered."""
    _check_families(book)
    root = ET.Element("View", className="er")
    css = resources.files("erranal.rounds").joinpath("form.css").read_text("utf-8")
    ET.SubElement(root, "Style").text = css
    content = elements.view(root, "er-content")
    elements.header(elements.view(content, "er-meta"), "$meta_line")
    return root, content, elements.view(root, "er-side er-card")


def _check_families(book: Codebook) -> None:
    # Label Studio reads these two words in an attribute as booleans and fails to draw the form.
    for family in book.families:
        if family.id in {"true", "false"}:
            raise StageError(
                f"Label Studio cannot show a family called {family.id!r}: rename it in the codebook"
            )


def _item(parent: ET.Element, *, image: bool) -> None:
    facts = elements.view(parent, "er-facts")
    for field, title in (("gold", "Gold answer"), ("answer_line", "Scorer")):
        fact = elements.view(facts, f"er-fact er-{field.partition('_')[0]}")
        elements.title(fact, title)
        elements.shown(fact, field)
    row = elements.view(parent, "er-item")
    question = elements.card(row, "Question, as text", "er-question")
    elements.shown(question, "question")
    if image:
        elements.shown(question, "choices_text")
        _picture(elements.card(row, "Question, the image the model saw", "er-image"))
    else:
        elements.shown(elements.card(row, "Options", "er-question"), "choices_text")


def _picture(parent: ET.Element) -> None:
    ET.SubElement(
        parent,
        "Image",
        name="item_image",
        value="$image",
        zoom="true",
        zoomControl="true",
        rotateControl="false",
        defaultZoom="fit",
        maxWidth="100%",
    )


def _run(parent: ET.Element, name: str, style: str, badge: str, keys: dict[str, str]) -> None:
    card = elements.view(parent, f"er-card {style}")
    head = elements.view(card, "er-head")
    elements.header(elements.view(head, "er-badge"), badge)
    elements.header(elements.view(head, "er-title"), f"${name}_title")
    if keys:
        labels = ET.SubElement(
            card, "Labels", name=f"ev_{name}", toName=name, choice="single", showInline="true"
        )
        for value, key in keys.items():
            ET.SubElement(labels, "Label", value=value, background=_COLOURS[value], hotkey=key)
    text = elements.view(card, "er-text")
    attributes = {} if keys else {"selectionEnabled": "false"}
    ET.SubElement(text, "Text", attributes, name=name, value=f"${name}", granularity="symbol")


def _primary(parent: ET.Element, book: Codebook) -> None:
    part = elements.part(parent, "Primary category: the root cause", "er-primary")
    choices = ET.SubElement(
        part,
        "Choices",
        name="primary",
        toName="response",
        choice="single-radio",
        layout="vertical",
        required="true",
        requiredMessage="Choose the primary category: a code, none, or codebook gap",
    )
    keys, named = hotkeys.assign(book), titles(book)
    for family in book.families:
        column = elements.view(choices, "er-family")
        elements.title(column, family.title)
        for code in _of(book, family):
            elements.choice(
                column, code.code, named[code.code], code.definition, keys.get(code.code)
            )
    special = elements.view(choices, "er-family er-special")
    elements.title(special, "No code")
    for alias, (title, hint) in _ANSWERS.items():
        elements.choice(special, alias, title, hint, keys[alias])


def _of(book: Codebook, family: Family) -> list[Code]:
    return [code for code in book.codes if code.family == family.id]


def _codes(parent: ET.Element, book: Codebook) -> None:
    part = elements.part(parent, "Codes: all that apply; empty, the primary alone")
    taxonomy = ET.SubElement(
        part,
        "Taxonomy",
        name="codes",
        toName="response",
        leafsOnly="true",
        showFullPath="true",
        pathSeparator=" › ",
        placeholder="Where several apply: all, the primary too",
        minWidth="100%",
    )
    named = titles(book)
    for family in book.families:
        branch = elements.choice(taxonomy, family.id, family.title, family.definition)
        for code in _of(book, family):
            elements.choice(branch, code.code, named[code.code], code.definition)


def _confidence_and_flags(parent: ET.Element) -> None:
    pair = elements.view(parent, "er-pair er-part")
    left = elements.view(pair, "er-half")
    elements.title(left, f"Confidence [{hotkeys.CONFIDENCE}]")
    ET.SubElement(
        left,
        "Rating",
        name="confidence",
        toName="response",
        maxRating="5",
        size="small",
        hotkey=hotkeys.CONFIDENCE,
    )
    elements.header(elements.view(left, "er-note"), "1 a guess, 5 certain; each press adds a star")
    right = elements.view(pair, "er-half")
    elements.title(right, "Flags")
    flags = ET.SubElement(
        right, "Choices", name="flags", toName="response", choice="multiple", layout="vertical"
    )
    for alias, title in FLAGS.items():
        elements.choice(flags, alias, title, key=hotkeys.FLAGS[alias])


def _text_area(parent: ET.Element, name: str, placeholder: str) -> ET.Element:
    return ET.SubElement(
        parent,
        "TextArea",
        name=name,
        toName="response",
        rows="3",
        editable="true",
        maxSubmissions="1",
        showSubmitButton="false",
        placeholder=placeholder,
    )


def _text(root: ET.Element) -> str:
    ET.indent(root)
    return ET.tostring(root, encoding="unicode")
