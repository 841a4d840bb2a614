"""The pairs themselves: what was asked and what both arms said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from erranal.errors import StageError
from erranal.gap import arms

if TYPE_CHECKING:
    import pandas as pd

    from erranal.store import Study

Order = Literal["text-right-first", "image-right-first"]


def require_scorer(study: Study, scorer: str | None) -> None:
    """Refuse to compare what nobody, or not this scorer, graded.

    Raises
    ------
    StageError
        When the current outputs have no score, or none by ``scorer``.
    """
    known = study.read("gap_scorers")["scorer"].tolist()
    if not known:
        raise StageError("nothing is scored yet: run `erranal score` first")
    if scorer is not None and scorer not in known:
        raise StageError(f"no output was graded by {scorer!r}; there are scores by: {known}")


def discordant(
    study: Study,
    *,
    scorer: str = "erranal",
    limit: int | None = None,
    order: Order = "text-right-first",
    reference: str | None = None,
    compared: str | None = None,
) -> pd.DataFrame:
    """Return the pairs that only one arm got right, with question, gold and both responses.

    They are the cases to read first. They are no sample to estimate rates from: an error seen in
    the compared arm of pairs chosen for being wrong there says nothing about how common it is.

    Parameters
    ----------
    study
        A scored study.
    scorer
        Whose grading counts: "erranal" or "imported".
    limit
        Most rows to return; all by default.
    order
        Whether pairs only the reference arm (text) got right come first, or only the compared one.
    reference, compared
        Arm or modality, as in :func:`erranal.gap.run`.

    Returns
    -------
    DataFrame
        One pair a row; columns ending in _a belong to the reference arm, in _b to the compared.

    Raises
    ------
    StageError
        When there are no such scores, or no arm of such a name.
    """
    require_scorer(study, scorer)
    return study.read(
        "gap_discordant",
        comparisons=arms.of_study(study, reference, compared),
        scorer=scorer,
        first=order == "text-right-first",
        limit=limit,
    )
