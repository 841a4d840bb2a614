"""Pieces of a labelling form: cards with a title, shown texts, choices with a hint and a key.

Texts of a codebook pass through :func:`plain` and stay texts, whatever they hold.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

# What XML 1.0 cannot hold at all, escaped or not.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WORD_JOINER = "\u2060"


def plain(text: str) -> str:
    """Return a text on one line that Label Studio shows as it is.

    It takes ``$name`` for a field of the task, and ``true`` and ``false`` for booleans; a
    character without width keeps it from doing so.
    """
    line = " ".join(_NOT_XML.sub("\ufffd", text).split())
    if line in {"true", "false"}:
        return f"{line}{_WORD_JOINER}"
    return line.replace("$", f"{_WORD_JOINER}${_WORD_JOINER}")


def view(parent: ET.Element, style: str) -> ET.Element:
    """Add a box with a class of the style sheet."""
    return ET.SubElement(parent, "View", className=style)


def card(parent: ET.Element, heading: str, style: str = "") -> ET.Element:
    """Add a framed box with a title."""
    return _titled(parent, heading, f"er-card {style}")


def part(parent: ET.Element, heading: str, style: str = "") -> ET.Element:
    """Add a box with a title, set off by a line from the one above."""
    return _titled(parent, heading, f"er-part {style}")


def _titled(parent: ET.Element, heading: str, style: str) -> ET.Element:
    box = view(parent, style.strip())
    title(box, heading)
    return box


def title(parent: ET.Element, text: str) -> None:
    """Add a small title."""
    header(view(parent, "er-label"), plain(text))


def header(parent: ET.Element, value: str) -> None:
    """Add a line of the form's own, or a field of the task as ``$field``."""
    ET.SubElement(parent, "Header", value=value, size="5", style="margin: 0")


def shown(parent: ET.Element, field: str) -> None:
    """Add a field of the task as text that is only read."""
    ET.SubElement(parent, "Text", name=field, value=f"${field}", selectionEnabled="false")


def choice(
    parent: ET.Element, alias: str, text: str, hint: str = "", key: str | None = None
) -> ET.Element:
    """Add an answer; ``alias`` is what comes back, ``text`` what is shown."""
    made = ET.SubElement(parent, "Choice", alias=alias, value=plain(text))
    if hint:
        made.set("hint", plain(hint))
    if key:
        made.set("hotkey", key)
    return made
