"""Reading typed fields out of nodes, and keeping what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Collection

from erranal.codebook.source import Node, Problem


class Checker:
    """Reads fields out of nodes and keeps what is wrong with them."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems

    def say(self, node: Node, message: str) -> None:
        """Note a problem at a node's line."""
        self.problems.append(Problem(node.line, message))

    def fields(
        self, node: Node, what: str, must: Collection[str], may: Collection[str] = ()
    ) -> dict[str, Node]:
        """Return a mapping's fields; missing and unknown ones are problems."""
        if not isinstance(node.value, dict):
            self.say(node, f"{what} must be a mapping, not a {node.kind}")
            return {}
        for name in must:
            if name not in node.value:
                self.say(node, f"{what} lacks {name!r}")
        for name, value in node.value.items():
            if name not in must and name not in may:
                known = ", ".join([*must, *may])
                self.say(value, f"{what} has an unknown field {name!r} (known: {known})")
        return node.value

    def text(self, fields: dict[str, Node], name: str, *, empty: bool = False) -> str:
        """Return a text field, or an empty text when it is missing or wrong."""
        node = fields.get(name)
        if node is None:
            return ""
        if not isinstance(node.value, str):
            self.say(node, f"{name!r} must be a text, not a {node.kind}")
            return ""
        if not empty and not node.value.strip():
            self.say(node, f"{name!r} is empty")
        return node.value.strip()

    def items(self, fields: dict[str, Node], name: str, *, least: int = 1) -> list[Node]:
        """Return the entries of a list field."""
        node = fields.get(name)
        if node is None:
            return []
        if not isinstance(node.value, list):
            self.say(node, f"{name!r} must be a list, not a {node.kind}")
            return []
        if len(node.value) < least:
            self.say(node, f"{name!r} needs at least {least} entry")
        return node.value

    def texts(self, fields: dict[str, Node], name: str, *, least: int = 1) -> tuple[str, ...]:
        """Return a list of texts."""
        entries = self.items(fields, name, least=least)
        return tuple(self.text({name: entry}, name) for entry in entries)

    def matches(self, fields: dict[str, Node], name: str, pattern: re.Pattern[str]) -> str:
        """Return a text field that has a given form."""
        value = self.text(fields, name)
        if value and not pattern.fullmatch(value):
            self.say(fields[name], f"{name} {value!r} must look like {pattern.pattern}")
        return value

    def one_of(self, fields: dict[str, Node], name: str, known: Collection[str]) -> str | None:
        """Return a text field that must be one of the known words, or None when it is missing."""
        if name not in fields:
            return None
        value = self.text(fields, name)
        if value and value not in known:
            self.say(fields[name], f"{name} {value!r} is not one of {', '.join(sorted(known))}")
        return value
