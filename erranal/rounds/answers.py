"""One answer in a form, as Label Studio writes it: whether it is one that the form can give.

Servers accept more than their forms can show, so that the same check is made of what is sent and
of what comes back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from erranal.rounds.form import Control, Form

_KEYS = {
    "choices": {"choices"},
    "taxonomy": {"taxonomy"},
    "labels": {"start", "end", "text", "labels"},
    "rating": {"rating"},
    "textarea": {"text"},
}


def region_problems(
    region: Mapping[str, Any], data: Mapping[str, Any], form: Form
) -> Iterator[str]:
    """Yield what is wrong with one answer of a form, whoever gave it.

    Parameters
    ----------
    region
        One element of the ``result`` of a prediction or annotation.
    data
        The texts spans point into, by the field of the task.
    form
        The form it should fit.
    """
    name = region.get("from_name")
    control = form.controls.get(name) if isinstance(name, str) else None
    if control is None:
        yield f"the form has no control {name!r:.60}"
        return
    kind, to_name, value = region.get("type"), region.get("to_name"), region.get("value")
    if kind != control.kind:
        yield f"{name} has the type {kind!r:.40} instead of {control.kind!r}"
    if to_name != control.to_name:
        yield f"{name} points at {to_name!r:.40} instead of {control.to_name!r}"
    if not isinstance(value, Mapping) or not _KEYS[control.kind] <= value.keys():
        yield f"{name} has no {' and '.join(sorted(_KEYS[control.kind]))}"
        return
    yield from _VALUES[control.kind](control, value, data, form)


def _choice_problems(control: Control, value: Mapping[str, Any], *_: Any) -> Iterator[str]:
    chosen = value["choices"]
    if not _names(chosen):
        yield f"{control.name} is no list of names: {chosen!r:.60}"
        return
    if control.single and len(chosen) > 1:
        yield f"{control.name} has {len(chosen)} choices where one is possible"
    for name in chosen:
        if name not in control.answers:
            yield f"{control.name} has no choice {name!r:.60}"
    if len(set(chosen)) < len(chosen):
        yield f"{control.name} has a choice twice"


def _taxonomy_problems(control: Control, value: Mapping[str, Any], *_: Any) -> Iterator[str]:
    chosen = value["taxonomy"]
    if not isinstance(chosen, list) or not all(map(_names, chosen)):
        yield f"{control.name} is no list of paths: {chosen!r:.60}"
        return
    known = set(control.paths)
    for path in chosen:
        if tuple(path) not in known:
            yield f"{control.name} has no path {' > '.join(path)!r:.120}"
    if len(set(map(tuple, chosen))) < len(chosen):
        yield f"{control.name} has a path twice"


def _label_problems(
    control: Control, value: Mapping[str, Any], data: Mapping[str, Any], form: Form
) -> Iterator[str]:
    labels = value["labels"]
    if not _names(labels) or len(labels) != 1 or labels[0] not in control.answers:
        yield f"{control.name} has no label {labels!r:.60}"
    text = data.get(form.texts.get(control.to_name, control.to_name))
    start, end = value["start"], value["end"]
    if not isinstance(text, str):
        yield f"{control.name} points into a text that the task does not have"
    elif type(start) is not int or type(end) is not int:
        yield f"{control.name} has offsets that are no whole numbers: {start!r:.20}, {end!r:.20}"
    elif not 0 <= start < end <= len(text):
        yield f"{control.name} has offsets {start} to {end} in a text of {len(text)} characters"
    elif value["text"] != text[start:end]:
        yield f"{control.name} has a text that is not the one at {start} to {end}"


def _rating_problems(control: Control, value: Mapping[str, Any], *_: Any) -> Iterator[str]:
    rating = value["rating"]
    # No star at all is how the form says that a rating was taken back.
    if type(rating) is not int or not 0 <= rating <= control.most:
        yield f"{control.name} is no whole number from 0 to {control.most}: {rating!r:.20}"


def _textarea_problems(control: Control, value: Mapping[str, Any], *_: Any) -> Iterator[str]:
    text = value["text"]
    if not isinstance(text, str) and not _names(text):
        yield f"{control.name} is no text: {text!r:.60}"


def _names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) for name in value)


_VALUES = {
    "choices": _choice_problems,
    "taxonomy": _taxonomy_problems,
    "labels": _label_problems,
    "rating": _rating_problems,
    "textarea": _textarea_problems,
}
