"""Inclusion probabilities are what the sampler says, and widths are what the planner says."""

from __future__ import annotations

import hashlib
import json
from math import ceil, floor, inf
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from erranal.stats import planning, sampling
from erranal.stats.proportion import wilson_limits

VECTORS = Path(__file__).parents[2] / "shared" / "reference_vectors.json"
SIZES = st.lists(st.integers(1, 60), min_size=1, max_size=12)
SHARES = st.floats(sampling.LEAST_UNIFORM, 1)
EQUALITY = st.floats(0, 1)
DRAWS = 3000


def population(*sizes: int) -> tuple[list[str], list[str]]:
    strata = [f"s{stratum}" for stratum, size in enumerate(sizes) for _ in range(size)]
    return [f"pair {i}" for i in range(len(strata))], strata


@pytest.fixture(scope="module")
def simulated():
    """Return one sample of a small, uneven population and whom many draws of it chose."""
    names, strata = population(17, 9, 5, 2, 1)
    draw = [sampling.sample_stratified(names, strata, 11, key=str(key)) for key in range(DRAWS)]
    return draw[0], np.array([sample.chosen for sample in draw])


# The design -------------------------------------------------------------------------------------


def test_inclusion_probabilities_are_exact(simulated):
    sample, chosen = simulated
    pi = sample.probability
    error = np.sqrt(pi * (1 - pi) / DRAWS)
    assert pi.max() / pi.min() > 1.5  # strata do differ
    assert np.abs((chosen.mean(axis=0) - pi) / error).max() < 4


def test_every_draw_has_the_size_that_was_asked_for(simulated):
    assert set(simulated[1].sum(axis=1)) == {11}


def test_pairs_of_units_are_drawn_as_by_simple_random_samples_of_rounded_size(simulated):
    sample, chosen = simulated
    size, expected = sample.sizes[0], sample.expected[0]
    up = expected - floor(expected)
    counts = {floor(expected): 1 - up, ceil(expected): up}
    joint = sum(p * n * (n - 1) for n, p in counts.items()) / (size * (size - 1))
    both = chosen[:, :size].astype(float).T @ chosen[:, :size] / DRAWS
    seen = both[np.triu_indices(size, 1)]
    assert seen.mean() == pytest.approx(joint, rel=0.02)
    assert np.abs(seen - joint).max() < 5 * np.sqrt(joint * (1 - joint) / DRAWS)


def test_horvitz_thompson_is_unbiased_where_the_plain_mean_is_not(simulated):
    sample, chosen = simulated
    values = np.concatenate([np.full(17, 1.0), np.arange(9), np.full(8, 20.0)])
    totals = chosen @ (values / sample.probability)
    error = totals.std(ddof=1) / np.sqrt(DRAWS)
    assert abs(totals.mean() - values.sum()) < 3 * error
    plain = chosen @ values / 11 * len(values)
    assert abs(plain.mean() - values.sum()) > 10 * plain.std(ddof=1) / np.sqrt(DRAWS)


@given(SIZES, st.integers(0, 500), SHARES, EQUALITY)
def test_allocation_keeps_its_promises(sizes, n, share, equality):
    expected = sampling.allocation_mixed(sizes, n, uniform_share=share, equality=equality)
    total = sum(sizes)
    assert expected.sum() == pytest.approx(min(n, total))
    assert (expected <= np.array(sizes) * (1 + 1e-12)).all()
    least = share * min(n, total) / total
    assert (expected / sizes >= least * (1 - 1e-9)).all()


@given(SIZES, st.integers(0, 200), SHARES, EQUALITY, st.integers(0, 10**6))
def test_any_sample_has_its_size_and_rounded_strata(sizes, n, share, equality, key):
    names, strata = population(*sizes)
    sample = sampling.sample_stratified(
        names, strata, n, uniform_share=share, equality=equality, key=str(key)
    )
    assert sample.chosen.sum() == min(n, len(names)) == sample.drawn.sum()
    assert (np.abs(sample.drawn - sample.expected) < 1).all()
    assert (sample.drawn <= sample.sizes).all()
    assert ((sample.probability >= 0) & (sample.probability <= 1)).all()
    assert sample.probability.sum() == pytest.approx(min(n, len(names)))
    in_stratum = [sample.chosen[np.array(strata) == name].sum() for name in sample.strata]
    assert in_stratum == sample.drawn.tolist()


def test_allocation_goes_from_proportional_to_equal():
    sizes = np.array([800, 150, 50])
    proportional = sampling.allocation_mixed(sizes, 100, uniform_share=0.4, equality=0)
    assert proportional == pytest.approx([80, 15, 5])
    equal = sampling.allocation_mixed(sizes, 100, uniform_share=0.4, equality=1)
    assert equal == pytest.approx([32 + 20, 6 + 20, 2 + 20])
    uniform = sampling.allocation_mixed(sizes, 100, uniform_share=1, equality=1)
    assert uniform == pytest.approx([80, 15, 5])
    between = sampling.allocation_mixed(sizes, 100, uniform_share=0.4, equality=0.5)
    assert proportional[2] < between[2] < equal[2]


def test_what_a_full_stratum_cannot_take_goes_to_the_others_as_their_weights_are():
    expected = sampling.allocation_mixed([100, 100, 4], 104, uniform_share=0.5, equality=1)
    assert expected == pytest.approx([50, 50, 4])


@pytest.mark.parametrize("share", [0.29, 0, -1, 1.01, float("nan")])
def test_a_sample_that_is_hardly_uniform_is_refused(share):
    with pytest.raises(ValueError, match=r"0\.3 to 1"):
        sampling.allocation_mixed([5, 5], 3, uniform_share=share)


def test_other_impossible_designs_are_refused():
    with pytest.raises(ValueError, match="equality"):
        sampling.allocation_mixed([5, 5], 3, equality=1.5)
    with pytest.raises(ValueError, match="1 or more each"):
        sampling.allocation_mixed([5, 0], 3)
    with pytest.raises(ValueError, match="twice"):
        sampling.sample_stratified(["a", "a"], ["x", "x"], 1)


@pytest.mark.parametrize("n", [34, 35, 1000])
def test_a_sample_of_everything_is_certain(n):
    sample = sampling.sample_stratified(*population(17, 9, 5, 2, 1), n)
    assert sample.chosen.all()
    assert (sample.probability == 1).all()


def test_nothing_to_draw_from_gives_nothing():
    assert len(sampling.sample_stratified([], [], 5).chosen) == 0


# Rounding ---------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 20), min_size=1, max_size=15), st.floats(0, 1, exclude_max=True))
def test_rounding_keeps_the_sum_and_stays_near(values, start):
    values = np.array([*values, ceil(sum(values)) - sum(values)])
    rounded = sampling.rounded_at_random(values, start)
    assert rounded.sum() == round(values.sum())
    assert (np.abs(rounded - values) < 1 + 1e-6).all()
    whole = values == np.floor(values)
    assert (rounded[whole] == values[whole]).all()


def test_rounding_is_right_on_average():
    values = np.array([0.25, 1.4, 3, 0.05, 2.3])
    starts = (np.arange(2000) + 0.5) / 2000
    mean = np.mean([sampling.rounded_at_random(values, start) for start in starts], axis=0)
    assert mean == pytest.approx(values, abs=1 / 2000)


# Chance from names ------------------------------------------------------------------------------


def test_the_sample_depends_on_names_and_key_alone():
    names, strata = population(30, 12, 3)
    one = sampling.sample_stratified(names, strata, 15, key="a")
    order = np.random.default_rng(1).permutation(len(names))
    again = sampling.sample_stratified(
        [names[i] for i in order], [strata[i] for i in order], 15, key="a"
    )
    assert (one.chosen[order] == again.chosen).all()
    other = sampling.sample_stratified(names, strata, 15, key="b")
    assert (one.chosen != other.chosen).any()


def test_numbers_are_keyed_hashes_of_the_names():
    secret = hashlib.sha256(b"k").digest()
    known = hashlib.blake2b("é😀".encode(), digest_size=8, key=secret).digest()
    assert sampling.hashed(["é😀", "b"], "k")[0] == int.from_bytes(known, "big")
    assert len(sampling.hashed(["\ud800"], "k")) == 1  # a lone surrogate, as file names have them


def test_hashes_look_uniform_and_keys_are_independent():
    names = [f"unit {i}" for i in range(20_000)]
    a, b = (sampling.hashed(names, key) / 2.0**64 for key in ("a", "b"))
    assert a.mean() == pytest.approx(0.5, abs=4 * np.sqrt(1 / 12 / len(names)))
    assert np.abs(np.histogram(a, 20)[0] - 1000).max() < 5 * np.sqrt(1000)
    assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(len(names))


@given(st.lists(st.text(), unique=True, max_size=40), st.floats(0, 1), st.text(max_size=5))
def test_assignments_have_their_size_and_ignore_the_order(names, share, key):
    marked = sampling.assigned(names, share, key=key)
    assert marked.sum() == round(share * len(names))
    backwards = sampling.assigned(names[::-1], share, key=key)
    assert (marked == backwards[::-1]).all()
    assert sorted(sampling.shuffled(names, key=key)) == list(range(len(names)))


def test_assignments_with_different_keys_are_independent():
    names = [f"unit {i}" for i in range(4000)]
    arm, overlap = (sampling.assigned(names, 0.25, key=key) for key in ("0 arm", "0 overlap"))
    assert (arm & overlap).sum() == pytest.approx(250, abs=4 * np.sqrt(250))
    with pytest.raises(ValueError, match="between 0 and 1"):
        sampling.assigned(names, 1.2, key="")


def test_two_hundred_thousand_pairs_are_drawn_from_in_a_moment():
    names = [f"{i:016x}" for i in range(200_000)]
    strata = [f"s{i % 13}" for i in range(200_000)]
    begun = perf_counter()
    assert sampling.sample_stratified(names, strata, 400).chosen.sum() == 400
    assert perf_counter() - begun < 5


# How many ---------------------------------------------------------------------------------------


def test_labels_for_a_rate_are_those_of_the_reference_vector():
    if not VECTORS.exists():
        pytest.skip(f"the reference vectors are not at {VECTORS}")
    vectors = {vector["id"]: vector for vector in json.loads(VECTORS.read_text())["vectors"]}
    given_, expected = (vectors["sample_size"][part] for part in ("inputs", "expected"))
    plain = planning.labels_for_rate(given_["half_width"], given_["p"])
    assert plain == pytest.approx(expected["n_srs"], abs=1e-3)
    judged = planning.labels_for_rate(
        given_["target_half"],
        given_["prev"],
        correlation=given_["rho2"] ** 0.5,
        population=given_["N"],
    )
    assert judged == pytest.approx(expected["n_ppi"], abs=1e-3)


@settings(max_examples=200)
@given(
    st.floats(0.005, 0.45),
    st.floats(0, 1),
    st.floats(-0.95, 0.95),
    st.sampled_from([50.0, 4000.0, inf]),
    st.sampled_from([0.8, 0.95, 0.99]),
)
def test_labels_for_a_rate_give_the_half_width_back(half_width, rate, r, population, level):
    known = {"correlation": r, "population": population, "level": level}
    n = planning.labels_for_rate(half_width, rate, **known)
    if n == inf:  # then no number does it, and a very large one comes nearest
        assert planning.half_width_rate(1e12, rate, **known) > half_width * (1 - 1e-6)
    else:
        assert planning.half_width_rate(n, rate, **known) == pytest.approx(half_width)


@given(st.integers(1, 500), st.floats(0, 1))
def test_no_width_is_narrower_than_wilsons(n, rate):
    low, high = wilson_limits(rate * n, n)
    assert planning.half_width_rate(n, rate) >= (high - low) / 2 - 1e-9


def test_a_judge_helps_the_more_it_agrees():
    widths = [planning.half_width_rate(100, 0.2, correlation=r) for r in (0, 0.3, 0.6, 0.9)]
    assert widths == sorted(widths, reverse=True)
    assert planning.half_width_rate(0, 0.2) == 1
    with pytest.raises(ValueError, match="correlation"):
        planning.half_width_rate(100, 0.2, correlation=1)


def test_a_sensitivity_takes_about_62_positives_for_ten_points():
    assert ceil(planning.labels_for_sensitivity(0.10, 1)) == 62
    assert planning.half_width_sensitivity(62) == pytest.approx(0.10, abs=0.001)
    assert planning.labels_for_sensitivity(0.10, 0.05) == pytest.approx(20 * 61.46, rel=1e-3)
    assert planning.labels_for_sensitivity(0.10, 0) == inf
    assert planning.half_width_sensitivity(0) == 1
    with pytest.raises(ValueError, match="positive"):
        planning.labels_for_sensitivity(0, 0.5)


@given(SIZES, st.integers(1, 200), SHARES, EQUALITY)
def test_an_uneven_sample_is_never_worth_more_than_a_uniform_one(sizes, n, share, equality):
    expected = sampling.allocation_mixed(sizes, n, uniform_share=share, equality=equality)
    effective = planning.effective_size(np.repeat(expected / sizes, sizes))
    n = min(n, sum(sizes))
    assert share * n * (1 - 1e-9) <= effective <= n * (1 + 1e-9)


def test_the_effective_size_is_what_the_weights_of_samples_say(simulated):
    sample, chosen = simulated
    weights = 1 / sample.probability
    kish = (chosen @ weights).mean() ** 2 / (chosen @ weights**2).mean()
    assert planning.effective_size(sample.probability) == pytest.approx(kish, rel=0.02)
    assert planning.effective_size([]) == 0
