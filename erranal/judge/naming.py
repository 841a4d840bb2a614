"""Judges as people name them: ``NAME`` or ``NAME+CODEBOOK``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from erranal.errors import StageError

if TYPE_CHECKING:
    from erranal.store import Study


class Judged(NamedTuple):
    """One judge under one codebook version."""

    judge_id: str
    codebook_id: str


class _Known(NamedTuple):
    judge_id: str
    name: str
    codebook_id: str
    codebook: str
    version: str
    verdicts: int


def find(study: Study, text: str) -> Judged:
    """Return the judge and the codebook version that a name means.

    Parameters
    ----------
    study
        The study.
    text
        A judge by its id, its name or the start of its id; after a ``+`` a codebook by its id, its
        name, ``name@version`` or the start of its id. The codebook may be left out where the judge
        has used one only.

    Raises
    ------
    StageError
        When nothing or more than one thing is meant; the message lists what there is.
    """
    known = _known(study)
    if not known:
        raise StageError("no judge has given a verdict yet: run `erranal judge run` first")
    # A name may have a + in it: the whole text is tried first.
    splits = [(text, ""), *(_cut(text, place) for place, sign in enumerate(text) if sign == "+")]
    for judge, codebook in splits:
        if found := _under(_of_judge(known, judge), codebook):
            return _only(text, found)
    judges = _of_judge(known, text.partition("+")[0]) or known
    raise StageError(f"there is no judge {text!r}: there {_listed(judges)}")


def _known(study: Study) -> list[_Known]:
    rows = study.arrow("label_judges").to_pylist()
    return [
        _Known(
            row["judge_id"],
            row["name"],
            row["codebook_id"],
            row["codebook"] or "",
            row["codebook_version"] or "",
            row["verdicts"],
        )
        for row in rows
        if row["verdicts"]
    ]


def _cut(text: str, place: int) -> tuple[str, str]:
    return text[:place], text[place + 1 :]


def _of_judge(known: list[_Known], text: str) -> list[_Known]:
    """Return the judges meant: an id goes before a name, a name before the start of an id."""
    return (
        [one for one in known if one.judge_id == text]
        or [one for one in known if one.name == text]
        or [one for one in known if text and one.judge_id.startswith(text)]
    )


def _under(known: list[_Known], text: str) -> list[_Known]:
    if not text:
        return known
    return (
        [one for one in known if one.codebook_id == text]
        or [one for one in known if text in (one.codebook, f"{one.codebook}@{one.version}")]
        or [one for one in known if one.codebook_id.startswith(text)]
    )


def _only(text: str, found: list[_Known]) -> Judged:
    if len(found) > 1:
        raise StageError(
            f"{text!r} can mean {len(found)} sets of verdicts: there {_listed(found)}; "
            "name one of them like this"
        )
    return Judged(found[0].judge_id, found[0].codebook_id)


def _listed(known: list[_Known]) -> str:
    listed = ", ".join(
        f"{one.judge_id}+{one.codebook_id} ({one.verdicts} verdicts)" for one in known[:20]
    )
    more = f" and {len(known) - 20} more" if len(known) > 20 else ""
    return f"{'is' if len(known) == 1 else 'are'} {listed}{more}"
