"""Judges side by side: where they agree, on which codes, and the records on which they do not.

Only records that both judges could read are compared, and of these only codes that both were
looking for: what is missing is not a "no".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from erranal.errors import StageError
from erranal.judge import naming, telling
from erranal.judge.compare import agreeing, side_by_side

if TYPE_CHECKING:
    import pandas as pd

    from erranal.judge.compare.side_by_side import Pair
    from erranal.store import Study

PARTS = ("tune", "test")
BY_PEOPLE = ("imported", "human")


@dataclass(frozen=True)
class Comparison:
    """Two judges on the same records.

    Attributes
    ----------
    a, b
        Ids of the judges.
    judges
        Who they are: see :func:`described`.
    totals
        What became of the records: judged by both, by one of them only, read by neither ...
    per_code
        One row a code: n records, both, only_a, only_b, neither, observed, positive and negative
        agreement, kappa and AC1 with 95 % limits, PABAK, and a note where a figure has no meaning.
    per_arm
        The same by code and arm.
    primary
        Primary codes of a (rows) by those of b (columns), over the records that both could read.
    disagreements
        The records on which they differ, those that differ in most codes first.
    left_out
        Codes that are not compared, and why.
    quality
        Where b is labels by people, imported or of a closed round: sensitivity, specificity and
        precision of a against them, by code and arm, with 95 % Wilson limits. They are not given
        over all arms: a judge that is worse on one of them would look like a difference between
        the arms.
    """

    a: str
    b: str
    judges: pd.DataFrame
    totals: pd.DataFrame
    per_code: pd.DataFrame
    per_arm: pd.DataFrame
    primary: pd.DataFrame
    disagreements: pd.DataFrame
    left_out: pd.DataFrame
    quality: pd.DataFrame | None


def _part(
    study: Study, judges: Sequence[naming.Judged], part: str | None
) -> tuple[str | None, naming.Judged | None]:
    """Return the part with the gold labels whose division it is of."""
    if part is None:
        return None, None
    if part not in PARTS:
        raise StageError(f"there is no part {part!r}: use {' or '.join(PARTS)}")
    for ids in reversed(judges):
        if len(study.read("label_split", gold_id=ids.judge_id, codebook_id=ids.codebook_id)):
            _require_unseen(study, judges, ids, part)
            return part, ids
    raise StageError(
        f"none of {', '.join(ids.judge_id for ids in judges)} is divided into tune and test: "
        "split the gold labels first"
    )


def _require_unseen(
    study: Study, judges: Sequence[naming.Judged], gold: naming.Judged, part: str
) -> None:
    """Refuse to test a judge that was shown a test record as an example."""
    if part != "test":
        return
    test = set(
        study.read("label_test_outputs", gold_id=gold.judge_id, codebook_id=gold.codebook_id)[
            "output_id"
        ]
    )
    for ids in judges:
        seen = sorted(test.intersection(side_by_side.shown_to(study, ids.judge_id)))
        if seen:
            raise StageError(
                f"{ids.judge_id} was shown output {seen[0]} as an example, which is kept for the "
                "test: judge again with examples from the tune part"
            )


def compare(
    study: Study, a: str, b: str, *, scorer: str | None = "erranal", part: str | None = None
) -> Comparison:
    """Compare two judges, or one judge under two codebook versions.

    Parameters
    ----------
    study
        The study.
    a, b
        Judges, as :func:`erranal.judge.naming.find` takes them: ``NAME`` or ``NAME+CODEBOOK``.
    scorer
        Whose outcomes say what is an error: only errors are compared. None for all outputs.
    part
        ``tune`` or ``test``: only items in this part of the gold labels' division.

    Raises
    ------
    StageError
        When a judge is not known, both are the same, no code or record can be compared, or a judge
        that is tested was shown a test record.
    """
    judges = [naming.find(study, a), naming.find(study, b)]
    if judges[0] == judges[1]:
        raise StageError(f"{a!r} and {b!r} are the same verdicts: name two judges")
    chosen, gold = _part(study, judges, part)
    pair = side_by_side.read(study, *judges, scorer=scorer, part=chosen, gold=gold)
    return Comparison(
        a=judges[0].judge_id,
        b=judges[1].judge_id,
        judges=described(study, [a, b]),
        totals=pair.totals,
        per_code=agreeing.by_code(pair),
        per_arm=agreeing.by_arm(pair),
        primary=agreeing.primary(pair),
        disagreements=agreeing.disagreements(pair),
        left_out=pair.left_out,
        quality=agreeing.quality(pair) if pair.b.kind in BY_PEOPLE else None,
    )


def pairwise(
    study: Study,
    judges: Sequence[str],
    *,
    scorer: str | None = "erranal",
    part: str | None = None,
) -> pd.DataFrame:
    """Compare every two of several judges.

    Parameters
    ----------
    study
        The study.
    judges
        As :func:`erranal.judge.naming.find` takes them, two or more.
    scorer, part
        As of :func:`compare`.

    Returns
    -------
    DataFrame
        One row a pair: a, b, records that both could read, codes compared, the share of records
        with equal codes, the share with equal primary codes where each could have named the
        other's, and unweighted means over codes of observed and positive agreement, kappa and AC1
        (over the codes where the figure has a meaning).
    """
    import pandas as pd

    found = [naming.find(study, judge) for judge in judges]
    if len(set(found)) < max(len(found), 2):
        raise StageError("name two or more different judges")
    chosen, gold = _part(study, found, part)
    rows = []
    for one, two in combinations(range(len(found)), 2):
        pair = side_by_side.read(
            study, found[one], found[two], scorer=scorer, part=chosen, gold=gold
        )
        rows.append({"a": judges[one], "b": judges[two], **_summary(pair)})
    return pd.DataFrame(rows)


def described(study: Study, judges: Sequence[str]) -> pd.DataFrame:
    """Return who some judges are, which are named as :func:`compare` takes them.

    Returns
    -------
    DataFrame
        One row a judge: ``judge`` (its short name), ``kind``, ``model``, ``codebook``,
        ``settings`` (what sets it apart from the others here that have its name), ``verdicts`` and
        ``last_judged``.
    """
    import pandas as pd

    there = naming.read(study)
    some = [naming.of(there, naming.find(study, judge)) for judge in judges]
    columns = {
        "judge": naming.short(some, there),
        "kind": [one.kind for one in some],
        "model": [one.model for one in some],
        "codebook": [one.codebook_id for one in some],
        "settings": telling.differences(some),
        "verdicts": [one.verdicts for one in some],
        "last_judged": [one.last_judged for one in some],
    }
    return pd.DataFrame(columns)


def _summary(pair: Pair) -> dict[str, float]:
    table = agreeing.by_code(pair)
    names = ("observed", "positive", "kappa", "ac1")
    return {
        "records": len(pair.records),
        "codes": len(table),
        "same_codes": agreeing.same_codes(pair),
        "same_primary": agreeing.same_primary(pair),
        **{f"mean_{name}": float(table[name].mean()) for name in names},
    }
