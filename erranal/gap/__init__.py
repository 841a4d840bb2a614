"""Paired accuracy gaps: the same item answered as text and as image.

In each model and prompt style the arm nearest to text is the reference, and every other arm is
compared with it on the items both answered. Each comparison is counted twice, with format failures
as wrong answers and with such pairs left out, and grouped several ways (see
:mod:`erranal.gap.groups`). Reading, thinking and response length are measured side by side: the
table ``collapse`` holds how much shorter the compared responses are.

References
----------
Tango (1998), Statistics in Medicine 17:891; Fagerland, Lydersen and Laake (2013), BMC Medical
Research Methodology 13:91; Miller (2024), arXiv 2411.00640.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from erranal.gap.cases import discordant

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from erranal.store import Study

__all__ = ["discordant", "run"]

_STEPS = 3


def _write(study: Study, **tables: pd.DataFrame) -> None:
    import pyarrow as pa

    with study.write() as tx:
        for name, rows in tables.items():
            tx.clear(name)
            # Through Arrow, because there NaN becomes NULL.
            tx.append(name, pa.Table.from_pandas(rows, preserve_index=False))


def run(
    study: Study,
    *,
    reference: str | None = None,
    compared: str | None = None,
    scorer: str | None = None,
    level: float = 0.95,
    progress: Callable[[int, int, str], None] | None = None,
) -> pd.DataFrame:
    """Compare accuracies of the same items under two arms; rebuild tables gaps and collapse.

    Parameters
    ----------
    study
        A scored study.
    reference, compared
        Arm ("text", "image:mono") or modality ("image"). By default the arm nearest to text
        against every other.
    scorer
        One scorer only; by default all there are, apart.
    level
        Nominal coverage of the intervals.
    progress
        Called with steps done, steps in all and a label.

    Returns
    -------
    DataFrame
        The rows of table ``gaps`` grouped by model and prompt style; none where no model answered
        under two arms. All groupings are in the table.

    Raises
    ------
    StageError
        When nothing is scored, a name given is unknown, or the arms share no item.
    """
    from erranal.errors import StageError
    from erranal.gap import arms, cases, collapse, estimates

    tell = progress or (lambda done, total, label: None)
    parameters = {"reference": reference, "compared": compared, "scorer": scorer, "level": level}
    with study.journal("gap", parameters) as entry:
        cases.require_scorer(study, scorer)
        chosen = arms.of_study(study, reference, compared)
        tell(0, _STEPS, "count pairs")
        counts = study.read("gap_counts", comparisons=chosen, scorer=scorer)
        if chosen and counts.empty:
            raise StageError(
                f"the arms {chosen[0]['arm_a']} and {chosen[0]['arm_b']} share no item: check that "
                "their files give the same ids (`erranal integrity` lists items with one arm only)"
            )
        tell(1, _STEPS, "measure responses")
        shorter = collapse.collapse(collapse.measure(study, chosen), level=level)
        tell(2, _STEPS, "estimate gaps")
        rows = estimates.gaps(counts, level=level)
        _write(study, gaps=rows, collapse=shorter)
        entry.count(comparisons=len(chosen), gaps=len(rows), collapse=len(shorter))
        tell(_STEPS, _STEPS, "done")
    return rows[rows["grouping"] == "model+prompt_style"].reset_index(drop=True)
