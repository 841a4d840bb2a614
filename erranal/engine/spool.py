"""Answers on disk before anything else happens to them.

A spool is a row of segment files, each a sequence of lines ``crc32 json``. A line reaches the
operating system when its answer arrives, and the disk about a tenth of a second later. A segment is
closed when its answers are handed on and deleted when they have landed, so what a killed process
leaves behind is what it had received and not landed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from erranal.engine import lines
from erranal.errors import StageError

if TYPE_CHECKING:
    from erranal.engine.call import Answer

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Segment:
    """One file of a spool, open for appending."""

    def __init__(self, path: Path) -> None:
        self.path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._fd: int | None = os.open(path, flags, 0o666)
        self._size = 0
        self._dirty = False
        self._listed = False
        self._lock = threading.Lock()

    def append(self, data: bytes) -> None:
        """Write a line whole, or leave the file as it was."""
        assert self._fd is not None  # noqa: S101 - for the type checker
        try:
            written = os.write(self._fd, data)
            while written < len(data):
                written += os.write(self._fd, data[written:])
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._size)
            raise
        self._size += len(data)
        self._dirty = True

    def sync(self) -> None:
        """Wait until the disk has what was written; may run in another thread."""
        with self._lock:
            if self._fd is None or not self._dirty:
                return
            self._dirty = False
            os.fsync(self._fd)
            if not self._listed:
                _sync_folder(self.path.parent)
                self._listed = True

    def close(self) -> None:
        """Let go of the file, which stays."""
        with self._lock:
            if self._fd is not None:
                os.close(self._fd)
                self._fd = None

    def delete(self) -> None:
        """Remove the file."""
        self.close()
        self.path.unlink(missing_ok=True)


class Spool:
    """Keeps answers until they have landed; one process at a time. POSIX only.

    Parameters
    ----------
    folder
        Where the files are; made where missing.
    name
        Tells spools in one folder apart: letters, digits, dots, dashes and underscores.

    Attributes
    ----------
    damaged
        Lines that :meth:`recover` left out because they were torn or changed.

    Raises
    ------
    StageError
        When another process holds the spool, or it cannot be written.
    """

    def __init__(self, folder: str | Path, name: str) -> None:
        if not NAME.fullmatch(name):
            raise StageError(f"{name!r} cannot name a spool: use letters, digits, '.', '-' and '_'")
        self.folder = Path(folder)
        self.name = name
        self.damaged = 0
        self._segment: Segment | None = None
        self._recovered: list[Path] = []
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(self.folder / f"{name}.lock")
        except OSError as error:
            raise StageError(f"cannot write in {self.folder}: {error.strerror}") from error
        self._number = max((_number(path) for path in self._files()), default=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, answer: Answer) -> None:
        """Append an answer; on return the operating system has it.

        Raises
        ------
        OSError
            When it cannot be written, e.g. to a full disk; the spool is as it was before.
        """
        if self._segment is None:
            self._number += 1
            self._segment = Segment(self.folder / f"{self.name}.{self._number:08d}.spool")
        self._segment.append(lines.encode(answer))

    def sync(self) -> None:
        """Wait until the disk has everything; may be called from another thread."""
        if (segment := self._segment) is not None:
            segment.sync()

    def rotate(self) -> Segment | None:
        """Close the row of answers written so far and return it; None when there is none.

        :meth:`Segment.delete` it when they have landed.
        """
        segment, self._segment = self._segment, None
        return segment

    def recover(self) -> Iterator[Answer]:
        """Yield the answers that earlier processes received and did not land."""
        current = self._segment.path if self._segment else None
        for path in self._files():
            if path != current:
                yield from self._read(path)
                self._recovered.append(path)

    def clear_recovered(self) -> None:
        """Forget what :meth:`recover` yielded, once it has landed."""
        for path in self._recovered:
            path.unlink(missing_ok=True)
        self._recovered = []

    def close(self) -> None:
        """Let go of the spool; answers that have not landed stay."""
        if self._segment is not None:
            self._segment.sync()
            self._segment.close()
            self._segment = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _files(self) -> list[Path]:
        return sorted(
            path
            for path in self.folder.glob(f"{self.name}.*.spool")
            if path.name.removeprefix(f"{self.name}.").removesuffix(".spool").isdigit()
        )

    def _read(self, path: Path) -> Iterator[Answer]:
        with path.open("rb") as file:
            for line in file:
                answer = lines.decode(line)
                if answer is None:
                    self.damaged += 1
                else:
                    yield answer


def _number(path: Path) -> int:
    return int(path.name.split(".")[-2])


def _lock(path: Path) -> int | None:
    held = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(held, 20).decode("ascii", "replace") or "unknown"
        os.close(held)
        raise StageError(
            f"{path} is held by process {holder}, which asks the same questions: "
            "wait until it is done, or stop it"
        ) from None
    os.ftruncate(held, 0)
    os.write(held, str(os.getpid()).encode())
    return held


def _sync_folder(folder: Path) -> None:
    held = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)
