"""The pictures of units, brought to where coders see them, under names of our own."""

from __future__ import annotations

import base64
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

    from erranal.pictures import PictureFile

WAYS = ("local", "upload", "data", "none")
ROOT_VARIABLE = "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT"  # the server's own name for it


class Client(Protocol):
    """What is asked of a server."""

    def add_local_images(self, project_id: int, folder: str | Path) -> None:
        """Let a project show images of a folder."""

    def upload_images(self, project_id: int, files: Sequence[Path]) -> dict[str, str]:
        """Return the URL of each file by its name."""


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
                "local images need the folder that the server shows files from, its document root: "
                f"give --image-folder or set {ROOT_VARIABLE}, or choose --images upload or data"
            )
        if self.way == "local" and self.root and not self.root.is_dir():
            raise StageError(f"there is no folder {self.root} for images: give the document root")

    def key(self, picture: PictureFile) -> str:
        """Return what tells a picture and its way from others, wherever it is delivered to."""
        return f"{self.way}:{picture.name}"

    def deliver(
        self, pictures: Iterable[PictureFile], client: Client, project_id: int
    ) -> dict[str, str]:
        """Bring pictures to where coders see them, and return their addresses by name."""
        unique = {picture.name: picture for picture in pictures}
        if self.way == "upload" and unique:
            return _upload(unique, client, project_id)
        addresses = self.write(unique.values())
        if self.way == "local" and unique:
            client.add_local_images(project_id, self.folder)
        return addresses

    def write(self, pictures: Iterable[PictureFile]) -> dict[str, str]:
        """Return the addresses of pictures that need no server to get there, by name."""
        if self.way == "data":
            return {picture.name: _data_uri(picture) for picture in pictures}
        return {picture.name: self._copy(picture) for picture in pictures}

    @property
    def folder(self) -> Path:
        """The round's own folder below the root."""
        return (self.root or Path()) / self.below

    def _copy(self, picture: PictureFile) -> str:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / picture.name
        if not path.exists():
            _write(path, picture.data)
        return f"/data/local-files/?d={quote(f'{self.below}/{picture.name}')}"


def deliver_by(images: str, image_folder: str | Path | None, below: str) -> Delivery:
    """Return how pictures get to coders.

    Parameters
    ----------
    images
        One of the ways, or ``auto``: ``local`` where the document root is known, else ``upload``.
    image_folder
        The folder that the server shows files from (its document root), where it is known.
    below
        The folder below it that is the round's own.
    """
    if images == "auto":
        images = "local" if image_folder else "upload"
    return Delivery(images, Path(image_folder) if image_folder else None, below)


def _data_uri(picture: PictureFile) -> str:
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}"


def _upload(unique: dict[str, PictureFile], client: Client, project_id: int) -> dict[str, str]:
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
