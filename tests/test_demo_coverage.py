"""The demo's planted rates lie inside their intervals as often as those say, over 400 studies."""

from __future__ import annotations

import numpy as np
import pytest

from erranal import demo
from erranal.demo import design
from erranal.stats import prevalence

SEEDS, ITEMS, LABELS = 400, 270, 120
SENSITIVITY, SPECIFICITY = {"text": 0.9, "image": 0.75}, 0.93


def covered(seed: int) -> list[bool]:
    """Return of every planted rate whether it is inside its interval in one study.

    A judge that errs more on images labels all errors; people label some of each condition.
    """
    rng = np.random.default_rng(seed)
    rows = demo.planted(seed, items=ITEMS)
    found = []
    for column, condition in enumerate(design.CONDITIONS):
        of = rows[(rows["model"] == condition.model) & (rows["arm"] == condition.arm)]
        codes = of["code"].to_numpy()
        drawn = rng.permutation(len(codes))[:LABELS]
        for code, rates in design.RATES.items():
            truth = codes == code
            if not rates[column]:
                continue
            sensitive = rng.random(len(codes)) < SENSITIVITY[condition.modality]
            judge = np.where(truth, sensitive, rng.random(len(codes)) > SPECIFICITY)
            interval = prevalence.prevalence_poststratified(
                truth[drawn], judge[drawn], judge, certain=ITEMS - len(codes)
            )
            found.append(interval.low <= rates[column] <= interval.high)
    return found


@pytest.mark.timeout(600)
def test_planted_rates_lie_inside_95_percent_intervals():
    inside = np.array([covered(seed) for seed in range(SEEDS)])
    assert inside.shape == (SEEDS, 63)
    assert 0.93 <= inside.mean() <= 0.97
    # Each rate by itself: rates of less than 1 % (three items) are covered more often than stated.
    assert inside.mean(axis=0).min() > 0.9
