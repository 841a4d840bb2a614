"""The verdicts of two judges on the same records, as arrays."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from erranal.errors import StageError
from erranal.judge import naming

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

    from erranal.judge.naming import Judged
    from erranal.store import Study

READABLE, BOTH = "ok", "judged by both"
UNLABELLED = "item without a gold label"
UNDIVIDED = "labelled since the split (split again)"


@dataclass(frozen=True)
class Who:
    """One of the judges: its short name, its book's codes in order, and those it looks for."""

    name: str
    kind: str
    codes: tuple[str, ...]
    looks_for: frozenset[str]


@dataclass(frozen=True)
class Pair:
    """Two judges on the records that both could read.

    Attributes
    ----------
    codes
        Those that both look for; the columns of the arrays.
    records
        As the query ``label_pair`` gives them; the rows of the arrays.
    given_a, given_b
        Whether a judge gave a code, shape (records, codes).
    compared
        Whether both said anything about a code, shape (records, codes).
    totals, left_out
        See :class:`erranal.judge.compare.Comparison`.
    """

    a: Who
    b: Who
    codes: tuple[str, ...]
    records: pa.Table
    given_a: NDArray[np.bool_]
    given_b: NDArray[np.bool_]
    compared: NDArray[np.bool_]
    totals: pd.DataFrame
    left_out: pd.DataFrame


def shown_to(study: Study, judge_id: str) -> list[str]:
    """Return the outputs that a judge was shown as examples."""
    one = next(one for one in naming.read(study) if one.judge_id == judge_id)
    return list(one.settings.get("shots") or ())


def _who(study: Study, ids: Judged) -> Who:
    there = naming.read(study)
    one = naming.of(there, ids)
    codes = tuple(study.read("label_codes", codebook_id=ids.codebook_id)["code"])
    assessed = one.settings.get("assesses")
    looks_for = frozenset(codes if assessed is None else assessed)
    return Who(naming.short([one], there)[0], one.kind, codes, looks_for)


def read(
    study: Study,
    a: Judged,
    b: Judged,
    *,
    scorer: str | None,
    part: str | None,
    gold: Judged | None,
) -> Pair:
    """Read two judges.

    Parameters
    ----------
    study
        The study.
    a, b
        The judges.
    scorer
        Only errors by this scorer; None for all outputs.
    part, gold
        Only items in this part of the division of these gold labels.

    Raises
    ------
    StageError
        When there is no code or no record that both could judge.
    """
    import pyarrow.compute as pc

    one, two = _who(study, a), _who(study, b)
    rows = study.arrow(
        "label_pair",
        None,
        judge_a=a.judge_id,
        codebook_a=a.codebook_id,
        judge_b=b.judge_id,
        codebook_b=b.codebook_id,
        scorer=scorer,
        gold_id=gold.judge_id if gold else None,
        gold_codebook=gold.codebook_id if gold else None,
    )
    kept = rows if part is None else rows.filter(pc.equal(rows["part"], part))
    dropped = _outside(rows, part) if part else {}
    errors = kept if scorer is None else kept.filter(kept["error"])
    readable = [pc.fill_null(pc.equal(errors[f"status_{side}"], READABLE), False) for side in "ab"]
    both = errors.filter(pc.and_(*readable))
    codes, left_out = _codes(one, two)
    dropped["no error"] = len(kept) - len(errors)
    if not len(both):
        raise StageError(_nothing_in_common(one, two, dropped, part))
    given_a, given_b = (_marked(both[f"codes_{side}"], codes) for side in "ab")
    asked_a, asked_b = (_answered(both[f"answered_{side}"], codes) for side in "ab")
    totals = _totals(errors, dropped, one, two)
    return Pair(one, two, codes, both, given_a, given_b, asked_a & asked_b, totals, left_out)


def _outside(rows: pa.Table, part: str) -> dict[str, int]:
    """Return how many records are not in a part of the gold labels, by why they are not."""
    stands = zip(rows["part"].to_pylist(), rows["labelled"].to_pylist(), strict=True)
    counted = Counter(
        "in the other part" if own else UNDIVIDED if labelled else UNLABELLED
        for own, labelled in stands
        if own != part
    )
    return {why: counted[why] for why in ("in the other part", UNDIVIDED, UNLABELLED)}


def _nothing_in_common(a: Who, b: Who, dropped: dict[str, int], part: str | None) -> str:
    where = f" in the part {part}" if part else ""
    text = f"there is no error{where} that both {a.name!r} and {b.name!r} have judged"
    left = [f"{count} {why}" for why, count in dropped.items() if count]
    return f"{text} ({', '.join(left)})" if left else text


def _codes(a: Who, b: Who) -> tuple[tuple[str, ...], pd.DataFrame]:
    import pandas as pd

    reasons = {}
    for code in dict.fromkeys((*a.codes, *b.codes)):
        missing = [who for who in (a, b) if code not in who.codes]
        blind = [who for who in (a, b) if code not in who.looks_for]
        if missing:
            reasons[code] = f"not in the codebook of {missing[0].name}"
        elif blind:
            reasons[code] = f"not looked for by {' and '.join(who.name for who in blind)}"
    codes = tuple(code for code in a.codes if code not in reasons)
    if not codes:
        raise StageError(f"{a.name!r} and {b.name!r} have no code in common that both look for")
    return codes, pd.DataFrame({"code": list(reasons), "reason": list(reasons.values())})


def _marked(lists: pa.ChunkedArray, codes: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return which codes each list has, shape (lists, codes); a null list has none."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = lists.combine_chunks()
    marks = np.zeros((len(whole), len(codes)), dtype=bool)
    places = pc.index_in(pc.list_flatten(whole), value_set=pa.array(codes))
    known = places.is_valid().to_numpy(zero_copy_only=False)
    rows = pc.list_parent_indices(whole).to_numpy()[known]
    marks[rows, places.drop_null().to_numpy()] = True
    return marks


def _answered(lists: pa.ChunkedArray, codes: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return which codes each record says anything about: a null list, about all of them."""
    everything: NDArray[np.bool_] = lists.is_null().to_numpy()[:, None]
    return _marked(lists, codes) | everything


def _totals(rows: pa.Table, dropped: dict[str, int], a: Who, b: Who) -> pd.DataFrame:
    import pandas as pd

    statuses = zip(rows["status_a"].to_pylist(), rows["status_b"].to_pylist(), strict=True)
    kinds = Counter(_standing(a.name, b.name, *pair) for pair in statuses)
    counts = {BOTH: kinds.pop(BOTH, 0)}
    counts |= {kind: kinds[kind] for kind in sorted(kinds)}
    counts |= {f"left out: {why}": count for why, count in dropped.items() if count}
    return pd.DataFrame({"records": list(counts), "n": list(counts.values())})


def _standing(a: str, b: str, status_a: str | None, status_b: str | None) -> str:
    if status_a is None or status_b is None:
        return f"judged by {b if status_a is None else a} only"
    unread = [f"{name} {s}" for name, s in ((a, status_a), (b, status_b)) if s != READABLE]
    return f"not compared: {', '.join(unread)}" if unread else BOTH
