"""Two one-sided tests against a published trial, their definition, and their size."""

from __future__ import annotations

import json
from math import nan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from erranal.stats import equivalence
from erranal.stats.interval import Interval
from erranal.stats.paired import tango_limits

VECTORS = Path(__file__).parents[2] / "shared" / "reference_vectors.json"
COUNT = st.integers(0, 60)
TABLES = st.tuples(COUNT, COUNT, COUNT, COUNT)
MARGINS = st.sampled_from([0.01, 0.05, 0.1, 0.3, 0.9])


@pytest.fixture(scope="module")
def vectors():
    if not VECTORS.exists():
        pytest.skip(f"the reference vectors are not at {VECTORS}")
    return {vector["id"]: vector for vector in json.loads(VECTORS.read_text())["vectors"]}


def test_two_ways_to_disinfect(vectors):
    vector = vectors["tango_1"]
    both, only_b, only_a, neither = vector["inputs"]["a_b_c_d"]
    found = equivalence.equivalence_tango(both, only_a, only_b, neither, margin=0.1)
    limits = [found.interval.low, found.interval.high]
    assert limits == pytest.approx(vector["expected"]["tango"], abs=vector["tol"])
    assert found.interval.level == pytest.approx(vector["inputs"]["level"])
    assert found.shown
    assert found.p < 0.05
    assert not equivalence.equivalence_tango(both, only_a, only_b, neither, margin=0.09).shown


@settings(deadline=None)
@given(TABLES, MARGINS, st.sampled_from([0.01, 0.05, 0.2]))
def test_interval_and_p_value_say_the_same(table, margin, alpha):
    found = equivalence.equivalence_tango(*table, margin=margin, alpha=alpha)
    assert 0 <= found.p <= 1
    if abs(found.p - alpha) > 1e-9:
        assert found.shown == (found.p < alpha)
    if not sum(table):
        assert (found.shown, found.p) == (False, 1)


@settings(deadline=None)
@given(TABLES, MARGINS)
def test_arms_may_be_exchanged(table, margin):
    both, only_a, only_b, neither = table
    one = equivalence.equivalence_tango(both, only_a, only_b, neither, margin=margin)
    other = equivalence.equivalence_tango(neither, only_b, only_a, both, margin=margin)
    assert (one.p, one.shown) == (pytest.approx(other.p), other.shown)


@settings(deadline=None)
@given(TABLES)
def test_a_wider_margin_is_easier(table):
    found = [equivalence.equivalence_tango(*table, margin=m) for m in (0.02, 0.05, 0.2, 0.5)]
    p = np.array([x.p for x in found])
    assert (np.diff(p) <= 1e-12).all()
    assert [x.shown for x in found] == sorted(x.shown for x in found)


def chance_shown(n, only_a, only_b, margin):
    """Return the probability, over all tables of n pairs, that equivalence is shown."""
    a, b = (grid.ravel() for grid in np.meshgrid(np.arange(n + 1), np.arange(n + 1)))
    a, b = a[a + b <= n], b[a + b <= n]
    low, high = tango_limits(a, b, n, level=0.9)
    weight = stats.multinomial.pmf(
        np.stack([a, b, n - a - b], axis=1), n, [only_a, only_b, 1 - only_a - only_b]
    )
    return weight[(low > -margin) & (high < margin)].sum()


@pytest.mark.parametrize("n", [60, 150])
def test_arms_that_differ_by_the_margin_are_seldom_called_alike(n):
    chances = [chance_shown(n, rate, rate + 0.1, 0.1) for rate in (0.01, 0.05, 0.1, 0.2)]
    assert max(chances) < 0.06


def test_no_difference_is_shown_with_enough_pairs_only():
    few, many = (chance_shown(n, 0.05, 0.05, 0.1) for n in (30, 150))
    assert few < 0.5
    assert many > 0.9


def test_a_large_p_of_difference_shows_nothing():
    found = equivalence.equivalence_tango(8, 3, 2, 7, margin=0.05)
    assert not found.shown
    assert found.p > 0.2


def test_intervals_of_any_kind():
    assert equivalence.is_inside(Interval(0.0, -0.02, 0.029, 0.9, "clustered by item", 50), 0.03)
    assert not equivalence.is_inside(Interval(0.0, -0.03, 0.02, 0.9, "clustered by item", 50), 0.03)
    assert not equivalence.is_inside(Interval(nan, nan, nan, 0.9, "clustered by item", 0), 0.03)


@pytest.mark.parametrize("margin", [0, 1, -0.1, 3])
def test_impossible_margins_are_refused(margin):
    with pytest.raises(ValueError, match="margin"):
        equivalence.equivalence_tango(1, 1, 1, 1, margin=margin)
    with pytest.raises(ValueError, match="margin"):
        equivalence.is_inside(Interval(0.0, 0.0, 0.0, 0.9, "x", 1), margin)


@pytest.mark.parametrize("alpha", [0, 0.5, 95])
def test_impossible_alphas_are_refused(alpha):
    with pytest.raises(ValueError, match="alpha"):
        equivalence.equivalence_tango(1, 1, 1, 1, margin=0.1, alpha=alpha)
