"""``import erranal`` and ``erranal --help`` stay cheap."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

MAX_MODULES = 150
HEAVY = {"duckdb", "pandas", "numpy", "pyarrow", "altair", "sklearn", "scipy", "torch", "jinja2"}
PROBE = """
import json, sys
before = set(sys.modules)
{code}
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def modules_after(code: str) -> list[str]:
    # -X frozen_modules and site's own imports do not count: only what the code adds.
    result = subprocess.run(
        [sys.executable, "-c", PROBE.format(code=code)], capture_output=True, text=True, check=True
    )
    return json.loads(result.stdout.splitlines()[-1])


HELP = """
import contextlib, io
from erranal.cli import main
with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
    main({args!r})
assert 'Usage' in out.getvalue() or 'usage' in out.getvalue(), out.getvalue()
"""


@pytest.mark.parametrize(
    "code",
    ["import erranal", HELP.format(args=["--help"]), HELP.format(args=["run", "--help"])],
    ids=["import", "help", "run-help"],
)
def test_few_modules_and_no_heavy_ones(code):
    loaded = modules_after(code)
    assert not HEAVY & {name.split(".")[0] for name in loaded}
    assert len(loaded) < MAX_MODULES, f"{len(loaded)} modules"


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="CPU time of a child needs wait4")
def test_help_costs_under_a_third_of_a_cpu_second():
    costs = []
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-m", "erranal", "--help"], stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 0
        costs.append(usage.ru_utime + usage.ru_stime)
    # The floor of a noisy machine: the cheapest of three says what the code costs.
    assert min(costs) < 0.3, costs
