"""A Python module run as a child process that answers one line with one line.

``multiprocessing`` would import the caller's main module again, which breaks notebooks and scripts
without a main guard; a plain child process does not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

START = 120.0  # seconds a child may take to import what it needs
_ROOT = Path(__file__).resolve().parents[2]


class Child:
    """One child process.

    Parameters
    ----------
    module
        Module to run; it prints a line when it is ready, then a line for every line it reads.
    """

    def __init__(self, module: str) -> None:
        path = os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )
        self._ready = False
        self._late = False

    def ask(self, line: bytes, *, timeout: float | None) -> bytes | None:
        """Send a line and return the reply, or None when the child died or had to be killed."""
        if not self._ready:
            self._ready = self._line(START) is not None
        stdin = self._process.stdin
        if not self._ready or stdin is None:
            return None
        try:
            stdin.write(line + b"\n")
            stdin.flush()
        except OSError:
            return None
        return self._line(timeout)

    def _line(self, timeout: float | None) -> bytes | None:
        stdout = self._process.stdout
        if stdout is None:
            return None
        if timeout is None:
            return stdout.readline() or None
        timer = threading.Timer(timeout, self._expire)
        timer.start()
        try:
            return stdout.readline() or None
        finally:
            timer.cancel()

    def _expire(self) -> None:
        self._late = True
        self._process.kill()

    @property
    def usable(self) -> bool:
        """Whether the process can be asked again: it runs, and no time limit has struck it."""
        return not self._late and self._process.poll() is None

    def close(self) -> None:
        """Kill the process and wait for it."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue  # unsent bytes of a killed child
        self._process.wait()
