"""Images on a Label Studio server: a folder of its machine shown, or files uploaded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from erranal.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

FILES_PER_REQUEST = 50


def show_folder(ask: Callable[..., Any], project_id: int, folder: Path) -> None:
    """Let a project show images of a folder, which must be strictly below the document root."""
    path = str(folder.resolve())
    storages = "/api/storages/localfiles/"
    there = ask("GET", storages, params={"project": project_id})
    if any(storage["path"] == path for storage in there):
        return
    body = {"project": project_id, "path": path, "title": "images", "use_blob_urls": True}
    ask("POST", storages, json=body)


def upload(ask: Callable[..., Any], project_id: int, files: Sequence[Path]) -> dict[str, str]:
    """Upload files and return the URL by file name.

    Raises
    ------
    StageError
        When two files have the same name.
    """
    if len({file.name for file in files}) < len(files):
        raise StageError("two images to upload have the same file name")
    urls: dict[str, str] = {}
    for start in range(0, len(files), FILES_PER_REQUEST):
        urls |= _upload_some(ask, project_id, files[start : start + FILES_PER_REQUEST])
    return urls


def _upload_some(ask: Callable[..., Any], project_id: int, files: Sequence[Path]) -> dict[str, str]:
    # Under one name each, a form keeps only the last file; the names of the fields are ours.
    sent = {f"file{n}": (file.name, file.read_bytes()) for n, file in enumerate(files)}
    importing = f"/api/projects/{project_id}/import"
    ids = ask("POST", importing, params={"commit_to_project": "false"}, files=sent)
    numbers = ids["file_upload_ids"]
    listing = f"/api/projects/{project_id}/file-uploads"
    uploads = ask("GET", listing, params={"ids": json.dumps(numbers)})
    urls = {upload["id"]: "/data/" + quote(upload["file"]) for upload in uploads}
    return {file.name: urls[number] for file, number in zip(files, numbers, strict=True)}
