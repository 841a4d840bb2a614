"""The process that compares formulas with math-verify; run as ``python -m erranal.score.symbolic``.

One request a line, ``[gold, answer]``; one reply a line: true, false, or null without a result.
It is a process of its own because a comparison may take for ever (``9^{9^{9^9}}``), eat memory or
crash, and only a process can be stopped for certain. math-verify's own time-outs need signals on
the main thread, so they are off and the parent keeps the time.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from contextlib import suppress
from typing import Any, TextIO

MEMORY = 4 << 30  # bytes of address space
READY = "ready"


def equivalent(gold: str, answer: str) -> bool:
    """Return whether two formulas are equal according to math-verify."""
    from math_verify import parse, verify

    pair: list[Any] = [parse(f"\\boxed{{{text}}}", parsing_timeout=None) for text in (gold, answer)]
    return bool(all(pair) and verify(*pair, timeout_seconds=None))


def main() -> None:
    """Answer requests until standard input closes."""
    replies = _private_output()
    _limit_memory()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    import math_verify  # noqa: F401  (before "ready", so that start-up is not on the clock)

    print(READY, file=replies, flush=True)
    for line in sys.stdin:
        gold, answer = json.loads(line)
        same: bool | None = False
        try:
            same = equivalent(gold, answer)
        except (MemoryError, RecursionError):
            same = None
        except Exception as error:  # noqa: BLE001  (what it cannot read is not equivalent)
            logging.debug("%s", error)
        print(json.dumps(same), file=replies, flush=True)


def _private_output() -> TextIO:
    """Return the old standard output; whatever a library prints goes nowhere."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return replies


def _limit_memory() -> None:
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    main()
