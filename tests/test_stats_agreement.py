"""Agreement coefficients against published tables, their definitions, and simulated coverage."""

from __future__ import annotations

import json
from math import isnan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from erranal.stats import agreement
from erranal.stats.raters import ac1_gwet
from erranal.stats.ratings import pair_counts

VECTORS = Path(__file__).parents[2] / "shared" / "reference_vectors.json"
COUNT = st.integers(0, 60)
CELLS = st.tuples(COUNT, COUNT, COUNT, COUNT)


@pytest.fixture(scope="module")
def vectors():
    if not VECTORS.exists():
        pytest.skip(f"the reference vectors are not at {VECTORS}")
    return {vector["id"]: vector for vector in json.loads(VECTORS.read_text())["vectors"]}


def square(both, only_a, only_b, neither):
    return [[both, only_a], [only_b, neither]]


# Published examples -----------------------------------------------------------------------------


def test_kappa_of_a_published_printout(vectors):
    vector = vectors["sas_kappa"]
    kappa = agreement.kappa_cohen(vector["inputs"]["table"])
    assert kappa.estimate == pytest.approx(vector["expected"]["kappa"], abs=vector["tol"])
    assert [kappa.low, kappa.high] == pytest.approx(vector["expected"]["ci95"], abs=vector["tol"])
    errors = agreement.kappa_cohen_errors(vector["inputs"]["table"])
    expected = [vector["expected"][name] for name in ("ase", "ase_h0")]
    assert errors == pytest.approx(expected, abs=vector["tol"])
    assert kappa.estimate / errors[1] == pytest.approx(vector["expected"]["z"], abs=vector["tol"])


def test_weighted_kappa_of_a_published_printout(vectors):
    vector = vectors["sas_kappa"]
    table, expected, tol = vector["inputs"]["table"], vector["expected"], vector["tol"]
    kappa = agreement.kappa_cohen(table, weights="linear")
    assert kappa.estimate == pytest.approx(expected["weighted_linear"], abs=tol)
    error, _ = agreement.kappa_cohen_errors(table, weights="linear")
    assert error == pytest.approx(expected["weighted_ase"], abs=tol)
    assert kappa.width == pytest.approx(2 * 1.959964 * error)


def test_the_kappa_paradox(vectors):
    vector = vectors["gwet_paradox_2x2"]
    (both, only_a), (only_b, neither) = table = vector["inputs"]["table"]
    ours = {
        "cohen": agreement.kappa_cohen(table).estimate,
        "AC1": ac1_gwet(*pair_counts(table)).estimate,
        "pabak": agreement.pabak_bennett(both, only_a, only_b, neither),
    }
    assert ours == pytest.approx(vector["expected"], abs=vector["tol"])


def test_ac1_of_four_raters_with_missing_ratings(vectors):
    vector = vectors["gwet_raw4raters"]
    categories = vector["inputs"]["categories"]
    units = vector["inputs"]["ratings_units_x_raters"]
    counts = [[unit.count(category) for category in categories] for unit in units]
    ac1 = ac1_gwet(counts)
    error = (ac1.estimate - ac1.low) / 2.200985  # t(11) at .975: the upper limit is cut at 1
    assert [ac1.estimate, error] == pytest.approx(vector["expected"]["AC1"], abs=vector["tol"])
    limits = vector["expected"]["AC1_ci95"]
    assert [ac1.low, ac1.high] == pytest.approx(limits, abs=vector["tol"])


def test_worked_table():
    # 20 both yes, 5 and 10 one of them, 15 both no: the textbook example with kappa 0.4.
    table = (20, 5, 10, 15)
    assert agreement.agreement_observed(*table).estimate == pytest.approx(0.7)
    assert agreement.kappa_cohen(square(*table)).estimate == pytest.approx(0.4)
    assert agreement.pabak_bennett(*table) == pytest.approx(0.4)
    assert agreement.agreement_positive(20, 5, 10) == pytest.approx(40 / 55)
    assert agreement.agreement_negative(5, 10, 15) == pytest.approx(30 / 45)
    # Mean prevalence .55: chance is 2 * .55 * .45 = .495.
    ac1 = ac1_gwet(*pair_counts(square(*table))).estimate
    assert ac1 == pytest.approx((0.7 - 0.495) / (1 - 0.495))


# Definitions ------------------------------------------------------------------------------------


@given(CELLS)
def test_kappa_is_scikit_learns(cells):
    both, only_a, only_b, neither = cells
    assume(both + only_a + only_b and only_a + only_b + neither)
    a = [1] * (both + only_a) + [0] * (only_b + neither)
    b = [1] * both + [0] * only_a + [1] * only_b + [0] * neither
    ours = agreement.kappa_cohen(square(*cells))
    assert ours.estimate == pytest.approx(cohen_kappa_score(a, b), abs=1e-12)
    assert -1 <= ours.low <= ours.estimate + 1e-12
    assert ours.estimate - 1e-12 <= ours.high <= 1


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_weighted_kappa_is_scikit_learns(said):
    table = np.zeros((4, 4))
    for a, b in said:
        table[a, b] += 1
    columns = list(zip(*said, strict=True))
    for weights in ("linear", "quadratic"):
        ours = agreement.kappa_cohen(table, weights=weights)
        assert -1 <= ours.low <= ours.high <= 1
        if isnan(ours.estimate):
            assert len(set(columns[0] + columns[1])) == 1
            continue
        theirs = cohen_kappa_score(*columns, weights=weights, labels=[0, 1, 2, 3])
        assert ours.estimate == pytest.approx(theirs, abs=1e-9)


def test_errors_of_weighted_kappa_are_statsmodels():
    other = pytest.importorskip("statsmodels.stats.inter_rater")
    table = np.array([[12, 5, 1], [3, 20, 6], [0, 4, 15]])
    for weights, theirs in (("identity", None), ("linear", "linear"), ("quadratic", "quadratic")):
        result = other.cohens_kappa(table, wt=theirs)
        ours = agreement.kappa_cohen_errors(table, weights=weights)
        assert ours == pytest.approx((result.std_kappa, result.std_kappa0))
        kappa = agreement.kappa_cohen(table, weights=weights)
        assert (kappa.low, kappa.high) == pytest.approx((result.kappa_low, result.kappa_upp))


@given(CELLS)
def test_exchanging_raters_or_categories_changes_nothing(cells):
    both, only_a, only_b, neither = cells
    assume(sum(cells) > 0)
    for other in ((both, only_b, only_a, neither), (neither, only_b, only_a, both)):
        for coefficient in (
            lambda table: agreement.kappa_cohen(square(*table)),
            lambda table: ac1_gwet(*pair_counts(square(*table))),
        ):
            one, two = coefficient(cells), coefficient(other)
            assert (one.estimate, one.low, one.high) == pytest.approx(
                (two.estimate, two.low, two.high), nan_ok=True, abs=1e-9
            )


@given(CELLS)
def test_rows_that_stand_for_several_units_are_those_units(cells):
    assume(sum(cells) > 0)
    counts, times = pair_counts(square(*cells))
    short = ac1_gwet(counts, times)
    long = ac1_gwet(np.repeat(counts, times.astype(int), axis=0))
    assert (short.estimate, short.low, short.high, short.n) == pytest.approx(
        (long.estimate, long.low, long.high, long.n), abs=1e-9
    )


def test_a_category_nobody_chose_counts_for_chance():
    two = ac1_gwet([[2, 0], [1, 1], [0, 2]]).estimate
    three = ac1_gwet([[2, 0, 0], [1, 1, 0], [0, 2, 0]]).estimate
    assert three > two


# Degenerate tables ------------------------------------------------------------------------------


@pytest.mark.parametrize("cells", [(0, 0, 0, 40), (40, 0, 0, 0)])
def test_a_constant_code_has_no_kappa_but_an_ac1(cells):
    kappa = agreement.kappa_cohen(square(*cells))
    assert isnan(kappa.estimate)
    assert (kappa.low, kappa.high) == (-1, 1)
    ac1 = ac1_gwet(*pair_counts(square(*cells)))
    assert ac1.estimate == 1
    assert 0.9 < ac1.low < ac1.high == 1


def test_one_rater_that_never_varies_has_kappa_zero_without_certainty():
    kappa = agreement.kappa_cohen(square(0, 10, 0, 30))
    assert kappa.estimate == 0
    assert -1 < kappa.low < -0.2 < 0.2 < kappa.high < 1


def test_kappa_without_meaning_has_no_errors():
    assert all(isnan(error) for error in agreement.kappa_cohen_errors(square(0, 0, 0, 9)))
    assert all(isnan(error) for error in agreement.kappa_cohen_errors(np.zeros((3, 3))))


def test_no_units():
    assert isnan(agreement.agreement_observed(0, 0, 0, 0).estimate)
    assert isnan(agreement.pabak_bennett(0, 0, 0, 0))
    assert isnan(agreement.kappa_cohen(square(0, 0, 0, 0)).estimate)
    assert isnan(ac1_gwet(*pair_counts(square(0, 0, 0, 0))).estimate)
    assert isnan(ac1_gwet(np.zeros((0, 2))).estimate)
    assert isnan(ac1_gwet([[1, 0], [0, 1]]).estimate)  # one rating each: no pair


@pytest.mark.parametrize(("cells", "expected"), [((0, 0, 0, 9), True), ((0, 1, 0, 9), False)])
def test_positive_agreement_needs_the_code(cells, expected):
    assert isnan(agreement.agreement_positive(*cells[:3])) is expected


@given(CELLS)
def test_perfect_agreement_is_never_certain(cells):
    both, _, _, neither = cells
    assume(both and neither)
    kappa = agreement.kappa_cohen(square(both, 0, 0, neither))
    ac1 = ac1_gwet(*pair_counts(square(both, 0, 0, neither)))
    assert kappa.estimate == ac1.estimate == 1
    assert kappa.low < 1
    assert ac1.low < 1


@pytest.mark.parametrize("level", [0, 1, 95])
def test_impossible_levels_are_refused(level):
    with pytest.raises(ValueError, match="level"):
        agreement.kappa_cohen(square(1, 1, 1, 1), level=level)


# Coverage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("cells", [(0.10, 0.05, 0.05, 0.80), (0.4, 0.1, 0.1, 0.4)])
def test_intervals_cover(cells):
    rng = np.random.default_rng(20250611)
    truth_kappa = agreement.kappa_cohen(np.array(square(*cells)) * 1_000_000).estimate
    truth_ac1 = ac1_gwet(*pair_counts(np.array(square(*cells)) * 1_000_000)).estimate
    draws = rng.multinomial(200, cells, size=1_000)
    hits = np.zeros(2)
    for draw in draws:
        table = square(*draw)
        kappa = agreement.kappa_cohen(table)
        ac1 = ac1_gwet(*pair_counts(table))
        hits += [kappa.low <= truth_kappa <= kappa.high, ac1.low <= truth_ac1 <= ac1.high]
    assert (hits / len(draws) > 0.92).all()
    assert (hits / len(draws) < 0.98).all()
