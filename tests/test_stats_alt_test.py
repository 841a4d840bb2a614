"""The alternative annotator test, and its guard against codes that are merely rare."""

from __future__ import annotations

import json
from math import isnan, nan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from erranal.stats.alt_test import alt_test

VECTORS = Path(__file__).parents[2] / "shared" / "reference_vectors.json"
LABEL = st.sampled_from([0.0, 1.0, nan])


def annotated(seed, n, rate, agreement, annotators=4):
    """Return labels of people who give the truth with some probability, and the truth."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < rate).astype(float)
    right = rng.random((n, annotators)) < agreement
    return np.where(right, truth[:, None], 1 - truth[:, None]), truth


def test_reference_vector():
    if not VECTORS.exists():
        pytest.skip(f"the reference vectors are not at {VECTORS}")
    vectors = {vector["id"]: vector for vector in json.loads(VECTORS.read_text())["vectors"]}
    vector = vectors["alt_test_synthetic"]
    known, expected = vector["inputs"], vector["expected"]
    names, units = sorted(known["humans"]), sorted(known["llm"])
    humans = np.array([[known["humans"][name][unit] for name in names] for unit in units])
    judge = [known["llm"][unit] for unit in units]
    found = alt_test(humans, judge, epsilon=known["epsilon"], q=known["q_fdr"])
    assert found.winning_rate == expected["winning_rate"]
    assert found.advantage == expected["advantage_prob"]
    p = [expected["p_values"][name] for name in names]
    assert found.p == pytest.approx(p, abs=vector["tol"])
    assert found.units.tolist() == [40, 40, 40]


def test_p_value_is_the_one_sided_t_test_by_hand():
    """The others of annotator 0 are one person: who agrees with them, wins."""
    humans = np.array([[0, 1], [0, 0], [1, 1], [1, 0], [1, 1], [0, 0], [0, 1]], dtype=float)
    judge = np.array([1, 1, 1, 0, 0, 0, 0])
    lead = []
    for (own, other), its in zip(humans, judge, strict=True):
        theirs, judges = own == other, its == other
        lead.append(int(theirs >= judges) - int(judges >= theirs))
    test = scipy_stats.ttest_1samp(lead, 0.2, alternative="less")
    assert alt_test(humans, judge).p[0] == pytest.approx(test.pvalue)


def test_adjustment_is_that_of_scipy():
    humans, truth = annotated(1, 60, 0.5, 0.8)
    for method in ("by", "bh"):
        found = alt_test(humans, truth, method=method)
        adjusted = scipy_stats.false_discovery_control(found.p, method=method)
        assert found.p_adjusted == pytest.approx(adjusted)
        assert found.winning_rate == (adjusted <= 0.05).mean()


def test_a_good_judge_passes_and_a_random_one_does_not():
    humans, truth = annotated(2, 200, 0.4, 0.85)
    good = alt_test(humans, truth)
    assert good.passed
    assert good.reason == "passes; it finds 75% of what annotators give"
    coin = np.random.default_rng(3).integers(0, 2, 200)
    bad = alt_test(humans, coin)
    assert not bad.passed
    assert "does not pass" in bad.reason


def test_a_judge_that_never_gives_a_rare_code_does_not_pass():
    humans, _ = annotated(4, 200, 0.05, 0.98)
    found = alt_test(humans, np.zeros(200))
    assert found.winning_rate == found.constant_winning_rate == 1
    assert found.sensitivity.estimate == 0
    assert not found.passed
    assert found.reason.startswith("passes only because the code is rare: it finds 0%")


def test_a_pass_that_is_cheap_is_called_so():
    humans, truth = annotated(5, 300, 0.05, 0.99)
    found = alt_test(humans, truth)
    assert found.passed
    assert "a judge that always says the same would" in found.reason


def test_a_code_that_nobody_gave_cannot_pass():
    found = alt_test(np.zeros((50, 3)), np.zeros(50))
    assert not found.passed
    assert "no annotator ever gave it" in found.reason
    assert found.p == pytest.approx(0.8**50)


def test_few_units_and_people_are_mentioned():
    humans, truth = annotated(6, 12, 0.5, 1.0, annotators=2)
    found = alt_test(humans, truth)
    assert "2 annotators, where 3 are advised" in found.reason
    assert "only 12 units" in found.reason
    assert found.p == pytest.approx(0.8**12)


def test_units_with_one_label_are_not_compared():
    humans = np.array([[1.0, nan, nan]] * 30 + [[1, 1, nan]] * 10)
    found = alt_test(humans, np.ones(40))
    assert found.units.tolist() == [10, 10, 0]
    assert isnan(found.p_adjusted[2])
    assert found.p[2] == 1


@pytest.mark.parametrize("humans", [np.empty((0, 3)), np.ones((20, 1)), np.full((5, 3), nan)])
def test_nothing_to_compare_is_not_tested(humans):
    found = alt_test(humans, np.ones(len(humans)))
    assert isnan(found.winning_rate)
    assert isnan(found.advantage)
    assert not found.passed
    assert found.reason.startswith("not tested")


@settings(deadline=None)
@given(
    st.lists(st.tuples(LABEL, LABEL, LABEL, LABEL), max_size=40),
    st.randoms(use_true_random=False),
)
def test_order_of_units_and_annotators_does_not_matter(rows, random):
    table = np.array(rows, dtype=float).reshape(-1, 4)
    order, people = list(range(len(table))), [0, 1, 2]
    random.shuffle(order)
    random.shuffle(people)
    one = alt_test(table[:, :3], table[:, 3])
    again = alt_test(table[order][:, people], table[order, 3])
    assert one.p[people] == pytest.approx(again.p, abs=1e-12)
    assert one.passed == again.passed
    assert ((one.p >= 0) & (one.p <= 1)).all()


def test_what_cannot_be_tested_is_refused():
    with pytest.raises(ValueError, match="do not match"):
        alt_test(np.ones((3, 2)), np.ones(2))
    with pytest.raises(ValueError, match="epsilon"):
        alt_test(np.ones((3, 2)), np.ones(3), epsilon=0)
