"""Cluster: group the outputs by what their texts say, and draw a map of them.

A graph joins each text with its nearest ones, Leiden finds communities at several resolutions,
each is checked against other seeds and subsamples, and the finest firm one is shown by default.
Texts in no dense place, and outputs without a vector, are noise (-1): nothing is forced into a
group. A cluster is a suggestion to look, not a finding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.cluster import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from erranal.models import Progress
    from erranal.store import Study

STEPS = 4


def _teller(progress: Progress | None) -> Callable[[int, str], None]:
    def tell(step: int, label: str) -> None:
        if progress is not None:
            progress(step, STEPS, label)

    return tell


def run(
    study: Study,
    *,
    encoder: str | None = None,
    population: str = "errors",
    scorer: str = "erranal",
    resolutions: Sequence[float] | None = None,
    seed: int = 0,
    min_size: int = settings.MIN_SIZE,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Cluster a population at several resolutions, in place of this encoder's earlier ones.

    Parameters
    ----------
    encoder
        An encoder_id or name in the study; by default the one that knows most of the texts.
    population, scorer
        ``errors`` of the scorer, or ``all`` current outputs.
    resolutions
        Larger ones give more and smaller clusters; by default 0.5 to 4, of many outputs 1 to 8.
    seed
        Of everything random: the same seed on the same study gives the same clusters.
    min_size
        Groups of fewer outputs are noise.
    progress
        Called with steps done, steps in all and what is being done.

    Returns
    -------
    DataFrame
        One row a resolution: clusters, noise, stability, association with modality and codes,
        whether it was chosen, and a note where there is something to say.

    Raises
    ------
    StageError
        When there are no vectors of the population, or a parameter makes no sense.
    """
    import pandas as pd

    from erranal.cluster import grouping, tables
    from erranal.cluster import population as populations

    settings.check(resolutions, min_size)
    asked: dict[str, Any] = {"encoder": encoder, "population": population, "scorer": scorer}
    asked |= {"resolutions": resolutions, "seed": seed, "min_size": min_size}
    tell = _teller(progress)
    with study.journal("cluster", asked) as entry:
        tell(0, "read vectors")
        people = populations.read(study, encoder, population, scorer)
        chosen = settings.settle(len(people.outputs), resolutions, seed=seed, min_size=min_size)
        groups = grouping.group(people, chosen, tell)
        tell(3, "describe clusters")
        found = tables.build(people, chosen, groups, tables.sampled_texts(study, people))
        tables.write(study, people, found, groups.positions)
        entry.count(outputs=len(people.outputs), points=len(people.vectors))
        tell(4, "done")
    return pd.DataFrame([one.summary for one in found])
