"""Krippendorff's alpha against published data and its definition, pair by pair."""

from __future__ import annotations

import json
from itertools import permutations, zip_longest
from math import isnan, nan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from erranal.stats import alpha, distances

VECTORS = Path(__file__).parents[2] / "shared" / "reference_vectors.json"
LEVELS = ["nominal", "ordinal", "interval"]
SETS = ["nominal", "jaccard", "masi", "hierarchical"]


@pytest.fixture(scope="module")
def vectors():
    if not VECTORS.exists():
        pytest.skip(f"the reference vectors are not at {VECTORS}")
    return {vector["id"]: vector for vector in json.loads(VECTORS.read_text())["vectors"]}


def matrices(answers):
    """Draw what 2 to 4 coders said of 1 to 8 units, coders x units, some of it nothing."""
    shape = st.tuples(st.integers(2, 4), st.integers(1, 8))
    said = st.one_of(st.none(), answers)
    return shape.flatmap(
        lambda size: st.lists(
            st.lists(said, min_size=size[1], max_size=size[1]), min_size=size[0], max_size=size[0]
        )
    )


NUMBERS = matrices(st.integers(1, 4))
LABELS = matrices(st.frozensets(st.sampled_from(["a.b", "a.c", "a", "d.e", "f"]), max_size=3))


def by_definition(ratings, distance):
    """Return one minus the mean distance within units over that between all answers."""
    units = [[x for x in unit if x is not None] for unit in zip(*ratings, strict=True)]
    units = [unit for unit in units if len(unit) > 1]
    pool = [x for unit in units for x in unit]
    between = sum(distance(a, b, pool) for a, b in permutations(pool, 2))
    if not between:
        return nan
    within = sum(
        distance(a, b, pool) / (len(unit) - 1) for unit in units for a, b in permutations(unit, 2)
    )
    return 1 - (within / len(pool)) / (between / (len(pool) * (len(pool) - 1)))


def ordinal(a, b, pool):
    low, high = sorted((a, b))
    between = sum(pool.count(x) for x in range(low, high + 1))
    return (between - (pool.count(low) + pool.count(high)) / 2) ** 2 if low < high else 0


def jaccard(a, b, _):
    return 1 - len(a & b) / len(a | b) if a | b else 0


def masi(a, b, _):
    if a == b:
        return 0
    part = 2 / 3 if a <= b or b <= a else 1 / 3 if a & b else 0
    return 1 - len(a & b) / len(a | b) * part


def hierarchical(a, b, _):
    a, b = ({x for code in codes for x in (code, code.split(".")[0])} for codes in (a, b))
    return jaccard(a, b, _)


DEFINITIONS = {
    "nominal": lambda a, b, _: a != b,
    "interval": lambda a, b, _: (a - b) ** 2,
    "ordinal": ordinal,
    "jaccard": jaccard,
    "masi": masi,
    "hierarchical": hierarchical,
}


# Published examples -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["kripp2011_A_binary", "kripp2011_B_nominal"])
def test_two_coders_of_the_papers_first_examples(vectors, name):
    vector = vectors[name]
    found = alpha.alpha_krippendorff(vector["inputs"]["ratings_by_coder"])
    assert found.estimate == pytest.approx(vector["expected"]["alpha"], abs=vector["tol"])


def test_three_coders_with_missing_ratings(vectors):
    vector = vectors["wikipedia_alpha"]
    for distance, expected in vector["expected"].items():
        found = alpha.alpha_krippendorff(vector["inputs"]["ratings_by_coder"], distance)
        assert found.estimate == pytest.approx(expected, abs=vector["tol"]), distance
        assert (found.n, found.excluded) == (12, 3)


# Krippendorff (2011), section C, the four coders and twelve units of his running example.
@pytest.mark.parametrize(
    ("distance", "expected"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_four_coders_of_the_papers_running_example(distance, expected):
    coders = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    found = alpha.alpha_krippendorff(coders, distance)
    assert found.estimate == pytest.approx(expected, abs=5e-4)


def test_error_of_four_coders(vectors):
    vector = vectors["gwet_raw4raters"]
    found = alpha.alpha_krippendorff(zip(*vector["inputs"]["ratings_units_x_raters"], strict=True))
    error = (found.estimate - found.low) / special.stdtrit(found.n - 1, 0.975)
    assert [found.estimate, error] == pytest.approx(vector["expected"]["alpha"], abs=vector["tol"])


def test_label_sets(vectors):
    vector = vectors["set_alpha"]
    expected, tol = vector["expected"], vector["tol"]
    coders = list(zip_longest(*vector["inputs"]["units"]))
    for distance, name in (("nominal", "nominal_sets"), ("jaccard", "jaccard"), ("masi", "masi")):
        found = alpha.alpha_krippendorff(coders, distance)
        assert found.estimate == pytest.approx(expected[f"alpha_{name}"], abs=tol), distance
    held = distances.distance_masi([{"1", "2"}, {"1", "2", "3", "4"}])[0, 1]
    assert held == pytest.approx(expected["masi_d({1,2},{1,2,3,4})"], abs=tol)
    shared = distances.distance_masi([{"a", "b"}, {"b", "c"}])[0, 1]
    assert shared == pytest.approx(expected["masi_d({a,b},{b,c})"], abs=tol)
    assert distances.distance_jaccard([set(), set()])[0, 1] == expected["jaccard_d({},{})"]


# Definitions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("distance", LEVELS)
@settings(deadline=None)
@given(ratings=NUMBERS)
def test_numbers_by_definition(ratings, distance):
    found = alpha.alpha_krippendorff(ratings, distance).estimate
    expected = by_definition(ratings, DEFINITIONS[distance])
    assert found == pytest.approx(expected, nan_ok=True, abs=1e-9)


@pytest.mark.parametrize("distance", SETS)
@settings(deadline=None)
@given(ratings=LABELS)
def test_label_sets_by_definition(ratings, distance):
    found = alpha.alpha_krippendorff(ratings, distance).estimate
    expected = by_definition(ratings, DEFINITIONS[distance])
    assert found == pytest.approx(expected, nan_ok=True, abs=1e-9)


def limits(interval):
    return interval.estimate, interval.low, interval.high


@pytest.mark.parametrize("distance", LEVELS)
@settings(deadline=None)
@given(ratings=NUMBERS, random=st.randoms(use_true_random=False))
def test_order_of_coders_and_units_does_not_matter(ratings, distance, random):
    coders = random.sample(ratings, len(ratings))
    order = random.sample(range(len(ratings[0])), len(ratings[0]))
    moved = [[coder[i] for i in order] for coder in coders]
    one, other = (alpha.alpha_krippendorff(x, distance) for x in (ratings, moved))
    assert limits(one) == pytest.approx(limits(other), nan_ok=True, abs=1e-9)


@settings(deadline=None)
@given(NUMBERS)
def test_names_of_categories_do_not_matter(ratings):
    name = {None: None, 1: "x", 2: "b", 3: "no", 4: "a b"}
    renamed = [[name[x] for x in coder] for coder in ratings]
    one, other = (alpha.alpha_krippendorff(x) for x in (ratings, renamed))
    assert limits(one) == pytest.approx(limits(other), nan_ok=True)
    ranked = alpha.alpha_krippendorff(renamed, "ordinal", categories=["x", "b", "no", "a b"])
    same = alpha.alpha_krippendorff(ratings, "ordinal")
    assert limits(ranked) == pytest.approx(limits(same), nan_ok=True)


@pytest.mark.parametrize("distance", LEVELS)
@settings(deadline=None)
@given(ratings=NUMBERS)
def test_intervals_are_defined(ratings, distance):
    plain = alpha.alpha_krippendorff(ratings, distance)
    drawn = alpha.alpha_bootstrap(ratings, distance, resamples=50)
    assert drawn.estimate == pytest.approx(plain.estimate, nan_ok=True)
    for interval in (plain, drawn):
        assert -1 <= interval.low <= interval.high <= 1
        assert interval.low < interval.high
        assert interval.n + interval.excluded == len(ratings[0])
    if not isnan(plain.estimate):
        assert plain.low - 1e-9 <= max(plain.estimate, -1) <= plain.high + 1e-9


def test_nan_is_missing_and_lists_are_sets():
    assert alpha.alpha_krippendorff([[1, nan, 2], [1, 2, 2]]).excluded == 1
    lists = alpha.alpha_krippendorff([[["a", "b"], ["c"]], [["b", "a", "a"], ["d"]]], "masi")
    sets = alpha.alpha_krippendorff([[{"a", "b"}, {"c"}], [{"a", "b"}, {"d"}]], "masi")
    assert lists == sets


def test_a_family_is_nearer_than_another():
    family = [[{"reading.layout"}, {"thinking.logic"}], [{"reading.unseen"}, {"thinking.logic"}]]
    other = [[{"reading.layout"}, {"thinking.logic"}], [{"output.format"}, {"thinking.logic"}]]
    near, far = (alpha.alpha_krippendorff(x, "hierarchical").estimate for x in (family, other))
    assert near > far
    assert distances.expanded({"a.b.c"}) == {"a", "a.b", "a.b.c"}


# Resamples --------------------------------------------------------------------------------------


@pytest.mark.parametrize("distance", LEVELS)
def test_resamples_are_those_of_a_loop(distance):
    rng = np.random.default_rng(4)
    ratings = np.clip(rng.integers(1, 5, 20) + rng.integers(-1, 2, (3, 20)), 1, 5).tolist()
    drawn = np.random.default_rng(0).integers(0, 20, size=(100, 20))
    loop = [
        by_definition([[coder[i] for i in sample] for coder in ratings], DEFINITIONS[distance])
        for sample in drawn
    ]
    found = alpha.alpha_bootstrap(ratings, distance, resamples=100, seed=0)
    low, high = sorted(loop)[2], sorted(loop)[-3]
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


def test_both_intervals_agree_in_a_large_sample():
    rng = np.random.default_rng(6)
    truth = rng.integers(0, 3, 600)
    ratings = np.where(rng.random((3, 600)) < 0.25, rng.integers(0, 3, (3, 600)), truth)
    plain = alpha.alpha_krippendorff(ratings.tolist())
    drawn = alpha.alpha_bootstrap(ratings.tolist())
    assert drawn.width == pytest.approx(plain.width, rel=0.08)
    assert drawn.low == pytest.approx(plain.low, abs=0.01)


def test_units_of_one_cluster_are_drawn_together():
    rng = np.random.default_rng(8)
    truth = rng.integers(0, 2, 40)
    ratings = np.where(rng.random((2, 40)) < 0.3, 1 - truth, truth)
    apart = alpha.alpha_bootstrap(ratings.tolist())
    fourfold = np.repeat(ratings, 4, axis=1).tolist()
    together = alpha.alpha_bootstrap(fourfold, clusters=np.repeat(np.arange(40), 4))
    assert together.n == 40
    assert together.width == pytest.approx(apart.width, rel=0.03)
    assert alpha.alpha_bootstrap(fourfold).width < 0.6 * apart.width
    with pytest.raises(ValueError, match="160 units need a cluster each; got 40"):
        alpha.alpha_bootstrap(fourfold, clusters=np.arange(40))


def test_the_t_interval_covers():
    rng, hits, runs = np.random.default_rng(9), 0, 300
    chance, wrong = np.array([0.6, 0.3, 0.1]), 0.2
    other = chance * (1 - wrong) + wrong / 3
    agreed = (1 - wrong) ** 2 + 2 * (1 - wrong) * wrong / 3 + wrong**2 / 3
    true = 1 - (1 - agreed) / (1 - other @ other)
    for _ in range(runs):
        truth = rng.choice(3, 100, p=chance)
        ratings = np.where(rng.random((3, 100)) < wrong, rng.integers(0, 3, (3, 100)), truth)
        found = alpha.alpha_krippendorff(ratings.tolist())
        hits += found.low <= true <= found.high
    assert 0.92 < hits / runs < 0.98


# Degenerate ratings -----------------------------------------------------------------------------


@pytest.mark.parametrize("method", [alpha.alpha_krippendorff, alpha.alpha_bootstrap])
@pytest.mark.parametrize("distance", LEVELS)
@pytest.mark.parametrize(
    "ratings",
    [
        [],
        [[]],
        [[], []],
        [[1, 2, 3]],
        [[None, None], [1, None]],
        [[1, 1, 1], [1, 1, 1]],
        [[1], [1]],
    ],
)
def test_nothing_to_agree_on_is_nan_between_the_widest_limits(method, distance, ratings):
    found = method(ratings, distance)
    assert isnan(found.estimate)
    assert (found.low, found.high) == (-1, 1)


@pytest.mark.parametrize("method", [alpha.alpha_krippendorff, alpha.alpha_bootstrap])
@pytest.mark.parametrize("distance", SETS)
def test_constant_label_sets_are_nan_too(method, distance):
    for codes in (set(), {"a"}):
        found = method([[codes] * 4] * 2, distance)
        assert isnan(found.estimate)
        assert (found.low, found.high) == (-1, 1)


@pytest.mark.parametrize("method", [alpha.alpha_krippendorff, alpha.alpha_bootstrap])
def test_perfect_agreement_and_a_single_unit_are_never_certain(method):
    perfect = method([[1, 2, 1, 2, 3] * 4] * 3)
    assert perfect.estimate == 1
    assert 0.5 < perfect.low < perfect.high == 1
    single = method([[1], [2]])
    assert (single.estimate, single.low) == (0, 0)
    assert single.high > 0.5
    alike = method([[1] * 9, [2] * 9])
    assert alike.low <= alike.estimate < alike.high - 0.5


def test_a_code_so_rare_that_resamples_miss_it_tells_little():
    found = alpha.alpha_bootstrap([[1] + [0] * 60, [0] + [0] * 60])
    assert (found.low, found.high) == (-1, 1)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="no distance called 'euclid'"):
        alpha.alpha_krippendorff([[1], [1]], "euclid")
    with pytest.raises(ValueError, match="give a set"):
        alpha.alpha_krippendorff([["a"], ["b"]], "masi")
    with pytest.raises(ValueError, match="none of the declared categories"):
        alpha.alpha_krippendorff([[1], [7]], "ordinal", categories=[1, 2])
    with pytest.raises(ValueError, match="one entry a unit"):
        alpha.alpha_krippendorff([[1, 2], [1]])
    for method in (alpha.alpha_krippendorff, alpha.alpha_bootstrap):
        with pytest.raises(ValueError, match="level"):
            method([[1, 2], [1, 2]], level=95)
