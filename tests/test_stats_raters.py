"""Agreement of many raters against published tables, definitions and simulated coverage."""

from __future__ import annotations

import json
from itertools import combinations
from math import isnan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from erranal.stats import agreement, distances, raters
from erranal.stats.ratings import pair_counts, rating_counts

VECTORS = Path(__file__).parents[2] / "shared" / "reference_vectors.json"
CATEGORIES = ["a", "b", "c"]
COUNTED = {
    "AC1": raters.ac1_gwet,
    "fleiss": raters.kappa_fleiss,
    "brennan_prediger": raters.agreement_brennan_prediger,
}


@pytest.fixture(scope="module")
def vectors():
    if not VECTORS.exists():
        pytest.skip(f"the reference vectors are not at {VECTORS}")
    return {vector["id"]: vector for vector in json.loads(VECTORS.read_text())["vectors"]}


@st.composite
def matrices(draw):
    """Draw what 1 to 4 coders said of 0 to 8 units, coders x units, some of it nothing."""
    coders, units = draw(st.integers(1, 4)), draw(st.integers(0, 8))
    said = st.sampled_from([None, *CATEGORIES])
    row = st.lists(said, min_size=units, max_size=units)
    return draw(st.lists(row, min_size=coders, max_size=coders))


def all_coefficients(ratings, categories=CATEGORIES, weights="identity"):
    counts = rating_counts(ratings, categories)
    return [
        raters.ac2_gwet(counts, weights),
        raters.kappa_fleiss(counts, weights=weights),
        raters.agreement_brennan_prediger(counts, weights=weights),
        raters.kappa_conger(ratings, categories, weights=weights),
    ]


def numbers(interval):
    return interval.estimate, interval.low, interval.high


def inputs(vector):
    ratings = zip(*vector["inputs"]["ratings_units_x_raters"], strict=True)
    return [list(coder) for coder in ratings], vector["inputs"]["categories"]


def error_of(interval):
    return (interval.estimate - interval.low) / special.stdtrit(interval.n - 1, 0.975)


# Published examples -----------------------------------------------------------------------------


def test_six_psychiatrists(vectors):
    vector = vectors["fleiss1971"]
    counts = rating_counts(*inputs(vector))
    expected, tol = vector["expected"], vector["tol"]
    kappa = raters.kappa_fleiss(counts).estimate
    assert kappa == pytest.approx(expected["kappa"], abs=1e-6)
    assert kappa == pytest.approx(expected["kappa_published"], abs=tol)
    each = [interval.estimate for interval in raters.kappa_fleiss_by_category(counts)]
    assert each == pytest.approx(expected["per_category"], abs=tol)


def test_four_raters_with_missing_ratings(vectors):
    vector = vectors["gwet_raw4raters"]
    ratings, categories = inputs(vector)
    counts = rating_counts(ratings, categories)
    found = {name: method(counts) for name, method in COUNTED.items()}
    found["conger"] = raters.kappa_conger(ratings, categories)
    for name, interval in found.items():
        expected = pytest.approx(vector["expected"][name], abs=vector["tol"])
        assert [interval.estimate, error_of(interval)] == expected, name
        assert (interval.n, interval.high) == (12, 1)
    ac1 = found["AC1"]
    limits = vector["expected"]["AC1_ci95"]
    assert [ac1.low, ac1.high] == pytest.approx(limits, abs=vector["tol"])


def test_four_raters_whose_neighbours_agree_in_part(vectors):
    vector = vectors["gwet_raw4raters_weighted"]
    ac2 = raters.ac2_gwet(rating_counts(*inputs(vector)), vector["inputs"]["weights"])
    expected = pytest.approx(vector["expected"]["AC2"], abs=vector["tol"])
    assert [ac2.estimate, error_of(ac2)] == expected


def test_fleiss_with_statsmodels():
    other = pytest.importorskip("statsmodels.stats.inter_rater")
    counts = np.random.default_rng(3).multinomial(5, [0.2, 0.5, 0.3], 40)
    assert raters.kappa_fleiss(counts).estimate == pytest.approx(other.fleiss_kappa(counts))
    randolph = other.fleiss_kappa(counts, method="randolph")
    assert raters.agreement_brennan_prediger(counts).estimate == pytest.approx(randolph)


# Definitions ------------------------------------------------------------------------------------


def chance_of_conger(ratings, weights):
    """Return the mean over pairs of raters of the agreement that their own rates give."""
    rows = [[CATEGORIES.index(x) for x in coder if x is not None] for coder in ratings]
    shares = [np.bincount(row, minlength=3) / len(row) for row in rows if row]
    return np.mean([a @ weights @ b for a, b in combinations(shares, 2)])


@settings(deadline=None)
@given(matrices(), st.sampled_from(["identity", "linear", "quadratic", "ordinal"]))
def test_chance_and_observed_agreement_by_definition(ratings, name):
    weights = distances.agreement_weights(name, 3)
    units = [[CATEGORIES.index(x) for x in u if x is not None] for u in zip(*ratings, strict=True)]
    units = [unit for unit in units if unit]
    pairs = [[weights[a, b] for a, b in combinations(unit, 2)] for unit in units if len(unit) > 1]
    ac2, fleiss, brennan, conger = (x.estimate for x in all_coefficients(ratings, weights=name))
    if not pairs:
        assert all(isnan(x) for x in (ac2, fleiss, brennan, conger))
        return
    observed = np.mean([np.mean(pair) for pair in pairs])
    share = np.mean([np.bincount(unit, minlength=3) / len(unit) for unit in units], axis=0)
    chances = {
        ac2: weights.sum() / 6 * share @ (1 - share),
        fleiss: share @ weights @ share,
        brennan: weights.mean(),
        conger: chance_of_conger(ratings, weights),
    }
    for estimate, chance in chances.items():
        if isnan(estimate):
            assert chance == pytest.approx(1)
        else:
            assert estimate == pytest.approx((observed - chance) / (1 - chance), abs=1e-9)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(CATEGORIES), st.sampled_from(CATEGORIES)), min_size=1))
def test_conger_of_two_raters_is_cohens_kappa(said):
    table = np.zeros((3, 3))
    for a, b in said:
        table[CATEGORIES.index(a), CATEGORIES.index(b)] += 1
    conger = raters.kappa_conger(zip(*said, strict=True), CATEGORIES).estimate
    cohen = agreement.kappa_cohen(table).estimate
    assert conger == pytest.approx(cohen, nan_ok=True, abs=1e-9)


@settings(deadline=None)
@given(matrices(), st.randoms(use_true_random=False))
def test_order_and_names_do_not_matter(ratings, random):
    coders = random.sample(ratings, len(ratings))
    order = random.sample(range(len(ratings[0])), len(ratings[0]))
    name = dict(zip(CATEGORIES, random.sample(["no", "x y", "Ä"], 3), strict=True)) | {None: None}
    moved = [[name[coder[i]] for i in order] for coder in coders]
    categories = random.sample(["no", "x y", "Ä"], 3)
    pairs = zip(all_coefficients(ratings), all_coefficients(moved, categories), strict=True)
    for one, other in pairs:
        assert numbers(one) == pytest.approx(numbers(other), nan_ok=True, abs=1e-9)


@settings(deadline=None)
@given(matrices(), st.sampled_from(["identity", "linear", "quadratic", "ordinal"]))
def test_every_table_has_a_defined_result(ratings, weights):
    for found in all_coefficients(ratings, weights=weights):
        assert -1 <= found.low <= found.high <= 1
        assert found.n + found.excluded == len(ratings[0])
        if isnan(found.estimate):
            assert (found.low, found.high) == (-1, 1)
        else:
            # Units with one rating count for chance: a few of them may push it below -1.
            assert found.low - 1e-9 <= max(found.estimate, -1) <= found.high + 1e-9
            assert found.low < found.high or found.estimate < -1


def test_two_categories_and_two_raters_are_pabak():
    counts, times = pair_counts([[118, 5], [2, 0]])
    found = raters.agreement_brennan_prediger(counts, times)
    assert found.estimate == pytest.approx(agreement.pabak_bennett(118, 5, 2, 0))


@given(st.integers(2, 8), st.sampled_from(distances.WEIGHTS))
def test_weights_fall_with_distance(size, name):
    weights = distances.agreement_weights(name, size)
    assert (np.diag(weights) == 1).all()
    assert (weights == weights.T).all()
    assert (np.diff(weights[0]) <= 0).all()
    assert weights[0, -1] == pytest.approx(0)


def test_weights_of_ones_own():
    own = [[1, 0.5], [0.5, 1]]
    counts = [[2, 0], [1, 1], [0, 2]]
    assert raters.ac2_gwet(counts, own).estimate == pytest.approx(raters.ac1_gwet(counts).estimate)
    for wrong in ([[1, 0.5], [0.4, 1]], [[1, 0], [0, 2]], np.eye(3)):
        with pytest.raises(ValueError, match="symmetric matrix"):
            raters.kappa_fleiss(counts, weights=wrong)
    with pytest.raises(ValueError, match="no weights called 'cubic'"):
        raters.kappa_fleiss(counts, weights="cubic")


def test_undeclared_categories_are_refused():
    with pytest.raises(ValueError, match="'d' is none of the declared"):
        raters.kappa_conger([["a", "d"], ["a", "b"]], CATEGORIES)


# Degenerate ratings -----------------------------------------------------------------------------


@pytest.mark.parametrize("ratings", [[], [[]], [["a", "b"]], [["a", None], [None, "b"]]])
def test_no_unit_with_two_ratings(ratings):
    for found in all_coefficients(ratings):
        assert isnan(found.estimate)
        assert (found.low, found.high) == (-1, 1)


def test_a_constant_category_has_no_kappa_but_the_others():
    ac1, fleiss, brennan, conger = all_coefficients([["a"] * 20] * 3)
    for kappa in (fleiss, conger):
        assert isnan(kappa.estimate)
        assert (kappa.low, kappa.high) == (-1, 1)
    for found in (ac1, brennan):
        assert found.estimate == 1
        assert 0.7 < found.low < found.high == 1


def test_a_single_declared_category_leaves_nothing_to_agree_on():
    assert all(isnan(found.estimate) for found in all_coefficients([["a"] * 3] * 2, ["a"]))


def test_units_that_all_disagree_in_the_same_way_are_not_certain():
    for found in all_coefficients([["a"] * 6, ["b"] * 6]):
        assert found.low < found.high
        assert found.high - found.low > 0.3


def test_units_without_ratings_are_counted_out():
    found = raters.ac1_gwet([[2, 0], [0, 2], [1, 0], [0, 0]], [3, 2, 1, 5])
    assert (found.n, found.excluded) == (6, 5)


# Coverage ---------------------------------------------------------------------------------------


def test_intervals_cover_with_missing_ratings():
    rng, runs, names = np.random.default_rng(11), 300, "abc"
    wrong, chance = 0.25, np.array([0.7, 0.2, 0.1])
    share = chance * (1 - wrong) + wrong / 3
    agreed = (1 - wrong) ** 2 + 2 * (1 - wrong) * wrong / 3 + wrong**2 / 3
    chances = [share @ (1 - share) / 2, share @ share, 1 / 3, share @ share]
    hits = np.zeros(4)
    for _ in range(runs):
        truth = rng.choice(3, 80, p=chance)
        said = np.where(rng.random((3, 80)) < wrong, rng.integers(0, 3, (3, 80)), truth)
        lost = rng.random((3, 80)) < 0.1
        ratings = [
            [None if gone else names[x] for x, gone in zip(row, gap, strict=True)]
            for row, gap in zip(said, lost, strict=True)
        ]
        for place, (found, by) in enumerate(zip(all_coefficients(ratings), chances, strict=True)):
            hits[place] += found.low <= (agreed - by) / (1 - by) <= found.high
    assert (hits / runs > 0.91).all()
    assert (hits / runs < 0.985).all()
