"""Intervals and tests against published examples, their definitions, and simulated coverage."""

from __future__ import annotations

import dataclasses
import json
from math import comb, isnan, nan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from erranal.stats import association, clustered, cochran, multiplicity, paired, proportion, ratio
from erranal.stats.interval import Interval

VECTORS = Path(__file__).parents[2] / "shared" / "reference_vectors.json"
COUNT = st.integers(0, 60)
TABLES = st.tuples(COUNT, COUNT, COUNT, COUNT)
LEVELS = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99])


@pytest.fixture(scope="module")
def vectors():
    if not VECTORS.exists():
        pytest.skip(f"the reference vectors are not at {VECTORS}")
    return {vector["id"]: vector for vector in json.loads(VECTORS.read_text())["vectors"]}


# Published examples -----------------------------------------------------------------------------


def test_every_reference_vector_is_used(vectors):
    tests = "".join(
        path.read_text("utf-8") for path in Path(__file__).parent.glob("test_stats*.py")
    )
    ours = [name for name, vector in vectors.items() if vector["family"] != "judge"]
    assert len(ours) == 22
    assert [name for name in ours if f'"{name}"' not in tests] == []


@pytest.mark.parametrize("name", ["bentur2009", "cavo2012", "tango_1", "tango_2"])
def test_paired_reference_vectors(vectors, name):
    vector = vectors[name]
    # The vectors give p1 - p2 with p1 = (a + b) / n: their first arm is our compared one.
    both, only_b, only_a, neither = vector["inputs"]["a_b_c_d"]
    table = (both, only_a, only_b, neither)
    level = vector["inputs"].get("level", 0.95)
    tango = paired.difference_tango(*table, level=level)
    newcombe = paired.difference_newcombe(*table, level=level)
    wald = paired.difference_wald(*table, level=level)
    ours = {
        "diff": tango.estimate,
        "tango": [tango.low, tango.high],
        "tango95": [tango.low, tango.high],
        "newcombe95": [newcombe.low, newcombe.high],
        "wald95": [wald.low, wald.high],
        "mcnemar_exact": paired.mcnemar_exact(only_a, only_b),
        "mcnemar_midp": paired.mcnemar_mid_p(only_a, only_b),
        "mcnemar_asymptotic": paired.mcnemar_asymptotic(only_a, only_b),
        "mcnemar_cc": paired.mcnemar_asymptotic(only_a, only_b, corrected=True),
    }
    for key, expected in vector["expected"].items():
        assert ours[key] == pytest.approx(expected, abs=vector["tol"]), key


# Newcombe (1998), Statistics in Medicine 17:2635, Table III, method 10.
@pytest.mark.parametrize(
    ("e", "f", "g", "h", "low", "high"),
    [
        (36, 12, 2, 0, 0.0569, 0.3404),
        (20, 12, 2, 16, 0.0562, 0.3292),
        (18, 12, 2, 18, 0.0562, 0.3290),
        (36, 14, 0, 0, 0.1528, 0.4167),
        (35, 14, 0, 1, 0.1461, 0.4175),
        (18, 14, 0, 18, 0.1441, 0.3963),
        (2, 97, 1, 0, 0.8721, 0.9854),
        (1, 97, 1, 1, 0.8736, 0.9850),
        (0, 30, 0, 0, 0.8395, 1.0),
        (54, 0, 0, 0, -0.0664, 0.0664),
        (30, 0, 0, 24, -0.0358, 0.0358),
    ],
)
def test_newcombe_published_table(e, f, g, h, low, high):
    interval = paired.difference_newcombe(e, g, f, h)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-4)


def test_wilson_reference_vector(vectors):
    vector = vectors["wilson"]
    for (x, n), limits in zip(vector["inputs"]["x_n"], vector["expected"]["wilson95"], strict=True):
        interval = proportion.proportion_wilson(x, n)
        assert [interval.low, interval.high] == pytest.approx(limits, abs=vector["tol"])


def test_clustered_error_reference_vector(vectors):
    vector = vectors["clustered_se"]
    sums = clustered.ClusterSums.of(vector["inputs"]["x"], vector["inputs"]["cluster"])
    error = float(sums.standard_error[0])
    assert error == pytest.approx(vector["expected"]["inspect_ai"], abs=vector["tol"])
    assert error * (3 / 4) ** 0.5 == pytest.approx(vector["expected"]["miller2024"], abs=1e-7)
    apart = clustered.ClusterSums.of(vector["inputs"]["x"], np.arange(12)).standard_error[0]
    assert apart == pytest.approx(vector["expected"]["iid_sem"], abs=vector["tol"])


def test_adjusted_rand_reference_vector(vectors):
    vector = vectors["clustering_indices"]
    found = association.rand_adjusted(vector["inputs"]["a"], vector["inputs"]["b"])
    assert found == pytest.approx(vector["expected"]["ari"], abs=vector["tol"])


def test_cramer_reference_vector(vectors):
    vector = vectors["cramers_v"]
    pearson = association.cramer_v_pearson(vector["inputs"]["table"])
    assert pearson == pytest.approx(vector["expected"]["cramer"], abs=vector["tol"])
    assert 0 < association.cramer_v_bergsma(vector["inputs"]["table"]) < pearson


def test_benjamini_hochberg_reference_vector(vectors):
    vector = vectors["bh1995"]
    adjusted = multiplicity.p_benjamini_hochberg(vector["inputs"]["p"])
    assert (adjusted <= 0.05).sum() == vector["expected"]["n_reject_bh_05"]
    assert adjusted[:4] == pytest.approx(vector["expected"]["bh_adjusted_first4"], abs=1e-7)
    holm = multiplicity.p_holm(vector["inputs"]["p"])
    assert (holm <= 0.05).sum() == vector["expected"]["n_reject_bonferroni_05"]


def test_agreement_with_statsmodels():
    smp = pytest.importorskip("statsmodels.stats.proportion")
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    contingency = pytest.importorskip("statsmodels.stats.contingency_tables")
    for x, n in [(0, 7), (3, 11), (11, 11), (40, 90)]:
        for method, ours in (
            ("wilson", proportion.proportion_wilson(x, n)),
            ("jeffreys", proportion.proportion_jeffreys(x, n)),
        ):
            low, high = smp.proportion_confint(x, n, method=method)
            # Ours follow the authors in closing the interval at the extreme counts.
            assert ours.low == pytest.approx(0 if x == 0 else low, abs=1e-9)
            assert ours.high == pytest.approx(1 if x == n else high, abs=1e-9)
    p = [0.04, 0.001, 0.02, 0.02, 0.9]
    assert multiplicity.p_holm(p) == pytest.approx(multitest.multipletests(p, method="holm")[1])
    test = contingency.mcnemar([[10, 7], [19, 4]], exact=True)
    assert float(paired.mcnemar_exact(7, 19)) == pytest.approx(test.pvalue)


def test_clustered_error_equals_cluster_robust_regression():
    linear = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(5)
    values, items = rng.integers(-1, 2, 200), rng.integers(0, 40, 200)
    fit = linear.OLS(values, np.ones(200)).fit(cov_type="cluster", cov_kwds={"groups": items})
    sums = clustered.ClusterSums.of(values, items)
    # statsmodels multiplies by (n - 1) / (n - k), which is 1 for a mean.
    assert float(sums.standard_error[0]) == pytest.approx(float(fit.bse[0]), rel=1e-12)


def test_two_way_error_equals_cluster_robust_regression():
    linear = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(6)
    items, models = np.repeat(np.arange(30), 12), np.tile(np.arange(12), 30)
    values = rng.normal(size=360) + rng.normal(size=30)[items] + rng.normal(size=12)[models]
    groups = np.column_stack([items, models])
    # Without the small-sample factors of statsmodels, each way has its own: G / (G - 1).
    one, other, both = (
        linear.OLS(values, np.ones(360)).fit(cov_type="cluster", cov_kwds={"groups": way}).bse[0]
        for way in (items, models, np.arange(360))
    )
    found = clustered.error_two_way(values, items, models)
    assert found**2 == pytest.approx(one**2 + other**2 - both**2)
    fit = linear.OLS(values, np.ones(360)).fit(cov_type="cluster", cov_kwds={"groups": groups})
    assert found == pytest.approx(fit.bse[0], rel=0.05)


def test_cochran_with_statsmodels():
    contingency = pytest.importorskip("statsmodels.stats.contingency_tables")
    correct = (np.random.default_rng(2).random((60, 4)) < [0.5, 0.6, 0.7, 0.5]).astype(int)
    found, theirs = cochran.accuracy_cochran(correct), contingency.cochrans_q(correct)
    assert (found.statistic, found.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert (found.freedom, found.n) == (3, 60)


# Definitions ------------------------------------------------------------------------------------


@settings(deadline=None)
@given(TABLES, LEVELS)
def test_tango_stays_in_range_and_holds_the_estimate(table, level):
    interval = paired.difference_tango(*table, level=level)
    assert -1 <= interval.low <= interval.high <= 1
    if sum(table):
        assert interval.low - 1e-12 <= interval.estimate <= interval.high + 1e-12


@settings(deadline=None)
@given(TABLES, LEVELS)
def test_swapping_the_arms_mirrors_the_interval(table, level):
    both, only_a, only_b, neither = table
    for method in (paired.difference_tango, paired.difference_newcombe):
        one = method(both, only_a, only_b, neither, level=level)
        other = method(both, only_b, only_a, neither, level=level)
        assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-12)


@settings(deadline=None)
@given(TABLES)
def test_newcombe_stays_in_range(table):
    interval = paired.difference_newcombe(*table)
    assert -1 - 1e-12 <= interval.low <= interval.high <= 1 + 1e-12


@settings(deadline=None)
@given(TABLES)
def test_higher_level_is_wider(table):
    widths = [paired.difference_tango(*table, level=level).width for level in (0.5, 0.8, 0.95)]
    assert widths == sorted(widths)


@settings(deadline=None)
@given(COUNT, COUNT, st.integers(0, 60), st.floats(0.5, 0.99))
def test_tango_limits_solve_the_score_equation(only_a, only_b, concordant, level):
    n = only_a + only_b + concordant
    if n == 0:
        return
    interval = paired.difference_tango(concordant, only_a, only_b, 0, level=level)
    z = scipy_stats.norm.ppf(0.5 + level / 2)
    for limit in (interval.low, interval.high):
        if abs(limit) > 1 - 1e-9:
            continue
        # P(only a) of greatest likelihood when P(only b) = P(only a) + limit, by plain search.
        q = np.linspace(max(0.0, -limit), (1 - limit) / 2, 20_001)
        with np.errstate(divide="ignore", invalid="ignore"):
            likelihood = sum(
                np.where(count > 0, count * np.log(p), 0.0)
                for count, p in ((only_a, q), (only_b, q + limit), (concordant, 1 - limit - 2 * q))
            )
        best = q[np.nanargmax(likelihood)]
        score = (only_b - only_a - n * limit) / np.sqrt(n * (2 * best + limit * (1 - limit)))
        assert abs(score) == pytest.approx(z, rel=5e-3)


def test_many_tables_at_once_equal_one_by_one():
    a, b, n = np.array([0, 3, 40, 0]), np.array([0, 9, 2, 5]), np.array([10, 20, 50, 5])
    low, high = paired.tango_limits(a, b, n)
    for i in range(4):
        one = paired.difference_tango(int(n[i] - a[i] - b[i]), int(a[i]), int(b[i]), 0)
        assert (low[i], high[i]) == (one.low, one.high)


def test_degenerate_tables_are_defined():
    nothing = paired.difference_tango(0, 0, 0, 0)
    assert isnan(nothing.estimate)
    assert (nothing.low, nothing.high) == (-1, 1)
    agree = paired.difference_tango(30, 0, 0, 20)
    z2 = scipy_stats.norm.ppf(0.975) ** 2
    assert (agree.low, agree.high) == pytest.approx((-z2 / (50 + z2), z2 / (50 + z2)))
    assert paired.difference_tango(0, 0, 10, 0).high == 1
    assert isnan(proportion.proportion_wilson(0, 0).estimate)
    assert paired.mcnemar_exact(0, 0) == paired.mcnemar_mid_p(0, 0) == 1


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_from_the_binomial_by_hand(only_a, only_b):
    n, x = only_a + only_b, min(only_a, only_b)
    below, here = (sum(comb(n, k) for k in range(m)) / 2**n for m in (x, x + 1))
    assert float(paired.mcnemar_exact(only_a, only_b)) == pytest.approx(min(1, 2 * here))
    assert float(paired.mcnemar_mid_p(only_a, only_b)) == pytest.approx(min(1, below + here))


@settings(deadline=None)
@given(TABLES, LEVELS)
def test_wald_and_the_score_by_definition(table, level):
    _, only_a, only_b, _ = table
    n, z = sum(table), scipy_stats.norm.ppf(0.5 + level / 2)
    wald = paired.difference_wald(*table, level=level)
    assert -1 <= wald.low <= wald.high <= 1
    tango = paired.difference_tango(*table, level=level)
    for limit, sign in ((tango.low, 1), (tango.high, -1)):
        if n and 1e-6 < abs(limit) < 1 - 1e-6:
            score = paired.tango_statistic(only_a, only_b, n, limit)
            assert float(score) == pytest.approx(sign * z, abs=1e-4)
    if n:
        values = np.repeat([0, -1, 1, 0], table)
        assert wald.estimate == pytest.approx(values.mean())
        high = min(values.mean() + z * values.std() / n**0.5, 1)
        assert wald.high == pytest.approx(high)


@given(st.integers(0, 80), st.integers(0, 80))
def test_comparators_of_mcnemar(only_a, only_b):
    plain = float(paired.mcnemar_asymptotic(only_a, only_b))
    corrected = float(paired.mcnemar_asymptotic(only_a, only_b, corrected=True))
    assert 0 <= plain <= corrected <= 1
    assert paired.mcnemar_asymptotic(only_b, only_a) == plain
    if only_a == only_b:
        assert plain == corrected == 1


@pytest.mark.parametrize("level", [0, 1, 95, -0.5])
def test_a_level_that_is_none_is_refused(level):
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        paired.difference_tango(1, 1, 1, 1, level=level)


# Coverage ---------------------------------------------------------------------------------------


def exact_coverage(n, p_a, p_b, level=0.95):
    """Return the probability, over all tables of n pairs, that the interval holds the truth."""
    a, b = (grid.ravel() for grid in np.meshgrid(np.arange(n + 1), np.arange(n + 1)))
    a, b = a[a + b <= n], b[a + b <= n]
    low, high = paired.tango_limits(a, b, n, level=level)
    cells = np.stack([a, b, n - a - b], axis=1)
    weight = scipy_stats.multinomial.pmf(cells, n, [p_a, p_b, 1 - p_a - p_b])
    return weight[(low <= p_b - p_a) & (p_b - p_a <= high)].sum()


@pytest.mark.parametrize("n", [50, 200])
def test_tango_covers(n):
    truths = [(0.05, 0.05), (0.15, 0.1), (0.2, 0.1), (0.3, 0.05), (0.25, 0.15), (0.4, 0.3)]
    coverage = [exact_coverage(n, *truth) for truth in truths]
    assert min(coverage) > 0.945
    assert np.mean(coverage) == pytest.approx(0.95, abs=0.005)


def test_clustered_covers_where_independence_does_not():
    rng, runs, items, pairs = np.random.default_rng(7), 400, 60, 6
    covered = naive = 0
    for _ in range(runs):
        chance = rng.dirichlet([0.12, 0.08, 0.8], items)
        draw = rng.random((items, pairs))
        worse, better = draw < chance[:, :1], draw > 1 - chance[:, 1:2]
        difference = better.astype(int) - worse
        interval = clustered.difference_clustered(
            difference.ravel(), np.repeat(np.arange(items), pairs)
        )
        covered += interval.low <= -0.04 <= interval.high
        counts = int(worse.sum()), int(better.sum())
        flat = paired.difference_tango(0, *counts, items * pairs - sum(counts))
        naive += flat.low <= -0.04 <= flat.high
    assert covered / runs > 0.92
    assert naive / runs < 0.8


def test_across_covers_when_benchmarks_differ():
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(2000):
        interval, _ = clustered.difference_across(rng.normal(-0.05, 0.1, 5))
        hits += interval.low <= -0.05 <= interval.high
    assert hits / 2000 == pytest.approx(0.95, abs=0.015)


# Clusters, ratios, association, many tests ------------------------------------------------------


def test_clusters_without_variation_are_no_certainty():
    interval = clustered.difference_clustered([0] * 12, np.repeat([1, 2, 3], 4))
    three = paired.difference_tango(3, 0, 0, 0)
    assert (interval.low, interval.high) == pytest.approx((three.low, three.high))
    alone = clustered.difference_clustered([1, 1, 0], ["item"] * 3)
    assert alone.low < alone.estimate < alone.high


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([-1, 0, 1]), st.integers(0, 5)), min_size=1))
def test_clustered_interval_is_defined_and_symmetric(pairs):
    values, items = np.array([v for v, _ in pairs]), [i for _, i in pairs]
    one, other = (clustered.difference_clustered(sign * values, items) for sign in (1, -1))
    assert -1 <= one.low <= one.estimate <= one.high <= 1
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-9)


def test_one_pair_an_item_is_a_plain_t_interval():
    values = np.array([1, 0, 0, -1, 1, 1, 0, 0, 1, -1])
    interval = clustered.difference_clustered(values, np.arange(10))
    expected = scipy_stats.t.interval(0.95, 9, values.mean(), values.std(ddof=1) / 10**0.5)
    assert (interval.low, interval.high) == pytest.approx(expected)


def test_two_ways_cover_where_one_does_not():
    rng, runs, items, models = np.random.default_rng(17), 300, 40, 15
    item, model = np.repeat(np.arange(items), models), np.tile(np.arange(models), items)
    hits = np.zeros(2)
    for _ in range(runs):
        chance = 0.25 + rng.normal(0, 0.08, items)[item] + rng.normal(0, 0.08, models)[model]
        worse = rng.random(items * models) < np.clip(chance, 0, 1)
        for place, found in enumerate(
            (
                clustered.difference_two_way(-worse.astype(int), item, model),
                clustered.difference_clustered(-worse.astype(int), item),
            )
        ):
            hits[place] += found.low <= -0.25 <= found.high
    assert hits[0] / runs > 0.92
    assert hits[1] / runs < 0.85


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([-1, 0, 1]), st.integers(0, 4), st.integers(0, 3))),
    st.randoms(use_true_random=False),
)
def test_two_way_interval_is_defined(pairs, random):
    moved = random.sample(pairs, len(pairs))
    one, other = (
        clustered.difference_two_way(*(list(column) for column in zip(*rows, strict=True)))
        if rows
        else clustered.difference_two_way([], [], [])
        for rows in (pairs, moved)
    )
    assert -1 <= one.low <= one.high <= 1
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-9)
    if one.n > 1:
        assert one.low - 1e-12 <= one.estimate <= one.high + 1e-12
        assert one.low < one.high
    else:
        assert (one.low, one.high) == (-1, 1)


# Several arms -----------------------------------------------------------------------------------


def test_cochran_of_two_arms_is_mcnemar():
    correct = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [9, 12, 4, 6], axis=0)
    found = cochran.accuracy_cochran(correct)
    assert found.p == pytest.approx(float(paired.mcnemar_asymptotic(12, 4)))
    (contrast,) = cochran.differences_pairwise(correct, ["text", "image"])
    assert contrast.difference == paired.difference_tango(9, 12, 4, 6)
    assert contrast.p_holm == contrast.p_mid == float(paired.mcnemar_mid_p(12, 4))
    assert contrast.p_exact == float(paired.mcnemar_exact(12, 4))


def test_pairs_of_arms_are_adjusted_together():
    rng = np.random.default_rng(1)
    correct = (rng.random((200, 3)) < [0.7, 0.5, 0.55]).astype(float)
    correct[:5, 2] = nan
    found = cochran.differences_pairwise(correct, ["T", "I", "TI"])
    assert [(x.first, x.second) for x in found] == [("T", "I"), ("T", "TI"), ("I", "TI")]
    adjusted = multiplicity.p_holm([x.p_mid for x in found])
    assert [x.p_holm for x in found] == pytest.approx(adjusted.tolist())
    assert {(x.difference.n, x.difference.excluded) for x in found} == {(195, 5)}
    assert found[0].difference.estimate == pytest.approx(
        correct[5:, 1].mean() - correct[5:, 0].mean()
    )
    assert (cochran.accuracy_cochran(correct).n, cochran.accuracy_cochran(correct).excluded) == (
        195,
        5,
    )


@settings(deadline=None)
@given(
    st.integers(0, 4).flatmap(
        lambda arms: st.lists(
            st.lists(st.sampled_from([0.0, 1.0, nan]), min_size=arms, max_size=arms), max_size=12
        ).map(lambda rows: np.array(rows, dtype=float).reshape(len(rows), arms))
    ),
    st.randoms(use_true_random=False),
)
def test_any_arms_have_a_defined_test(correct, random):
    n, arms = correct.shape
    found = cochran.accuracy_cochran(correct)
    assert found.n + found.excluded == n
    assert 0 <= found.p <= 1
    order = random.sample(range(arms), arms)
    assert cochran.accuracy_cochran(correct[:, order]).p == pytest.approx(found.p)
    pairs = cochran.differences_pairwise(correct, [str(arm) for arm in range(arms)])
    assert len(pairs) == arms * (arms - 1) // 2
    assert all(-1 <= x.difference.low < x.difference.high <= 1 for x in pairs)
    assert all(x.p_mid <= x.p_holm <= 1 for x in pairs)


def test_cochran_holds_its_level():
    rng, hits = np.random.default_rng(5), 0
    for _ in range(600):
        item = rng.beta(2, 2, (80, 1))
        hits += cochran.accuracy_cochran(rng.random((80, 3)) < item).p < 0.05
    assert hits / 600 == pytest.approx(0.05, abs=0.025)


def test_across_is_the_one_sample_t_test():
    values = [-0.12, -0.03, 0.02, -0.2]
    interval, p = clustered.difference_across(values)
    test = scipy_stats.ttest_1samp(values, 0)
    assert p == pytest.approx(test.pvalue)
    limits = test.confidence_interval()
    assert (interval.low, interval.high) == pytest.approx((limits.low, limits.high))
    with pytest.raises(ValueError, match="at least 2"):
        clustered.difference_across([0.1])


def test_geometric_ratio():
    reference = np.array([100.0, 200, 400])
    exact = ratio.ratio_geometric(reference, reference / 4)
    assert (exact.estimate, exact.low, exact.high) == pytest.approx((0.25, 0.25, 0.25))
    mixed = ratio.ratio_geometric([1, 1], [2, 0.5])
    assert mixed.estimate == pytest.approx(1)
    assert mixed.low * mixed.high == pytest.approx(1)
    with pytest.raises(ValueError, match="add 1"):
        ratio.ratio_geometric([0], [1])


def test_ratio_clusters_widen_the_interval():
    rng = np.random.default_rng(1)
    reference = np.repeat(np.exp(rng.normal(6, 1, 30)), 5)
    compared = reference * np.repeat(np.exp(rng.normal(-1, 0.5, 30)), 5)
    apart = ratio.ratio_geometric(reference, compared)
    together = ratio.ratio_geometric(reference, compared, np.repeat(np.arange(30), 5))
    assert together.width > 1.8 * apart.width


def test_corrected_v_is_near_zero_for_noise():
    rng = np.random.default_rng(2)
    corrected, plain = [], []
    for _ in range(50):
        table = np.histogram2d(rng.integers(0, 30, 300), rng.integers(0, 5, 300), bins=(30, 5))[0]
        corrected.append(association.cramer_v_bergsma(table))
        plain.append(association.cramer_v_pearson(table))
    assert np.mean(plain) > 0.28
    assert np.mean(corrected) < 0.07


def test_v_of_a_perfect_and_of_an_empty_table():
    assert association.cramer_v_bergsma(np.eye(4) * 50) == pytest.approx(1, abs=1e-9)
    for table in ([[0, 0], [0, 0]], [[3, 4]], [[1, 0], [0, 0]]):
        assert association.cramer_v_bergsma(table) == association.cramer_v_pearson(table) == 0


def test_random_groupings_are_not_alike():
    rng = np.random.default_rng(9)
    draws = [(rng.integers(0, 40, 200), rng.integers(0, 5, 200)) for _ in range(20)]
    for method in (association.rand_adjusted, association.information_adjusted):
        assert np.mean([method(*draw) for draw in draws]) == pytest.approx(0, abs=0.02)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=20),
    st.randoms(use_true_random=False),
)
def test_likeness_of_groupings_knows_no_names_and_no_order(pairs, random):
    moved = random.sample(pairs, len(pairs))
    names = ["x", None, ("a", 1), 2.5]
    for method in (association.rand_adjusted, association.information_adjusted):
        found = method(*zip(*pairs, strict=True))
        assert found == pytest.approx(method(*zip(*moved, strict=True)), abs=1e-9)
        renamed = [[names[group] for group in side] for side in zip(*pairs, strict=True)]
        assert found == pytest.approx(method(*renamed), abs=1e-9)
        assert found <= 1 + 1e-9
        assert method([a for a, _ in pairs], [names[a] for a, _ in pairs]) == pytest.approx(1)


def test_fewer_than_two_things_have_no_grouping():
    for method in (association.rand_adjusted, association.information_adjusted):
        assert isnan(method([], []))
        assert isnan(method(["a"], ["b"]))
        with pytest.raises(ValueError, match="inconsistent numbers"):
            method("aab", "ab")


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusted_p_keep_order_and_never_shrink(p):
    for method in (multiplicity.p_holm, multiplicity.p_benjamini_hochberg):
        adjusted = method(p)
        assert (adjusted >= np.array(p) - 1e-12).all()
        assert (adjusted <= 1).all()
        assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= -1e-12).all()


def test_unknown_p_values_do_not_count():
    assert multiplicity.p_holm([nan, 0.02, nan]) == pytest.approx([nan, 0.02, nan], nan_ok=True)
    adjusted = multiplicity.p_benjamini_hochberg([nan, 0.02])
    assert adjusted == pytest.approx([nan, 0.02], nan_ok=True)


def test_interval_reads_well_and_is_frozen():
    interval = Interval(-0.0497, -0.0727, -0.0265, 0.95, "Tango", 1730)
    assert str(interval) == "-0.050 [-0.073, -0.026] (95 % Tango, n = 1730)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        interval.low = 0.0
