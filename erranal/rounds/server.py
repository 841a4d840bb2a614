"""A Label Studio server for a team that has none: on this machine only, its data in one folder."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from erranal.errors import StageError
from erranal.rounds.accounts import Accounts, complete, write_private
from erranal.rounds.environment import environment, program
from erranal.rounds.pictures import ROOT_VARIABLE
from erranal.rounds.place import Place, alone, make, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Progress = Callable[[int, int, str], None]

HOST = "127.0.0.1"
READY_S, STOP_S = 300.0, 15.0
STEPS = ("finding or installing Label Studio", "starting the server", "making the accounts")

MESSAGE = """\
Label Studio is running at {url} (this machine only; Ctrl-C stops it).
Who may sign in: {names}; passwords are in {accounts}
In another terminal, before `erranal rounds push` and pull: . {client}
From another machine: ssh -L {port}:{host}:{port} THIS-MACHINE, then {url}"""
CLIENT = """\
export LABEL_STUDIO_URL={url}
export LABEL_STUDIO_API_KEY={token}
export {root_variable}={files}
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    url: str
    place: Place
    people: tuple[str, ...]
    process: subprocess.Popen[bytes]

    def message(self) -> str:
        """Return how to reach it, without any secret."""
        return MESSAGE.format(
            url=self.url,
            host=HOST,
            port=self.url.rpartition(":")[2],
            names=", ".join(self.people),
            accounts=self.place.accounts,
            client=shlex.quote(str(self.place.client)),
        )

    def wait(self) -> None:
        """Wait until the server stops by itself.

        Raises
        ------
        StageError
            Then: it was not asked to.
        """
        code = self.process.wait()
        raise StageError(f"Label Studio stopped by itself with status {code}: see {self.place.log}")


@contextlib.contextmanager
def running(
    folder: str | Path,
    *,
    port: int = 8080,
    coders: int = 2,
    environment_path: str | Path | None = None,
    python: str | Path | None = None,
    progress: Progress | None = None,
) -> Iterator[Server]:
    """Run a server while the context lasts; parameters as of :func:`serve`."""
    report = progress or (lambda _done, _total, _label: None)
    place = make(Path(folder).resolve())
    with alone(place) as held:
        _check_free(port)
        report(0, len(STEPS), STEPS[0])
        home = environment(
            place.folder / "environment",
            given=Path(environment_path) if environment_path else None,
            python=Path(python) if python else None,
        )
        accounts = Accounts(place.accounts)
        accounts.plan(coders)
        report(1, len(STEPS), STEPS[1])
        with _process(place, home, port, accounts, held) as process:
            url = f"http://{HOST}:{port}"
            _await(url, process, place)
            report(2, len(STEPS), STEPS[2])
            complete(url, accounts)
            _tell(place, url, accounts["admin"].token)
            report(3, len(STEPS), "ready")
            people = tuple(accounts[name].email for name in accounts.names())
            yield Server(url, place, people, process)


def _tell(place: Place, url: str, token: str) -> None:
    """Write down how the server is reached, for its owner alone."""
    write_private(place.token, token + "\n")
    files = shlex.quote(str(place.files))
    told = CLIENT.format(url=url, token=token, root_variable=ROOT_VARIABLE, files=files)
    write_private(place.client, told)


def serve(
    folder: str | Path,
    *,
    port: int = 8080,
    coders: int = 2,
    environment_path: str | Path | None = None,
    python: str | Path | None = None,
    progress: Progress | None = None,
    ready: Callable[[Server], None] | None = None,
) -> None:
    """Run a local Label Studio until it is interrupted.

    The first start installs the server and makes its database and accounts (minutes); later ones
    take what is there (seconds). It listens on the loopback address only, tells nobody that it
    runs, and checks predictions that are imported.

    Parameters
    ----------
    folder
        Everything of the server lies here: environment, database, files, accounts, log.
    port
        TCP port on 127.0.0.1.
    coders
        How many people code; each has an account. A larger number later adds accounts.
    environment_path
        An environment that has Label Studio already.
    python
        Interpreter for the environment to make.
    progress
        Called with steps done, steps in all, and what is being done.
    ready
        Called once the server answers; ``Server.message()`` tells how to reach it.

    Raises
    ------
    StageError
        When it cannot be installed or started, the port is taken, a server is running on the
        folder, or the server stops by itself.
    """
    with (
        _terminable(),
        contextlib.suppress(KeyboardInterrupt),
        running(
            folder,
            port=port,
            coders=coders,
            environment_path=environment_path,
            python=python,
            progress=progress,
        ) as server,
    ):
        if ready is not None:
            ready(server)
        server.wait()


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise StageError(f"port {port} cannot be used ({error}): choose another") from None


@contextlib.contextmanager
def _process(
    place: Place, home: Path, port: int, accounts: Accounts, held: int
) -> Iterator[subprocess.Popen[bytes]]:
    command = [str(program(home)), "start", "--no-browser", "--internal-host", HOST]
    command += ["--port", str(port), "--enable-legacy-api-token"]
    variables = settings(place)
    admin = accounts["admin"]
    if not admin.token:
        # As variables, which other people on the machine cannot read, unlike a command line.
        variables |= {"USERNAME": admin.email, "PASSWORD": admin.password}
    log = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(  # noqa: S603
            command,
            env=variables,
            cwd=place.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[held],
        )
    finally:
        os.close(log)
    os.ftruncate(held, 0)
    os.pwrite(held, str(process.pid).encode(), 0)
    try:
        yield process
    finally:
        _stop(process)


def _await(url: str, process: subprocess.Popen[bytes], place: Place) -> None:
    import httpx

    end = time.monotonic() + READY_S
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/health", timeout=5, trust_env=False).status_code == 200:
                return
        time.sleep(0.1)
    tail = place.log.read_text(encoding="utf-8", errors="replace")[-800:]
    raise StageError(f"Label Studio did not start; {place.log} ends with:\n{tail}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the server as Ctrl-C does, where the caller may set handlers."""

    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
