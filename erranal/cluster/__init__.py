"""Cluster: group the outputs by what their texts say, and draw a map of them.

A graph joins each text with its nearest ones, Leiden finds communities at several resolutions,
each is checked against other seeds and subsamples, and the finest firm one is shown by default.
Texts in no dense place, and outputs without a vector, are noise (-1): nothing is forced into a
group. A cluster is a suggestion to look, not a finding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from erranal.cluster.communities import Partition
    from erranal.cluster.population import Population
    from erranal.models import Progress
    from erranal.store import Study

RESOLUTIONS = (0.5, 1.0, 2.0, 4.0)
NEIGHBOURS = 15
LARGE = 8_000  # outputs; more hold more groups and are dense enough for fewer neighbours
LARGE_RESOLUTIONS = (1.0, 2.0, 4.0, 8.0)
LARGE_NEIGHBOURS = 10
MIN_SIZE = 5
STEPS = 4


def run(
    study: Study,
    *,
    encoder: str | None = None,
    population: str = "errors",
    scorer: str = "erranal",
    resolutions: Sequence[float] | None = None,
    seed: int = 0,
    min_size: int = MIN_SIZE,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Cluster a population at several resolutions, in place of this encoder's earlier ones.

    Parameters
    ----------
    study
        The study; reads vectors and outputs, writes clusterings, clusters, cluster_members, maps.
    encoder
        An encoder_id or name in the study; by default the one that knows most of the texts.
    population
        ``errors`` of the scorer, or ``all`` current outputs.
    scorer
        Whose errors.
    resolutions
        Larger ones give more and smaller clusters; by default four, 0.5 to 4 for up to 8,000
        outputs and 1 to 8 for more.
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

    from erranal.cluster import population as populations
    from erranal.cluster import tables

    _check(resolutions, min_size)
    tell = progress or (lambda done, total, label: None)
    parameters = {"scorer": scorer, "seed": seed, "min_size": min_size}
    asked = {"encoder": encoder, "population": population, "resolutions": resolutions}
    with study.journal("cluster", {**parameters, **asked}) as entry:
        tell(0, STEPS, "read vectors")
        people = populations.read(study, encoder, population, scorer)
        large = len(people.outputs) > LARGE
        values = resolutions or (LARGE_RESOLUTIONS if large else RESOLUTIONS)
        parameters["neighbours"] = LARGE_NEIGHBOURS if large else NEIGHBOURS
        partitions, positions = _group(people, values, parameters, tell)
        tell(3, STEPS, "describe clusters")
        texts = tables.sampled_texts(study, people)
        found = tables.build(people, values, partitions, texts, population, parameters)
        tables.write(study, people, population, found, positions)
        entry.count(outputs=len(people.outputs), points=len(people.vectors))
        tell(STEPS, STEPS, "done")
    return pd.DataFrame([one.summary for one in found])


def _group(
    people: Population,
    resolutions: Sequence[float],
    parameters: dict[str, Any],
    tell: Progress,
) -> tuple[list[Partition], NDArray[np.float32]]:
    """Return a partition for each resolution and the positions of the points on the map."""
    from erranal.cluster import communities, graph, layout, neighbours
    from erranal.cluster.population import FEWEST

    seed, min_size = parameters["seed"], parameters["min_size"]
    tell(0, STEPS, "find neighbours")
    few_enough = max(3, len(people.vectors) // 8)  # in a small study 15 would be everybody
    k = min(parameters["neighbours"], few_enough)
    near = neighbours.find(people.vectors, k, seed=seed)
    whole = graph.locally_scaled(near)
    lonely = graph.outliers(near) & (people.sizes < min_size)
    dense = graph.without(whole, lonely)
    tell(1, STEPS, "find communities")
    partitions = [
        communities.partition(
            dense, people.sizes, value, seed=seed, min_size=min_size if people.enough else FEWEST
        )
        for value in resolutions
    ]
    tell(2, STEPS, "draw the map")
    labels = partitions[communities.choose(partitions)].labels
    return partitions, layout.arrange(whole, people.vectors, labels, seed=seed)


def _check(resolutions: Sequence[float] | None, min_size: int) -> None:
    if resolutions is not None and (len(resolutions) == 0 or min(resolutions) <= 0):
        raise StageError(f"resolutions {list(resolutions)} must be positive numbers, one at least")
    if min_size < 2:
        raise StageError(f"min_size {min_size} is too small for a group: give 2 or more")
