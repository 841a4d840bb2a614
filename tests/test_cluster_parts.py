"""Neighbours, communities, words and map against brute force, references and planted truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.metrics import adjusted_rand_score

from erranal.cluster import communities, graph, layout, neighbours, population, terms


def mixture(n, groups, *, spread=1.2, noise=0.0, dimension=64, seed=0):
    """Return unit vectors around random centres and their groups; -1 is uniform noise."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(groups, dimension))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    labels = rng.integers(0, groups, n)
    vectors = centres[labels] + spread / np.sqrt(dimension) * rng.normal(size=(n, dimension))
    lost = rng.random(n) < noise
    vectors[lost], labels[lost] = rng.normal(size=(int(lost.sum()), dimension)), -1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), labels


def brute_force(vectors, k):
    similarity = np.round(vectors @ vectors.T, 5)
    np.fill_diagonal(similarity, -np.inf)
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(similarity, order, axis=1)


def partition(vectors, resolution=1.0, *, seed=0, sizes=None):
    sizes = np.ones(len(vectors), dtype=np.int64) if sizes is None else sizes
    near = neighbours.find(vectors, 15)
    whole = graph.locally_scaled(near)
    cut = graph.without(whole, graph.outliers(near))
    return communities.partition(cut, sizes, resolution, seed=seed, min_size=5)


@pytest.mark.parametrize(("n", "k"), [(2500, 15), (300, 15), (40, 3), (5, 15), (2, 1)])
def test_exact_neighbours_are_those_of_brute_force(n, k):
    vectors, _ = mixture(n, max(1, n // 50))
    near = neighbours.find(vectors, k)
    index, similarity = brute_force(vectors, min(k, n - 1))
    assert near.exact
    np.testing.assert_allclose(near.similarity, similarity, atol=2e-5)
    assert (near.index == index).mean() > 0.999


def test_one_point_has_no_neighbours():
    near = neighbours.find(np.ones((1, 3), dtype=np.float32), 5)
    assert near.index.shape == (1, 0)
    assert graph.locally_scaled(near).nnz == 0
    assert graph.outliers(near).tolist() == [True]


def test_a_point_is_never_its_own_neighbour_even_among_copies():
    vectors = np.tile(np.eye(4, dtype=np.float32)[:1], (3000, 1))
    near = neighbours.find(vectors, 5)
    assert (near.index != np.arange(3000)[:, None]).all()
    assert (near.similarity == 1).all()
    assert all(len(set(row)) == 5 for row in near.index.tolist())


def test_cells_find_nearly_all_neighbours(monkeypatch):
    vectors, _ = mixture(6000, 40)
    exact = neighbours.find(vectors, 10)
    monkeypatch.setattr(neighbours, "EXACT_UP_TO", 0)
    cells = neighbours.find(vectors, 10, seed=1)
    again = neighbours.find(vectors, 10, seed=1)
    found = [len(set(a) & set(b)) for a, b in zip(exact.index, cells.index, strict=True)]
    assert not cells.exact
    assert np.mean(found) > 9.0
    assert (cells.index != np.arange(6000)[:, None]).all()
    np.testing.assert_array_equal(cells.index, again.index)


def test_vectors_of_zeros_and_nonsense_are_survived():
    vectors, _ = mixture(60, 3)
    vectors[:3] = 0
    vectors[3, 0] = np.nan
    points, row = population.distinct(vectors)
    assert len(points) == 58  # the three zeros are one point
    near = neighbours.find(points, 5)
    assert np.isfinite(near.similarity).all()
    assert np.isfinite(graph.locally_scaled(near).data).all()
    assert (row[:3] == row[0]).all()


def test_distinct_rows_keep_their_order():
    rows = np.array([[0, 2], [3, 0], [0, 2], [-0.0, 2], [0, 1]], dtype=np.float32)
    points, row = population.distinct(rows)
    np.testing.assert_array_equal(points, [[0, 1], [1, 0], [0, 1]])
    assert row.tolist() == [0, 1, 0, 0, 2]


def test_graph_weights_are_symmetric_and_largest_for_the_nearest():
    vectors, _ = mixture(500, 5)
    near = neighbours.find(vectors, 8)
    weights = graph.locally_scaled(near)
    assert abs(weights - weights.T).max() < 1e-12
    assert weights.data.min() > 0
    assert weights.data.max() <= 1
    assert weights.diagonal().sum() == 0
    nearest = np.asarray(weights[np.arange(500), near.index[:, 0]]).ravel()
    np.testing.assert_allclose(nearest, 1)


def test_outliers_are_the_planted_noise():
    vectors, labels = mixture(4000, 20, noise=0.1, dimension=384)
    outlying = graph.outliers(neighbours.find(vectors, 15))
    assert outlying[labels < 0].mean() > 0.8
    assert outlying[labels >= 0].mean() < 0.01


def test_points_on_the_rim_of_a_tight_group_are_not_outliers():
    rng = np.random.default_rng(0)
    tight, _ = mixture(200, 1, spread=0.1, seed=1)
    loose, _ = mixture(800, 4, spread=1.5, seed=2)
    centre = tight.mean(axis=0)
    rim = centre + 0.4 / 8 * rng.normal(size=(5, 64))
    vectors = np.concatenate([tight, loose, rim / np.linalg.norm(rim, axis=1, keepdims=True)])
    outlying = graph.outliers(neighbours.find(vectors.astype(np.float32), 15))
    assert not outlying[-5:].any()


@pytest.mark.parametrize("groups", [3, 20, 60])
def test_planted_groups_are_found(groups):
    vectors, labels = mixture(3000, groups, dimension=384)
    found = partition(vectors)
    assert adjusted_rand_score(labels, found.labels) > 0.98
    assert found.clusters == groups
    assert found.ari_seeds > 0.95
    assert found.ari_subsamples > 0.95
    assert found.stability.min() > 0.7


def test_groups_that_run_into_each_other_are_mostly_found():
    vectors, labels = mixture(3000, 15, spread=2.0, noise=0.05, dimension=384)
    found = partition(vectors)
    assert adjusted_rand_score(labels, found.labels) > 0.9


def test_without_groups_nothing_is_firm():
    vectors, _ = mixture(2000, 1, spread=30.0, dimension=384)
    found = partition(vectors)
    assert found.ari_seeds < 0.5
    assert found.ari_subsamples < 0.5


def test_the_same_seed_gives_the_same_clusters_and_another_one_need_not():
    vectors, _ = mixture(1500, 1, spread=30.0)
    first, again, other = (partition(vectors, seed=seed).labels for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_clusters_are_numbered_by_outputs_and_small_ones_are_noise():
    found = np.array([7, 7, 7, 2, 2, 5, 9])
    sizes = np.array([1, 1, 1, 4, 4, 2, 5])
    labels = communities._by_size(found, sizes, 3)
    assert labels.tolist() == [2, 2, 2, 0, 0, -1, 1]


def test_modularity_of_two_joined_triangles():
    # Seven edges, one of them between the triangles: 6/7 - 2 (7/14)^2.
    edges = [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5), (2, 3)]
    rows, columns = np.array([*edges, *((b, a) for a, b in edges)]).T
    triangles = csr_matrix((np.ones(14), (rows, columns)), shape=(6, 6))
    labels = np.array([0, 0, 0, 1, 1, 1])
    assert communities.modularity(triangles, labels) == pytest.approx(6 / 7 - 0.5)
    np.testing.assert_array_equal(
        communities._by_size(communities.leiden(triangles, 1.0, 0), np.ones(6), 1), labels
    )


LABELS = st.integers(2, 40).flatmap(
    lambda n: st.tuples(
        *(st.lists(st.integers(0, 4), min_size=n, max_size=n) for _ in range(2)),
        st.lists(st.integers(1, 3), min_size=n, max_size=n),
    )
)


@given(LABELS)
@settings(deadline=None)
def test_rand_index_over_outputs_is_that_of_repeated_points(drawn):
    a, b, sizes = (np.array(values) for values in drawn)
    expected = adjusted_rand_score(np.repeat(a, sizes), np.repeat(b, sizes))
    assert communities._rand(a, b, sizes) == pytest.approx(expected)


def test_rand_index_leaves_noise_out_and_is_unknown_without_pairs():
    sizes = np.ones(5, dtype=np.int64)
    a, b = np.array([0, 0, 1, 1, -1]), np.array([3, 3, 2, 2, 2])
    assert communities._rand(a, b, sizes) == 1.0
    assert communities._rand(np.full(5, -1), b, sizes) is None


def test_best_jaccard_by_hand():
    a, b = np.array([0, 0, 0, 1, 1, -1]), np.array([0, 0, 1, 1, 1, 1])
    best = communities._best_jaccard(a, b, np.ones(6, dtype=np.int64), 3)
    # {0,1,2} against {0,1}: 2 of 3; {3,4} against {2,3,4,5}: 2 of 4; cluster 2 was not drawn.
    np.testing.assert_allclose(best, [2 / 3, 1 / 2, np.nan])


def test_a_cluster_that_no_subsample_drew_has_no_stability(monkeypatch):
    monkeypatch.setattr(communities, "RUNS", {30: (1, 1)})
    alone, sizes = csr_matrix((30, 30)), np.full(30, 5)
    found = communities.partition(alone, sizes, 1.0, seed=0, min_size=5)
    assert found.clusters == 30
    assert np.isnan(found.stability).sum() == 6
    assert np.nanmin(found.stability) == 1.0


def test_nothing_large_enough_is_noise_without_stability():
    found = communities.partition(
        csr_matrix((9, 9)), np.ones(9, dtype=int), 1.0, seed=0, min_size=5
    )
    assert (found.labels == -1).all()
    assert (found.clusters, found.ari_seeds, found.ari_subsamples) == (0, None, None)


def firm(clusters, ari):
    return communities.Partition(np.zeros(1), 0.0, ari, ari, np.ones(clusters))


def test_the_finest_of_the_firm_partitions_is_shown():
    partitions = [firm(1, 1.0), firm(4, 0.90), firm(8, 0.89), firm(30, 0.70)]
    assert communities.choose(partitions) == 2
    assert communities.choose([firm(1, 1.0)]) == 0
    assert communities.choose([firm(0, None), firm(0, None)]) == 0


def test_terms_are_the_planted_words_and_no_stop_words():
    rng = np.random.default_rng(0)
    own = [["axis", "legend", "bar"], ["sonata", "chord", "tempo"]]
    common = ["answer", "value", "question", "option", "figure", "number"]
    texts, labels = [], np.arange(200) % 2
    for label in labels:
        words = [*rng.choice(own[label], 2), *rng.choice(common, 4), "the", "and", "of"]
        texts.append(" ".join(words) + (" hapax" if len(texts) == 0 else ""))
    uses, words = terms.count_words(texts)
    found = terms.distinctive(uses, words, labels, 2)
    assert [set(names[:3]) for names in found] == [set(names) for names in own]
    assert not {"the", "and", "hapax"} & {*found[0], *found[1]}


def test_a_word_used_everywhere_and_one_used_twice_do_not_lead():
    texts = ["answer slope"] * 50 + ["answer chord"] * 48 + ["answer chord rare"] * 2
    uses, words = terms.count_words(texts)
    found = terms.distinctive(uses, words, np.repeat([0, 1], 50), 2)
    assert found[0][0] == "slope"
    assert found[1][0] == "chord"
    assert "answer" not in found[0] + found[1]


@pytest.mark.parametrize("texts", [["1 2 3", "???", "the of"], ["4"], []])
def test_texts_without_words_have_no_terms(texts):
    uses, words = terms.count_words(texts)
    assert terms.distinctive(uses, words, np.zeros(len(texts), dtype=int), 1) == [[]]


def test_words_of_a_long_hostile_text_are_counted_quickly():
    uses, words = terms.count_words(["a-'" * 50_000, "b" * 100_000 + " word", "word'-'-" * 9000])
    assert uses.shape == (3, len(words))


def test_exemplars_are_central_and_differ():
    vectors, _ = mixture(300, 1, spread=1.0, seed=4)
    centre = vectors.mean(axis=0) / np.linalg.norm(vectors.mean(axis=0))
    copies = np.tile(centre, (40, 1)) + 1e-4 * np.random.default_rng(0).normal(size=(40, 64))
    points = np.concatenate([vectors, copies]).astype(np.float32)
    picked = terms.exemplars(points, np.zeros(len(points), dtype=int), 1)[0]
    similarity = points[picked] @ points.mean(axis=0)
    assert len(picked) == terms.EXEMPLARS
    assert (picked >= 300).sum() == 1
    assert (np.diff(similarity) <= 1e-5).all()
    assert terms.exemplars(copies[:3].astype(np.float32), np.zeros(3, int), 1)[0].size == 3


def test_repulsion_on_the_grid_is_that_of_all_pairs():
    y = np.random.default_rng(0).normal(scale=12, size=(400, 2))
    offset = y[:, None] - y[None]
    kernel = 1 / (1 + (offset**2).sum(axis=2))
    np.fill_diagonal(kernel, 0)
    exact = (kernel[..., None] ** 2 * offset).sum(axis=1) / kernel.sum()
    error = np.linalg.norm(layout._repulsion(y) - exact) / np.linalg.norm(exact)
    assert error < 0.12


def test_attraction_is_that_of_the_edges():
    rng = np.random.default_rng(1)
    y, dense = rng.normal(size=(30, 2)), rng.random((30, 30)) * (rng.random((30, 30)) < 0.2)
    dense = dense + dense.T
    offset = y[:, None] - y[None]
    exact = (dense[..., None] * offset / (1 + (offset**2).sum(axis=2))[..., None]).sum(axis=1)
    np.testing.assert_allclose(layout._attraction(csr_matrix(dense), y), exact)


def map_purity(vectors, labels, **settings):
    whole = graph.locally_scaled(neighbours.find(vectors, 15))
    places = layout.arrange(whole, vectors, np.maximum(labels, 0), seed=0, **settings)
    distance = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    np.fill_diagonal(distance, np.inf)
    nearest = np.argsort(distance, axis=1)[:, :10]
    return (labels[nearest] == labels[:, None]).mean(), places


def test_the_map_keeps_groups_together_and_is_the_same_each_time():
    vectors, labels = mixture(900, 12)
    purity, places = map_purity(vectors, labels)
    assert purity > 0.97
    np.testing.assert_array_equal(places, map_purity(vectors, labels)[1])


def test_points_beside_the_landmarks_are_placed_in_their_group(monkeypatch):
    monkeypatch.setattr(layout, "LANDMARKS", 400)
    vectors, labels = mixture(1500, 8)
    purity, places = map_purity(vectors, labels)
    assert purity > 0.95
    assert len(np.unique(places, axis=0)) == 1500


@pytest.mark.parametrize("n", [0, 1, 2, 4])
def test_a_map_of_almost_nothing(n):
    vectors = np.eye(max(n, 1), 6, dtype=np.float32)[:n]
    whole = graph.locally_scaled(neighbours.find(vectors, 3))
    places = layout.arrange(whole, vectors, np.zeros(n, dtype=int), seed=0)
    assert places.shape == (n, 2)
    assert np.isfinite(places).all()
