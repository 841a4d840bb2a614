"""Nearest neighbours of unit vectors: all compared with all, or within cells when there are many.

Cells are those of a spherical k-means on a sample; a point is compared with the members of the
cells whose centres are nearest to that of its own (an inverted file as in Jegou, Douze and Schmid
2011, without compression).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Ints = NDArray[np.int32]
    Tick = Callable[[int, int], None]

EXACT_UP_TO = 4_000  # above this, cells are cheaper and lose little
BLOCK = 1024  # rows of the similarity matrix held at once
STRIPE = 32  # columns whose maximum bounds the k-th best
CELL = 200  # points a cell, on average
CANDIDATES = 2_000  # points a row is compared with, at least, when there are cells
ROUNDS = 6  # of Lloyd's algorithm; the cells need to be even, not optimal


@dataclass(frozen=True)
class Neighbours:
    """The k nearest other points of each point, nearest first.

    Attributes
    ----------
    index
        Shape (n, k), int32.
    similarity
        Cosine similarities, shape (n, k), float32, rounded so that ties do not hang on the order
        in which a matrix product adds.
    exact
        Whether every point was compared with every other.
    """

    index: Ints
    similarity: Floats
    exact: bool


@dataclass(frozen=True)
class _Block:
    """Rows to search for; ``own`` is where each row stands among its candidates."""

    rows: Ints
    candidates: Ints | None
    own: Ints


def find(vectors: Floats, k: int, *, seed: int = 0, tick: Tick | None = None) -> Neighbours:
    """Return the k nearest neighbours of every vector among the others.

    Parameters
    ----------
    vectors
        Unit length, shape (n, d).
    k
        Neighbours a point; at most n - 1 are returned.
    seed
        Of the sample that the cells are fitted on; exact search does not use it.
    tick
        Called with rows done and rows in all.
    """
    n = len(vectors)
    k = max(0, min(k, n - 1))
    index = np.zeros((n, k), dtype=np.int32)
    similarity = np.zeros((n, k), dtype=np.float32)
    exact = n <= EXACT_UP_TO
    done = 0
    for block in _everything(n) if exact else _by_cells(vectors, seed):
        if k:
            index[block.rows], similarity[block.rows] = _nearest(vectors, block, k)
        done += len(block.rows)
        if tick:
            tick(done, n)
    return Neighbours(index, similarity, exact)


def _everything(n: int) -> Iterator[_Block]:
    for start in range(0, n, BLOCK):
        rows = np.arange(start, min(start + BLOCK, n), dtype=np.int32)
        yield _Block(rows, None, rows)


def _by_cells(vectors: Floats, seed: int) -> Iterator[_Block]:
    centres = _cell_centres(vectors, seed)
    starts = range(0, len(vectors), BLOCK)
    cell = np.concatenate([np.argmax(vectors[s : s + BLOCK] @ centres.T, axis=1) for s in starts])
    order = np.argsort(cell, kind="stable").astype(np.int32)
    bounds = np.searchsorted(cell[order], np.arange(len(centres) + 1))
    sizes = np.diff(bounds)
    for c in np.flatnonzero(sizes):
        nearest = np.argsort(-(centres @ centres[c]), kind="stable")
        probes = np.concatenate([[c], nearest[nearest != c]])
        enough = int(np.searchsorted(np.cumsum(sizes[probes]), CANDIDATES)) + 1
        candidates = np.concatenate([order[bounds[p] : bounds[p + 1]] for p in probes[:enough]])
        for start in range(0, sizes[c], BLOCK):
            own = np.arange(start, min(start + BLOCK, sizes[c]), dtype=np.int32)
            yield _Block(candidates[own], candidates, own)


def _cell_centres(vectors: Floats, seed: int) -> Floats:
    """Fit the cell centres on a sample of 16 points a cell."""
    n = len(vectors)
    cells = max(1, n // CELL)
    rng = np.random.default_rng(seed)
    sample = vectors[rng.choice(n, size=min(n, 16 * cells), replace=False)]
    centres = sample[:cells].copy()
    for _ in range(ROUNDS):
        cell = np.argmax(sample @ centres.T, axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, cell, sample)
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(norms > 0, sums / np.maximum(norms, 1e-12), centres)
    return centres


def _nearest(vectors: Floats, block: _Block, k: int) -> tuple[Ints, Floats]:
    """Return the k best candidates of each row but itself, by similarity, then by index."""
    pool = vectors if block.candidates is None else vectors[block.candidates]
    scores = np.round(vectors[block.rows] @ pool.T, 5)
    scores[np.arange(len(block.own)), block.own] = -np.inf
    row, column = np.nonzero(scores >= _bound(scores, k)[:, None])
    if len(row) > 8 * k * len(scores):  # thousands of ties: any k of them, the same ones each time
        column = np.argpartition(-scores, k - 1, axis=1)[:, :k].ravel()
        row = np.repeat(np.arange(len(scores)), k)
    value = scores[row, column]
    name = column if block.candidates is None else block.candidates[column]
    order = np.lexsort((name, -value, row))
    first = np.searchsorted(row[order], np.arange(len(scores)))
    take = order[first[:, None] + np.arange(k)]
    return name[take], value[take]


def _bound(scores: Floats, k: int) -> Floats:
    """Return a value a row that at least k of its scores reach: the k-th best stripe maximum.

    A stripe takes every so-many-th column, since neighbours tend to stand side by side.
    """
    n = scores.shape[1]
    stripes = n // STRIPE
    if stripes <= k:
        kth: Floats = np.partition(scores, n - k, axis=1)[:, n - k]
        return kth
    best = scores[:, : stripes * STRIPE].reshape(len(scores), STRIPE, stripes).max(axis=1)
    bound: Floats = np.partition(best, stripes - k, axis=1)[:, stripes - k]
    return bound
