"""What tells one judge from another: model, prompt version, parameters, codebook, last use."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

LONGEST = 60
NAMED = 2  # of a list; a longer one is counted


@dataclass(frozen=True, slots=True)
class Known:
    """The verdicts of one judge under one codebook version, with what determines them."""

    judge_id: str
    kind: str
    name: str
    version: str
    model: str | None
    params: str | None
    codebook_id: str
    verdicts: int
    last_judged: datetime | None

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters."""
        return dict(json.loads(self.params or "{}"))


def known(row: Mapping[str, Any]) -> Known:
    """Return what a row of a query that names judges describes."""
    return Known(**{field.name: row[field.name] for field in fields(Known)})


def differences(some: Sequence[Known]) -> list[str]:
    """Return for each what sets it apart from the others of its name; nothing for a lone one.

    Examples
    --------
    >>> one = Known("llm:m@1#aa", "llm", "m", "1", "openai:m", '{"ask": "all"}', "b@1#c", 9, None)
    >>> two = Known("llm:m@1#bb", "llm", "m", "1", "openai:m", '{"ask": "each"}', "b@1#c", 9, None)
    >>> differences([one, two])
    ['ask all', 'ask each']
    """
    told = [dict(_aspects(one)) for one in some]
    return [
        ", ".join(_apart(own, [two for two, b in zip(told, some, strict=True) if b.name == a.name]))
        for own, a in zip(told, some, strict=True)
    ]


def _apart(own: Mapping[str, str], group: Sequence[Mapping[str, str]]) -> Iterator[str]:
    for aspect in dict.fromkeys(name for one in group for name in one):
        if len({one.get(aspect) for one in group}) > 1:
            yield own.get(aspect, f"no {aspect}")


def _aspects(one: Known) -> Iterator[tuple[str, str]]:
    """Yield what determines verdicts, by name, in words."""
    yield "kind", one.kind
    yield "model", one.model or "no model"
    yield "version", f"{'prompt' if one.kind == 'llm' else 'version'} {one.version}"
    yield "codebook", f"under {one.codebook_id}"
    for name, value in one.settings.items():
        # Said by the codebook and by ``codes`` already.
        if name == "codebook" or (name == "assesses" and "codes" in one.settings):
            continue
        yield name, _in_words(name.replace("_", " "), value)


def _in_words(name: str, value: Any) -> str:
    if name == "codes" and value is None:
        return "all codes"
    if value is None or value is False:
        return f"no {name}"
    if value is True:
        return name
    if isinstance(value, list) and len(value) > NAMED:
        return f"{len(value)} {name}"
    said = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    text = f"{name} {said}".strip()
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def facts(one: Known, differs: str) -> list[str]:
    """Return in words what sets a judge apart, how much it has judged and when it last did."""
    count = f"{one.verdicts:,} verdict{'' if one.verdicts == 1 else 's'}"
    last = [f"last {one.last_judged:%Y-%m-%d %H:%M}"] if one.last_judged else []
    return [*([differs] if differs else []), count, *last]
