"""The picture of a unit, read from disk and brought to where coders see it.

File names come from hostile files: only pictures below the folder of the result file, or that
the study rendered itself, are read, and they are shown under names of our own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from erranal.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGEST = 20_000_000  # bytes
_HEAD = 16
WAYS = ("local", "upload", "data", "none")
_KINDS = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """One image file; ``kind`` is png, jpeg, gif or webp."""

    data: bytes
    kind: str

    @property
    def name(self) -> str:
        """A file name made of its content."""
        return f"{hashlib.sha256(self.data).hexdigest()[:32]}.{self.kind}"


class Client(Protocol):
    """What is asked of a server."""

    def add_local_images(self, project_id: int, folder: str | Path) -> None:
        """Let a project show images of a folder."""

    def upload_images(self, project_id: int, files: Sequence[Path]) -> dict[str, str]:
        """Return the URL of each file by its name."""


def find(image: str | None, folder: str | None) -> Picture | None:
    """Return a picture, or None where there is none to be had.

    Parameters
    ----------
    image
        A ``data:`` URI or a path; addresses on the network are not fetched.
    folder
        The folder the path must be below; None for one that the study rendered itself.
    """
    if not image:
        return None
    if image.startswith("data:"):
        return _picture(_decoded(image))
    return _picture(_read(image, folder))


def is_there(image: str | None, folder: str | None) -> bool:
    """Return whether :func:`find` finds a picture, without reading all of a file."""
    if not image or image.startswith("data:"):
        return find(image, folder) is not None
    return _picture(_read(image, folder, _HEAD)) is not None


def _decoded(uri: str) -> bytes:
    head, _, body = uri.partition(",")
    if not head.endswith(";base64") or len(body) > LARGEST * 4 // 3 + 4:
        return b""
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        return b""


def _read(name: str, folder: str | None, most: int = LARGEST) -> bytes:
    try:
        path = Path(name) if folder is None else (Path(folder or ".") / name).resolve()
        if folder is not None and not path.is_relative_to(Path(folder or ".").resolve()):
            return b""
        if not path.is_file() or path.stat().st_size > LARGEST:
            return b""
        with path.open("rb") as file:
            return file.read(most)
    except (OSError, ValueError):  # a name that no file can have
        return b""


def _picture(data: bytes) -> Picture | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Picture(data, "webp")
    kind = next((kind for mark, kind in _KINDS.items() if data.startswith(mark)), None)
    return Picture(data, kind) if kind else None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How pictures get to coders.

    Attributes
    ----------
    way
        ``local`` (files that the server shows from its own disk), ``upload`` (to the server),
        ``data`` (inside the task: works everywhere, and makes everything larger) or ``none``.
    root
        For ``local``: the folder whose files the server shows, its document root.
    below
        For ``local``: the folder below the root that is the round's own.
    """

    way: str
    root: Path | None
    below: str

    def check(self) -> None:
        """Refuse ways that there are not, and a local one without its folder.

        Raises
        ------
        StageError
            With what to give instead.
        """
        if self.way not in WAYS:
            raise StageError(f"images cannot go by {self.way!r}: choose {', '.join(WAYS)}")
        if self.way == "local" and self.root is None:
            raise StageError(
                "local images need the folder that the server shows files from (its document "
                "root; `erranal rounds serve` names it): give it, or choose upload or data"
            )
        if self.way == "local" and self.root and not self.root.is_dir():
            raise StageError(f"there is no folder {self.root} for images: give the document root")

    def key(self, picture: Picture) -> str:
        """Return what tells a picture and its way from others, wherever it is delivered to."""
        return f"{self.way}:{picture.name}"

    def deliver(
        self, pictures: Iterable[Picture], client: Client, project_id: int
    ) -> dict[str, str]:
        """Bring pictures to where coders see them, and return their addresses by name."""
        unique = {picture.name: picture for picture in pictures}
        if self.way == "upload" and unique:
            return _upload(unique, client, project_id)
        addresses = self.write(unique.values())
        if self.way == "local" and unique:
            client.add_local_images(project_id, self.folder)
        return addresses

    def write(self, pictures: Iterable[Picture]) -> dict[str, str]:
        """Return the addresses of pictures that need no server to get there, by name."""
        if self.way == "data":
            return {picture.name: _data_uri(picture) for picture in pictures}
        return {picture.name: self._copy(picture) for picture in pictures}

    @property
    def folder(self) -> Path:
        """The round's own folder below the root."""
        return (self.root or Path()) / self.below

    def _copy(self, picture: Picture) -> str:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / picture.name
        if not path.exists():
            _write(path, picture.data)
        return f"/data/local-files/?d={quote(f'{self.below}/{picture.name}')}"


def _data_uri(picture: Picture) -> str:
    return f"data:image/{picture.kind};base64,{base64.b64encode(picture.data).decode()}"


def _upload(unique: dict[str, Picture], client: Client, project_id: int) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in unique]
        for file in files:
            file.write_bytes(unique[file.name].data)
        return client.upload_images(project_id, files)


def _write(path: Path, data: bytes) -> None:
    """Write a file so that it is whole or not there."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(data)
    os.chmod(file.name, 0o644)  # the server may run as somebody else
    os.replace(file.name, path)
