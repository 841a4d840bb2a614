"""Pictures that files name, read from disk or out of the file itself.

File names come from hostile files, and what is read may be sent to a server or shown to people:
only pictures below a given folder are read, and nothing is fetched from the network.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

LARGEST = 20_000_000  # bytes; what the large providers take is less or about that
SMALLEST = 32  # bytes; a mark alone is no picture
_KINDS = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
}


@dataclass(frozen=True, slots=True)
class PictureFile:
    """One picture as its bytes; ``kind`` is png, jpeg, gif or webp."""

    data: bytes = field(repr=False)
    kind: str

    @property
    def sha256(self) -> str:
        """Hash of the bytes."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def media_type(self) -> str:
        """Such as ``image/png``."""
        return f"image/{self.kind}"

    @property
    def name(self) -> str:
        """A file name made of its content."""
        return f"{self.sha256[:32]}.{self.kind}"


def find(image: str | None, folder: str | Path | None) -> PictureFile | None:
    """Return a picture, or None where there is none to be had.

    Parameters
    ----------
    image
        A ``data:`` URI or a path; addresses on the network are not fetched.
    folder
        The folder the path must be below; None for a picture that the study rendered itself.
    """
    return _recognised(_bytes(image, folder, LARGEST)) if image else None


def is_there(image: str | None, folder: str | Path | None) -> bool:
    """Return whether :func:`find` finds a picture, without reading all of a file."""
    return image is not None and _recognised(_bytes(image, folder, SMALLEST)) is not None


def _bytes(image: str, folder: str | Path | None, most: int) -> bytes:
    return _decoded(image) if image.startswith("data:") else _read(image, folder, most)


def _decoded(uri: str) -> bytes:
    head, _, body = uri.partition(",")
    if not head.endswith(";base64") or len(body) > LARGEST * 4 // 3 + 4:
        return b""
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        return b""


def _read(name: str, folder: str | Path | None, most: int) -> bytes:
    try:
        path = Path(name)
        if folder is not None:
            root = Path(folder or ".").resolve()
            path = (root / name).resolve()
            if not path.is_relative_to(root):
                return b""
        if not path.is_file() or path.stat().st_size > LARGEST:
            return b""
        with path.open("rb") as file:
            return file.read(most)
    except (OSError, ValueError):  # a name that no file can have
        return b""


def _recognised(data: bytes) -> PictureFile | None:
    if len(data) < SMALLEST:
        return None
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return PictureFile(data, "webp")
    kind = next((kind for mark, kind in _KINDS.items() if data.startswith(mark)), None)
    return PictureFile(data, kind) if kind else None
