"""One answer from several: the published patients, recovery of known errors, degenerate votes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from erranal.stats.dawid_skene import class_majority, classes_dawid_skene

VECTORS = Path(__file__).parents[2] / "shared" / "reference_vectors.json"


@pytest.fixture(scope="module")
def vectors():
    if not VECTORS.exists():
        pytest.skip(f"the reference vectors are not at {VECTORS}")
    return {vector["id"]: vector for vector in json.loads(VECTORS.read_text())["vectors"]}


def simulated(seed=0, items=400, coders=4, prevalence=(0.5, 0.3, 0.2), right=0.8):
    """Return counts, true classes and confusions; the first coder takes class 2 for class 1."""
    rng, k = np.random.default_rng(seed), len(prevalence)
    confusion = np.full((coders, k, k), (1 - right) / (k - 1))
    confusion[:, range(k), range(k)] = right
    confusion[0, 2] = [0.1, 0.8, 0.1]
    truth = rng.choice(k, items, p=prevalence)
    counts = np.array([[rng.multinomial(1, confusion[c, t]) for c in range(coders)] for t in truth])
    return counts, truth, confusion


def test_the_patients_of_dawid_and_skene(vectors):
    vector = vectors["dawid_skene_1979"]
    rows = vector["inputs"]["ratings"]
    counts = np.array([[[said.count(k) for k in "1234"] for said in row.split()] for row in rows])
    expected, tol = vector["expected"], vector["tol"]
    found = classes_dawid_skene(counts)
    assert found.converged
    assert found.prevalence == pytest.approx(expected["class_marginals"], abs=tol)
    assert found.prevalence == pytest.approx(expected["marginals_em"], abs=tol)
    assert found.log_likelihood == pytest.approx(expected["loglik"], abs=tol)
    assert (found.classes + 1).tolist() == expected["map_class"]
    diagonal = np.diag(found.confusion[0])
    assert diagonal == pytest.approx(expected["observer1_confusion_diag"], abs=tol)


def test_errors_of_coders_are_recovered():
    counts, truth, confusion = simulated(items=3000)
    found = classes_dawid_skene(counts)
    assert found.confusion == pytest.approx(confusion, abs=0.06)
    assert found.prevalence == pytest.approx([0.5, 0.3, 0.2], abs=0.03)
    right = (found.classes == truth).mean()
    assert right > (class_majority(counts.sum(axis=1)) == truth).mean() + 0.01


def test_every_step_gains():
    counts, *_ = simulated(items=60)
    gains = [classes_dawid_skene(counts, iterations=i).log_likelihood for i in range(1, 12)]
    assert (np.diff(gains) >= -1e-9).all()
    assert not classes_dawid_skene(counts, iterations=2).converged


def test_order_of_items_coders_and_classes_does_not_matter():
    counts, *_ = simulated(items=80)
    rng = np.random.default_rng(1)
    items, coders, classes = (rng.permutation(n) for n in counts.shape)
    one = classes_dawid_skene(counts)
    other = classes_dawid_skene(counts[items][:, coders][:, :, classes])
    assert other.log_likelihood == pytest.approx(one.log_likelihood)
    assert other.posterior == pytest.approx(one.posterior[items][:, classes], abs=1e-6)
    moved = one.confusion[coders][:, classes][:, :, classes]
    assert other.confusion == pytest.approx(moved, abs=1e-6)


def test_many_votes_do_not_underflow():
    counts = np.zeros((3, 2, 2))
    counts[:, :, 0] = [[4000, 3000], [0, 10], [1000, 1000]]
    counts[:, :, 1] = [[1000, 2000], [5000, 4000], [4000, 5000]]
    found = classes_dawid_skene(counts)
    assert np.isfinite(found.log_likelihood)
    assert found.posterior.sum(axis=1) == pytest.approx([1, 1, 1])


@settings(deadline=None)
@given(
    st.tuples(st.integers(0, 5), st.integers(0, 4), st.integers(1, 4)).flatmap(
        lambda shape: st.lists(
            st.integers(0, 2), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))
        ).map(lambda votes: np.array(votes).reshape(shape))
    )
)
def test_any_votes_give_probabilities(counts):
    found = classes_dawid_skene(counts, iterations=50)
    n, coders, k = counts.shape
    assert found.posterior.shape == (n, k)
    assert found.posterior.sum(axis=1) == pytest.approx(np.ones(n))
    assert found.prevalence.sum() == pytest.approx(1)
    assert found.confusion.sum(axis=2) == pytest.approx(np.ones((coders, k)))
    assert np.isfinite(found.log_likelihood)


def test_items_without_votes_have_the_prevalence():
    counts, *_ = simulated(items=50)
    with_gap = np.concatenate([counts, np.zeros((1, 4, 3))])
    found = classes_dawid_skene(with_gap)
    assert found.posterior[-1] == pytest.approx(found.prevalence)
    assert found.posterior[:-1] == pytest.approx(classes_dawid_skene(counts).posterior)


def test_one_coder_is_believed():
    counts = np.eye(3)[[0, 1, 1, 2]][:, None, :]
    found = classes_dawid_skene(counts)
    assert found.classes.tolist() == [0, 1, 1, 2]
    assert found.prevalence == pytest.approx([0.25, 0.5, 0.25])


def test_majority():
    assert class_majority([[2, 1, 0], [1, 1, 1], [0, 0, 0], [0, 2, 2], [0, 0, 1]]).tolist() == [
        0,
        -1,
        -1,
        -1,
        2,
    ]
    assert class_majority(np.zeros((2, 0))).tolist() == [-1, -1]
    assert class_majority(np.zeros((0, 3))).tolist() == []
