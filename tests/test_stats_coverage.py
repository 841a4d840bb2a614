"""Do the intervals hold what they promise? Samples of a pool, simulated, with the truth known.

Pools of 4,000 units, 50 to 400 of which people label. A sample is uniform, or drawn from strata (of
the judge's labels, and of two modalities where there are two) with unequal probabilities. A judge
has a sensitivity and a specificity of .7 to .95, and errs more on the second modality.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
from scipy import stats as scipy_stats

from erranal.stats.effects import (
    difference_equivalence,
    difference_greg,
    difference_human,
    difference_judge,
)
from erranal.stats.greg import error_add_two, regressions_greg
from erranal.stats.paired import tango_limits
from erranal.stats.prevalence import poststratified_limits, prevalence_poststratified
from erranal.stats.proportion import wilson_limits
from erranal.stats.pseudo import regression_pseudo
from erranal.stats.sampling import allocation_mixed
from erranal.stats.trust import f1_weighted, sensitivity_weighted, specificity_weighted
from erranal.stats.weighted import Weights, effective_size

POOL = 4000
SIZES = (50, 100, 200, 400)
JUDGES = ((0.7, 0.7), (0.7, 0.95), (0.85, 0.9), (0.95, 0.7), (0.95, 0.95))


@dataclass
class Draw:
    """Samples of many pools: kinds (runs, n), weights (runs, n), pool counts (runs, kinds)."""

    kind: np.ndarray
    weight: np.ndarray
    pool: np.ndarray


def counts(kind, kinds):
    """Count the kinds in each row."""
    runs = len(kind)
    apart = kind + kinds * np.arange(runs)[:, None]
    return np.bincount(apart.ravel(), minlength=runs * kinds).reshape(runs, kinds)


def draw(share, stratum, n, runs, rng):
    """Draw pools of kinds with these shares, and a stratified sample of each."""
    share, stratum = share / share.sum(), np.asarray(stratum)
    strata = np.arange(stratum.max() + 1)
    of_stratum = np.array([share[stratum == s].sum() for s in strata])
    expected = allocation_mixed(np.maximum(POOL * of_stratum, 1), n)
    taken = np.maximum(np.round(expected).astype(int), 1)
    there = np.maximum(rng.multinomial(POOL, of_stratum * (1 - 1e-12), size=runs), taken)
    kinds, weights, pool = [], [], np.zeros((runs, len(share)))
    for s in strata:
        within = np.where(stratum == s, share, 0) / of_stratum[s]
        kind = np.searchsorted(np.cumsum(within), rng.random((runs, taken[s])) * within.sum())
        rest = rng.multinomial(there[:, s] - taken[s], within / within.sum())
        pool += rest + counts(kind, len(share))
        kinds.append(kind)
        weights.append(np.repeat(there[:, [s]] / taken[s], taken[s], axis=1))
    return Draw(np.concatenate(kinds, axis=1), np.concatenate(weights, axis=1), pool)


def summary(cells):
    """Return mean and lowest coverage and the mean width, of rows (coverage, width)."""
    rows = np.array(cells)
    return rows[:, 0].mean(), rows[:, 0].min(), rows[:, 1].mean()


# Prevalence -------------------------------------------------------------------------------------


def rate_kinds(modalities, p, sensitivity, specificity):
    """Return share, human and judge label and modality of each kind of unit."""
    share, human, judge, modality = [], [], [], []
    for m, size in enumerate((0.6, 0.4) if modalities == 2 else (1.0,)):
        rate, se, sp = p * (1 + m), sensitivity - 0.1 * m, specificity - 0.05 * m
        for h, j in product((0, 1), (0, 1)):
            right = se if h else sp
            share.append(size * (rate if h else 1 - rate) * (right if h == j else 1 - right))
            human.append(h)
            judge.append(j)
            modality.append(m)
    return np.array(share), np.array(human, bool), np.array(judge), np.array(modality)


def size_and_rate(weight, yes, no):
    yes, no = Weights.of(weight, yes), Weights.of(weight, no)
    total = (yes + no).total
    return effective_size(yes, no), yes.total / np.where(total > 0, total, 1)


def rate_cell(seed, modalities, uneven, n, p, judge):
    """Return coverage and relative width of the corrected rate in one cell."""
    rng, runs = np.random.default_rng(seed), 1200
    share, human, label, modality = rate_kinds(modalities, p, *judge)
    part = label + 2 * modality
    drawn = draw(share, part if uneven else 0 * part, n, runs, rng)
    truth = share[human].sum()
    kinds = part[drawn.kind][:, None] == np.arange(part.max() + 1)[:, None]
    yes = human[drawn.kind][:, None]
    size, rate = size_and_rate(drawn.weight[:, None], kinds & yes, kinds & ~yes)
    pool = np.stack([drawn.pool[:, part == k].sum(axis=1) for k in range(part.max() + 1)], axis=1)
    _, low, high = poststratified_limits(rate, size, pool)
    size, rate = size_and_rate(drawn.weight, yes[:, 0], ~yes[:, 0])
    human_low, human_high = wilson_limits(rate * size, size)
    covered = ((low <= truth) & (truth <= high)).mean()
    return covered, (high - low).mean() / (human_high - human_low).mean()


@pytest.mark.parametrize("modalities", [1, 2])
@pytest.mark.parametrize("uneven", [False, True])
def test_corrected_prevalence_covers(modalities, uneven):
    grid = product(SIZES, (0.05, 0.1, 0.2, 0.4), JUDGES)
    cells = [
        rate_cell(seed, modalities, uneven, n, p, judge) for seed, (n, p, judge) in enumerate(grid)
    ]
    mean, lowest, width = summary(cells)
    assert 0.93 < mean < 0.97
    assert lowest > 0.91
    assert width == pytest.approx(0.81, abs=0.05)


def test_corrected_prevalence_is_what_was_simulated():
    share, human, label, modality = rate_kinds(2, 0.2, 0.85, 0.9)
    part = label + 2 * modality
    one = draw(share, part, 120, 1, np.random.default_rng(4))
    kinds, weight = one.kind[0], one.weight[0]
    of_part = part[kinds] == np.arange(4)[:, None]
    yes = human[kinds]
    size, rate = size_and_rate(weight, of_part & yes, of_part & ~yes)
    parts = np.array([one.pool[0, part == k].sum() for k in range(4)])
    pool = np.repeat(np.arange(len(share)), one.pool[0].astype(int))
    found = prevalence_poststratified(
        yes,
        np.column_stack([label, modality])[kinds],
        np.column_stack([label, modality])[pool],
        weight=weight,
    )
    expected = poststratified_limits(rate, size, parts)
    assert (found.estimate, found.low, found.high) == pytest.approx([float(x) for x in expected])


# Trust ------------------------------------------------------------------------------------------


def test_trust_covers_where_units_were_sampled_by_the_judge():
    """Half the labels go to what the judge flagged: equal weights would be far off."""
    rng, covered, naive = np.random.default_rng(8), [], []
    measures = (sensitivity_weighted, specificity_weighted, f1_weighted)
    for p, (se, sp) in product((0.1, 0.3), ((0.7, 0.95), (0.85, 0.9), (0.95, 0.95))):
        truth = (se, sp, 2 * p * se / (p * se + (1 - p) * (1 - sp) + p))
        share, human, label, _ = rate_kinds(1, p, se, sp)
        for _ in range(250):
            flagged = int(rng.binomial(POOL, share[label == 1].sum()))
            kinds, weight = [], []
            for j, there in ((0, POOL - flagged), (1, flagged)):
                within = np.where(label == j, share, 0)
                kinds.append(rng.choice(4, 100, p=within / within.sum()))
                weight.append(np.full(100, there / 100))
            people, machine = (of[np.concatenate(kinds)] for of in (human, label == 1))
            found = [m(people, machine, np.concatenate(weight)) for m in measures]
            plain = sensitivity_weighted(people, machine)
            covered.append([i.low <= t <= i.high for i, t in zip(found, truth, strict=True)])
            naive.append(plain.low <= se <= plain.high)
    assert (np.mean(covered, axis=0) > 0.93).all()
    assert np.mean(naive) < 0.4


# Image minus text -------------------------------------------------------------------------------

SIDES = np.array(list(product((0, 1), repeat=4)))  # human text and image, judge text and image
D = SIDES[:, 1] - SIDES[:, 0]
CORRELATION = 0.3  # of a code between the two responses to an item


def pair_kinds(text, image, judge_text, judge_image):
    """Return the share of each of SIDES."""
    spread = np.sqrt(text * (1 - text) * image * (1 - image))
    both = text * image + min(CORRELATION * spread, min(text, image) - text * image)
    human = np.array([[1 - text - image + both, image - both], [text - both, both]])
    share = human[SIDES[:, 0], SIDES[:, 1]]
    for side, (sensitivity, specificity) in enumerate((judge_text, judge_image)):
        given, label = SIDES[:, side], SIDES[:, 2 + side]
        right = np.where(given, sensitivity, specificity)
        share = share * np.where(given == label, right, 1 - right)
    return share


def worse(judge):
    """Return the judge on images: it misses more, and sees more that is not there."""
    return judge[0] - 0.1, judge[1] - 0.05


def drawn_pairs(seed, design, n, text, image, judge, runs):
    """Return samples of pairs from one or two benchmarks, and the true difference."""
    rng, on_image = np.random.default_rng(seed), worse(judge)
    first = pair_kinds(text, image, judge, on_image)
    second = pair_kinds(min(2 * text, 0.6), min(2 * image, 0.6), judge, on_image)
    share = np.concatenate([0.8 * first, 0.2 * second])
    discordant = np.tile(SIDES[:, 2] != SIDES[:, 3], 2) * 1
    benchmark = np.repeat([0, 1], 16)
    stratum = {"uniform": 0 * benchmark, "uneven": discordant + 2 * benchmark}[design]
    drawn = draw(share, stratum, n, runs, rng)
    drawn.kind, drawn.pool = drawn.kind % 16, drawn.pool[:, :16] + drawn.pool[:, 16:]
    return drawn, float(share @ np.tile(D, 2))


def greg_interval(drawn, predictors):
    """Return limits of all samples from the inner form of difference_greg."""
    judge = SIDES[:, 2 : 2 + predictors].astype(float)
    fit = regressions_greg(
        D[drawn.kind].astype(float), judge[drawn.kind], drawn.weight, judge, drawn.pool
    )
    error = np.sqrt(error_add_two(fit.scores, drawn.weight, fit.share) ** 2 + fit.pool_variance)
    freedom = drawn.kind.shape[1] - 1 - predictors
    half = scipy_stats.t.ppf(0.975, freedom) * error
    return fit.estimate - half, fit.estimate + half


def holds(interval, truth):
    return ((interval[0] <= truth) & (truth <= interval[1])).mean()


RATES = ((0.05, 0.05), (0.05, 0.15), (0.15, 0.25), (0.3, 0.4), (0.4, 0.3))


@pytest.mark.parametrize("design", ["uniform", "uneven"])
def test_corrected_difference_covers(design):
    cells = []
    for seed, (n, rates, judge) in enumerate(product(SIZES, RATES, JUDGES)):
        drawn, truth = drawn_pairs(seed, design, n, *rates, judge, 1000)
        corrected, alone = greg_interval(drawn, 2), greg_interval(drawn, 0)
        width = np.mean(corrected[1] - corrected[0]) / np.mean(alone[1] - alone[0])
        cells.append((holds(corrected, truth), width))
    mean, lowest, width = summary(cells)
    assert 0.93 < mean < 0.97
    assert lowest > 0.91
    assert width == pytest.approx(0.87, abs=0.03)


@pytest.mark.parametrize("design", ["uniform", "uneven"])
def test_a_judge_that_is_worse_on_images_makes_no_effect(design):
    """The judge alone sees one that is not there four times in ten."""
    false, of_judge = [], []
    for seed, (n, rate, judge) in enumerate(product(SIZES, (0.1, 0.2, 0.3, 0.4), JUDGES)):
        drawn, truth = drawn_pairs(1000 + seed, design, n, rate, rate, judge, 1000)
        assert truth == pytest.approx(0, abs=1e-12)
        false.append(1 - holds(greg_interval(drawn, 2), 0))
        lost, won = (drawn.pool @ ((SIDES[:, 3] - SIDES[:, 2]) == side) for side in (-1, 1))
        of_judge.append(1 - holds(tango_limits(lost, won, np.full(len(lost), POOL)), 0))
    assert 0.03 < np.mean(false) < 0.07
    assert max(false) < 0.08
    assert np.mean(of_judge) == pytest.approx(0.4, abs=0.05)


def test_corrected_difference_is_what_was_simulated():
    drawn, _ = drawn_pairs(5, "uneven", 80, 0.1, 0.2, (0.85, 0.9), 1)
    low, high = greg_interval(drawn, 2)
    kinds, pool = drawn.kind[0], np.repeat(np.arange(16), drawn.pool[0].astype(int))
    weight, judge = drawn.weight[0], SIDES[:, 2:]
    found = difference_greg(SIDES[kinds, :2], judge[kinds], judge[pool], weight=weight)
    assert (found.low, found.high) == pytest.approx((low[0], high[0]))
    alone = difference_human(SIDES[kinds, :2], weight=weight)
    low, high = greg_interval(drawn, 0)
    assert (alone.low, alone.high) == pytest.approx((low[0], high[0]))
    uncorrected = difference_judge(judge[pool])
    rise = judge[pool][:, 1] - judge[pool][:, 0]
    assert uncorrected.estimate == pytest.approx(rise.mean())


def latent_pairs(rng, runs, n, rates):
    """Return human labels (runs, n, 4) of two codes on two sides, which go together in a pair."""
    shared = 0.7 * rng.normal(size=(runs, n, 1)) + 0.51**0.5 * rng.normal(size=(runs, n, 4))
    return shared < scipy_stats.norm.ppf(rates)


def judged(rng, human, sensitivity, specificity):
    chance = rng.random(human.shape)
    return np.where(human, chance < sensitivity, chance > specificity)


@pytest.mark.parametrize("rates", [(0.05, 0.05, 0.05, 0.05), (0.05, 0.15, 0.1, 0.1)])
def test_contrast_of_two_codes_covers(rates):
    """Two codes, of whose rates people and judge see the difference of differences."""
    rng, runs, n, big = np.random.default_rng(6), 1000, 60, 100_000
    kinds, powers = np.array(list(product((0.0, 1.0), repeat=4))), 2 ** np.arange(3, -1, -1)
    sides = np.array([0.95, 0.75, 0.95, 0.75]), np.array([0.95, 0.85, 0.95, 0.85])
    human = latent_pairs(rng, runs, n, rates)
    judge = judged(rng, human, *sides)
    of_kind = judged(rng, latent_pairs(rng, 1, big, rates), *sides)[0] @ powers
    rest = rng.multinomial(POOL - n, np.bincount(of_kind, minlength=16) / big, size=runs)
    pool = rest + counts(judge @ powers, 16)
    rise = human[..., 1].astype(float) - human[..., 0] - human[..., 3] + human[..., 2]
    fit = regressions_greg(rise, judge.astype(float), np.ones((runs, n)), kinds, pool)
    error = error_add_two(fit.scores, np.ones((runs, n)), fit.share, differences=2)
    half = scipy_stats.t.ppf(0.975, n - 5) * np.sqrt(error**2 + fit.pool_variance)
    truth = rates[1] - rates[0] - rates[3] + rates[2]
    assert 0.92 < holds((fit.estimate - half, fit.estimate + half), truth) < 0.985


def clustered_pool(rng, items, samples, rates, shared, apart):
    """Return human labels (items * samples, 2) and items.

    Within an item labels are alike on both sides (shared), and more so on each side (apart).
    """
    hard = shared * rng.normal(size=(items, 1, 1)) + apart * rng.normal(size=(items, 1, 2))
    latent = (hard + rng.normal(size=(items, samples, 2))) / (1 + shared**2 + apart**2) ** 0.5
    human = (latent < scipy_stats.norm.ppf(rates)).reshape(-1, 2)
    return human, np.repeat(np.arange(items), samples)


def test_clusters_cover_where_independence_does_not():
    """Six samples an item, all of 50 items labelled out of 600."""
    rng, rates = np.random.default_rng(12), (0.2, 0.3)
    covered, naive = [], []
    for _ in range(500):
        human, item = clustered_pool(rng, 600, 6, rates, 0.5, 1.5)
        judge = judged(rng, human, np.array([0.85, 0.75]), np.array([0.95, 0.9]))
        taken = np.isin(item, rng.choice(600, 50, replace=False))
        people, machine, own = human[taken], judge[taken], item[taken]
        clusters = {"cluster": own, "pool_cluster": item}
        for known, found in ((clusters, covered), ({}, naive)):
            rate = prevalence_poststratified(people[:, 0], machine[:, 0], judge[:, 0], **known)
            rise = difference_greg(people, machine, judge, **known)
            found.append([rate.low <= 0.2 <= rate.high, rise.low <= 0.1 <= rise.high])
    assert (np.mean(covered, axis=0) > 0.91).all()
    assert (np.mean(covered, axis=0) < 0.98).all()
    assert (np.mean(naive, axis=0) < 0.87).all()


def test_regression_on_pseudo_outcomes_covers():
    """The judge is worse on images: regression on its own labels finds an effect of them."""
    rng, items, rates = np.random.default_rng(9), 600, (0.15, 0.2)
    covered, naive = [], []
    image = np.tile([0.0, 1.0], items)
    covariates = np.column_stack([np.ones(2 * items), image])
    for _ in range(300):
        human, _ = clustered_pool(rng, items, 1, rates, 0.7, 0)
        judge = judged(rng, human, np.array([0.9, 0.7]), np.array([0.97, 0.85]))
        probability = np.where(judge.any(axis=1), 0.25, 0.12)
        labelled = rng.random(items) < probability
        people = np.where(labelled[:, None], human, np.nan).reshape(-1, 1)
        machine, item = judge.reshape(-1, 1), np.repeat(np.arange(items), 2)
        known = {"covariates": covariates, "cluster": item}
        chance = np.repeat(probability, 2)
        right = regression_pseudo(people, machine, chance, **known)
        wrong = regression_pseudo(machine, machine, np.ones(2 * items), **known)
        for fit, found in ((right, covered), (wrong, naive)):
            found.append((fit.low[:, 0] <= [0.15, 0.05]) & (fit.high[:, 0] >= [0.15, 0.05]))
    assert (np.mean(covered, axis=0) > 0.92).all()
    assert np.mean(naive, axis=0)[1] < 0.5


def test_equivalence_is_seldom_found_at_the_margin():
    """And often where there is no difference at all."""
    at_margin, at_none = (
        [
            difference_equivalence(difference_greg(human, judge, pool), 0.08).shown
            for human, judge, pool in uniform_pairs(seed, image, 300)
        ]
        for seed, image in ((3, 0.23), (4, 0.15))
    )
    assert np.mean(at_margin) < 0.08
    assert np.mean(at_none) > 0.5


def uniform_pairs(seed, image, runs):
    rng = np.random.default_rng(seed)
    share = pair_kinds(0.15, image, (0.95, 0.95), (0.85, 0.9))
    for _ in range(runs):
        kinds = rng.choice(16, POOL // 4, p=share / share.sum())
        judge = SIDES[kinds, 2:]
        yield SIDES[kinds[:250], :2], judge[:250], judge
