"""What a labelling form can say: its controls, their answers and the texts they point at.

Tasks are checked against it before they are sent, annotations when they come back. It is read from
the frozen XML of the round, so that neither depends on what the server makes of the form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from erranal.errors import StageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

TAGS = {
    "Choices": "choices",
    "Taxonomy": "taxonomy",
    "Labels": "labels",
    "Rating": "rating",
    "TextArea": "textarea",
}
NONE, GAP = "none", "codebook gap"
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Control:
    """One thing a coder answers.

    Attributes
    ----------
    kind
        As in the JSON of a result: ``choices``, ``taxonomy``, ``labels``, ``rating``, ``textarea``.
    to_name
        The object it belongs to.
    answers
        Names that may be chosen; for a taxonomy the last names of its paths.
    paths
        Paths of a taxonomy by their last name, family first.
    single
        Whether one choice excludes the others.
    most
        Largest rating.
    """

    name: str
    kind: str
    to_name: str
    answers: frozenset[str] = frozenset()
    paths: tuple[Path, ...] = ()
    single: bool = False
    most: int = 0


@dataclass(frozen=True, slots=True)
class Form:
    """The controls of a form by name, its texts (object to data field) and all fields it shows."""

    controls: dict[str, Control]
    texts: dict[str, str]
    fields: frozenset[str]

    @property
    def paths(self) -> dict[str, Path]:
        """The taxonomy path of every code."""
        control = self.controls.get("codes")
        return {path[-1]: path for path in control.paths} if control else {}


def parse(config: str) -> Form:
    """Read a labelling form.

    Raises
    ------
    StageError
        When it is no XML.
    """
    root = _root(config)
    controls = [_control(element) for element in root.iter() if element.tag in TAGS]
    texts = {
        element.get("name", ""): element.get("value", "")[1:]
        for element in root.iter("Text")
        if element.get("value", "").startswith("$")
    }
    return Form({c.name: c for c in controls}, texts, frozenset(_fields(root)))


def same(one: str, other: str) -> bool:
    """Return whether two forms are the same but for line breaks and indentation between tags.

    Raises
    ------
    StageError
        When one is no XML.
    """
    return one == other or _plain(one) == _plain(other)


def _plain(config: str) -> str:
    from xml.etree import ElementTree

    root = ElementTree.tostring(_root(config), encoding="unicode")
    return str(ElementTree.canonicalize(root, strip_text=True))


def _root(config: str) -> Element:
    from xml.etree import ElementTree

    # A document type may define entities that grow without bound; no form has one.
    if "<!DOCTYPE" in config or "<!ENTITY" in config:
        raise StageError("the labelling form has a document type, which none of ours has")
    try:
        return ElementTree.fromstring(config)  # noqa: S314
    except ElementTree.ParseError as error:
        raise StageError(f"the labelling form is not XML ({error})") from error


def _fields(root: Element) -> Iterator[str]:
    for element in root.iter():
        yield from (value[1:] for value in element.attrib.values() if value.startswith("$"))


def _control(element: Element) -> Control:
    kind = TAGS[element.tag]
    paths = tuple(_paths(element, ())) if kind == "taxonomy" else ()
    tag = "Label" if kind == "labels" else "Choice"
    named = {_answer(choice) for choice in element.iter(tag)}
    return Control(
        name=element.get("name", ""),
        kind=kind,
        to_name=element.get("toName", ""),
        answers=frozenset(path[-1] for path in paths) if paths else frozenset(named),
        paths=paths,
        single=kind == "choices" and element.get("choice", "single").startswith("single"),
        most=int(element.get("maxRating", "5")) if kind == "rating" else 0,
    )


def _paths(element: Element, above: Path) -> Iterator[Path]:
    for choice in element.findall("Choice"):
        path = (*above, _answer(choice))
        below = list(_paths(choice, path))
        # A family is no code; a code below it is one even where it has codes below itself.
        if above or not below:
            yield path
        yield from below


def _answer(choice: Element) -> str:
    alias = choice.get("alias")
    return alias if alias else choice.get("value", "")
