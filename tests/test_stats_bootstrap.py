"""Resampling by counts is resampling, and its intervals cover."""

from __future__ import annotations

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from erranal.stats import alpha, bootstrap, raters
from erranal.stats.proportion import proportion_wilson

AGREEMENT = [bootstrap.alpha_code_bootstrap, bootstrap.ac1_code_bootstrap]


def votes(rng, units, codes, *, rates=(0.1, 0.5), wrong=0.15, lost=0.0, coders=3):
    """Return what coders say of codes that they get wrong now and then, and the true rates."""
    rate = rng.uniform(*rates, codes)
    truth = rng.random((units, codes)) < rate
    said = np.where(rng.random((coders, units, codes)) < wrong, ~truth, truth).astype(float)
    said[rng.random((coders, units)) < lost] = nan
    return said, rate


# Drawing ----------------------------------------------------------------------------------------


def test_every_resample_has_as_many_clusters():
    ones = np.ones((7, 1))
    (block,) = bootstrap.resampled_sums(ones, resamples=100)
    assert (block == 7).all()


def test_clusters_are_drawn_alike_and_independently():
    times = np.vstack(list(bootstrap.resampled_sums(np.eye(5), resamples=40_000, seed=3)))
    assert times.mean(axis=0) == pytest.approx(np.ones(5), abs=0.02)
    covariance = np.cov(times.T)
    assert covariance == pytest.approx(np.eye(5) - 0.2, abs=0.02)


def test_the_bound_on_memory_changes_nothing(monkeypatch):
    sums = np.random.default_rng(0).normal(size=(13, 2))
    whole = np.vstack(list(bootstrap.resampled_sums(sums, resamples=90, seed=5)))
    monkeypatch.setattr(bootstrap, "_CELLS", 64)
    blocks = list(bootstrap.resampled_sums(sums, resamples=90, seed=5))
    assert len(blocks) > 10
    assert np.vstack(blocks) == pytest.approx(whole)
    loose = np.vstack(list(bootstrap.resampled_sums(sparse.csr_array(sums), resamples=90, seed=5)))
    assert loose == pytest.approx(whole)


def test_sums_of_clusters():
    values = np.array([[1.0, 10], [2, 20], [3, 30]])
    assert bootstrap.cluster_sums(values, ["b", "a", "b"]).tolist() == [[2, 20], [4, 40]]
    thin = bootstrap.cluster_sums(sparse.csr_array(values), ["b", "a", "b"])
    assert thin.toarray().tolist() == [[2, 20], [4, 40]]
    with pytest.raises(ValueError, match="3 units need a cluster each"):
        bootstrap.cluster_sums(values, [1, 2])


def test_limits_with_draws_that_are_undefined():
    draws = np.linspace(0, 1, 1001)
    low, high = bootstrap.percentile_limits(draws[:, None])
    assert (low[0], high[0]) == pytest.approx((0.025, 0.975), abs=1e-3)
    draws[[300, 700]] = nan
    low, high = bootstrap.percentile_limits(draws[:, None])
    assert (low[0], high[0]) == pytest.approx((0.023, 0.977), abs=1e-3)
    draws[:30] = nan
    low, high = bootstrap.percentile_limits(draws[:, None])
    assert low[0] == -np.inf
    assert high[0] == np.inf


# Rates ------------------------------------------------------------------------------------------


def test_rates_are_those_of_a_loop():
    rng = np.random.default_rng(1)
    marks, items = (rng.random((60, 3)) < 0.3).astype(float), rng.integers(0, 20, 60)
    marks[rng.random((60, 3)) < 0.1] = nan
    found = bootstrap.rate_bootstrap(marks, items, resamples=199, seed=2)
    names = np.unique(items)
    drawn = np.random.default_rng(2).integers(0, len(names), size=(199, len(names)))
    groups = {name: marks[items == name] for name in names}
    loop = [
        np.nanmean(np.vstack([groups[name] for name in names[sample]]), axis=0) for sample in drawn
    ]
    low, high = np.sort(loop, axis=0)[[4, -5]]
    assert [interval.low for interval in found] == pytest.approx(low)
    assert [interval.high for interval in found] == pytest.approx(high)
    assert [interval.estimate for interval in found] == pytest.approx(np.nanmean(marks, axis=0))
    assert [interval.excluded for interval in found] == np.isnan(marks).sum(axis=0).tolist()


def test_clusters_widen_and_cover():
    rng, codes, items, each = np.random.default_rng(4), 300, 80, 5
    chance = rng.beta(1, 3, (items, codes))
    marks = (rng.random((each, items, codes)) < chance).reshape(-1, codes)
    item = np.tile(np.arange(items), each)
    together = bootstrap.rate_bootstrap(marks, item, resamples=1000)
    apart = bootstrap.rate_bootstrap(marks, resamples=1000)
    hits = [np.mean([x.low <= 0.25 <= x.high for x in found]) for found in (together, apart)]
    assert 0.91 < hits[0] < 0.975
    assert hits[1] < hits[0] - 0.04
    assert {x.n for x in together} == {items}


def test_rates_without_variation_have_wilsons_width():
    marks = np.array([[0, 1, nan], [0, 1, nan], [0, 1, nan]])
    none, every, nobody = bootstrap.rate_bootstrap(marks)
    for found, wilson in ((none, proportion_wilson(0, 3)), (every, proportion_wilson(3, 3))):
        assert (found.low, found.high) == pytest.approx((wilson.low, wilson.high))
    assert isnan(nobody.estimate)
    assert (nobody.low, nobody.high, nobody.n, nobody.excluded) == (0, 1, 0, 3)


@pytest.mark.parametrize("shape", [(0, 2), (1, 2), (3, 0)])
def test_few_or_no_units_and_codes(shape):
    found = bootstrap.rate_bootstrap(np.zeros(shape))
    assert len(found) == shape[1]
    assert all(0 <= x.low < x.high <= 1 for x in found)
    for method in AGREEMENT:
        found = method(np.zeros((3, *shape)))
        assert len(found) == shape[1]
        assert all(-1 <= x.low < x.high <= 1 for x in found)


def test_values_that_are_no_rate_are_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        bootstrap.rate_bootstrap([[2.0]])
    with pytest.raises(ValueError, match="level"):
        bootstrap.rate_bootstrap([[1.0]], level=0)


# Agreement on codes -----------------------------------------------------------------------------


def answers(of_code):
    return [[None if isnan(x) else int(x) for x in coder] for coder in of_code]


def test_codes_at_once_are_codes_one_by_one():
    said, _ = votes(np.random.default_rng(5), 50, 4, lost=0.2)
    alphas = bootstrap.alpha_code_bootstrap(said, resamples=10)
    ac1s = bootstrap.ac1_code_bootstrap(said, resamples=10)
    for code in range(4):
        ratings = answers(said[:, :, code])
        one = alpha.alpha_krippendorff(ratings)
        assert alphas[code].estimate == pytest.approx(one.estimate)
        assert (alphas[code].n, alphas[code].excluded) == (one.n, one.excluded)
        two = raters.ac1_gwet(
            [[sum(x == k for x in u) for k in (0, 1)] for u in zip(*ratings, strict=True)]
        )
        assert ac1s[code].estimate == pytest.approx(two.estimate)
        assert (ac1s[code].n, ac1s[code].excluded) == (two.n, two.excluded)


def test_limits_of_a_code_are_those_of_its_categories():
    said, _ = votes(np.random.default_rng(6), 40, 2)
    items = np.repeat(np.arange(20), 2)
    for clusters in (None, items):
        both = bootstrap.alpha_code_bootstrap(said, clusters, resamples=400, seed=9)
        for code, found in enumerate(both):
            ratings = answers(said[:, :, code])
            one = alpha.alpha_bootstrap(ratings, clusters=clusters, resamples=400, seed=9)
            assert (found.low, found.high, found.n) == pytest.approx((one.low, one.high, one.n))


@pytest.mark.parametrize("method", AGREEMENT)
def test_agreement_covers(method):
    rng, wrong = np.random.default_rng(7), 0.15
    said, rate = votes(rng, 120, 400, wrong=wrong, lost=0.1)
    share = rate * (1 - wrong) + (1 - rate) * wrong
    observed = (1 - wrong) ** 2 + wrong**2
    chance = 2 * share * (1 - share)
    if method is bootstrap.alpha_code_bootstrap:
        chance = 1 - chance
    truth = (observed - chance) / (1 - chance)
    found = method(said, resamples=800)
    hits = [x.low <= true <= x.high for x, true in zip(found, truth, strict=True)]
    assert 0.91 < np.mean(hits) < 0.98


@pytest.mark.parametrize("method", AGREEMENT)
@settings(deadline=None, max_examples=50)
@given(
    st.integers(0, 6).flatmap(
        lambda units: st.lists(
            st.lists(st.sampled_from([0.0, 1.0, nan]), min_size=units, max_size=units),
            min_size=1,
            max_size=4,
        )
    ),
    st.randoms(use_true_random=False),
)
def test_any_votes_have_a_defined_result(method, ratings, random):
    said = np.array(ratings).reshape(len(ratings), -1, 1)
    (found,) = method(said, resamples=40)
    assert -1 <= found.low <= found.high <= 1
    assert found.n + found.excluded == said.shape[1]
    if isnan(found.estimate):
        assert (found.low, found.high) == (-1, 1)
    else:
        assert found.low < found.high
    (other,) = method(said[random.sample(range(len(said)), len(said))], resamples=40)
    assert (found.low, found.high) == pytest.approx((other.low, other.high))


@pytest.mark.parametrize("method", AGREEMENT)
def test_perfect_agreement_is_not_certain(method):
    (found,) = method(np.tile((np.arange(30) % 3 == 0).astype(float), (3, 1))[:, :, None])
    assert found.estimate == 1
    assert 0.5 < found.low < found.high == 1


def test_a_constant_code_has_an_ac1_but_no_alpha():
    said = np.zeros((3, 40, 1))
    (kappa,), (ac1,) = (method(said) for method in AGREEMENT)
    assert isnan(kappa.estimate)
    assert (kappa.low, kappa.high) == (-1, 1)
    assert ac1.estimate == 1
    assert 0.85 < ac1.low < 1
