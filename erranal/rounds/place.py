"""The folder of a Label Studio server of one's own: what lies where, and who may use it now."""

from __future__ import annotations

import contextlib
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from erranal.errors import StageError
from erranal.rounds.environment import clean_variables

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server keeps what is its own."""

    folder: Path

    @property
    def data(self) -> Path:
        """Database, uploads and secret key."""
        return self.folder / "data"

    @property
    def files(self) -> Path:
        """Document root: images of a folder strictly below it can be shown."""
        return self.folder / "files"

    @property
    def accounts(self) -> Path:
        """Accounts with passwords and tokens."""
        return self.folder / "accounts.json"

    @property
    def token(self) -> Path:
        """The admin's token alone."""
        return self.folder / "token"

    @property
    def client(self) -> Path:
        """What a shell needs to know of the server, to be sourced."""
        return self.folder / "client.sh"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "server.log"


def settings(place: Place) -> dict[str, str]:
    """Return the server's environment variables: quiet, strict, all its data in the place."""
    own = {
        "BASE_DATA_DIR": str(place.data),
        "DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "FEATURE_FLAGS_OFFLINE": "true",
        "LOCAL_FILES_SERVING_ENABLED": "true",
        "LOCAL_FILES_DOCUMENT_ROOT": str(place.files),
        "LOG_LEVEL": "WARNING",
    }
    variables = {f"LABEL_STUDIO_{name}": value for name, value in own.items()}
    # Without this flag every prediction is taken, however malformed.
    variables["fflag_feat_utc_210_prediction_validation_15082025"] = "true"
    return clean_variables() | variables


def make(folder: Path) -> Place:
    """Return the place of a server, with its folders made."""
    place = Place(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for part in (place.data, place.files):
        part.mkdir(mode=0o700, exist_ok=True)
    return place


@contextlib.contextmanager
def alone(place: Place) -> Iterator[int]:
    """Hold the place's lock, and yield its descriptor.

    The server inherits it, so that the lock holds even when the process that started it is
    killed.

    Raises
    ------
    StageError
        When a server runs there.
    """
    held = os.open(place.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        number = os.read(held, 20).decode() or "unknown"
        os.close(held)
        raise StageError(
            f"a Label Studio server is running on {place.folder} already (process {number}):"
            " use it, or end that process first"
        ) from None
    try:
        yield held
    finally:
        os.close(held)
