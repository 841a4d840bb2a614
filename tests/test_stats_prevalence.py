"""Prevalence of a code against published and worked examples, and in tables without anything."""

from __future__ import annotations

import json
from math import isnan, nan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from erranal.stats import prevalence, rogan_gladen
from erranal.stats.proportion import proportion_wilson

VECTORS = Path(__file__).parents[2] / "shared" / "reference_vectors.json"
PARTS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(0, 200)), min_size=1, max_size=4
)


@pytest.fixture(scope="module")
def vectors():
    if not VECTORS.exists():
        pytest.skip(f"the reference vectors are not at {VECTORS}")
    return {vector["id"]: vector for vector in json.loads(VECTORS.read_text())["vectors"]}


def arrays(parts):
    """Return human, part and pool of counts (positives, others, more of the pool) by part."""
    human = np.concatenate([np.repeat([1, 0], (yes, no)) for yes, no, _ in parts])
    index = np.arange(len(parts))
    part = np.repeat(index, [yes + no for yes, no, _ in parts])
    pool = np.repeat(index, [sum(one) for one in parts])
    return human, part, pool


# Published and worked examples ------------------------------------------------------------------


def test_post_stratified_reference_vector(vectors):
    vector = vectors["poststrat_mover"]
    known = vector["inputs"]
    x, n = ([known[f"{name}{label}"] for label in (0, 1)] for name in ("x", "n"))
    pool = [known["pool"] - known["judge_pos_in_pool"], known["judge_pos_in_pool"]]
    found = prevalence.prevalence_poststratified_counts(x, n, pool)
    limits = vector["expected"]["mover_jeffreys95"]
    assert found.estimate == pytest.approx(vector["expected"]["est"], abs=vector["tol"])
    assert [found.low, found.high] == pytest.approx(limits, abs=vector["tol"])


def test_rogan_gladen_reference_vectors(vectors):
    vector = vectors["rogan_gladen"]
    known = vector["inputs"]
    rate = rogan_gladen.rate_rogan_gladen(known["x"] / known["n"], known["se"], known["sp"])
    assert rate == pytest.approx(vector["expected"]["tp"], abs=1e-5)
    counts = rogan_gladen.prevalence_rogan_gladen(known["x"], known["n"], (96, 100), (89, 100))
    assert counts.estimate == pytest.approx(rate)


@pytest.mark.parametrize("name", ["lang_reiczigel_0", "lang_reiczigel_2"])
def test_lang_reiczigel_reference_vectors(vectors, name):
    vector = vectors[name]
    known, expected = vector["inputs"], vector["expected"]
    found = rogan_gladen.prevalence_rogan_gladen(
        known["x"], known["nP"], (known["tp"], known["nSe"]), (known["tn"], known["nSp"])
    )
    uncut = rogan_gladen.rate_rogan_gladen(
        known["x"] / known["nP"], known["tp"] / known["nSe"], known["tn"] / known["nSp"]
    )
    # Limits are given to five or six digits.
    assert uncut == pytest.approx(expected["rg"], abs=1e-6)
    assert found.estimate == max(uncut, 0)
    assert [found.low, found.high] == pytest.approx(expected["ci95"], abs=1e-6)


def test_judgy_example(vectors):
    vector = vectors["judgy_quickstart"]
    human, judge, pool = (
        np.array(vector["inputs"][key]) for key in ("test_labels", "test_preds", "unlabeled")
    )
    found = rogan_gladen.prevalence_rogan_gladen(
        int(pool.sum()),
        len(pool),
        (int((human & judge).sum()), int(human.sum())),
        (int(((1 - human) & (1 - judge)).sum()), int((1 - human).sum())),
    )
    assert found.estimate == pytest.approx(vector["expected"]["theta"], abs=vector["tol"])


# Definitions ------------------------------------------------------------------------------------


@settings(deadline=None)
@given(PARTS, st.integers(0, 50), st.sampled_from([None, 3.5]))
def test_arrays_and_counts_give_the_same(parts, certain, weight):
    human, part, pool = arrays(parts)
    there = [sum(one) > 0 for one in parts]
    counts = prevalence.prevalence_poststratified_counts(
        [yes for yes, _, _ in parts],
        [yes + no for yes, no, _ in parts],
        [sum(one) for one in parts],
        certain=certain,
    )
    same = None if weight is None else np.full(len(human), weight)
    of_arrays = prevalence.prevalence_poststratified(
        human, part, pool, weight=same, certain=certain
    )
    assert of_arrays.n == counts.n == len(human)
    one, other = ((i.estimate, i.low, i.high) for i in (of_arrays, counts))
    assert one == pytest.approx(other, abs=1e-9, nan_ok=True)
    assert 0 <= counts.low <= counts.high <= 1
    assert isnan(counts.estimate) == (len(human) == 0 or not any(there))


@settings(deadline=None)
@given(PARTS, st.randoms(use_true_random=False))
def test_order_and_names_of_parts_do_not_matter(parts, random):
    human, part, pool = arrays(parts)
    weight = np.linspace(1, 4, len(human))
    order, other = list(range(len(human))), list(range(len(pool)))
    random.shuffle(order)
    random.shuffle(other)
    names = np.array(["d", "c", "b", "a"], dtype=object)
    one = prevalence.prevalence_poststratified(human, part, pool, weight=weight)
    again = prevalence.prevalence_poststratified(
        human[order], names[part[order]], names[pool[other]], weight=weight[order]
    )
    numbers = [(i.estimate, i.low, i.high) for i in (one, again)]
    assert numbers[0] == pytest.approx(numbers[1], abs=1e-9, nan_ok=True)


@settings(deadline=None)
@given(PARTS)
def test_yes_and_no_mirror_each_other(parts):
    human, part, pool = arrays(parts)
    weight = np.linspace(1, 4, len(human))
    one, other = (
        prevalence.prevalence_poststratified(labels, part, pool, weight=weight)
        for labels in (human, 1 - human)
    )
    assert one.estimate == pytest.approx(1 - other.estimate, nan_ok=True)
    assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low), abs=1e-9)


def test_a_perfect_judge_leaves_the_uncertainty_of_the_pool():
    judge = np.repeat([1, 0], (800, 3200))
    human = np.repeat([1, 0], (200, 800))
    found = prevalence.prevalence_poststratified(human, human, judge)
    alone = proportion_wilson(800, 4000)
    assert found.estimate == pytest.approx(0.2)
    assert alone.width < found.width < 1.25 * alone.width


def test_a_judge_that_says_nothing_leaves_what_people_say():
    human = np.repeat([1, 0], (30, 70))
    found = prevalence.prevalence_poststratified(human, np.zeros(100), np.zeros(4000))
    people = prevalence.prevalence_human(human)
    assert found.estimate == people.estimate == 0.3
    assert found.width == pytest.approx(people.width, rel=0.02)
    assert (people.low, people.high) == pytest.approx(
        (proportion_wilson(30, 100).low, proportion_wilson(30, 100).high)
    )


def test_each_stratum_gets_its_own_correction():
    """Two modalities with the same judge labels, and a judge that is wrong on one of them."""
    modality = np.repeat(["text", "image"], (50, 50))
    judge = np.tile([1, 0], 50)
    human = np.where(modality == "text", judge, 1 - judge)
    labels = np.repeat([1, 0, 1, 0], (900, 100, 400, 600))
    pool = np.column_stack([labels, np.repeat(["text", "image"], 1000)])
    found = prevalence.prevalence_poststratified(human, np.column_stack([judge, modality]), pool)
    assert found.estimate == pytest.approx((900 + 600) / 2000)
    pooled = prevalence.prevalence_poststratified(human, judge, labels)
    assert pooled.estimate == pytest.approx(0.5)


def test_weights_undo_unequal_sampling_within_a_part():
    """Of a part, 10 of 1,000 hard units are sampled and 10 of 100 easy ones, all without."""
    human = np.repeat([1, 0], (10, 10))
    weight = np.repeat([100.0, 10.0], 10)
    found = prevalence.prevalence_poststratified(human, np.zeros(20), np.zeros(1100), weight=weight)
    assert found.estimate == pytest.approx(1000 / 1100)
    assert prevalence.prevalence_human(human, weight=weight).estimate == pytest.approx(10 / 11)


def test_units_that_cannot_have_the_code_make_a_rate_per_unit():
    human, judge, pool = np.repeat([1, 0], 40), np.repeat([1, 0], 40), np.repeat([1, 0], 200)
    among = prevalence.prevalence_poststratified(human, judge, pool)
    per_unit = prevalence.prevalence_poststratified(human, judge, pool, certain=1600)
    assert per_unit.estimate == pytest.approx(among.estimate * 400 / 2000)
    people = prevalence.prevalence_human(human, pool=400, certain=1600)
    assert people.estimate == pytest.approx(0.1)
    plain = prevalence.prevalence_human(human)
    assert people.width > plain.width * 400 / 2000
    alone = prevalence.prevalence_judge(pool, certain=1600)
    exact = proportion_wilson(200, 2000)
    assert (alone.low, alone.high) == pytest.approx((exact.low, exact.high), abs=2e-3)
    assert "uncorrected" in alone.method


@settings(deadline=None)
@given(PARTS, st.integers(1, 8))
def test_clusters_never_make_an_interval_narrower(parts, many):
    human, part, pool = arrays(parts)
    item, of_pool = np.arange(len(human)) % many, np.arange(len(pool)) % many
    found = prevalence.prevalence_poststratified(
        human, part, pool, cluster=item, pool_cluster=of_pool
    )
    plain = prevalence.prevalence_poststratified(human, part, pool)
    assert 0 <= found.low <= found.high <= 1
    assert found.width >= plain.width - 1e-9
    own = prevalence.prevalence_poststratified(
        human, part, pool, cluster=np.arange(len(human)), pool_cluster=np.arange(len(pool))
    )
    assert (own.low, own.high) == pytest.approx((plain.low, plain.high), abs=1e-9)


# Nothing to go by -------------------------------------------------------------------------------


def test_without_labels_nothing_is_known():
    for found in (
        prevalence.prevalence_poststratified([], [], [1, 0]),
        prevalence.prevalence_poststratified_counts([0, 0], [0, 0], [5, 5]),
        prevalence.prevalence_human([]),
        prevalence.prevalence_judge([]),
        rogan_gladen.prevalence_rogan_gladen(3, 10, (0, 0), (5, 5)),
        rogan_gladen.prevalence_rogan_gladen(0, 0, (5, 5), (5, 5)),
        rogan_gladen.prevalence_rogan_gladen(3, 10, (1, 5), (1, 5)),
    ):
        assert isnan(found.estimate)
        assert (found.low, found.high) == (0, 1)


def test_a_part_without_labels_may_be_anything():
    """The judge flagged 10 % of the pool, of which nobody labelled one."""
    pool = np.repeat([1, 0], (400, 3600))
    found = prevalence.prevalence_poststratified(np.zeros(100), np.zeros(100), pool)
    assert found.low == pytest.approx(0, abs=0.01)
    assert found.high > 0.1
    assert found.estimate == pytest.approx(0.05)


def test_what_does_not_go_together_is_refused():
    with pytest.raises(ValueError, match="does not have"):
        prevalence.prevalence_poststratified([1, 0], [1, 0], [0, 0])
    with pytest.raises(ValueError, match="do not go together"):
        prevalence.prevalence_poststratified([1, 0], [1], [0, 1])
    with pytest.raises(ValueError, match="some of the labelled"):
        prevalence.prevalence_poststratified_counts([3], [2], [5])
    with pytest.raises(ValueError, match="leave out"):
        prevalence.prevalence_poststratified([nan], [1], [1])
    with pytest.raises(ValueError, match="how many the others are"):
        prevalence.prevalence_human([1, 0], certain=5)
    with pytest.raises(ValueError, match="level"):
        rogan_gladen.prevalence_rogan_gladen(1, 2, (1, 1), (1, 1), level=0)


@settings(deadline=None)
@given(*[st.integers(0, 40)] * 6)
def test_rogan_gladen_is_always_defined(yes, no, tp, fn, tn, fp):
    found = rogan_gladen.prevalence_rogan_gladen(yes, yes + no, (tp, tp + fn), (tn, tn + fp))
    assert 0 <= found.low <= found.high <= 1
    assert isnan(found.estimate) or 0 <= found.estimate <= 1
