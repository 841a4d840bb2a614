"""Pairs of codes against scipy, against chance, and where a code says nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from erranal.stats.cooccurrence import cooccurrence_fisher
from erranal.stats.multiplicity import p_benjamini_hochberg

MARKS = st.tuples(st.integers(0, 12), st.integers(0, 4)).flatmap(
    lambda shape: st.lists(
        st.booleans(), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]
    ).map(lambda marks: np.array(marks, dtype=bool).reshape(shape))
)


@settings(deadline=None)
@given(MARKS)
def test_every_pair_is_scipys(marks):
    found = cooccurrence_fisher(marks)
    n, codes = marks.shape
    assert len(found.phi) == codes * (codes - 1) // 2
    for place, (i, j) in enumerate(zip(found.first, found.second, strict=True)):
        a, b = marks[:, i], marks[:, j]
        cells = [[(x & y).sum() for y in (b, ~b)] for x in (a, ~a)]
        assert [found.both[place], found.only_first[place]] == cells[0]
        assert found.only_second[place] == cells[1][0]
        if a.sum() and b.sum():
            lift = (a & b).mean() / (a.mean() * b.mean())
            assert found.lift[place] == pytest.approx(lift)
        else:
            assert np.isnan(found.lift[place])
        if len(set(a)) < 2 or len(set(b)) < 2:
            assert np.isnan([found.phi[place], found.p_exact[place], found.p_mid[place]]).all()
            continue
        assert found.phi[place] == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-9)
        assert found.p_exact[place] == pytest.approx(stats.fisher_exact(cells).pvalue)
        half = found.p_exact[place] - found.p_mid[place]
        seen = stats.hypergeom.pmf(cells[0][0], n, a.sum(), b.sum())
        assert seen / 2 * (1 - 1e-6) <= half <= seen * (1 + 1e-6)  # half of one table, or of two


@settings(deadline=None)
@given(MARKS, st.randoms(use_true_random=False))
def test_order_of_units_and_codes_does_not_matter(marks, random):
    rows, columns = (random.sample(range(n), n) for n in marks.shape)
    one, other = cooccurrence_fisher(marks), cooccurrence_fisher(marks[rows][:, columns])
    for name in ("phi", "lift", "p_exact", "p_mid", "p_adjusted"):
        values = {
            frozenset(pair): value
            for *pair, value in zip(one.first, one.second, getattr(one, name), strict=True)
        }
        for i, j, value in zip(other.first, other.second, getattr(other, name), strict=True):
            expected = values[frozenset((columns[i], columns[j]))]
            assert value == pytest.approx(expected, nan_ok=True)


def test_a_table_by_hand():
    # Fisher's tea: 3 of 4 cups right. Tables 4, 3, 2, 1, 0 have chances 1, 16, 36, 16, 1 of 70.
    marks = [[1, 1]] * 3 + [[1, 0], [0, 1]] + [[0, 0]] * 3
    found = cooccurrence_fisher(marks)
    assert found.p_exact == pytest.approx([34 / 70])
    assert found.p_mid == pytest.approx([18 / 70])
    assert found.phi == pytest.approx([0.5])
    assert found.lift == pytest.approx([1.5])
    assert found.expected == pytest.approx([2])


def test_adjusted_for_the_pairs_that_can_be_tested():
    rng = np.random.default_rng(1)
    marks = np.column_stack([rng.random((80, 4)) < 0.3, np.zeros(80)])
    marks[:, 1] = marks[:, 0]
    found = cooccurrence_fisher(marks)
    assert found.p_adjusted == pytest.approx(p_benjamini_hochberg(found.p_mid), nan_ok=True)
    assert np.isnan(found.p_adjusted).sum() == 4
    assert (found.p_adjusted < 0.05).sum() == 1
    assert found.phi[0] == pytest.approx(1)


def test_mid_p_holds_its_level_nearer_than_the_exact_test():
    rng = np.random.default_rng(2)
    found = cooccurrence_fisher(rng.random((60, 80)) < 0.25)
    exact, mid = ((p < 0.05).mean() for p in (found.p_exact, found.p_mid))
    assert exact < mid < 0.055
    assert mid > 0.035


def test_codes_that_repel_each_other():
    found = cooccurrence_fisher([[1, 0]] * 20 + [[0, 1]] * 20)
    assert found.phi == pytest.approx([-1])
    assert found.lift == pytest.approx([0])
    assert found.p_mid[0] < 1e-8
