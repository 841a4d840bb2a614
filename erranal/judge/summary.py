"""What a judge found, counted by code and arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from erranal.judge.records import READING_MB

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from erranal.codebook import Codebook
    from erranal.store import Study

NOTHING = "(nothing found)"
GAP = "(codebook gap)"
JUDGED = "(errors judged)"
UNREAD = "(no verdict: unparsed, refused or failed)"


def by_arm(
    study: Study, *, judge_id: str, book: Codebook, assesses: Collection[str], scorer: str
) -> pd.DataFrame:
    """Return outputs per code and arm; an output counts once for each of its codes.

    The last rows count the errors on which nothing was found, those that no code describes, all
    that were judged, and those without a verdict that could be read; rows of zeros are left out of
    these.
    """
    named = {"nothing": NOTHING, "gap": GAP, "judged": JUDGED, "unread": UNREAD}
    ids = {"judge_id": judge_id, "codebook_id": book.codebook_id, "scorer": scorer}
    counts = study.sparingly(READING_MB, lambda s: s.read("judge_summary", **ids, **named))
    arms = counts.sort_values(["rank", "arm"])["arm"].drop_duplicates()
    codes = [code.code for code in book.codes if code.code in assesses]
    last = [NOTHING, JUDGED, *sorted({GAP, UNREAD} & set(counts["code"]))]
    table = counts.pivot_table(index="code", columns="arm", values="outputs", aggfunc="sum")
    table = table.reindex(index=[*codes, *last], columns=list(arms))
    return table.fillna(0).astype("int64").rename_axis(columns=None).reset_index()
