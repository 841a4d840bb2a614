"""What every file format hands on: records with their line numbers, and the rows that are none."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import Any, NamedTuple

# Small enough for the records to stay in the processor's cache from parsing to shaping.
BATCH_ROWS = 1_024
BATCH_BYTES = 2 << 20

_LONGEST_DETAIL = 300


class Reject(NamedTuple):
    """A row that cannot land: where it is, why, and what was found."""

    line: int
    reason: str
    detail: str


def reject(line: int, reason: str, detail: object = "") -> Reject:
    """Build a reject whose detail is printable, valid Unicode and short."""
    text = str(detail).encode("utf-8", "replace").decode("utf-8").replace("\x00", "\\0")
    return Reject(line, reason, text[:_LONGEST_DETAIL])


@dataclass
class Batch:
    """Records of one stretch of a file.

    Parameters
    ----------
    lines
        Line (or record number) of each record, 1-based.
    records
        The records; always dictionaries.
    rejects
        Rows of the stretch that hold no record.
    offset
        Bytes of the file read so far.
    """

    lines: list[int] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    offset: int = 0

    def cut(self, count: int) -> tuple[Batch, Batch]:
        """Return the first ``count`` rows, good and bad in file order, and the others."""
        if count >= len(self):
            return self, Batch(offset=self.offset)
        places = sorted([*self.lines, *(row.line for row in self.rejects)])
        last = places[count - 1] if count else 0
        kept = bisect.bisect_right(self.lines, last)
        before = [row for row in self.rejects if row.line <= last]
        after = [row for row in self.rejects if row.line > last]
        return (
            Batch(self.lines[:kept], self.records[:kept], before, self.offset),
            Batch(self.lines[kept:], self.records[kept:], after, self.offset),
        )

    def __len__(self) -> int:
        return len(self.lines) + len(self.rejects)
