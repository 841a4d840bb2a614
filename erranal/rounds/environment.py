"""The environment a Label Studio server runs in: its own, as its pins are not those of a study."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from erranal.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Progress = Callable[[int, int, str], None]

VERSION = "1.23.2"
INSTALL_S = 1800
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
_TOLD = "import importlib.metadata as m; print(m.version('label-studio'))"


def environment(folder: Path, *, given: Path | None = None, python: Path | None = None) -> Path:
    """Return an environment with Label Studio in it, made when it is not there.

    Parameters
    ----------
    folder
        Where to make one.
    given
        An environment that has Label Studio already, used as it is.
    python
        Interpreter for a new one, this process's own by default.

    Raises
    ------
    StageError
        When the given one has no Label Studio, or none can be installed.
    """
    if given is not None:
        if version_in(given) is None:
            raise StageError(
                f"no Label Studio in the environment {given}: leave it out to have one made"
            )
        return given
    if version_in(folder) is None:
        _install(folder, Path(sys.executable) if python is None else python)
    return folder


def version_in(environment: Path) -> str | None:
    """Return which Label Studio an environment has, None without one."""
    interpreter = environment / "bin" / "python"
    if not interpreter.exists() or not program(environment).exists():
        return None
    told = subprocess.run(  # noqa: S603
        [interpreter, "-c", _TOLD], check=False, capture_output=True, text=True, timeout=120
    )
    return told.stdout.strip() or None


def program(environment: Path) -> Path:
    """Return the server's program in an environment."""
    return environment / "bin" / "label-studio"


def clean_variables() -> dict[str, str]:
    """Return what a server may see of this process's environment.

    Label Studio takes settings from variables with very common names (HOST, DEBUG, USERNAME), so
    that nothing else is passed on.
    """
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def _install(folder: Path, python: Path) -> None:
    wanted = f"label-studio=={VERSION}"
    _run([str(python), "-m", "venv", "--clear", str(folder)])
    inside = str(folder / "bin" / "python")
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    if (uv := shutil.which("uv", path=beside)) is not None:  # many times faster than pip
        try:
            _run([uv, "pip", "install", "--quiet", "--python", inside, wanted])
            return
        except StageError:
            pass  # pip may know of registries that uv does not
    _run([inside, "-m", "pip", "install", "--quiet", wanted])


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603
            command, check=False, capture_output=True, text=True, timeout=INSTALL_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StageError(f"Label Studio could not be installed: {error}") from error
    if done.returncode:
        raise StageError(
            f"Label Studio could not be installed: {(done.stderr or done.stdout)[-800:]}"
        )
