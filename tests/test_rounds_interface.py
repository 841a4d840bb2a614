"""The labelling form and the coders' instructions, generated from a codebook version."""

from __future__ import annotations

import html.parser
import re
from collections import Counter
from dataclasses import replace
from itertools import product
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from erranal import codebook
from erranal.codebook import Code, Codebook, Family, Step
from erranal.errors import StageError
from erranal.rounds import hotkeys, instructions, interface

BOOKS = [codebook.load(name) for name in codebook.names()]
BOOK = codebook.load("modality_gap")
FORMS = {
    f"{book.name}-{kind}-{'image' if image else 'plain'}": config
    for book, image in product(BOOKS, (True, False))
    for kind, config in (
        ("suggested", interface.build(book, image=image, suggestions=True)),
        ("blind", interface.build(book, image=image, suggestions=False)),
        ("adjudication", interface.build_adjudication(book, image=image, coders=3)),
    )
}
# Keys that Label Studio binds on the page of a task: leave a span, move an image.
TAKEN = {"u", "h", "v"}


def form(**options: bool) -> ET.Element:
    return ET.fromstring(interface.build(BOOK, **({"image": True, "suggestions": True} | options)))


def one(root: ET.Element, name: str) -> ET.Element:
    (found,) = (element for element in root.iter() if element.get("name") == name)
    return found


def fields(root: ET.Element) -> set[str]:
    values = (element.get("value", "") for element in root.iter())
    return {value[1:] for value in values if value.startswith("$")}


def made(texts: list[str], *, titles: list[str] | None = None) -> Codebook:
    """Return a small book in which every free text is one of the given ones."""
    pick = [texts[number % len(texts)] for number in range(12)]
    named = titles or pick[2:5]
    families = (Family("f", pick[0], pick[1]), Family("g", pick[5], pick[6]))
    codes = tuple(
        Code(code, code[0], None, title, pick[7], (pick[8],), (pick[9],), (pick[10],), ())
        for code, title in zip(("f.a", "f.b", "g.c"), named, strict=True)
    )
    steps = (Step(pick[11], tuple(code.code for code in codes)),)
    return replace(
        BOOK,
        title=pick[0],
        description=pick[1],
        families=families,
        codes=codes,
        decision=steps,
    )


def large(count: int) -> Codebook:
    codes = tuple(
        Code(f"f.c{number}", "f", None, f"Code {number}", "d", (), (), (), ())
        for number in range(count)
    )
    return replace(BOOK, families=(Family("f", "F", "d"),), codes=codes)


@pytest.mark.parametrize("name", FORMS)
def test_valid_for_label_studio(name):
    sdk = pytest.importorskip("label_studio_sdk.label_interface", reason="no Label Studio client")
    sdk.LabelInterface(FORMS[name]).validate()


def test_controls():
    """Names, kinds and targets are those that tasks are made with and annotations read by."""
    root = form()
    known = {
        "primary": ("Choices", "response"),
        "codes": ("Taxonomy", "response"),
        "ev_response": ("Labels", "response"),
        "ev_reference": ("Labels", "reference"),
        "confidence": ("Rating", "response"),
        "memo": ("TextArea", "response"),
        "flags": ("Choices", "response"),
    }
    found = {
        element.get("name"): (element.tag, element.get("toName"))
        for element in root.iter()
        if element.get("toName")
    }
    assert found == known
    assert one(root, "primary").get("choice") == "single-radio"
    assert one(root, "primary").get("required") == "true"
    assert one(root, "flags").get("choice") == "multiple"
    assert [flag.get("alias") for flag in one(root, "flags")] == ["GOLD", "AMB", "GAP"]
    for name in ("ev_response", "ev_reference"):
        assert [label.get("value") for label in one(root, name)] == ["Evidence", "Correct step"]


def test_every_code_is_offered_once():
    root = form()
    codes = [code.code for code in BOOK.codes]
    offered = [choice.get("alias") for choice in one(root, "primary").iter("Choice")]
    assert Counter(offered) == Counter([*codes, "none", "codebook gap"])
    paths = [
        [family.get("alias"), code.get("alias")] for family in one(root, "codes") for code in family
    ]
    assert Counter(map(tuple, paths)) == Counter((code.partition(".")[0], code) for code in codes)


def test_definitions_are_hints():
    root = form()
    for choice in one(root, "primary").iter("Choice"):
        if "." in choice.get("alias", ""):
            definition = " ".join(BOOK[choice.get("alias", "")].definition.split())
            assert choice.get("hint") == definition


def test_fields_follow_what_is_shown():
    """An absent image or note leaves no card behind, and no field that tasks would have to fill."""
    always = {
        "meta_line", "question", "choices_text", "gold", "answer_line",
        "response", "response_title", "reference", "reference_title",
    }  # fmt: skip
    assert fields(form()) == always | {"image", "judge_note"}
    assert fields(form(image=False)) == always | {"judge_note"}
    assert fields(form(suggestions=False)) == always | {"image"}
    for words in ("judge_note", "Note of the judge"):
        assert words in interface.build(BOOK, image=True, suggestions=True)
        assert words not in interface.build(BOOK, image=True, suggestions=False)
    decided = ET.fromstring(interface.build_adjudication(BOOK, image=False, coders=2))
    assert fields(decided) == always | {"coder_1", "coder_2"}


def test_adjudication_asks_for_a_reason():
    root = ET.fromstring(interface.build_adjudication(BOOK, image=True, coders=4))
    controls = {element.get("name") for element in root.iter() if element.get("toName")}
    assert controls == {"primary", "codes", "reason"}
    assert one(root, "reason").get("required") == "true"
    assert one(root, "primary").get("required") == "true"
    with pytest.raises(StageError, match="2 coders or more, not 1"):
        interface.build_adjudication(BOOK, image=True, coders=1)


@pytest.mark.parametrize("name", FORMS)
def test_no_two_controls_share_a_key(name):
    root = ET.fromstring(FORMS[name])
    keys = [element.get("hotkey") for element in root.iter() if element.get("hotkey")]
    assert max(Counter(keys).values()) == 1
    assert not TAKEN & set(keys)


def test_every_answer_has_a_key():
    """Label Studio gives free keys to whatever has none, so that nothing may be left without."""
    root = form()
    for control in ("primary", "flags", "ev_response", "ev_reference"):
        answers = [e for e in one(root, control).iter() if e.tag in ("Choice", "Label")]
        assert all(answer.get("hotkey") for answer in answers)
    assert one(root, "confidence").get("hotkey")


def test_keys_of_a_large_book():
    """Digits come first; beyond 48 codes there is no key, and the form is still drawn."""
    book = large(60)
    keys = hotkeys.assign(book)
    assert [keys[f"f.c{number}"] for number in range(9)] == list("123456789")
    assert len(keys) == 48 + 2
    assert len(set(keys.values())) == len(keys)
    root = ET.fromstring(interface.build(book, image=False, suggestions=False))
    assert len(list(one(root, "primary").iter("Choice"))) == 62


def test_deterministic():
    """The same version gives the same bytes; another version, or another form, another hash."""
    again = codebook.from_text(BOOK.source_text, "again")
    config = interface.build(again, image=True, suggestions=True)
    assert config == FORMS["modality_gap-suggested-image"]
    digests = {interface.digest(form) for form in FORMS.values()}
    assert len(digests) == len(FORMS)
    changed = replace(BOOK.codes[0], definition="Another definition.")
    other = replace(BOOK, codes=(changed, *BOOK.codes[1:]))
    assert interface.digest(config) != interface.digest(
        interface.build(other, image=True, suggestions=True)
    )


def test_digest_of_what_a_server_returns():
    """Indentation does not count; an answer, a hint or the style does."""
    config = FORMS["modality_gap-blind-plain"]
    assert interface.digest(re.sub(r">\s+<", "><", config)) == interface.digest(config)
    for old, new in (("none", "nune"), ("#1677ff", "#1677fe"), ('hotkey="1"', 'hotkey="y"')):
        assert interface.digest(config.replace(old, new, 1)) != interface.digest(config)
    broken = '<!DOCTYPE a [<!ENTITY b "c">]><View>&b;</View>', "<View>", "\udc00"
    assert len({interface.digest(text) for text in broken}) == 3


HOSTILE = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            '"/><Choice alias="x" value="x"/><View a="',
            "]]></Style><script>alert(1)</script>",
            "$response", "costs $5 or $image[0].url", "{{idx}}", "true", "false",
            "&amp; &lt; &#0; \x00\x0b\ud800\uffff", "None", "a\n\nb\t c", "\u202eabc", "",
        ]
    ),
)  # fmt: skip


@given(st.lists(HOSTILE, min_size=1, max_size=12))
@settings(max_examples=150, deadline=None)
def test_hostile_texts(texts):
    """No text of a codebook adds a tag, refers to a task's field or becomes a boolean."""
    book, plain = made(texts), made(["x"], titles=["p", "q", "r"])
    root = ET.fromstring(interface.build(book, image=True, suggestions=True))
    expected = ET.fromstring(interface.build(plain, image=True, suggestions=True))
    assert [e.tag for e in root.iter()] == [e.tag for e in expected.iter()]
    assert [e.get("alias") for e in root.iter()] == [e.get("alias") for e in expected.iter()]
    assert fields(root) == fields(expected)
    written = [
        value
        for element in root.iter("Choice")
        for name, value in element.attrib.items()
        if name in ("value", "hint")
    ]
    assert not any(re.search(r"\$[\w\[\].{}]", value) for value in written)
    assert not {"true", "false"} & set(written)


@given(
    st.lists(st.sampled_from(["Same", "same", "None", "Codebook gap", "B"]), min_size=3, max_size=3)
)
def test_titles_are_distinct(titles):
    """Label Studio drops the second of two siblings with one title."""
    root = ET.fromstring(
        interface.build(made(["x"], titles=titles), image=False, suggestions=False)
    )
    shown = [choice.get("value", "").casefold() for choice in one(root, "primary").iter("Choice")]
    assert len(set(shown)) == len(shown)


def test_nested_codes_keep_two_levels():
    """A code below a code is shown with its parent, and its path is still family and code."""
    first = BOOK["thinking.calculation"]
    below = replace(first, code="thinking.calculation.sign", parent=first.code, title="Sign")
    book = replace(BOOK, codes=(*BOOK.codes, below))
    root = ET.fromstring(interface.build(book, image=False, suggestions=False))
    (family,) = (e for e in one(root, "codes") if e.get("alias") == "thinking")
    assert {e.get("alias"): e.get("value") for e in family}[below.code] == "Calculation › Sign"
    assert all(len(code) == 0 for code in family)


@pytest.mark.parametrize("word", ["true", "false"])
def test_family_that_label_studio_cannot_show(word):
    book = replace(BOOK, families=(replace(BOOK.families[0], id=word), *BOOK.families[1:]))
    with pytest.raises(StageError, match=f"family called '{word}'"):
        interface.build(book, image=False, suggestions=False)


class Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.opened.append(tag)

    def handle_data(self, data):
        self.text += data


def read(text: str) -> Tags:
    parser = Tags()
    parser.feed(text)
    parser.close()
    return parser


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
def test_instructions_say_everything(book):
    """Every code with definition, scope, rules, examples and key; every step, in its order."""
    html = " ".join(read(instructions.html(book)).text.split())
    markdown = re.sub(r"\\([\W_])", r"\1", instructions.markdown(book))
    keys = hotkeys.assign(book)
    for text in (html, markdown):
        for code in book.codes:
            parts = [code.definition, *code.include, *code.exclude, *code.rules]
            parts += [p for e in code.examples for p in (e.question, e.why, *e.choices)]
            for part in parts:
                assert " ".join(part.split()) in text
            assert f"({code.code}), key {keys[code.code]}" in text
        asked = [text.index(" ".join(step.ask.split())) for step in book.decision]
        assert asked == sorted(asked)
        assert book.codebook_id in text
        for word in ("Codebook gap", "None", "Gold looks wrong", "Ambiguous item", "Code alone"):
            assert word in text
    assert "\n" not in instructions.html(book)


@given(st.lists(HOSTILE, min_size=1, max_size=12))
@settings(max_examples=100, deadline=None)
def test_hostile_texts_in_instructions(texts):
    book, plain = made(texts), made(["x"])
    assert read(instructions.html(book)).opened == read(instructions.html(plain)).opened


def test_markdown_is_escaped():
    text = "<b>*bold*</b> [link](x) `code` | # $x$ &lt;"
    book = made([text], titles=["1. one", "- two", "# three"])
    lines = instructions.markdown(book).splitlines()
    assert not any(re.search(r"(?<!\\)[<\[`|]", line) for line in lines)
    assert r"\<b\>\*bold\*\</b\> \[link\](x) \`code\` \| \# \$x\$ \&lt;" in "\n".join(lines)
