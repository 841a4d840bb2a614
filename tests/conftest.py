"""The demo study, run once for all tests that need a finished one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REAL = Path(__file__).parent.parent.parent / "shared" / "real"


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory) -> Path:
    """Return the folder of a demo study made by the command line itself."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "erranal", "demo", str(folder), "--encoder", "lexical", "-q"]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=280)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture(scope="session")
def real_outputs() -> Path:
    """Return the folder of real public outputs, which are not part of the project."""
    if not REAL.exists():
        pytest.skip(f"no real outputs at {REAL}")
    return REAL
