"""The judge: errors and a codebook go in, verdicts with their evidence come out.

The judge that comes with the toolkit is a set of hand-written rules (:mod:`erranal.judge.rules`),
and is called that wherever its verdicts are shown. What any judge is given and gives back is in
:mod:`erranal.judge.verdict`. A code that a judge does not assess is not looked for, which is
something else than not found.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from erranal.errors import StageError
from erranal.judge.verdict import Evidence, Judge, JudgeSpec, Record, Verdict

if TYPE_CHECKING:
    import pandas as pd

    from erranal.codebook import Codebook
    from erranal.store import Study

__all__ = ["Evidence", "Judge", "JudgeSpec", "Record", "Verdict", "run"]

NOTHING = "(nothing found)"
JUDGED = "(errors judged)"


def _judge(study: Study, judge: str | Judge, book: Codebook, scorer: str) -> Judge:
    if not isinstance(judge, str):
        return judge
    if judge != "rules":
        raise StageError(f"there is no judge {judge!r}: use 'rules', or pass a judge of your own")
    from erranal.judge.rules import RuleJudge

    versions = study.read("judge_scorer", scorer=scorer)["scorer_version"].tolist()
    if not versions:
        raise StageError(f"no output has a score by {scorer!r}: run `erranal score` first")
    return RuleJudge(book, scorer=f"{scorer}@{'+'.join(versions)}")


def _summary(study: Study, judge: Judge, book: Codebook, scorer: str) -> pd.DataFrame:
    """Return outputs per code and arm; an output counts once for each of its codes."""
    ids = {"judge_id": judge.spec.judge_id, "codebook_id": book.codebook_id, "scorer": scorer}
    counts = study.read("judge_summary", **ids, nothing=NOTHING, judged=JUDGED)
    arms = counts.sort_values(["rank", "arm"])["arm"].drop_duplicates()
    rows = [code.code for code in book.codes if code.code in judge.assesses]
    table = counts.pivot_table(index="code", columns="arm", values="outputs", aggfunc="sum")
    table = table.reindex(index=[*rows, NOTHING, JUDGED], columns=list(arms))
    return table.fillna(0).astype("int64").rename_axis(columns=None).reset_index()


def run(
    study: Study,
    *,
    judge: str | Judge = "rules",
    codebook: str | Path = "modality_gap",
    scorer: str = "erranal",
    limit: int | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> pd.DataFrame:
    """Judge the errors of every arm that this judge has not judged under this codebook.

    Parameters
    ----------
    judge
        ``rules``, or an object that keeps the protocol of :class:`Judge`.
    codebook
        Name of a codebook that comes with the package, or path of a YAML file.
    scorer
        Whose outcomes say what is an error.
    limit
        Judge this many outputs at most in this run.
    progress
        Called with outputs done, outputs in all, and a label.

    Returns
    -------
    pandas.DataFrame
        One row a code that the judge assesses, one column an arm: the number of outputs that were
        given the code, in this run or before. Two more rows count the outputs on which nothing was
        found, and all judged outputs.

    Raises
    ------
    StageError
        When nothing has been scored, or the judge can give no code of this codebook.
    CodebookError
        When the codebook breaks a rule.
    """
    from erranal import codebook as books
    from erranal.judge import records, saving

    book = books.load(codebook)
    chosen = _judge(study, judge, book, scorer)
    judge_id = chosen.spec.judge_id
    if not chosen.assesses:
        raise StageError(
            f"the judge {chosen.spec.name!r} can give no code of the codebook {book.name!r}: "
            "use the codebook modality_gap, or another judge"
        )
    parameters = {
        "judge": chosen.spec.name,
        "codebook": str(codebook),
        "scorer": scorer,
        "limit": limit,
    }
    with study.journal("judge", parameters) as entry:
        saving.save_book(study, book)
        saving.save_judge(study, chosen.spec)
        ids = {"judge_id": judge_id, "codebook_id": book.codebook_id}
        looked_at = datetime.now(UTC)
        pairs = records.pending(study, scorer=scorer, limit=limit, **ids)
        done = 0
        for batch in records.batches(study, pairs, scorer=scorer):
            verdicts = [chosen.judge(record) for record in batch]
            saving.save_verdicts(study, verdicts, looked_at=looked_at, **ids)
            done += len(batch)
            if progress:
                progress(done, len(pairs), "judging")
        entry.count(judged=done, **ids)
        return _summary(study, chosen, book, scorer)
