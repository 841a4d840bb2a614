"""Differences of rates over pairs, their contrasts and equivalence, and regression on codes."""

from __future__ import annotations

from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from erranal.stats import effects, pseudo
from erranal.stats.greg import Difference
from erranal.stats.paired import difference_tango

BOOLEAN = st.booleans()
PAIR = st.tuples(*[BOOLEAN] * 4, st.floats(0.5, 20), st.integers(0, 6))
PAIRS = st.lists(PAIR, min_size=1, max_size=40)


def columns(pairs):
    """Return human (n, 2), judge (n, 2), weight and cluster."""
    rows = list(zip(*pairs, strict=True))
    labels = np.array(rows[:4]).T
    return labels[:, :2], labels[:, 2:], np.array(rows[4]), np.array(rows[5])


def numbers(found):
    return [found.estimate, found.low, found.high]


# GREG -------------------------------------------------------------------------------------------


def test_without_a_judge_it_is_the_mean_with_two_pseudo_residuals():
    rises = np.repeat([1, 0, -1], (8, 30, 2))
    human = np.column_stack([rises < 0, rises > 0])
    found = effects.difference_human(human)
    assert found.estimate == pytest.approx(rises.mean())
    error = np.sqrt(((rises - rises.mean()) ** 2).sum() + 2) / 42
    assert found.error == pytest.approx(error)
    assert found.width == pytest.approx(2 * scipy_stats.t.ppf(0.975, 39) * error)
    assert found.p == pytest.approx(2 * scipy_stats.t.sf(found.estimate / error, 39))


def test_estimate_is_the_pools_mean_plus_the_samples_error():
    """With the residuals of least squares it is the regression estimator of the textbooks."""
    rng = np.random.default_rng(3)
    pool = rng.random((500, 2)) < 0.3
    taken = rng.choice(500, 80, replace=False)
    human = np.where(rng.random((80, 2)) < 0.8, pool[taken], ~pool[taken])
    found = effects.difference_greg(human, pool[taken], pool)
    rise = human[:, 1].astype(int) - human[:, 0]
    x = np.column_stack([np.ones(80), pool[taken]])
    slopes = np.linalg.lstsq(x, rise, rcond=None)[0]
    shift = pool.mean(axis=0) - pool[taken].mean(axis=0)
    assert found.estimate == pytest.approx(rise.mean() + shift @ slopes[1:])


def test_weighted_estimate_is_that_of_repeated_pairs():
    """Each pair as many times as its weight says gives the same estimate."""
    rng = np.random.default_rng(4)
    human, judge = (rng.random((60, 2)) < 0.4 for _ in range(2))
    pool, times = rng.random((400, 2)) < 0.4, rng.integers(1, 5, 60)
    weighted = effects.difference_greg(human, judge, pool, weight=times)
    repeated = effects.difference_greg(
        np.repeat(human, times, axis=0), np.repeat(judge, times, axis=0), pool
    )
    assert weighted.estimate == pytest.approx(repeated.estimate)
    assert weighted.width > repeated.width


def test_a_good_judge_narrows_the_interval_and_a_blind_one_does_not():
    rng = np.random.default_rng(5)
    pool = rng.random((4000, 2)) < 0.2
    human = np.where(rng.random((200, 2)) < 0.97, pool[:200], ~pool[:200])
    alone = effects.difference_human(human)
    assert effects.difference_greg(human, pool[:200], pool).width < 0.6 * alone.width
    blind = effects.difference_greg(human, rng.random((200, 2)) < 0.5, rng.random((4000, 2)) < 0.5)
    assert blind.width == pytest.approx(alone.width, rel=0.03)


@settings(deadline=None)
@given(PAIRS, st.randoms(use_true_random=False), st.booleans())
def test_order_does_not_matter_and_limits_are_defined(pairs, random, clustered):
    human, judge, weight, cluster = columns(pairs)
    order = list(range(len(pairs)))
    random.shuffle(order)
    pool = np.concatenate([judge, ~judge, judge])
    found, again = (
        effects.difference_greg(
            human[i], judge[i], pool, weight=weight[i], cluster=cluster[i] if clustered else None
        )
        for i in (np.arange(len(pairs)), order)
    )
    assert numbers(found) == pytest.approx(numbers(again), abs=1e-6)
    assert -1 <= found.low <= found.estimate <= found.high <= 1
    assert found.low < found.high
    assert 0 <= found.p <= 1


@settings(deadline=None)
@given(PAIRS)
def test_swapping_the_sides_mirrors_the_difference(pairs):
    human, judge, weight, cluster = columns(pairs)
    pool = np.concatenate([judge, ~judge])
    for known in ({}, {"weight": weight, "cluster": cluster, "certain": 7}):
        one = effects.difference_greg(human, judge, pool, **known)
        other = effects.difference_greg(human[:, ::-1], judge[:, ::-1], pool[:, ::-1], **known)
        assert numbers(one) == pytest.approx([-other.estimate, -other.high, -other.low], abs=1e-6)
        assert one.p == pytest.approx(other.p, abs=1e-6)


@settings(deadline=None)
@given(PAIRS, st.floats(0.01, 100))
def test_equal_weights_and_own_clusters_are_none(pairs, factor):
    human, judge, _, _ = columns(pairs)
    n, pool = len(pairs), np.concatenate([judge, ~judge])
    plain = effects.difference_greg(human, judge, pool)
    own = effects.difference_greg(
        human,
        judge,
        pool,
        weight=np.full(n, factor),
        cluster=np.arange(n),
        pool_cluster=np.arange(len(pool)),
    )
    assert numbers(plain) == pytest.approx(numbers(own), abs=1e-6)


def test_copies_in_clusters_tell_nothing_more():
    rng = np.random.default_rng(6)
    human, judge = (rng.random((80, 2)) < 0.4 for _ in range(2))
    pool = rng.random((1000, 2)) < 0.4
    once = effects.difference_greg(human, judge, pool)
    copied = effects.difference_greg(
        np.repeat(human, 4, axis=0),
        np.repeat(judge, 4, axis=0),
        np.repeat(pool, 4, axis=0),
        cluster=np.repeat(np.arange(80), 4),
        pool_cluster=np.repeat(np.arange(1000), 4),
    )
    assert copied.n == once.n == 80
    assert copied.width == pytest.approx(once.width, rel=0.02)


def test_pairs_that_cannot_have_the_code_make_a_difference_per_pair():
    rng = np.random.default_rng(7)
    judge = rng.random((100, 2)) < 0.4
    human, pool = judge ^ (rng.random((100, 2)) < 0.1), np.tile(judge, (10, 1))
    among = effects.difference_greg(human, judge, pool)
    each = effects.difference_greg(human, judge, pool, certain=3000)
    assert each.estimate == pytest.approx(among.estimate / 4)
    assert each.width == pytest.approx(among.width / 4, rel=0.1)
    alone = effects.difference_human(human, pool=1000, certain=3000)
    assert alone.estimate == pytest.approx(effects.difference_human(human).estimate / 4)
    with pytest.raises(ValueError, match="how many the others are"):
        effects.difference_human(human, certain=3000)


def test_without_pairs_nothing_is_known():
    empty = np.empty((0, 2))
    for found in (
        effects.difference_greg(empty, empty, [[0, 1]]),
        effects.difference_human([]),
        effects.difference_judge([]),
    ):
        assert isnan(found.estimate)
        assert (found.low, found.high, found.n) == (-1, 1, 0)
    assert isnan(effects.difference_human([]).p)


def test_no_code_at_all_is_no_certainty():
    none = np.zeros((50, 2))
    found = effects.difference_greg(none, none, np.zeros((900, 2)))
    assert found.estimate == 0
    assert 0.03 < found.high < 0.1
    assert found.p == 1
    one = effects.difference_greg([[0, 1]], [[0, 1]], [[0, 1]])
    assert (one.low, one.high) == (-1, 1)


def test_what_does_not_go_together_is_refused():
    pair = np.zeros((2, 2))
    with pytest.raises(ValueError, match="go together"):
        effects.difference_greg(pair, np.zeros((3, 2)), np.zeros((9, 2)))
    with pytest.raises(ValueError, match="go together"):
        effects.difference_greg(pair, pair, pair[:1])
    with pytest.raises(ValueError, match="have shape"):
        effects.difference_greg([1, 0], pair, pair)
    with pytest.raises(ValueError, match="leave out"):
        effects.difference_greg([[nan, 0], [1, 0]], pair, pair)
    with pytest.raises(ValueError, match="level"):
        effects.difference_greg(pair, pair, pair, level=2)


# The judge alone --------------------------------------------------------------------------------


def test_the_judge_alone_is_tango_and_says_that_it_is_uncorrected():
    pool = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], (20, 5, 12, 63), axis=0)
    found = effects.difference_judge(pool, certain=40)
    exact = difference_tango(20, 5, 12, 103)
    assert numbers(found) == numbers(exact)
    assert "uncorrected" in found.method
    clustered = effects.difference_judge(pool, cluster=np.arange(100) % 20, certain=40)
    assert clustered.estimate == pytest.approx(exact.estimate)
    assert clustered.n == 60
    assert "uncorrected" in clustered.method


# Contrasts --------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.tuples(*[BOOLEAN] * 8), min_size=1, max_size=30))
def test_contrast_is_antisymmetric_in_codes_and_in_sides(rows):
    labels = np.array(rows).reshape(-1, 2, 2, 2)
    human, judge = labels[:, 0], labels[:, 1]
    pool = np.concatenate([judge, ~judge])
    one = effects.contrast_greg(human, judge, pool)
    codes = effects.contrast_greg(human[:, ::-1], judge[:, ::-1], pool[:, ::-1])
    sides = effects.contrast_greg(human[:, :, ::-1], judge[:, :, ::-1], pool[:, :, ::-1])
    for other in (codes, sides):
        assert numbers(one) == pytest.approx([-other.estimate, -other.high, -other.low], abs=1e-6)
    assert -2 <= one.low <= one.estimate <= one.high <= 2


def test_contrast_with_a_code_that_never_occurs_is_the_difference():
    rng = np.random.default_rng(8)
    pool = rng.random((600, 2, 2)) < 0.3
    pool[:, 1] = False
    human = pool[:90] ^ (rng.random((90, 2, 2)) < 0.1)
    human[:, 1] = False
    contrast = effects.contrast_greg(human, pool[:90], pool)
    difference = effects.difference_greg(human[:, 0], pool[:90, 0], pool[:, 0])
    assert contrast.estimate == pytest.approx(difference.estimate)
    # Two more pseudo-residuals, for the difference of the other code.
    assert difference.width < contrast.width < 1.2 * difference.width


def test_what_two_codes_share_in_a_pair_cancels():
    rng = np.random.default_rng(9)
    first = rng.random((100, 2)) < 0.4
    human = np.stack([first, first], axis=1)
    found = effects.contrast_greg(human, human, np.tile(human, (5, 1, 1)))
    assert found.estimate == pytest.approx(0)
    assert found.width < effects.difference_human(first).width


# Equivalence ------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.floats(-0.3, 0.3), st.floats(0.001, 0.5), st.floats(0.01, 0.5), st.floats(2, 500))
def test_verdict_interval_and_p_values_say_the_same(estimate, error, margin, freedom):
    found = Difference(estimate, -1, 1, 0.95, "test", 9, error=error, freedom=freedom)
    tests = effects.difference_equivalence(found, margin)
    assume(abs(max(tests.p_below, tests.p_above) - 0.05) > 1e-9)
    inside = -margin < tests.interval.low and tests.interval.high < margin
    assert tests.shown == inside == (tests.p < 0.05)
    assert tests.verdict == ("equivalent" if inside else "not shown")
    below = scipy_stats.t.sf((estimate + margin) / error, freedom)
    above = scipy_stats.t.cdf((estimate - margin) / error, freedom)
    assert (tests.p_below, tests.p_above) == pytest.approx((below, above), abs=1e-12)


def test_the_interval_is_the_one_of_the_difference_at_90_percent():
    rng = np.random.default_rng(10)
    judge = rng.random((150, 2)) < 0.2
    human, pool = judge ^ (rng.random((150, 2)) < 0.05), np.tile(judge, (9, 1))
    tests = effects.difference_equivalence(effects.difference_greg(human, judge, pool), 0.1)
    at_90 = effects.difference_greg(human, judge, pool, level=0.9)
    assert numbers(tests.interval) == pytest.approx(numbers(at_90))
    assert tests.interval.level == pytest.approx(0.9)


def test_an_estimate_with_its_error_is_enough():
    tests = effects.difference_equivalence((0.01, 0.02), 0.05)
    z = scipy_stats.norm.ppf(0.95)
    assert (tests.interval.low, tests.interval.high) == pytest.approx(
        (0.01 - 0.02 * z, 0.01 + 0.02 * z)
    )
    assert tests.p_above == pytest.approx(scipy_stats.norm.cdf(-2))


def test_a_large_p_value_of_no_difference_shows_no_equivalence():
    human = np.array([[0, 1]] * 3 + [[1, 0]] * 2 + [[0, 0]] * 20)
    found = effects.difference_human(human)
    assert found.p > 0.5
    assert effects.difference_equivalence(found, 0.05).verdict == "not shown"


def test_without_an_estimate_nothing_is_shown():
    tests = effects.difference_equivalence(effects.difference_human([]), 0.05)
    assert (tests.p_below, tests.p_above, tests.p, tests.shown) == (1, 1, 1, False)
    for bad in (0, 1, -0.1):
        with pytest.raises(ValueError, match="margin"):
            effects.difference_equivalence((0.0, 0.1), bad)
    with pytest.raises(ValueError, match="alpha"):
        effects.difference_equivalence((0.0, 0.1), 0.1, alpha=0.5)
    with pytest.raises(ValueError, match="standard error"):
        effects.difference_equivalence((0.0, 0.0), 0.1)


# Regression on pseudo-outcomes ------------------------------------------------------------------


def test_with_all_labels_it_is_least_squares_with_clustered_errors():
    linear = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(11)
    human = (rng.random((200, 2)) < 0.3).astype(float)
    x = np.column_stack([np.ones(200), rng.normal(size=200), rng.integers(0, 2, 200)])
    item = rng.integers(0, 40, 200)
    ours = pseudo.regression_pseudo(human, 1 - human, np.ones(200), x, cluster=item)
    for j in range(2):
        fit = linear.OLS(human[:, j], x).fit(cov_type="cluster", cov_kwds={"groups": item})
        assert ours.coefficient[:, j] == pytest.approx(fit.params)
        assert ours.error[:, j] == pytest.approx(fit.bse)
    assert ours.clusters == 40
    reach = scipy_stats.t.ppf(0.975, 37) * ours.error
    assert ours.high == pytest.approx(ours.coefficient + reach)


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_pseudo_outcomes_are_right_on_average_over_samples(seed):
    """Each unit, exactly: with probability pi the corrected label, else the judge's."""
    rng = np.random.default_rng(seed)
    human, judge = (rng.random((2, 6, 3)) < 0.5).astype(float)
    pi = rng.uniform(0.05, 1, 6)
    seen = pseudo.outcomes_pseudo(human, judge, pi)
    unseen = pseudo.outcomes_pseudo(np.full((6, 3), nan), judge, pi)
    assert pi[:, None] * seen + (1 - pi[:, None]) * unseen == pytest.approx(human)


def test_rows_name_codes_and_covariates():
    rng = np.random.default_rng(12)
    human = (rng.random((50, 2)) < 0.5).astype(float)
    x = np.column_stack([np.ones(50), np.arange(50) % 2])
    fit = pseudo.regression_pseudo(human, human, np.ones(50), x)
    rows = fit.rows(["intercept", "image"], ["reading", "thinking"])
    assert [(row["code"], row["covariate"]) for row in rows] == [
        ("reading", "intercept"),
        ("reading", "image"),
        ("thinking", "intercept"),
        ("thinking", "image"),
    ]
    assert rows[3]["coefficient"] == fit.coefficient[1, 1]
    assert rows[1]["low"] < rows[1]["coefficient"] < rows[1]["high"]


def test_the_order_of_units_does_not_matter():
    rng = np.random.default_rng(13)
    judge = (rng.random((80, 1)) < 0.4).astype(float)
    human = np.where(rng.random((80, 1)) < 0.3, 1 - judge, nan)
    x = np.column_stack([np.ones(80), rng.normal(size=80)])
    item, pi, order = rng.integers(0, 20, 80), np.full(80, 0.3), rng.permutation(80)
    one = pseudo.regression_pseudo(human, judge, pi, x, cluster=item)
    again = pseudo.regression_pseudo(human[order], judge[order], pi, x[order], cluster=item[order])
    assert one.low == pytest.approx(again.low)


def test_outcomes_that_do_not_vary_have_no_error():
    fit = pseudo.regression_pseudo(np.zeros((9, 1)), np.zeros((9, 1)), np.ones(9), np.ones((9, 1)))
    assert (fit.error[0, 0], fit.low[0, 0], fit.high[0, 0]) == (inf, -inf, inf)
    assert fit.p[0, 0] == 1


def test_regressions_that_cannot_be_made_are_refused():
    one = np.ones((4, 1))
    with pytest.raises(ValueError, match="combination"):
        pseudo.regression_pseudo(one, one, np.ones(4), np.ones((4, 2)))
    with pytest.raises(ValueError, match="differ"):
        pseudo.regression_pseudo(one, one, np.ones(4), np.ones((3, 1)))
    with pytest.raises(ValueError, match="every unit needs"):
        pseudo.outcomes_pseudo(one, one * nan, np.ones(4))
    with pytest.raises(ValueError, match="probability"):
        pseudo.outcomes_pseudo(one, one, np.zeros(4))
    with pytest.raises(ValueError, match="have to be"):
        pseudo.outcomes_pseudo(np.ones(4), np.ones(4), np.ones(4))
