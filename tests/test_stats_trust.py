"""Quality of a judge: equal weights give the plain formulas, and every table is defined."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from erranal.stats import trust, weighted
from erranal.stats.agreement import kappa_cohen
from erranal.stats.proportion import proportion_jeffreys

MEASURES = (
    trust.sensitivity_weighted,
    trust.specificity_weighted,
    trust.ppv_weighted,
    trust.npv_weighted,
    trust.f1_weighted,
    trust.kappa_weighted,
)
CELLS = ((1, 1), (1, 0), (0, 1), (0, 0))
UNITS = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.floats(0.5, 50), st.integers(0, 6)), min_size=1
)
COUNTS = st.tuples(*[st.integers(0, 25)] * 4)


def columns(units):
    human, judge, weight, cluster = zip(*units, strict=True)
    return np.array(human), np.array(judge), np.array(weight), np.array(cluster)


def labels(both, missed, wrong, neither):
    """Return human and judge labels of a table."""
    table = np.repeat(CELLS, (both, missed, wrong, neither), axis=0).astype(bool)
    return table[:, 0], table[:, 1]


def close(one, other):
    numbers = [(i.estimate, i.low, i.high) for i in (one, other)]
    return np.allclose(*numbers, atol=1e-9, equal_nan=True) and one.n == other.n


@settings(deadline=None)
@given(COUNTS, st.sampled_from([0.8, 0.95]))
def test_equal_weights_are_the_jeffreys_interval(table, level):
    both, missed, wrong, neither = table
    expected = {
        trust.sensitivity_weighted: (both, both + missed),
        trust.specificity_weighted: (neither, neither + wrong),
        trust.ppv_weighted: (both, both + wrong),
        trust.npv_weighted: (neither, neither + missed),
    }
    human, judge = labels(*table)
    for measure, (x, n) in expected.items():
        for weight in (None, np.full(len(human), 7.5)):
            ours = measure(human, judge, weight, level=level)
            plain = proportion_jeffreys(x, n, level=level)
            if n:
                assert close(ours, plain)
            else:
                assert (isnan(ours.estimate), ours.low, ours.high, ours.n) == (True, 0, 1, 0)


@settings(deadline=None)
@given(COUNTS)
def test_f1_and_kappa_of_equal_weights_are_the_plain_ones(table):
    both, missed, wrong, neither = table
    f1, kappa = (measure(*labels(*table)) for measure in (trust.f1_weighted, trust.kappa_weighted))
    given_ = 2 * both + missed + wrong
    assert f1.estimate == pytest.approx(2 * both / given_ if given_ else np.nan, nan_ok=True)
    plain = kappa_cohen([[both, missed], [wrong, neither]])
    assert kappa.estimate == pytest.approx(plain.estimate, nan_ok=True)


def test_f1_limits_are_those_of_its_share():
    f1 = trust.f1_weighted(*labels(12, 5, 3, 80))
    share = proportion_jeffreys(12, 20)
    assert f1.low == pytest.approx(2 * share.low / (1 + share.low))
    assert f1.high == pytest.approx(2 * share.high / (1 + share.high))


def test_kappa_interval_comes_near_cohens_in_a_large_table():
    table = 2000, 300, 200, 4000
    ours = trust.kappa_weighted(*labels(*table))
    cohen = kappa_cohen([[2000, 300], [200, 4000]])
    assert (ours.low, ours.high) == pytest.approx((cohen.low, cohen.high), abs=1e-3)


@settings(deadline=None)
@given(UNITS, st.randoms(use_true_random=False), st.booleans())
def test_intervals_are_defined_ordered_and_independent_of_the_order(units, random, clustered):
    human, judge, weight, cluster = columns(units)
    order = list(range(len(units)))
    random.shuffle(order)
    for measure in MEASURES:
        lowest = -1 if measure is trust.kappa_weighted else 0
        one = measure(human, judge, weight, cluster if clustered else None)
        again = measure(
            human[order], judge[order], weight[order], cluster[order] if clustered else None
        )
        assert close(one, again)
        assert lowest <= one.low <= one.high <= 1
        assert isnan(one.estimate) or one.low - 1e-9 <= one.estimate <= one.high + 1e-9


@settings(deadline=None)
@given(UNITS, st.floats(0.01, 100))
def test_weights_count_up_to_a_factor(units, factor):
    human, judge, weight, _ = columns(units)
    for measure in MEASURES:
        assert close(measure(human, judge, weight), measure(human, judge, factor * weight))


@settings(deadline=None)
@given(UNITS)
def test_each_its_own_cluster_is_no_cluster(units):
    human, judge, weight, _ = columns(units)
    for measure in MEASURES:
        alone = measure(human, judge, weight, np.arange(len(units)))
        assert close(alone, measure(human, judge, weight))


@settings(deadline=None)
@given(UNITS)
def test_swapping_yes_and_no_swaps_the_measures(units):
    human, judge, weight, cluster = columns(units)
    for one, other in (
        (trust.sensitivity_weighted, trust.specificity_weighted),
        (trust.ppv_weighted, trust.npv_weighted),
        (trust.kappa_weighted, trust.kappa_weighted),
    ):
        assert close(one(human, judge, weight, cluster), other(~human, ~judge, weight, cluster))


def test_weights_undo_sampling_by_the_judge():
    """All 40 flagged of 1,000 labelled, and 96 of the 960 others, one of them with the code."""
    human = np.repeat([1, 0, 1, 0], (30, 10, 1, 95))
    judge = np.repeat([1, 1, 0, 0], (30, 10, 1, 95))
    weight = np.where(judge, 1, 10)
    sensitivity = trust.sensitivity_weighted(human, judge, weight)
    assert sensitivity.estimate == 30 / (30 + 10)
    assert trust.sensitivity_weighted(human, judge).low > sensitivity.estimate
    specificity = trust.specificity_weighted(human, judge, weight)
    assert specificity.estimate == pytest.approx(950 / 960)


def test_a_missed_error_that_is_not_in_the_sample_may_weigh_much():
    """No error was missed among 150 of 3,000: there may still be 50, beside the 80 found."""
    human, judge = np.repeat([1, 0], (40, 150)), np.repeat([1, 0], (40, 150))
    found = trust.sensitivity_weighted(human, judge, np.where(judge, 2.0, 20.0))
    plain = trust.sensitivity_weighted(human, judge)
    assert found.estimate == plain.estimate == 1
    upper = proportion_jeffreys(0, 150).high * 3000
    assert plain.low > 0.9
    assert found.low == pytest.approx(80 / (80 + upper), abs=0.1)


@pytest.mark.parametrize("measure", MEASURES)
def test_copies_of_units_in_clusters_tell_nothing_more(measure):
    rng = np.random.default_rng(1)
    human = rng.random(60) < 0.5
    judge = human ^ (rng.random(60) < 0.3)
    fivefold = np.repeat(human, 5), np.repeat(judge, 5)
    once = measure(human, judge)
    copied = measure(*fivefold, cluster=np.repeat(np.arange(60), 5))
    assert copied.n == once.n
    assert copied.width == pytest.approx(once.width, rel=0.1)
    assert copied.width > 1.7 * measure(*fivefold).width


def test_one_cluster_tells_nothing():
    human, judge = labels(10, 3, 2, 20)
    one = np.zeros(35)
    for measure in MEASURES[:5]:
        assert (
            measure(human, judge, cluster=one).low,
            measure(human, judge, cluster=one).high,
        ) == (
            0,
            1,
        )
    kappa = trust.kappa_weighted(human, judge, cluster=one)
    assert (kappa.low, kappa.high) == (-1, 1)


@pytest.mark.parametrize(
    ("table", "defined"),
    [
        ((0, 0, 0, 30), "specificity npv"),
        ((30, 0, 0, 0), "sensitivity ppv f1"),
        ((0, 10, 0, 20), "sensitivity specificity npv f1 kappa"),
        ((0, 0, 10, 20), "specificity ppv npv f1 kappa"),
        ((0, 0, 0, 0), ""),
        ((1, 0, 0, 0), "sensitivity ppv f1"),
    ],
)
def test_degenerate_tables_have_their_results(table, defined):
    for measure in MEASURES:
        found = measure(*labels(*table))
        name = measure.__name__.removesuffix("_weighted")
        assert isnan(found.estimate) == (name not in defined.split())
        assert np.isfinite([found.low, found.high]).all()


def test_labels_and_weights_that_are_none_are_refused():
    with pytest.raises(ValueError, match="leave out the units"):
        trust.ppv_weighted([1, np.nan], [1, 0])
    with pytest.raises(ValueError, match="positive number"):
        trust.ppv_weighted([1, 0], [1, 0], [1, 0])
    with pytest.raises(ValueError, match="as many weights"):
        trust.ppv_weighted([1, 0], [1, 0], [1])
    with pytest.raises(ValueError, match="same units"):
        trust.ppv_weighted([1, 0], [1])
    with pytest.raises(ValueError, match="clusters"):
        trust.ppv_weighted([1, 0], [1, 0], cluster=[1])
    with pytest.raises(ValueError, match="level"):
        trust.kappa_weighted([1, 0], [1, 0], level=95)


@given(st.lists(st.tuples(st.booleans(), st.floats(0.1, 100)), min_size=1))
def test_no_weights_make_a_sample_worth_more_than_its_units(units):
    yes, weight = (np.array(column) for column in zip(*units, strict=True))
    size = weighted.effective_size(
        weighted.Weights.of(weight, yes), weighted.Weights.of(weight, ~yes)
    )
    assert 0 <= size <= len(units)


def test_units_of_one_weight_and_kind_are_worth_what_kish_says():
    """Where nothing tells the kinds apart, (sum w)^2 / sum w^2, nearly."""
    rng = np.random.default_rng(2)
    weight = rng.uniform(1, 5, 4000)
    yes = rng.random(4000) < 0.3
    size = weighted.effective_size(
        weighted.Weights.of(weight, yes), weighted.Weights.of(weight, ~yes)
    )
    assert size == pytest.approx(weight.sum() ** 2 / (weight**2).sum(), rel=0.03)
