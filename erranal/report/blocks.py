"""Data inside the page: JSON, compressed, in pieces that the page unpacks when it needs them.

Base64 of gzip holds no ``<``, so no text of a study can end the element that carries it.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

# Characters a piece may hold: unpacking one takes some 20 ms, and search unpacks all of them.
_PIECE = 1_500_000
_LEVEL = 6


@dataclass(frozen=True)
class Block:
    """One element of the page: its id and its packed content."""

    name: str
    packed: str


def pack(name: str, value: Any) -> Block:
    """Return a value as a block."""
    squeezed = gzip.compress(orjson.dumps(value), compresslevel=_LEVEL, mtime=0)
    return Block(name, base64.b64encode(squeezed).decode("ascii"))


def pieces(name: str, values: Iterable[Any]) -> tuple[list[Block], list[int]]:
    """Return a long list cut into blocks ``name-0``, ``name-1`` ... and where each starts.

    The starts end with the length of the list.
    """
    blocks, starts = [], [0]
    for number, piece in enumerate(_cut(values)):
        blocks.append(pack(f"{name}-{number}", [orjson.Fragment(text) for text in piece]))
        starts.append(starts[-1] + len(piece))
    return blocks, starts


def _cut(values: Iterable[Any]) -> Iterator[list[bytes]]:
    piece: list[bytes] = []
    size = 0
    for value in values:
        text = orjson.dumps(value)
        if piece and size + len(text) > _PIECE:
            yield piece
            piece, size = [], 0
        piece.append(text)
        size += len(text)
    if piece:
        yield piece


class Pool:
    """Values stored once, by key, in the order they came."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[Any, int] = {}

    def add(self, key: Any, value: Any) -> int:
        """Return the place of a value, storing it when its key is new."""
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = len(self.values)
            self.values.append(value)
        return place
