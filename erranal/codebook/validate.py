"""The rules a codebook must keep; every break is reported, with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from erranal.codebook import source
from erranal.codebook.book import Code, Codebook, Example, Family, Revision, Step
from erranal.codebook.fields import Checker
from erranal.codebook.source import Node, Problem

NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
CODE = re.compile(r"[a-z][a-z0-9_]{0,59}(?:\.[a-z][a-z0-9_]{0,59}){1,4}")
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.\-]{0,29}")

BOOK = ("name", "version", "title", "description", "families", "codes", "decision", "history")
CODE_FIELDS = ("id", "title", "definition", "include", "exclude", "rules", "examples")
EXAMPLE = ("question", "gold", "text", "image", "why")
EXAMPLE_MAY = ("choices", "outcome", "status", "imported", "instead")
OUTCOMES = {"correct", "incorrect", "no_answer", "refused", "failed"}
STATUSES = {"ok", "empty", "truncated", "refusal", "filtered", "api_error"}


def book(text: str) -> tuple[Codebook | None, list[Problem]]:
    """Read and check a codebook's text; the book is None when it is no mapping at all.

    Raises
    ------
    source.SourceError
        When the text cannot be read as YAML.
    """
    root, problems = source.parse(text)
    check = Checker(problems)
    fields = check.fields(root, "the codebook", BOOK, ["citation"])
    if not fields:
        return None, problems
    families = _distinct(check, fields, "families", _family, key="id")
    codes = _distinct(check, fields, "codes", _code, key="id")
    made = Codebook(
        name=check.matches(fields, "name", NAME),
        version=check.matches(fields, "version", VERSION),
        title=check.text(fields, "title"),
        description=check.text(fields, "description"),
        citation=check.text(fields, "citation") or None,
        families=tuple(families),
        codes=tuple(codes),
        decision=tuple(_step(check, node) for node in check.items(fields, "decision")),
        history=tuple(_revision(check, node) for node in check.items(fields, "history")),
        source_text=text,
    )
    _cross_check(check, fields, made)
    return made, problems


def _distinct(
    check: Checker, fields: dict[str, Node], name: str, read: Callable[..., Any], *, key: str
) -> list[Any]:
    made: list[Any] = []
    seen: dict[str, int] = {}
    for node in check.items(fields, name):
        entry = read(check, node)
        ident = node.value.get(key) if isinstance(node.value, dict) else None
        if ident is not None and isinstance(ident.value, str):
            if ident.value in seen:
                check.say(
                    ident, f"{ident.value!r} is defined twice, first on line {seen[ident.value]}"
                )
            seen.setdefault(ident.value, ident.line)
        made.append(entry)
    return made


def _family(check: Checker, node: Node) -> Family:
    fields = check.fields(node, "a family", ["id", "title", "definition"])
    return Family(
        check.matches(fields, "id", NAME),
        check.text(fields, "title"),
        check.text(fields, "definition"),
    )


def _code(check: Checker, node: Node) -> Code:
    fields = check.fields(node, "a code", CODE_FIELDS)
    path = check.matches(fields, "id", CODE)
    above = path.rpartition(".")[0]
    return Code(
        code=path,
        family=path.partition(".")[0],
        parent=above if "." in above else None,
        title=check.text(fields, "title"),
        definition=check.text(fields, "definition"),
        include=check.texts(fields, "include"),
        exclude=check.texts(fields, "exclude"),
        rules=check.texts(fields, "rules"),
        examples=_examples(check, fields.get("examples")),
    )


def _examples(check: Checker, node: Node | None) -> tuple[Example, ...]:
    if node is None:
        return ()
    fields = check.fields(node, "examples", ["positive", "near_miss"])
    return tuple(
        _example(check, kind, fields[kind]) for kind in ("positive", "near_miss") if kind in fields
    )


def _example(check: Checker, kind: str, node: Node) -> Example:
    fields = check.fields(node, f"the {kind} example", EXAMPLE, EXAMPLE_MAY)
    return Example(
        kind=kind,
        question=check.text(fields, "question"),
        gold=check.text(fields, "gold"),
        text=check.text(fields, "text", empty=True),
        image=check.text(fields, "image", empty=True),
        why=check.text(fields, "why"),
        choices=check.texts(fields, "choices"),
        outcome=check.one_of(fields, "outcome", OUTCOMES) or "incorrect",
        status=check.one_of(fields, "status", STATUSES) or "ok",
        imported=check.one_of(fields, "imported", OUTCOMES),
        instead=check.text(fields, "instead") or None,
    )


def _step(check: Checker, node: Node) -> Step:
    fields = check.fields(node, "a decision step", ["ask", "codes"])
    return Step(check.text(fields, "ask"), check.texts(fields, "codes"))


def _revision(check: Checker, node: Node) -> Revision:
    fields = check.fields(node, "a history entry", ["version", "note"])
    return Revision(check.matches(fields, "version", VERSION), check.text(fields, "note"))


def _cross_check(check: Checker, fields: dict[str, Node], made: Codebook) -> None:
    known = {code.code for code in made.codes}
    _check_codes(check, fields, made, known)
    _check_decision(check, fields, known)
    used = {code.family for code in made.codes}
    for node, family in zip(check.items(fields, "families"), made.families, strict=True):
        if family.id and family.id not in used:
            check.say(node, f"family {family.id!r} has no code")
    versions = [revision.version for revision in made.history]
    if "history" in fields and made.version and (not versions or versions[-1] != made.version):
        check.say(fields["history"], f"the last history entry must be version {made.version!r}")


def _check_codes(
    check: Checker, fields: dict[str, Node], made: Codebook, known: Collection[str]
) -> None:
    families = {family.id for family in made.families}
    for node, code in zip(check.items(fields, "codes"), made.codes, strict=True):
        if code.code and code.family not in families:
            check.say(node, f"code {code.code!r} belongs to no family of this book")
        if code.parent and code.parent not in known:
            check.say(node, f"code {code.code!r} lies under {code.parent!r}, which is no code")
        for example in code.examples:
            if example.instead and example.instead not in known:
                check.say(node, f"example of {code.code!r} names {example.instead!r}: no such code")
            if example.instead == code.code and code.code:
                check.say(node, f"the near miss of {code.code!r} names the code itself")


def _check_decision(check: Checker, fields: dict[str, Node], known: Collection[str]) -> None:
    reached: set[str] = set()
    for step in check.items(fields, "decision"):
        entries = step.value.get("codes") if isinstance(step.value, dict) else None
        for node in entries.value if entries and isinstance(entries.value, list) else []:
            code = str(node.value)
            if code not in known:
                check.say(node, f"the decision names {code!r}, which is no code of this book")
            if code in reached:
                check.say(node, f"the decision reaches {code!r} twice")
            reached.add(code)
    if "decision" in fields and (left := sorted(set(known) - reached - {""})):
        check.say(fields["decision"], f"the decision never reaches {', '.join(left)}")
