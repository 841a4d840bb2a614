"""CPU-seconds and quality of the cluster stage, beside BERTopic given the same vectors.

Run: ``python tests/bench/bench_cluster.py [--sizes 4000 10000 25000] [--huge 200000]
[--real ../shared/real] [--bertopic PYTHON]``.

Every measurement is a process of its own on one thread, imports included. Ours is the whole stage
on a study (reading, four resolutions with stability, words, exemplars, map, writing); BERTopic's is
``fit_transform(documents, embeddings)`` with its defaults. --bertopic names an interpreter that can
import bertopic; without one the comparison is left out and the program says so.

Data: mixtures on the sphere with known groups, whose spread makes neighbouring groups run into
each other, 5 % of uniform noise and texts of words that the group prefers; and, with --real, public
model responses labelled by subject or task, embedded with the encoder "auto" (kept with --keep).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
OURS = """
import sys
from erranal import cluster
from erranal.store import Study
study = Study(sys.argv[1])
cluster.run(study, population="all")
rows = study.query("SELECT output_id, cluster FROM cluster_members JOIN clusterings USING "
                   "(clustering_id) WHERE chosen ORDER BY output_id")
rows["cluster"].to_numpy().tofile(sys.argv[2])
"""
THEIRS = """
import json, sys
import numpy as np
from bertopic import BERTopic
vectors = np.load(sys.argv[1] + ".npy")
texts = json.load(open(sys.argv[1] + ".json"))
topics, _ = BERTopic().fit_transform(texts, vectors)
np.array(topics, dtype=np.int32).tofile(sys.argv[2])
"""


def mixture(n: int, groups: int, *, noise: float = 0.05, seed: int = 0):
    """Return vectors (n, 384), labels (-1 noise) and texts."""
    rng = np.random.default_rng(seed)
    themes = rng.normal(size=(max(2, groups // 8), 384))
    centres = themes[rng.integers(0, len(themes), groups)] + rng.normal(size=(groups, 384))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    share = rng.dirichlet(np.full(groups, 2.0))
    labels = rng.choice(groups, size=n, p=share)
    spread = rng.uniform(0.8, 2.2, groups) / np.sqrt(384)
    vectors = np.empty((n, 384), dtype=np.float32)
    for start in range(0, n, 20_000):
        part = labels[start : start + 20_000]
        drawn = rng.normal(size=(len(part), 384)) * spread[part][:, None]
        vectors[start : start + len(part)] = centres[part] + drawn
    lost = rng.choice(n, size=int(noise * n), replace=False)
    vectors[lost], labels[lost] = rng.normal(size=(len(lost), 384)), -1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    letters = np.array(list("etaoinshrdlucm"))
    vocabulary = np.array(["".join(rng.choice(letters, 7)) for _ in range(4000)])
    words = np.where(
        rng.random((n, 60)) < 0.25,
        (labels[:, None] * 20 + rng.integers(0, 20, (n, 60))) % 4000,
        rng.integers(0, 4000, (n, 60)),
    )
    return vectors, labels, [f"{i} " + " ".join(row) for i, row in enumerate(vocabulary[words])]


def real(folder: Path, keep: Path | None):
    """Return the vectors, labels and texts of MMMU-Pro and IsoBench responses."""
    from erranal import models

    labels, texts = [], []
    for file in sorted((folder / "mmmu_pro_gpt4o").glob("*_cot.jsonl")):
        rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        labels += [row["subject"] for row in rows]
        texts += [row["response"] for row in rows]
    for file in sorted((folder / "isobench_gpt5nano").glob("*.json")):
        if file.name != "evaluation_summary.json":
            rows = json.loads(file.read_text("utf-8"))
            labels += [row["task_name"] for row in rows]
            texts += [row["evaluation"]["model_response"] or "" for row in rows]
    pairs = [(label, text) for label, text in zip(labels, texts, strict=True) if text.strip()]
    texts = [text for _, text in pairs]
    labels = np.unique([label for label, _ in pairs], return_inverse=True)[1]
    if keep and keep.exists():
        return np.load(keep), labels, texts
    vectors, _ = models.load_encoder("auto").encode(texts)
    if keep:
        np.save(keep, vectors)
    return vectors, labels, texts


def study_of(path: Path, vectors: np.ndarray, texts: list[str]) -> None:
    """Write a study whose outputs are these texts, embedded."""
    import pandas as pd
    import pyarrow as pa

    from erranal.store import Study

    n = len(texts)
    names = [f"o{i:07d}" for i in range(n)]
    outputs = pd.DataFrame(
        {
            "output_id": names, "slot_id": names, "current": True, "run_id": "r", "item_hash": "h",
            "item_id": names, "sample": 0, "response": texts, "response_hash": names,
            "status": "ok", "source_id": "s", "line": range(n),
        }
    )  # fmt: skip
    outputs["run_id"] = np.where(np.arange(n) % 2, "r1", "r0")
    flat = pa.array(vectors.astype(np.float32).ravel())
    starts = pa.array(np.arange(0, (n + 1) * vectors.shape[1], vectors.shape[1], dtype=np.int32))
    rows = {"encoder_id": pa.array(["e"] * n), "response_hash": pa.array(names)}
    rows |= {
        "vector": pa.ListArray.from_arrays(starts, flat),
        "chunks": pa.array([1] * n, pa.int32()),
    }
    encoder = {"encoder_id": "e", "name": "e", "fingerprint": "e", "dimension": 384}
    study = Study(path)
    with study.write() as tx:
        conditions = [(m, m, "d") for m in ("text", "image")]
        tx.append(
            "conditions",
            pd.DataFrame(conditions, columns=["condition_id", "modality", "prompt_style"]),
        )
        runs = [("r0", "m", "text"), ("r1", "m", "image")]
        tx.append("runs", pd.DataFrame(runs, columns=["run_id", "model", "condition_id"]))
        tx.append("outputs", outputs)
        tx.append("encoders", pd.DataFrame([encoder | {"kind": "transformer"}]))
        tx.append("vectors", pa.table(rows))


def measured(command: list[str]) -> float:
    """Run a process and return its CPU-seconds."""
    child = subprocess.Popen(command, env=os.environ | ONE_THREAD)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[0]} failed with {child.returncode}")
    return usage.ru_utime + usage.ru_stime


def quality(labels: np.ndarray, found: np.ndarray) -> str:
    """Return clusters, noise, and ARI and AMI over all records and over those given a cluster."""
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

    kept = found >= 0
    scores = [
        f"{score(labels[rows], found[rows]):.3f}"
        for rows in (np.ones_like(kept), kept)
        for score in (adjusted_rand_score, adjusted_mutual_info_score)
    ]
    shown = f"{len(np.unique(found[kept])):5d} clusters, noise {1 - kept.mean():.3f}"
    return f"{shown}, ARI {scores[0]} AMI {scores[1]} (without noise {scores[2]} {scores[3]})"


def compare(name: str, data, bertopic: str | None) -> None:
    """Measure ours and theirs on one data set and print them."""
    vectors, labels, texts = data
    with tempfile.TemporaryDirectory() as folder:
        stem = Path(folder) / "data"
        study_of(Path(folder) / "study.duckdb", vectors, texts)
        np.save(f"{stem}.npy", vectors)
        Path(f"{stem}.json").write_text(json.dumps(texts), "utf-8")
        print(f"{name}: {len(texts):,} records, {len(np.unique(labels))} labels", flush=True)
        commands = {"erranal": [sys.executable, "-c", OURS, f"{folder}/study.duckdb"]}
        if bertopic:
            commands["bertopic"] = [bertopic, "-c", THEIRS, str(stem)]
        cost = {}
        for who, command in commands.items():
            cost[who] = measured([*command, f"{folder}/{who}"])
            found = np.fromfile(f"{folder}/{who}", dtype=np.int32)
            print(
                f"  {who:9s} {cost[who]:7.1f} CPU-s {quality(labels, found)}",
                flush=True,
            )
        if bertopic:
            print(f"  ratio {cost['bertopic'] / cost['erranal']:.1f} (bar 10)", flush=True)


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=[4_000, 10_000, 25_000])
    parser.add_argument("--huge", type=int, default=200_000)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--keep", type=Path, help="where the real vectors are kept (.npy)")
    parser.add_argument("--bertopic", help="an interpreter that can import bertopic")
    given = parser.parse_args()
    if not given.bertopic:
        print("no --bertopic: the comparison is left out")
    if given.real:
        compare("real responses", real(given.real, given.keep), given.bertopic)
    for n in given.sizes:
        compare("mixture", mixture(n, max(20, n // 250)), given.bertopic)
    if given.huge:
        compare("mixture (bar 40 CPU-s)", mixture(given.huge, 400), None)


if __name__ == "__main__":
    main()
