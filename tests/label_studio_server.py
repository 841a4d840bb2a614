"""A real Label Studio server for tests: its environment and database are made once and cached."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pytest

from erranal.errors import StageError
from erranal.rounds import accounts, place
from erranal.rounds.environment import VERSION, environment, version_in
from erranal.rounds.labelstudio import LabelStudio
from erranal.rounds.server import Server, running

ENVIRONMENT_VARIABLE = "ERRANAL_LABEL_STUDIO_ENV"
CODERS = 2
COPIED = ("accounts.json", "token", "data/.env", "data/label_studio.sqlite3")


def cache() -> Path:
    """Return the folder of what is made once for all test sessions, outside the repository."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "erranal" / f"label-studio-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@functools.cache
def _environment() -> Path | str:
    """Return an environment with Label Studio, or why none can be made."""
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    try:
        with _locked(cache()):
            return environment(cache() / "environment", given=Path(named) if named else None)
    except StageError as error:
        if named:
            raise
        return str(error)


def server_environment() -> Path:
    """Return an environment with Label Studio, made in the cache when none is named.

    Skips the test, with the reason, when none can be made.
    """
    made = _environment()
    if isinstance(made, str):
        pytest.skip(f"no Label Studio server: {made}")
    return made


def prepare() -> None:
    """Make environment and template now, which takes longer than a single test may."""
    with contextlib.suppress(StageError):  # told by the tests that need the server
        made = _environment()
        if isinstance(made, Path):
            template(made)


def free_port() -> int:
    """Return a TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def template(home: Path) -> Path:
    """Return a server's folder with database and accounts, migrated once for this version."""
    sources = Path(accounts.__file__).read_bytes() + Path(place.__file__).read_bytes()
    made = cache() / f"template-{version_in(home)}-{hashlib.sha256(sources).hexdigest()[:12]}"
    with _locked(cache()):
        if not made.exists():
            part = Path(tempfile.mkdtemp(dir=cache(), prefix="part-"))
            with running(part, port=free_port(), coders=CODERS, environment_path=home):
                pass
            part.rename(made)
    return made


class LabelStudioServer:
    """One server on its own port and folder, which may be killed and come back.

    Attributes
    ----------
    url, folder
        Where it is reached, and where its data is.
    names
        Who has an account: "admin", "coder-1", "coder-2".
    """

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self._home = folder, home
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        for name in COPIED:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(template(home) / name, folder / name)
        self._accounts = json.loads((folder / "accounts.json").read_text())
        self.names = tuple(self._accounts)
        self._stack = contextlib.ExitStack()
        self.server: Server

    @property
    def images(self) -> Path:
        """Return a folder for images that the server may show."""
        folder = self.folder / "files" / "images"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def __enter__(self) -> LabelStudioServer:
        for name in self.names:
            os.environ[self.variable(name)] = self._accounts[name]["token"]
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        for name in self.names:
            del os.environ[self.variable(name)]

    def start(self) -> None:
        """Start it, on the port and data it had before."""
        context = running(self.folder, port=self._port, coders=CODERS, environment_path=self._home)
        self.server = self._stack.enter_context(context)

    def stop(self) -> None:
        """Stop it in order."""
        self._stack.close()

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self.server.process.kill()
        self.server.process.wait()
        self._stack.close()

    @contextlib.contextmanager
    def away(self, seconds: float) -> Iterator[None]:
        """Kill it, and start it again after a while, beside what the context does."""
        self.kill()
        failures: list[BaseException] = []

        def come_back() -> None:
            try:
                self.start()
            except BaseException as error:  # noqa: BLE001  (told to the test's own thread)
                failures.append(error)

        timer = threading.Timer(seconds, come_back)
        timer.start()
        try:
            yield
        finally:
            timer.join()
        if failures:
            raise failures[0]

    def variable(self, name: str) -> str:
        """Return the environment variable with somebody's token."""
        return "TEST_TOKEN_OF_" + name.upper().replace("-", "_")

    def token(self, name: str) -> str:
        """Return somebody's token."""
        return str(self._accounts[name]["token"])

    def account(self, name: str) -> tuple[str, str]:
        """Return somebody's email and password, for a browser."""
        return self._accounts[name]["email"], self._accounts[name]["password"]

    def client(self, name: str = "admin", *, patience_s: float = 60.0) -> LabelStudio:
        """Return a client in somebody's name."""
        return LabelStudio(self.url, token_env=self.variable(name), patience_s=patience_s)


@contextlib.contextmanager
def label_studio_server(folder: Path) -> Iterator[LabelStudioServer]:
    """Run a server on a folder of its own."""
    with LabelStudioServer(folder, server_environment()) as server:
        yield server
