"""A map of the texts in two dimensions: t-SNE on the neighbour graph.

Attraction runs along the edges of the graph, repulsion is a convolution on a grid (Linderman et
al. 2019, with bilinear interpolation). Beyond a few thousand points a spread of landmarks is laid
out and the rest is placed among their neighbours. Everything is deterministic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from erranal.cluster import neighbours
from erranal.cluster.graph import locally_scaled

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from erranal.cluster.communities import Labels

    Floats = NDArray[np.float64]

LANDMARKS = 4_000  # points that are laid out; the others are placed among them
JITTER = 0.3  # standard deviation around its neighbours of a point that was placed, in map units
NEIGHBOURS = 15  # of a landmark among the landmarks
EARLY, LATE = 60, 200  # iterations with and without exaggeration
EXAGGERATION = 12.0
CELL_WIDTH = 0.5  # of the grid, in units of the map, while the grid is not at its largest
GRID = (32, 400)


def arrange(
    graph: csr_matrix, vectors: NDArray[np.float32], labels: Labels, *, seed: int
) -> NDArray[np.float32]:
    """Return a position for every point, shape (n, 2).

    Parameters
    ----------
    graph
        Symmetric weights between points, shape (n, n).
    vectors
        Unit length, shape (n, d).
    labels
        Clusters; each gives landmarks in proportion to its size.
    seed
        Of the choice of landmarks and of the jitter around them.
    """
    n = len(vectors)
    if n <= LANDMARKS:
        return tsne(graph, principal_axes(vectors)).astype(np.float32)
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(n), labels))  # every n/LANDMARKS-th of each cluster
    chosen = np.sort(order[np.linspace(0, n - 1, LANDMARKS).astype(int)])
    near = neighbours.find(vectors[chosen], NEIGHBOURS, seed=seed)
    laid_out = tsne(locally_scaled(near), principal_axes(vectors[chosen]))
    placed = _place(graph, chosen, laid_out)
    others = np.ones(n, dtype=bool)
    others[chosen] = False
    placed[others] += JITTER * rng.standard_normal((int(others.sum()), 2))
    return placed.astype(np.float32)


def _place(graph: csr_matrix, chosen: NDArray[np.intp], positions: Floats) -> Floats:
    """Put every other point at the weighted mean of its neighbours that have a place."""
    n = graph.shape[0]
    placed, known = np.zeros((n, 2)), np.zeros(n, dtype=bool)
    placed[chosen], known[chosen] = positions, True
    while not known.all():
        weight = graph @ known.astype(np.float64)
        new = ~known & (weight > 0)
        if not new.any():
            break  # no way from here to a landmark: they stay in the middle
        mean = graph @ (placed * known[:, None])
        placed[new] = mean[new] / weight[new, None]
        known |= new
    return placed


def principal_axes(vectors: NDArray[np.float32]) -> Floats:
    """Return the first two principal components, shape (n, 2), signs fixed by the largest entry."""
    if len(vectors) == 0:
        return np.zeros((0, 2))
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :2]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    scores = centred @ axes
    padded: Floats = np.pad(scores, ((0, 0), (0, 2 - scores.shape[1])))
    return padded


def tsne(graph: csr_matrix, start: Floats) -> Floats:
    """Return positions that keep graph neighbours together.

    Parameters
    ----------
    graph
        Symmetric non-negative weights, shape (n, n).
    start
        First positions, shape (n, 2), of any scale; they decide where the groups end up.

    Returns
    -------
    array
        Shape (n, 2), centred.
    """
    n = len(start)
    if graph.nnz == 0:
        return start
    weights = graph / graph.sum()
    y = _scaled(start, 1e-4)
    step = np.zeros_like(y)
    for iteration in range(EARLY + LATE):
        early = iteration < EARLY
        pull = _attraction(weights, y) * (EXAGGERATION if early else 1.0)
        force = 4.0 * (pull - _repulsion(y))
        # In proportion to n (Belkina et al. 2019): a floor makes a handful of points diverge.
        momentum, rate = (0.5, n / EXAGGERATION) if early else (0.8, n / 4)
        step = momentum * step - rate * force
        y = y + step
        y -= y.mean(axis=0)
    return y


def _scaled(positions: Floats, spread: float) -> Floats:
    centred = positions - positions.mean(axis=0)
    deviation = centred[:, 0].std()
    scaled: Floats = centred * (spread / deviation if deviation > 0 else 1.0)
    return scaled


def _attraction(weights: csr_matrix, y: Floats) -> Floats:
    """Return the sum over edges of p_ij (y_i - y_j) / (1 + d^2), shape (n, 2)."""
    from scipy.sparse import csr_matrix

    degree = np.diff(weights.indptr)
    square = np.ones(len(weights.data))
    for axis in (0, 1):
        position = np.ascontiguousarray(y[:, axis])
        square += (np.repeat(position, degree) - position[weights.indices]) ** 2
    pull = csr_matrix((weights.data / square, weights.indices, weights.indptr), weights.shape)
    sums = pull @ np.column_stack([y, np.ones(len(y))])
    force: Floats = y * sums[:, 2:] - sums[:, :2]
    return force


def _repulsion(y: Floats) -> Floats:
    """Return the sum over all points of (y_i - y_j) / (1 + d^2)^2, over its normalisation Z."""
    low = y.min(axis=0)
    width = float((y.max(axis=0) - low).max()) or 1.0
    cells = int(np.clip(np.ceil(width / CELL_WIDTH), *GRID))
    spacing = width / (cells - 1)
    corners, shares = _corners((y - low) / spacing, cells)
    charges = np.stack([np.ones(len(y)), y[:, 0], y[:, 1]])
    grids = [
        np.bincount(corners.ravel(), (shares * charge).ravel(), minlength=(cells + 1) ** 2).reshape(
            cells + 1, cells + 1
        )
        for charge in charges
    ]
    fields = _convolve(np.stack([*grids, grids[0]]), spacing)
    mass, first, second, kernel = (
        np.einsum("ij,ij->j", shares, field.ravel()[corners]) for field in fields
    )
    normalisation = max(kernel.sum() - _own_share(shares, spacing), 1e-12)
    force: Floats = (y * mass[:, None] - np.stack([first, second], axis=1)) / normalisation
    return force


def _own_share(shares: Floats, spacing: float) -> float:
    """Return what the points contribute to their own kernel sums, spread over their corners."""
    straight, diagonal = 1 / (1 + spacing**2), 1 / (1 + 2 * spacing**2)
    same = (shares**2).sum()
    across = (shares[[0, 0, 1, 2]] * shares[[1, 2, 3, 3]]).sum()
    opposite = (shares[[0, 1]] * shares[[3, 2]]).sum()
    return float(same + 2 * straight * across + 2 * diagonal * opposite)


def _corners(place: Floats, cells: int) -> tuple[NDArray[np.int64], Floats]:
    """Return the four grid corners around each point and its bilinear shares, shapes (4, n)."""
    corner = np.clip(place.astype(np.int64), 0, cells - 1)
    fx, fy = (place - corner).T
    base = corner[:, 0] * (cells + 1) + corner[:, 1]
    corners = np.stack([base, base + 1, base + cells + 1, base + cells + 2])
    shares = np.stack([(1 - fx) * (1 - fy), (1 - fx) * fy, fx * (1 - fy), fx * fy])
    return corners, shares


def _convolve(grids: Floats, spacing: float) -> Floats:
    """Convolve three grids with 1 / (1 + d^2)^2 and the fourth with 1 / (1 + d^2)."""
    from scipy import fft

    side = grids.shape[1]
    padded = fft.next_fast_len(2 * side, real=True)
    distance = np.minimum(np.arange(padded), padded - np.arange(padded)) * spacing
    kernel = 1.0 / (1.0 + distance[:, None] ** 2 + distance[None, :] ** 2)
    spectra = fft.rfft2(np.stack([kernel**2, kernel]))
    charges = fft.rfft2(grids[:3], s=(padded, padded))
    product = np.concatenate([charges * spectra[0], (charges[0] * spectra[1])[None]])
    field: Floats = fft.irfft2(product, s=(padded, padded))[:, :side, :side]
    return field
