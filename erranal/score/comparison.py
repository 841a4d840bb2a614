"""Our scores against the scores that came with the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from erranal.store import Study


def compare(study: Study) -> pd.DataFrame:
    """Count our outcomes against the imported ones.

    Returns
    -------
    DataFrame
        One row for each model, arm, prompt style and pair of outcomes, with the number of outputs
        and whether the two agree about the answer being right.
    """
    return study.read("score_compare")


def disagreements(study: Study) -> pd.DataFrame:
    """List every output on which the two scorers disagree about being right, responses included."""
    return study.read("score_disagreements")
