"""Which errors the simulation plants, and how often.

Every output is right or carries exactly one planted error. The kinds exclude each other: one
uniform number per output falls into the interval of one kind, or of none. A wrong gold answer
(``measurement.wrong_gold``) is drawn per item, before anything else, and then holds in every arm of
every model.

A code that cannot occur in a benchmark (a slip of arithmetic in a question of fact) is drawn that
much more often where it can, so that the rate over all items is the stated one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random

from erranal.errors import StageError


@dataclass(frozen=True)
class Condition:
    """One simulated model under one way of presenting the items.

    Attributes
    ----------
    bare : float
        Share of the right answers that come without any step.
    terse : float
        Share of the other outputs that leave out introduction, readings and check.
    """

    model: str
    modality: str
    render: str | None
    bare: float
    terse: float

    @property
    def arm(self) -> str:
        """Name of the arm: the modality, with the render where there is one."""
        return f"{self.modality}:{self.render}" if self.render else self.modality


CONDITIONS = (
    Condition("sim-small", "text", None, bare=0.03, terse=0.15),
    Condition("sim-small", "image", "noto-16", bare=0.14, terse=0.55),
    Condition("sim-small", "image", "hand-14", bare=0.16, terse=0.55),
    Condition("sim-large", "text", None, bare=0.02, terse=0.10),
    Condition("sim-large", "image", "noto-16", bare=0.07, terse=0.25),
)
PROMPT_STYLE = "cot"
WRONG_GOLD = "measurement.wrong_gold"
WRONG_GOLD_RATE = 0.02

# Rate per item, one column per condition in the order above.
RATES = {
    "reading.value_misread": (0.010, 0.055, 0.100, 0.005, 0.030),
    "reading.content_missed": (0.010, 0.035, 0.055, 0.005, 0.020),
    "reading.not_seen": (0.000, 0.022, 0.025, 0.000, 0.012),
    "thinking.calculation": (0.040, 0.040, 0.040, 0.020, 0.020),
    "thinking.knowledge": (0.030, 0.030, 0.030, 0.015, 0.015),
    "thinking.reasoning": (0.030, 0.030, 0.030, 0.020, 0.020),
    "collapse.no_steps": (0.008, 0.070, 0.080, 0.004, 0.045),
    "collapse.repetition": (0.006, 0.018, 0.022, 0.003, 0.010),
    "output.no_answer": (0.010, 0.015, 0.015, 0.005, 0.010),
    "output.refusal": (0.008, 0.012, 0.014, 0.010, 0.015),
    "output.truncated": (0.012, 0.012, 0.012, 0.008, 0.010),
    "measurement.infrastructure": (0.008, 0.012, 0.012, 0.008, 0.010),
    WRONG_GOLD: (WRONG_GOLD_RATE,) * 5,
}

# Items of the default study; other sizes keep these proportions while there are facts enough.
COUNTS = {"word-problems": 90, "table-reading": 60, "code-reading": 48, "science-facts": 72}
FACTS = COUNTS["science-facts"]
WORKED = frozenset(COUNTS) - {"science-facts"}
ONLY_IN: dict[str, frozenset[str]] = {
    "reading.value_misread": WORKED,
    "thinking.calculation": WORKED,
    "thinking.reasoning": WORKED,
    "thinking.knowledge": frozenset({"science-facts", "code-reading"}),
}
PREFIXES = {
    "word-problems": "wp",
    "table-reading": "tr",
    "code-reading": "cr",
    "science-facts": "sf",
}


def counts(items: int | None = None) -> dict[str, int]:
    """Return the number of items per benchmark; hand-written facts do not grow beyond their number.

    Raises
    ------
    StageError
        If fewer than 20 items are asked for: some benchmark would have next to none.
    """
    if items is None:
        return dict(COUNTS)
    if items < 20:
        raise StageError(f"items={items}: the example study needs at least 20; ask for more")
    total = sum(COUNTS.values())
    facts = min(FACTS, round(items * FACTS / total))
    tables = round((items - facts) * COUNTS["table-reading"] / (total - FACTS))
    code = round((items - facts) * COUNTS["code-reading"] / (total - FACTS))
    words = items - facts - tables - code
    return dict(zip(COUNTS, (words, tables, code, facts), strict=True))


def item_ids(items: int | None = None) -> Iterator[tuple[str, str]]:
    """Yield (benchmark, native id) of every item, in file order."""
    for benchmark, number in counts(items).items():
        for position in range(1, number + 1):
            yield benchmark, f"{PREFIXES[benchmark]}-{position:03d}"


@cache
def odds(condition: Condition, benchmark: str, items: int | None) -> Mapping[str, float]:
    """Return the probability of each code for an item whose gold is right.

    The rates are divided by the share of items a code can occur in, and by the probability that
    the gold is right, so that over all items each code comes out at its stated rate.
    """
    column = CONDITIONS.index(condition)
    per_benchmark = counts(items)
    total = sum(per_benchmark.values())
    found = {}
    for code, row in RATES.items():
        where = ONLY_IN.get(code, frozenset(COUNTS))
        if code != WRONG_GOLD and benchmark in where:
            share = sum(per_benchmark[name] for name in where) / total
            found[code] = row[column] / share / (1 - WRONG_GOLD_RATE)
    return found


def stream(*key: object) -> Random:
    """Return the random numbers that belong to one purpose, the same in every process."""
    return Random("|".join(str(part) for part in key))  # noqa: S311 (a simulation, no secret)


def gold_is_wrong(seed: int, item_id: str) -> bool:
    """Draw whether the gold answer printed in the files is wrong for this item."""
    return stream(seed, "gold", item_id).random() < WRONG_GOLD_RATE


def draw(
    seed: int, condition: Condition, benchmark: str, item_id: str, items: int | None
) -> str | None:
    """Draw the code of the error to plant in one output, or None for a right one."""
    if gold_is_wrong(seed, item_id):
        return WRONG_GOLD
    point = stream(seed, "code", condition.model, condition.arm, item_id).random()
    for code, probability in odds(condition, benchmark, items).items():
        if point < probability:
            return code
        point -= probability
    return None
