"""YAML text as a tree of plain texts that know their line.

Nothing is constructed: no tags, no types, no aliases. A version ``1.0`` stays the text ``1.0``,
and a hostile file costs no more than its size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MAX_BYTES = 500_000
MAX_DEPTH = 12
MAX_NODES = 20_000


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at a line (1-based)."""

    line: int
    message: str


class SourceError(Exception):
    """The text cannot be read as YAML of the kind allowed here."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(line, message)


@dataclass(slots=True)
class Node:
    """A text, a list of nodes, or a mapping from texts to nodes."""

    line: int
    value: str | list[Node] | dict[str, Node]
    pending: Node | None = field(default=None, repr=False)

    @property
    def kind(self) -> str:
        """``text``, ``list`` or ``mapping``."""
        return {str: "text", list: "list", dict: "mapping"}[type(self.value)]


def parse(text: str) -> tuple[Node, list[Problem]]:
    """Read one YAML document.

    Returns
    -------
    tuple
        The root node, and the problems that did not stop reading (keys given twice).

    Raises
    ------
    SourceError
        When it is no YAML, too deep, too large, or uses anchors, aliases or tags.
    """
    problems: list[Problem] = []
    roots: list[Node] = []
    stack: list[Node] = []
    for count, event in enumerate(_events(text)):
        if count > MAX_NODES:
            raise SourceError(_line(event), f"more than {MAX_NODES} entries")
        name = type(event).__name__
        _refuse(event, name, len(stack), documents=len(roots))
        if name.endswith(("SequenceEndEvent", "MappingEndEvent")):
            stack.pop()
            continue
        node = _node(event, name)
        if node is None:
            continue
        _place(node, stack, roots, problems)
        if node.kind != "text":
            stack.append(node)
    if not roots:
        raise SourceError(1, "the file is empty")
    return roots[0], problems


def _events(text: str) -> Iterator[Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SourceError(line, f"not YAML: {error.problem}") from error
    except YAMLError as error:
        raise SourceError(1, f"not YAML: {str(error).splitlines()[0]}") from error


def _refuse(event: Any, name: str, depth: int, *, documents: int) -> None:
    if name == "AliasEvent" or getattr(event, "anchor", None):
        raise SourceError(_line(event), "anchors and aliases are not allowed: write the text out")
    if getattr(event, "tag", None) is not None:
        raise SourceError(_line(event), f"tags are not allowed: {event.tag}")
    if depth > MAX_DEPTH:
        raise SourceError(_line(event), f"nested deeper than {MAX_DEPTH} levels")
    if name == "DocumentStartEvent" and documents:
        raise SourceError(_line(event), "more than one document: keep one codebook a file")


def _node(event: Any, name: str) -> Node | None:
    if name == "ScalarEvent":
        if any("\ud800" <= letter <= "\udfff" for letter in event.value):
            raise SourceError(_line(event), "half of a character: an escape such as \\ud83d alone")
        return Node(_line(event), str(event.value))
    if name == "SequenceStartEvent":
        return Node(_line(event), [])
    if name == "MappingStartEvent":
        return Node(_line(event), {})
    return None


def _place(node: Node, stack: list[Node], roots: list[Node], problems: list[Problem]) -> None:
    if not stack:
        roots.append(node)
        return
    parent = stack[-1]
    if isinstance(parent.value, list):
        parent.value.append(node)
    elif isinstance(parent.value, dict):
        if parent.pending is None:
            parent.pending = _key(node)
            return
        key, parent.pending = parent.pending, None
        if str(key.value) in parent.value:
            problems.append(Problem(key.line, f"{key.value!r} is given twice"))
        parent.value[str(key.value)] = node


def _key(node: Node) -> Node:
    if node.kind != "text":
        raise SourceError(node.line, "a key must be a plain word")
    return node


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
