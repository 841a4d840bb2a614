"""CPU-seconds of the encoder beside sentence-transformers' default, and what its precision costs.

Run: ``python tests/bench/bench_embed.py --real ../shared/real [--texts 400]``.

Texts are public model responses of 200 to 3,000 characters. The default elsewhere cuts a text at
the model's 256 tokens, ours reads all of it: so there are two ratios, by text and by token read.
The overlap is the mean share of the 10 nearest neighbours that float32 gives too. One thread.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from erranal import models
from erranal.models import weights

NAME = "all-MiniLM-L6-v2"


def texts_of(folder: Path, n: int) -> list[str]:
    """Return n responses, drawn with a seed."""
    texts = []
    for file in sorted((folder / "mmmu_pro_gpt4o").glob("*_cot.jsonl")):
        texts += [json.loads(line)["response"] for line in file.read_text("utf-8").splitlines()]
    fitting = [text for text in texts if 200 <= len(text) <= 3000]
    return random.Random(0).sample(fitting, min(n, len(fitting)))


def timed(label: str, texts: list[str], tokens: int, encode: Callable[[], np.ndarray]):
    """Print the speed of one encoder and return its vectors and CPU-seconds."""
    started = time.process_time()
    vectors = encode()
    cost = time.process_time() - started
    print(f"{label:34s} {len(texts) / cost:6.1f} texts {tokens / cost:8,.0f} tokens per CPU-s")
    return vectors, cost


def neighbours(vectors: np.ndarray) -> np.ndarray:
    """Return the 10 nearest others of each vector."""
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -1)
    return np.argsort(-similarity, axis=1)[:, :10]


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Return the mean share of neighbours at 10 that two sets of vectors have in common."""
    pairs = zip(neighbours(a), neighbours(b), strict=True)
    return float(np.mean([len(set(x) & set(y)) / 10 for x, y in pairs]))


def main() -> None:
    """Run the comparison."""
    import torch
    from sentence_transformers import SentenceTransformer

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--texts", type=int, default=400)
    given = parser.parse_args()
    torch.set_num_threads(1)
    texts = texts_of(given.real, given.texts)
    default = SentenceTransformer(str(weights.locate(NAME).folder), device="cpu")
    lengths = [
        len(ids) for ids in default.tokenizer(texts, truncation=False, verbose=False)["input_ids"]
    ]
    read, everything = sum(min(n, 256) for n in lengths), sum(lengths)
    print(f"{len(texts)} texts, {np.mean(lengths):.0f} tokens on average; the default cuts off "
          f"{1 - read / everything:.0%} of them")  # fmt: skip
    default.encode(texts[:8])
    _, cost = timed(
        "sentence-transformers, default", texts, read,
        lambda: default.encode(texts, show_progress_bar=False),
    )  # fmt: skip
    vectors = {}
    for dtype in dict.fromkeys(
        ("float32", models.load_encoder(NAME, device="cpu").params["dtype"])
    ):
        encoder = models.load_encoder(NAME, device="cpu", dtype=dtype)
        encoder.encode(texts[:8])
        vectors[dtype], own = timed(
            f"erranal, whole texts, {dtype}", texts, everything,
            lambda encoder=encoder: encoder.encode(texts)[0],
        )  # fmt: skip
        by_token = (everything / own) / (read / cost)
        print(f"  ratio {cost / own:.2f} by text, {by_token:.2f} by token (bar 1.0; 2.5 with AMX)")
    for dtype in vectors.keys() - {"float32"}:
        shared = overlap(vectors[dtype], vectors["float32"])
        print(f"neighbours at 10 of {dtype} and float32 in common: {shared:.3f} (bar 0.98)")
    lexical = models.load_encoder("lexical")
    timed("erranal, lexical", texts, everything, lambda: lexical.encode(texts)[0])


if __name__ == "__main__":
    main()
