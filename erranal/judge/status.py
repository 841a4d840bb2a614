"""What every judge has judged, could not judge, and cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from erranal.judge import naming, telling

if TYPE_CHECKING:
    import pandas as pd

    from erranal.store import Study


def status(study: Study) -> pd.DataFrame:
    """Return one row a judge and codebook version, the newest first.

    Returns
    -------
    pandas.DataFrame
        As the query ``judge_status`` gives it, with ``short``, by which the judge can be named,
        and ``settings``: what sets it apart from others that have its name.
    """
    table = study.arrow("judge_status")
    there = [
        telling.known(row | {"name": row["judge"], "codebook_id": row["codebook"]})
        for row in table.to_pylist()
    ]
    frame: pd.DataFrame = table.to_pandas()
    return frame.assign(short=naming.short(there, there), settings=telling.differences(there))
