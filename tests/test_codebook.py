"""Codebooks load whole or not at all, and every problem comes with its line."""

from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from erranal import codebook
from erranal.codebook import source
from erranal.errors import CodebookError

CODES = {
    "reading": "value_misread content_missed layout_confusion hallucinated_content not_seen",
    "thinking": "calculation reasoning knowledge interpretation",
    "collapse": "no_steps shortened_steps repetition",
    "output": "no_answer format truncated refusal",
    "measurement": "wrong_gold ambiguous_item scorer_error illegible_render infrastructure",
}
SMALL = """\
name: small
version: 1.0
title: A small book
description: For the tests.
families:
  - id: one
    title: One
    definition: The only family.
codes:
  - id: one.thing
    title: Thing
    definition: What it is.
    include: [this]
    exclude: [that]
    rules: [it wins]
    examples:
      positive: {question: q, gold: g, text: t, image: i, why: w}
      near_miss: {question: q, gold: g, text: t, image: i, why: w}
decision:
  - ask: Is it a thing?
    codes: [one.thing]
history:
  - version: 1.0
    note: First.
"""


def load(tmp_path, text: str | bytes):
    path = tmp_path / "book.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return codebook.load(path)


def problems(tmp_path, text: str | bytes) -> list[str]:
    """Return the lines of the message, without the folder."""
    with pytest.raises(CodebookError) as caught:
        load(tmp_path, text)
    return [line.removeprefix(str(tmp_path) + "/") for line in str(caught.value).splitlines()]


def test_the_default_book_has_exactly_its_codes():
    book = codebook.load("modality_gap")
    assert [code.code for code in book.codes] == [
        f"{family}.{code}" for family, codes in CODES.items() for code in codes.split()
    ]
    assert [family.id for family in book.families] == list(CODES)


@pytest.mark.parametrize("name", codebook.names())
def test_every_book_of_the_package_is_whole(name):
    book = codebook.load(name)
    assert book.name == name
    assert sorted(book.order) == sorted(code.code for code in book.codes)
    assert book.codebook_id == f"{name}@{book.version}#{book.hash[:8]}"
    for code in book.codes:
        assert [example.kind for example in code.examples] == ["positive", "near_miss"]
        assert code.include
        assert code.exclude
        assert code.rules


def test_the_published_book_names_its_source_and_its_seven_categories():
    book = codebook.load("reading_not_thinking")
    assert "2603.09095" in book.citation
    assert len(book.codes) == 7 + 1
    assert book.order[0] == "absent.incomplete"  # nothing to parse is decided first
    assert book.order.index("wrong.calculation") < book.order.index("wrong.reasoning")


def test_primary_code_follows_the_decision_order():
    book = codebook.load("modality_gap")
    assert (
        book.primary(["thinking.calculation", "reading.value_misread"]) == "reading.value_misread"
    )
    assert book.primary(["output.truncated", "collapse.repetition"]) == "collapse.repetition"
    assert (
        book.primary(["collapse.shortened_steps", "thinking.calculation"]) == "thinking.calculation"
    )
    assert book.primary(["output.refusal", "measurement.infrastructure"]).startswith("measurement")
    assert book.primary([]) is None
    assert book["thinking.calculation"].title == "Calculation"


def test_what_is_read_is_text_as_written(tmp_path):
    book = load(tmp_path, SMALL.replace("version: 1.0", "version: 1.10"))
    assert book.version == "1.10"  # and not the number 1.1
    assert book.source_text.startswith("name: small")
    deeper = SMALL.replace("one.thing", "one.group") + ""
    assert load(tmp_path, deeper).codes[0].parent is None


@pytest.mark.parametrize(
    "change",
    [
        ("name: small", "# a comment\nname:   'small'"),
        ("definition: What it is.", "definition: >-\n      What\n      it is."),
        ("note: First.", "note: Told otherwise."),
        ("[this]", "\n      - this"),
    ],
)
def test_the_hash_ignores_how_it_is_written(tmp_path, change):
    assert load(tmp_path, SMALL.replace(*change)).hash == load(tmp_path, SMALL).hash


@pytest.mark.parametrize(
    "change",
    [
        ("What it is.", "What it was."),
        ("[this]", "[this, these]"),
        ("why: w}\ndec", "why: v}\ndec"),
    ],
)
def test_the_hash_tells_changed_content(tmp_path, change):
    assert change[0] in SMALL
    assert load(tmp_path, SMALL.replace(*change)).hash != load(tmp_path, SMALL).hash


def test_all_problems_are_reported_at_once_with_their_lines(tmp_path):
    broken = (
        SMALL.replace("version: 1.0\ntitle: A small book", "version: 1.0\ntitel: A small book")
        .replace("  - id: one\n", "  - id: One!\n")
        .replace("    include: [this]\n", "    include: this\n")
        .replace("    rules: [it wins]\n", "")
        .replace("why: w}\ndecision", "why: w, outcome: meh, instead: one.none}\ndecision")
        .replace("codes: [one.thing]", "codes: [one.thing, one.thong]")
    )
    found = problems(tmp_path, broken)
    expected = [
        (1, "the codebook lacks 'title'"),
        (3, "unknown field 'titel'"),
        (6, "'One!' must look like"),
        (6, "family 'One!' has no code"),
        (10, "a code lacks 'rules'"),
        (10, "belongs to no family"),
        (10, "names 'one.none': no such code"),
        (13, "'include' must be a list, not a text"),
        (17, "outcome 'meh' is not one of"),
        (20, "names 'one.thong', which is no code"),
    ]
    for (number, part), line in zip(expected, found, strict=True):
        assert line.startswith(f"book.yaml:{number}: ")
        assert part in line


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (("codes: [one.thing]", "codes: []"), 20, "the decision never reaches one.thing"),
        (("[one.thing]", "[one.thing, one.thing]"), 21, "reaches 'one.thing' twice"),
        (("id: one.thing", "id: one.a.thing"), 10, "lies under 'one.a', which is no code"),
        (("title: Thing", "title: Thing\n    title: Again"), 12, "'title' is given twice"),
        (("version: 1.0\n    note", "version: 0.9\n    note"), 23, "must be version '1.0'"),
        (("[this]", "[' ']"), 13, "'include' is empty"),
        (("name: small", "name: &n small"), 1, "anchors and aliases are not allowed"),
        (("[this]", "[*n]"), 13, "anchors and aliases are not allowed"),
        (("[this]", "[!!python/name:os.system x]"), 13, "tags are not allowed"),
        (("[this]", "[this"), 14, "not YAML"),
        (("title: Thing", "? [a, b]\n    : c"), 11, "a key must be a plain word"),
        (("history:", "---\nhistory:"), 22, "more than one document"),
    ],
)
def test_a_break_is_reported_at_its_line(tmp_path, change, line, message):
    assert change[0] in SMALL
    found = "\n".join(problems(tmp_path, SMALL.replace(change[0], change[1], 1)))
    assert re.search(rf"book\.yaml:{line}: .*{message}", found), found


def test_files_that_are_no_codebook(tmp_path):
    assert problems(tmp_path, "") == ["book.yaml:1: the file is empty"]
    assert problems(tmp_path, "- a\n- b") == [
        "book.yaml:1: the codebook must be a mapping, not a list"
    ]
    assert problems(tmp_path, b"a: 1\nb: \xff\n") == [
        "book.yaml:2: not UTF-8: save the file as UTF-8"
    ]
    assert "larger than 500 kB" in problems(tmp_path, "a: " + "x" * 600_000)[0]
    assert "nested deeper than" in problems(tmp_path, "[" * 200_000)[0]
    assert "more than 20000 entries" in problems(tmp_path, "a: [" + "1," * 30_000 + "]")[0]


def test_a_bomb_costs_nothing(tmp_path):
    rows = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    rows += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    before = time.process_time()
    assert "anchors and aliases" in problems(tmp_path, "\n".join(rows))[0]
    assert time.process_time() - before < 1


def test_an_unknown_book_is_named_with_those_there_are(tmp_path):
    with pytest.raises(CodebookError, match=r"no codebook 'nope'.*modality_gap, reading_not_think"):
        codebook.load("nope")


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_a_damaged_book_loads_or_is_a_codebook_error(tmp_path, data):
    start = data.draw(st.integers(0, len(SMALL)))
    length = data.draw(st.integers(0, 40))
    inserted = data.draw(st.text(alphabet="ab1 :-[]{}&*!|>'\"#\n\t%@`,?\x00é😀", max_size=6))
    damaged = SMALL[:start] + inserted + SMALL[start + length :]
    complaint = ""
    try:
        load(tmp_path, damaged)
    except CodebookError as error:
        complaint = str(error)
    assert all(line.startswith(str(tmp_path)) for line in complaint.splitlines())


@given(
    st.recursive(
        st.text(st.characters(exclude_categories=["C"]), max_size=5),
        lambda s: (
            st.lists(s, max_size=4)
            | st.dictionaries(
                st.text(st.characters(categories=["L"]), min_size=1, max_size=5), s, max_size=4
            )
        ),
        max_leaves=20,
    )
)
@settings(max_examples=100, deadline=None)
def test_the_tree_is_what_json_says(tree):
    """JSON is YAML: what json writes, the reader reads back."""
    node, found = source.parse(json.dumps(tree, ensure_ascii=False))
    assert not found

    def plain(node):
        if node.kind == "list":
            return [plain(item) for item in node.value]
        if node.kind == "mapping":
            return {key: plain(item) for key, item in node.value.items()}
        return node.value

    assert plain(node) == tree
