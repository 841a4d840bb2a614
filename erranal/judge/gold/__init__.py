"""Gold labels: divided by item into tune and test, examples from tune only, and a leak guard.

A judge may be tuned (its prompt, its codebook, its examples) on the items in ``tune``; what is
said of it afterwards rests on those in ``test``, of which nothing may be in the prompt.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from erranal.errors import StageError
from erranal.judge import naming
from erranal.judge.gold import leaks
from erranal.judge.gold.stratify import Labels, stratified
from erranal.judge.labels import landing
from erranal.judge.shots import Shot, shortened
from erranal.judge.verdict import Record

if TYPE_CHECKING:
    import pandas as pd

    from erranal.codebook import Codebook
    from erranal.store import Study

NOTHING = "(nothing found)"
ITEMS = "(items)"


@dataclass(frozen=True, slots=True)
class _Gold:
    output_id: str
    item_id: str
    codes: tuple[str, ...]
    primary: str | None
    rationale: str
    part: str | None

    @property
    def kinds(self) -> frozenset[str]:
        """Its codes; having none is a kind too."""
        return frozenset(self.codes or (NOTHING,))


def _labels(study: Study, ids: naming.Judged) -> list[_Gold]:
    rows = study.arrow("label_gold", gold_id=ids.judge_id, codebook_id=ids.codebook_id).to_pylist()
    if not rows:
        raise StageError(f"{ids.judge_id} has no readable label on a current output")
    return [
        _Gold(
            row["output_id"],
            row["item_id"],
            tuple(row["codes"]),
            row["primary_code"],
            row["rationale"] or "",
            row["part"],
        )
        for row in rows
    ]


def split(
    study: Study, gold: str, *, test_share: float = 0.5, seed: int = 0, force: bool = False
) -> pd.DataFrame:
    """Divide the items with gold labels into tune and test.

    All outputs of an item are in one part, so that no arm of a test item is seen in tuning. Codes
    are divided rarest first, so that a code on two items or more is in both parts wherever the
    items allow it. An item that has a part keeps it: labels that come later are divided by the same
    seed, and only they.

    Parameters
    ----------
    study
        The study.
    gold
        The labels, as :func:`erranal.judge.naming.find` takes them.
    test_share
        Share of the items that is kept for the test, strictly between 0 and 1.
    seed
        Of the division.
    force
        Divide anew although there is a division with another seed.

    Returns
    -------
    DataFrame
        One row a code, one for the items without any and one for all items: how many items are in
        tune and in test.

    Raises
    ------
    StageError
        When there is a division with another seed: items that a judge may have been tuned on would
        become test items.
    """
    if not 0 < test_share < 1:
        raise StageError(f"a test share of {test_share} leaves a part empty: give e.g. 0.5")
    ids = naming.find(study, gold)
    by_item = _codes_by_item(_labels(study, ids))
    parts = {} if force else _standing(study, ids, seed)
    parts = stratified(by_item, {item: parts[item] for item in by_item if item in parts},
                       test_share=test_share, seed=seed)  # fmt: skip
    with study.journal("judge_split", {"gold": gold, "test_share": test_share, "seed": seed}):
        _store(study, ids, parts, seed=seed, force=force)
    return _counted(by_item, parts)


def _codes_by_item(labels: Iterable[_Gold]) -> Labels:
    found: dict[str, set[str]] = {}
    for label in labels:
        found.setdefault(label.item_id, set()).update(label.codes)
    return {item: frozenset(codes) or frozenset({NOTHING}) for item, codes in found.items()}


def _standing(study: Study, ids: naming.Judged, seed: int) -> dict[str, str]:
    rows = study.arrow("label_split", gold_id=ids.judge_id, codebook_id=ids.codebook_id).to_pylist()
    other = sorted({row["seed"] for row in rows} - {seed})
    if other:
        raise StageError(
            f"{ids.judge_id} is divided already, with seed {other[0]}: with seed {seed} items that "
            "a judge may have been tuned on would become test items; keep the seed, or force a new "
            "division and tune every judge anew"
        )
    return {row["item_id"]: row["part"] for row in rows}


def _store(
    study: Study, ids: naming.Judged, parts: Mapping[str, str], *, seed: int, force: bool
) -> None:
    import pandas as pd

    frame = pd.DataFrame({"item_id": list(parts), "part": list(parts.values())})
    frame = frame.assign(gold_id=ids.judge_id, codebook_id=ids.codebook_id, seed=seed)
    with study.write() as tx:
        if force:
            tx.clear("gold_splits", gold_id=ids.judge_id, codebook_id=ids.codebook_id)
        tx.append("gold_splits", frame, on_conflict="ignore")


def _counted(by_item: Labels, parts: Mapping[str, str]) -> pd.DataFrame:
    import pandas as pd

    counts = {"tune": Counter[str](), "test": Counter[str]()}
    for item, codes in by_item.items():
        counts[parts[item]].update([*codes, ITEMS])
    every = {*counts["tune"], *counts["test"]}
    rows = [
        *sorted(every - {NOTHING, ITEMS}),
        *(name for name in (NOTHING, ITEMS) if name in every),
    ]
    return pd.DataFrame(
        {"code": rows, **{part: [n[row] for row in rows] for part, n in counts.items()}}
    )


# Examples -----------------------------------------------------------------------------------------


def shots(
    study: Study, gold: str, book: Codebook, *, n: int, seed: int = 0, scorer: str = "erranal"
) -> tuple[Shot, ...]:
    """Draw few-shot examples from the tune part of gold labels.

    The next example is the one with the most codes that no example has yet (one that has no code
    counts as a code of its own); when all are there, it begins again. No two are of one item, none
    would give a test record away, and long texts are shortened in the middle.

    Parameters
    ----------
    study
        The study.
    gold
        The labels, as :func:`erranal.judge.naming.find` takes them.
    book
        The codebook that the judge uses; labels with codes that it does not have are left out.
    n
        How many; fewer come back where there are no more.
    seed
        Of the order among equals.
    scorer
        Whose outcomes the records carry.

    Raises
    ------
    StageError
        When the labels are not divided yet.
    """
    ids = naming.find(study, gold)
    labels = _labels(study, ids)
    if not any(label.part for label in labels):
        raise StageError(f"{ids.judge_id} is not divided into tune and test: split it first")
    known = {code.code for code in book.codes}
    fit = [label for label in labels if label.part == "tune" and known.issuperset(label.codes)]
    fit.sort(key=lambda label: _drawn(seed, label.output_id))
    texts = {
        record.output_id: record
        for record in landing.records(study, [one.output_id for one in fit], scorer=scorer)
    }
    test = kept_for_test(study, gold, scorer=scorer)
    known_texts = leaks.index(test.records, test.items)
    drawn = _covering(fit, n, lambda one: not leaks.in_record(known_texts, texts[one.output_id]))
    return tuple(_shot(one, texts[one.output_id], book) for one in drawn)


def _drawn(seed: int, output_id: str) -> str:
    return hashlib.sha256(f"{seed}\x1f{output_id}".encode()).hexdigest()


def _covering(labels: Sequence[_Gold], n: int, safe: Callable[[_Gold], bool]) -> list[_Gold]:
    chosen: list[_Gold] = []
    left, covered = list(labels), set[str]()
    while left and len(chosen) < n:
        best = max(left, key=lambda one: len(one.kinds - covered))
        if covered and not best.kinds - covered:
            covered = set()
        elif safe(best):
            covered |= best.kinds
            chosen.append(best)
            left = [one for one in left if one.item_id != best.item_id]
        else:
            left.remove(best)
    return chosen


def _shot(label: _Gold, record: Record, book: Codebook) -> Shot:
    primary = label.primary or book.primary(label.codes)
    return Shot(shortened(record), label.codes, primary, label.rationale)


# The guard ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tested:
    """What is kept for the test: the item of every output, and the current outputs as records."""

    items: Mapping[str, str]
    records: Sequence[Record]


def kept_for_test(study: Study, gold: str, *, scorer: str = "erranal") -> Tested:
    """Return the test part of gold labels: all outputs of its items, labelled or not."""
    ids = naming.find(study, gold)
    rows: list[dict[str, Any]] = study.arrow(
        "label_test_outputs", gold_id=ids.judge_id, codebook_id=ids.codebook_id
    ).to_pylist()
    current = [row["output_id"] for row in rows if row["current"]]
    items = {row["output_id"]: row["item_id"] for row in rows}
    return Tested(items, landing.records(study, current, scorer=scorer))


def guard(shots: Sequence[Shot], book: Codebook, test: Tested) -> None:
    """Refuse a prompt that holds a test record.

    Parameters
    ----------
    shots
        The examples that the judge is shown.
    book
        The codebook with its own examples, which the judge is shown too.
    test
        What is kept for the test, as :func:`kept_for_test` returns it.

    Raises
    ------
    StageError
        Names the example, and the test record that it is, by id, or whose question or response
        it holds, by text.
    """
    for shot in shots:
        item = test.items.get(shot.record.output_id)
        if item is not None:
            raise StageError(
                f"example {shot.record.output_id} is of item {item}, which is kept for the test: "
                "draw examples from the tune part"
            )
    known = leaks.index(test.records, test.items)
    for shot in shots:
        if leak := leaks.in_record(known, shot.record):
            raise StageError(_said(f"example {shot.record.output_id}", leak, test))
    for code in book.codes:
        for number, example in enumerate(code.examples, 1):
            if leak := leaks.in_example(known, example):
                raise StageError(
                    _said(f"example {number} of {code.code} in {book.name}", leak, test)
                )


def _said(where: str, leak: leaks.Leak, test: Tested) -> str:
    item = test.items.get(leak.output_id, "?")
    return (
        f"{where} holds the {leak.field} of output {leak.output_id} (item {item}), which is kept "
        f"for the test: take the example out, or judge without it; it begins {leak.text[:60]!r}"
    )
