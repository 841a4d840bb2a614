"""Outputs per second of the rule judge on one core, on texts of several kinds.

Run: ``python tests/bench/bench_judge_rules.py [--outputs 20000]``.

The texts are of our own making: worked solutions of 300 to 2,500 characters with equations (some
false), short answers, refusals and loops, 20,000 items each seen under four arms. The figure to
keep is 4,000 outputs a second of CPU time for the mixture. With the public outputs at hand, all
errors of GPT-4o on MMMU-Pro are timed too (graded by the score that came with them).
"""

from __future__ import annotations

import argparse
import json
import random
import time
from pathlib import Path

from erranal import codebook
from erranal.judge.rules import RuleJudge
from erranal.judge.verdict import Record

BAR = 4_000
REAL = Path(__file__).parents[3] / "shared" / "real" / "mmmu_pro_gpt4o"
LETTERS = "etaoinshrdlucmfwypvbgk"


def _words(rng: random.Random, number: int) -> list[str]:
    return ["".join(rng.choices(LETTERS, k=rng.randint(2, 9))) for _ in range(number)]


def _solution(rng: random.Random, vocabulary: list[str], steps: int) -> tuple[str, str]:
    """Return a question with its numbers, and a solution of so many steps, one in ten false."""
    a, b = rng.randint(11, 99), rng.randint(11, 99)
    question = f"{' '.join(rng.choices(vocabulary, k=12))} {a} {vocabulary[0]} {b} {vocabulary[1]}?"
    lines = [f"{' '.join(rng.choices(vocabulary, k=10))} {a} {vocabulary[0]}."]
    value = a
    for step in range(steps):
        result = value + b + (10 if rng.random() < 0.1 else 0)
        words = rng.choices(vocabulary, k=14)
        lines.append(
            f"{step + 1}. {' '.join(words[:9])}: {value} + {b} = {result}, {' '.join(words[9:])}."
        )
        value = result
    return question, "\n".join([*lines, f"The answer is {value}."])


def mixture(outputs: int, seed: int = 0) -> list[Record]:
    """Return records in the proportions of a wrong-answer pile of a reasoning model."""
    rng = random.Random(seed)
    vocabulary = _words(rng, 2_000)
    made: list[Record] = []
    while len(made) < outputs:
        question, long = _solution(rng, vocabulary, rng.randint(3, 22))
        responses = [
            long,
            rng.choice(["The answer is 12.", "B", "12 + 3 = 16"]),
            long[: len(long) // 2],
        ]
        last = rng.choice(["I'm sorry, I can't see the image.", "so we go on, " * 200, long])
        for response, outcome in zip(
            [*responses, last], ["incorrect", "incorrect", "no_answer", "refused"], strict=True
        ):
            fields = {"question": question, "response": response, "reference": long}
            made.append(Record(str(len(made)), outcome=outcome, gold="12", **fields))
    return made[:outputs]


def mmmu_pro() -> list[Record]:
    """Return the errors of GPT-4o on MMMU-Pro, chain of thought, by the score in the files."""
    rows = {}
    for arm in ("standard_10opt", "vision"):
        lines = (REAL / f"gpt-4o_{arm}_cot.jsonl").read_text("utf-8").splitlines()
        rows[arm] = {row["id"]: row for row in map(json.loads, lines)}
    records = []
    for arm, other in (("standard_10opt", "vision"), ("vision", "standard_10opt")):
        for key, row in rows[arm].items():
            if not row["if_right"]:
                records.append(
                    Record(
                        key,
                        question=row["question"],
                        gold=row["answer"],
                        response=row["response"] or "",
                        reference=rows[other][key]["response"] or "",
                        prompt_style="cot",
                    )
                )
    return records


def measure(name: str, records: list[Record]) -> float:
    """Print and return outputs per second of CPU time, best of three."""
    judge = RuleJudge(codebook.load("modality_gap"))
    rates = []
    for _ in range(3):
        before = time.process_time()
        for record in records:
            judge.judge(record)
        rates.append(len(records) / (time.process_time() - before))
    chars = sum(len(record.response) for record in records) / len(records)
    print(f"{name}: {len(records):,} outputs, mean {chars:.0f} characters, {max(rates):,.0f}/s")
    return max(rates)


def main() -> None:
    """Measure, and compare with the bar."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--outputs", type=int, default=20_000)
    rate = measure("mixture", mixture(parser.parse_args().outputs))
    if REAL.exists():
        measure("MMMU-Pro, chain of thought", mmmu_pro())
    print(f"bar {BAR:,}/s: {'kept' if rate >= BAR else 'MISSED'}")


if __name__ == "__main__":
    main()
