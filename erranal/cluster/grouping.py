"""Points to groups: a graph of near texts, its communities at each resolution, and a map."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from erranal.cluster import communities, graph, layout, neighbours
from erranal.cluster.population import FEWEST

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from erranal.cluster.communities import Partition
    from erranal.cluster.population import Population
    from erranal.cluster.settings import Settings


class Grouping(NamedTuple):
    """A partition of the points for each resolution, and their positions, shape (n, 2)."""

    partitions: list[Partition]
    positions: NDArray[np.float32]


def group(people: Population, settings: Settings, tell: Callable[[int, str], None]) -> Grouping:
    """Group the points of a population.

    Parameters
    ----------
    people
        The population with its points.
    settings
        What the groups are made with.
    tell
        Called with steps done, 0 to 2, and what is being done.
    """
    seed, min_size = settings.seed, settings.min_size
    tell(0, "find neighbours")
    few_enough = max(3, len(people.vectors) // 8)  # in a small study 15 would be everybody
    near = neighbours.find(people.vectors, min(settings.neighbours, few_enough), seed=seed)
    whole = graph.locally_scaled(near)
    lonely = graph.outliers(near) & (people.sizes < min_size)
    dense = graph.without(whole, lonely)
    tell(1, "find communities")
    partitions = [
        communities.partition(
            dense, people.sizes, value, seed=seed, min_size=min_size if people.enough else FEWEST
        )
        for value in settings.resolutions
    ]
    tell(2, "draw the map")
    labels = partitions[communities.choose(partitions)].labels
    return Grouping(partitions, layout.arrange(whole, people.vectors, labels, seed=seed))
