"""Studies of errors of any size, written as ingest and score would write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from erranal.store import Study

ARMS = ["text", "image"]
AT_ONCE = 20_000


def error_study(path: Path, n: int, *, seed: int = 0, words: int = 180) -> Study:
    """Write a study of n items that are right as text and wrong as an image."""
    rng = np.random.default_rng(seed)
    letters = list("etaoinshrdlucm")
    vocabulary = np.array(["".join(rng.choice(letters, 6)) for _ in range(3000)])
    study = Study(path)
    with study.write() as tx:
        conditions = {"condition_id": ARMS, "modality": ARMS, "prompt_style": "cot"}
        tx.append("conditions", pd.DataFrame(conditions))
        tx.append("runs", pd.DataFrame({"run_id": ARMS, "model": "m", "condition_id": ARMS}))
    for start in range(0, n, AT_ONCE):
        size = min(AT_ONCE, n - start)
        picked = vocabulary[rng.integers(0, len(vocabulary), (size, words))]
        items = [f"b/{i}" for i in range(start, start + size)]
        texts = [f"{' '.join(row)} so the answer is {i}." for i, row in enumerate(picked)]
        with study.write() as tx:
            tx.append("items", _items(items, [" ".join(row[:25]) + "?" for row in picked]))
            for arm in ARMS:
                tx.append("outputs", _outputs(items, texts, arm))
                tx.append("scores", _scores(items, arm))
    return study


def _items(items: list[str], questions: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame({"item_id": items, "native_id": items, "question": questions})
    return frame.assign(item_hash="h", version=1, benchmark="b", source_id="s", gold="7")


def _outputs(items: list[str], texts: list[str], arm: str) -> pd.DataFrame:
    names = [f"{item}/{arm}" for item in items]
    frame = pd.DataFrame({"output_id": names, "slot_id": names, "item_id": items})
    return frame.assign(
        current=True, run_id=arm, item_hash="h", sample=0, response=texts, response_hash=names,
        status="ok", source_id="s", line=range(len(items)),
    )  # fmt: skip


def _scores(items: list[str], arm: str) -> pd.DataFrame:
    frame = pd.DataFrame({"output_id": [f"{item}/{arm}" for item in items]})
    outcome = "correct" if arm == "text" else "incorrect"
    return frame.assign(outcome=outcome, scorer="erranal", scorer_version="1")
