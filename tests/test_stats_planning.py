"""Planners against published sizes, simulation, and each other."""

from __future__ import annotations

import json
from math import inf, isfinite
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from erranal.stats import planning, power
from erranal.stats.paired import mcnemar_asymptotic

VECTORS = Path(__file__).parents[2] / "shared" / "reference_vectors.json"
DISCORDANT = st.floats(0.05, 1)
SHARES = st.floats(0.05, 0.95)
POWERS = st.floats(0.5, 0.99)


@pytest.fixture(scope="module")
def vectors():
    if not VECTORS.exists():
        pytest.skip(f"the reference vectors are not at {VECTORS}")
    return {vector["id"]: vector for vector in json.loads(VECTORS.read_text())["vectors"]}


def test_labels_for_a_rate(vectors):
    vector = vectors["sample_size"]
    inputs, expected, tol = vector["inputs"], vector["expected"], vector["tol"]
    plain = planning.labels_for_rate(inputs["half_width"], inputs["p"])
    assert plain == pytest.approx(expected["n_srs"], abs=tol)
    finite = planning.labels_finite(plain, inputs["N"])
    assert finite == pytest.approx(expected["n_fpc"], abs=tol)
    judged = planning.labels_for_rate(
        inputs["target_half"],
        inputs["prev"],
        correlation=inputs["rho2"] ** 0.5,
        population=inputs["N"],
    )
    assert judged == pytest.approx(expected["n_ppi"], abs=tol)


@given(st.floats(0, 1e6), st.integers(1, 10**6))
def test_a_small_population_never_takes_more_than_all(n, population):
    labels = planning.labels_finite(n, population)
    assert 0 <= labels <= min(max(n, 1), population) * (1 + 1e-9)


@settings(deadline=None)
@given(st.floats(0.005, 0.3), SHARES, st.floats(0, 0.95))
def test_labels_for_a_rate_fall_with_width_and_judge(width, rate, correlation):
    labels = [
        planning.labels_for_rate(w, rate, correlation=correlation) for w in (width, 1.1 * width)
    ]
    assert labels[0] > labels[1]
    better = planning.labels_for_rate(width, rate, correlation=min(correlation + 0.04, 0.99))
    assert better < labels[0]


# Power ------------------------------------------------------------------------------------------


def test_contrast_of_a_code_between_image_and_text():
    # Rates of .20 and .30, nearly independent: one arm only in .36 of the pairs.
    discordant = power.discordant_rate(0.20, 0.30, correlation=0.055)
    assert discordant == pytest.approx(0.36, abs=1e-3)
    found = [power.power_difference(n, 0.10, discordant) for n in (120, 300)]
    assert found == pytest.approx([0.46, 0.81], abs=0.02)


# By hand: (1.959964 sqrt(d) + 0.841621 sqrt(d - D^2))^2 / D^2.
@pytest.mark.parametrize(
    ("difference", "discordant", "expected"),
    [(0.10, 0.25, 193.847), (0.2, 0.3, 56.450), (0.05, 0.15, 468.568)],
)
def test_pairs_for_eighty_per_cent(difference, discordant, expected):
    found = power.labels_for_difference(difference, discordant)
    assert found == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("n", "only_a", "only_b"), [(120, 0.12, 0.22), (300, 0.1, 0.16), (80, 0.1, 0.3)]
)
def test_power_is_that_of_simulated_pairs(n, only_a, only_b):
    rng = np.random.default_rng(4)
    a, b, _ = rng.multinomial(n, [only_a, only_b, 1 - only_a - only_b], size=20_000).T
    simulated = ((mcnemar_asymptotic(a, b) < 0.05) & (b > a)).mean()
    assert power.power_difference(n, only_b - only_a, only_a + only_b) == pytest.approx(
        simulated, abs=0.025
    )


@settings(deadline=None)
@given(DISCORDANT, SHARES, POWERS, st.sampled_from([0.8, 0.95, 0.99]))
def test_the_three_solve_each_other(discordant, share, wanted, level):
    difference = share * discordant
    n = power.labels_for_difference(difference, discordant, power=wanted, level=level)
    assert power.power_difference(n, difference, discordant, level=level) == pytest.approx(wanted)
    found = power.difference_detectable(n, discordant, power=wanted, level=level)
    assert found == pytest.approx(difference, rel=1e-6)


@settings(deadline=None)
@given(DISCORDANT, SHARES, st.integers(1, 5000))
def test_power_is_monotone(discordant, share, n):
    difference = share * discordant
    grown = [power.power_difference(k, difference, discordant) for k in (n, n + 1, 2 * n)]
    assert grown == sorted(grown)
    wider = power.power_difference(n, min(difference * 1.02, discordant), discordant)
    # A larger difference is easier to find once there is a fair chance to find it at all.
    assert wider >= grown[0] or grown[0] < 0.5
    found = [power.difference_detectable(k, discordant) for k in (n, 2 * n)]
    assert found[0] >= found[1]
    labels = [
        power.labels_for_difference(difference, discordant, power=p) for p in (0.5, 0.8, 0.95)
    ]
    assert labels == sorted(labels)


def test_extremes_are_defined():
    assert power.labels_for_difference(0, 0.3) == inf
    assert power.labels_for_difference(0, 0) == inf
    assert power.power_difference(0, 0.1, 0.3) < 0.025
    assert power.power_difference(10, 1, 1) == 1
    assert power.power_difference(3, 1, 1) == 0
    assert power.power_difference(100, 0, 0) == 0
    assert power.difference_detectable(2, 0.3) == inf
    assert power.difference_detectable(100, 0.0) == inf
    assert isfinite(power.difference_detectable(100, 0.3))
    assert power.power_difference(200, -0.1, 0.3) == power.power_difference(200, 0.1, 0.3)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(-1, 1))
def test_discordant_rates_are_possible(rate_a, rate_b, correlation):
    found = power.discordant_rate(rate_a, rate_b, correlation=correlation)
    assert abs(rate_b - rate_a) <= found <= min(rate_a + rate_b, 2 - rate_a - rate_b) + 1e-12
    power.power_difference(50, rate_b - rate_a, min(found, 1))


@given(st.floats(0.02, 0.98), st.floats(-0.2, 0.99))
def test_answers_that_go_together_differ_less(rate, correlation):
    looser = power.discordant_rate(rate, rate, correlation=correlation - 0.01)
    assert power.discordant_rate(rate, rate, correlation=correlation) <= looser


@pytest.mark.parametrize(("difference", "discordant"), [(0.3, 0.2), (0.1, 1.2), (-0.3, 0.2)])
def test_impossible_tables_are_refused(difference, discordant):
    for method in (
        lambda: power.power_difference(10, difference, discordant),
        lambda: power.labels_for_difference(difference, discordant),
    ):
        with pytest.raises(ValueError, match="discordant share"):
            method()


def test_impossible_powers_and_levels_are_refused():
    for method in (
        power.labels_for_difference,
        lambda d, s, **k: power.difference_detectable(9, s, **k),
    ):
        with pytest.raises(ValueError, match="power"):
            method(0.1, 0.3, power=1)
        with pytest.raises(ValueError, match="power"):
            method(0.1, 0.3, power=0.4)
        with pytest.raises(ValueError, match="level"):
            method(0.1, 0.3, level=95)
