"""One push at a time: two at once would make every project twice."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

from erranal.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from erranal.store import Study


@contextlib.contextmanager
def alone(study: Study) -> Iterator[None]:
    """Hold the right to push for a study, which ends with the process at the latest.

    Raises
    ------
    StageError
        When another process holds it.
    """
    path = study.path.with_name(f".{study.path.name}.push")
    try:
        held = _opened(path)
    except OSError as error:
        raise StageError(
            f"{path} cannot be opened ({error.strerror}): to push a study takes the right to write "
            "into its folder"
        ) from error
    try:
        _take(held, study)
        yield
    finally:
        os.close(held)


def _take(held: int, study: Study) -> None:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StageError(
            f"{study.path} is being pushed to a server by another process: wait for it, then give "
            "the same command again"
        ) from None


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except PermissionError:  # of somebody else who shares the folder
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
