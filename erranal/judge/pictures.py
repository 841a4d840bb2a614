"""The picture that a record was shown, read from disk for a judge that can see.

File names come from hostile files, and what is read may be sent to a server: only pictures below
the folder of the result file, or below the folder the user names, are read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from erranal.errors import StageError

if TYPE_CHECKING:
    from erranal.judge.verdict import Record
    from erranal.models.chat import Picture

LARGEST = 20_000_000  # bytes; what the providers take is less or about that
SMALLEST = 32  # bytes; a mark alone is no picture
_KINDS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


def find(record: Record, folder: Path | None) -> Picture | None:
    """Return the record's picture, or None where there is none to be had.

    Parameters
    ----------
    record
        Its ``image`` is a path or a ``data:`` URI; addresses on the network are not fetched.
    folder
        Where pictures are; by default the folder of the result file.
    """
    if not record.image:
        return None
    if record.image.startswith("data:"):
        return _picture(_decoded(record.image))
    return _picture(_read(record.image, folder or Path(record.folder or ".")))


def _decoded(uri: str) -> bytes:
    head, _, body = uri.partition(",")
    if not head.endswith(";base64") or len(body) > LARGEST * 4 // 3 + 4:
        return b""
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        return b""


def _read(name: str, folder: Path) -> bytes:
    try:
        root = folder.resolve()
        path = (root / name).resolve()
        if not path.is_relative_to(root) or not path.is_file():
            return b""
        return path.read_bytes() if path.stat().st_size <= LARGEST else b""
    except (OSError, ValueError):  # a name that no file can have
        return b""


def _picture(data: bytes) -> Picture | None:
    from erranal.models.chat import Picture

    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        kind = "image/webp"
    else:
        kind = next((kind for mark, kind in _KINDS.items() if data.startswith(mark)), "")
    if not kind or len(data) < SMALLEST:
        return None
    return Picture(data, kind, hashlib.sha256(data).hexdigest())


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
