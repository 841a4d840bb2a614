"""The process that scores batches of outputs; run as ``python -m erranal.score.worker``.

One request a line, a batch as JSON (see ``batch.Batch``); one reply a line, the scores.
"""

from __future__ import annotations

import sys

import orjson

from erranal.score.batch import score_batch


def main() -> None:
    """Answer requests until standard input closes."""
    replies = sys.stdout.buffer
    replies.write(b"ready\n")
    replies.flush()
    for line in sys.stdin.buffer:
        scores = [tuple(score) for score in score_batch(orjson.loads(line))]
        replies.write(orjson.dumps(scores) + b"\n")
        replies.flush()


if __name__ == "__main__":
    main()
