"""Agreement: between coders, of a judge with what they settled, and what being shown a judge does.

Per code and per arm, with intervals, the raw table and prevalence beside each coefficient, and in
words what can be trusted and why. Coefficients alone mislead where a code is rare: kappa may be
negative where coders agree on 94 % of units, and AC1 high where they never agree on a positive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from erranal import labelled
from erranal.labelled import saving

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from erranal.store import Study

    Progress = Callable[[int, int, str], None]

ANALYSES = ("agreement", "trust", "anchoring")
_STEPS = 3


def run(
    study: Study,
    *,
    rounds: Sequence[str] = (),
    judge: str | None = None,
    level: float = 0.95,
    interim: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Estimate agreement between coders, trust in a judge and anchoring, and store it.

    Parameters
    ----------
    study
        A study with a coded round.
    rounds
        Names of rounds; by default all test rounds under the newest one's codebook version.
    judge
        Name or id of the judge; by default the one the rounds show labels of.
    level
        Nominal coverage of the intervals.
    interim
        Whether rounds that are not closed may be used; the numbers are marked.
    seed
        Of the resampling behind alpha and AC1.
    progress
        Called with steps done, steps in all and a label.

    Returns
    -------
    DataFrame
        The rows of table ``estimates`` of the analyses agreement, trust and anchoring.

    Raises
    ------
    StageError
        As :func:`erranal.labelled.choose`.
    """
    from erranal.agreement import anchoring, coders, judging

    tell = progress or (lambda done, total, label: None)
    basis = labelled.choose(study, rounds=rounds, judge=judge, interim=interim)
    given = {"rounds": list(basis.rounds), "judge": basis.judge, "level": level, "seed": seed}
    given["resamples"] = coders.RESAMPLES
    with study.journal("agreement", given) as entry:
        tell(0, _STEPS, "coders against each other")
        rows = list(coders.between_coders(labelled.answers(study, basis), level=level, seed=seed))
        sample = labelled.sample(study, basis)
        if basis.judge_id is not None:
            tell(1, _STEPS, "judge against humans")
            rows += judging.against_humans(basis, sample, level=level)
            tell(2, _STEPS, "shown against blind")
            rows += anchoring.anchoring(basis, sample, level=level)
        frame = saving.save(study, basis, rows, journal_id=entry.journal_id, analyses=ANALYSES)
        ids = {"judge_id": basis.judge_id, "codebook_id": basis.codebook_id}
        entry.count(rows=len(frame), excluded=sample.excluded, **ids)
        tell(_STEPS, _STEPS, "done")
    frame.attrs |= {"basis": basis, "excluded": sample.excluded}
    return frame
