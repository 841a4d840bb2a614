"""The pictures that records were shown, for a judge that can see."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from erranal import pictures
from erranal.errors import StageError

if TYPE_CHECKING:
    from erranal.judge.verdict import Record
    from erranal.models.chat import Picture


def find(record: Record, folder: Path | None) -> Picture | None:
    """Return the record's picture, or None where there is none to be had.

    Parameters
    ----------
    record
        Its ``image`` is a path or a ``data:`` URI; its ``folder`` is None where the study rendered
        the picture itself.
    folder
        Where pictures of result files are; by default the folder of the result file.
    """
    from erranal.models.chat import Picture

    below = record.folder if record.folder is None else folder or record.folder
    found = pictures.find(record.image, below)
    return None if found is None else Picture(found.data, found.media_type, found.sha256)


@dataclass
class Album:
    """The pictures of a run: where they are, and how many there were to be had.

    ``missing`` counts records that name a picture that is not there, too large, no picture, outside
    of the folder or on the network.
    """

    folder: Path | None = None
    shown: int = 0
    missing: int = 0

    def __post_init__(self) -> None:
        if self.folder is not None and not self.folder.is_dir():
            raise StageError(f"there is no folder {self.folder}: --pictures names where they are")

    def find(self, record: Record) -> Picture | None:
        """Return the record's picture, and count it."""
        picture = find(record, self.folder)
        self.shown += picture is not None
        self.missing += picture is None and bool(record.image)
        return picture
