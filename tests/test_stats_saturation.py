"""Richness and coverage against published data and known populations; the base and run rule."""

from __future__ import annotations

import json
from math import inf, isnan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from erranal.stats import saturation

VECTORS = Path(__file__).parents[2] / "shared" / "reference_vectors.json"
COUNTS = st.lists(st.integers(0, 12), max_size=15)


@pytest.fixture(scope="module")
def vectors():
    if not VECTORS.exists():
        pytest.skip(f"the reference vectors are not at {VECTORS}")
    return {vector["id"]: vector for vector in json.loads(VECTORS.read_text())["vectors"]}


@pytest.mark.parametrize("name", ["chao1_spider_girdled", "chao1_spider_logged"])
def test_spiders(vectors, name):
    vector = vectors[name]
    counts, expected, tol = vector["inputs"]["abundance"], vector["expected"], vector["tol"]
    found = saturation.richness_chao1(counts)
    assert found.n == expected["n"]
    assert found.estimate == pytest.approx(expected["chao1"], abs=tol)
    # The limits are S + T / C and S + T C with C = exp(z sqrt(log(1 + error^2 / T^2))).
    unseen = found.estimate - expected["S"]
    spread = np.log((found.high - expected["S"]) / unseen) / 1.959964
    error = unseen * np.sqrt(np.exp(spread**2) - 1)
    assert error == pytest.approx(expected["se"], abs=tol)
    assert (found.low - expected["S"]) * (found.high - expected["S"]) == pytest.approx(unseen**2)
    coverage = saturation.coverage_good_turing(counts)
    assert coverage == pytest.approx(expected["coverage_chaojost"], abs=tol)


@given(COUNTS, st.integers(12, 40))
def test_bounds_hold_for_any_counts(counts, units):
    seen = sum(count > 0 for count in counts)
    for found in (
        saturation.richness_chao1(counts),
        saturation.richness_chao2(counts, units),
    ):
        if not seen:
            assert isnan(found.estimate)
            assert (found.low, found.high) == (0, inf)
        else:
            assert seen <= found.low <= found.high
            assert found.estimate >= seen
    for coverage in (
        saturation.coverage_good_turing(counts),
        saturation.coverage_good_turing(counts, units),
    ):
        assert isnan(coverage) if not seen else 0 <= coverage <= 1


@given(COUNTS, st.randoms(use_true_random=False))
def test_order_of_codes_and_zeros_do_not_matter(counts, random):
    moved = [*random.sample(counts, len(counts)), 0]
    one, other = (saturation.richness_chao1(x) for x in (counts, moved))
    assert (one.low, one.high, one.n) == (other.low, other.high, other.n)


def test_units_are_all_that_differs_between_the_two():
    counts = [9, 6, 4, 2, 2, 1, 1, 1]
    as_many = saturation.richness_chao2(counts, sum(counts))
    assert as_many.estimate == pytest.approx(saturation.richness_chao1(counts).estimate)
    # By hand: 8 + 9 / 10 * 3^2 / (2 * 2) and 1 - 3 / 26 * 9 * 3 / (9 * 3 + 2 * 2).
    assert saturation.richness_chao2(counts, 10).estimate == pytest.approx(10.025)
    covered = saturation.coverage_good_turing(counts, 10)
    assert covered == pytest.approx(1 - 3 / 26 * 27 / 31)
    for method in (saturation.richness_chao2, saturation.coverage_good_turing):
        with pytest.raises(ValueError, match="a code is on 9 units, but only 8"):
            method(counts, 8)


def test_no_code_seen_twice():
    # 4 + 5 / 6 * 3 * 2 / 2, and 1 - 3 / 6 * 5 * 2 / (5 * 2 + 2).
    counts = [3, 1, 1, 1]
    assert saturation.richness_chao1(counts).estimate == pytest.approx(6.5)
    assert saturation.coverage_good_turing(counts) == pytest.approx(1 - 0.5 * 10 / 12)


def test_degenerate_counts():
    alone = saturation.richness_chao1([1])
    assert (alone.estimate, alone.low, alone.high) == (1, 1, inf)
    assert saturation.coverage_good_turing([1]) == 0
    assert saturation.coverage_good_turing([1, 1, 1], 1) == 0
    once = saturation.richness_chao2([1, 1, 1], 1)
    assert (once.estimate, once.low, once.high) == (3, 3, inf)
    common = saturation.richness_chao1([40, 30, 20])
    assert common.estimate == common.low == 3
    assert common.high == pytest.approx(3, abs=0.01)
    few = saturation.richness_chao1([2, 2, 2])
    assert few.low == 3
    assert few.high > 4
    assert saturation.coverage_good_turing([2, 2, 2]) == 1


def test_coverage_is_that_of_a_known_population():
    rng, chance = np.random.default_rng(2), 1 / np.arange(1, 31)
    chance /= chance.sum()
    off = []
    for _ in range(400):
        counts = rng.multinomial(60, chance)
        off.append(saturation.coverage_good_turing(counts) - chance[counts > 0].sum())
    assert np.mean(off) == pytest.approx(0, abs=0.01)


def test_richness_covers_where_codes_are_alike():
    rng, hits = np.random.default_rng(3), 0
    for _ in range(400):
        found = saturation.richness_chao1(rng.multinomial(80, np.full(40, 1 / 40)))
        hits += found.low <= 40 <= found.high
    assert 0.88 < hits / 400 < 0.99


# The rule of Guest, Namey and Chen ----------------------------------------------------------------


def units(*fresh):
    """Return units that bring so many new codes each, and repeat the first one."""
    names = iter(range(1000))
    return [{0} | {next(names) for _ in range(count)} for count in fresh]


def test_runs_overlap_and_are_shares_of_the_base():
    found = saturation.saturation_guest(units(10, 6, 2, 2, 2, 1, 0, 1, 0))
    assert found.base == 20
    assert found.new == pytest.approx((0.15, 0.05, 0.05, 0.05))
    assert found.reached == 5
    strict = saturation.saturation_guest(units(10, 6, 2, 2, 2, 1, 0, 1, 0, 0), threshold=0)
    assert strict.reached == 8
    long = saturation.saturation_guest(units(10, 6, 2, 2, 2, 1, 0, 1, 0), run=3)
    assert long.new == pytest.approx((0.15, 0.1, 0.05))


def test_rule_where_it_cannot_be_reached():
    assert saturation.saturation_guest([]) == saturation.Saturation(0, (), None)
    assert saturation.saturation_guest(units(1, 1, 1, 1, 0)).reached is None
    assert saturation.saturation_guest([set()] * 9) == saturation.Saturation(0, (), None)
    with pytest.raises(ValueError, match="at least one unit"):
        saturation.saturation_guest(units(1), run=0)
