"""Words that set a cluster apart, and the texts that stand for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from erranal.cluster.communities import Labels

WORD = r"(?u)\b[^\W\d_][\w'-]+"  # begins with a letter; two characters at least
VOCABULARY = 20_000
TERMS = 10
EXEMPLARS = 5
ALIKE = 0.98  # cosine above which a second exemplar shows nothing new
LOOK_AT = 50  # nearest points that exemplars are picked from


def count_words(texts: list[str]) -> tuple[csr_matrix, NDArray[np.str_]]:
    """Return which text uses which word (zeros and ones, shape (n, words)) and the words.

    English stop words are left out, and words that fewer than two texts use.
    """
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(
        token_pattern=WORD,
        stop_words="english",
        binary=True,
        min_df=min(2, len(texts)),
        max_features=VOCABULARY,
    )
    try:
        uses = counter.fit_transform(texts)
    except ValueError:  # nothing but stop words and signs
        return csr_matrix((len(texts), 0)), np.array([], dtype=str)
    return csr_matrix(uses), counter.get_feature_names_out()


def distinctive(
    uses: csr_matrix, words: NDArray[np.str_], labels: Labels, clusters: int
) -> list[list[str]]:
    """Return the most distinctive words of each cluster, strongest first.

    The z-score of the log odds of a text of the cluster using the word, against the other texts,
    with all texts as the prior (Monroe, Colaresi and Quinn 2008): unlike a ratio it does not
    favour words seen once, unlike a difference not those seen everywhere.

    Parameters
    ----------
    uses
        Zeros and ones, shape (n, words).
    words
        Shape (words,).
    labels
        Cluster of each text, shape (n,); noise counts among the others.
    clusters
        How many there are.
    """
    from scipy.sparse import csr_matrix

    if len(words) == 0:
        return [[] for _ in range(clusters)]
    inside = np.flatnonzero(labels >= 0)
    member = csr_matrix(
        (np.ones(len(inside)), (labels[inside], inside)), shape=(clusters, len(labels))
    )
    totals = np.asarray(uses.sum(axis=0), dtype=np.float64).ravel()
    texts = np.bincount(labels[inside], minlength=clusters)
    counts = csr_matrix(member @ uses)
    return [
        [str(words[w]) for w in _strongest(counts[[c]].toarray()[0], totals, texts[c], len(labels))]
        for c in range(clusters)
    ]


def _strongest(
    own: NDArray[np.float64], totals: NDArray[np.float64], texts: int, n: int
) -> NDArray[np.intp]:
    """Return the words of one cluster by falling z-score, only those above 0."""
    prior = totals / n
    other = totals - own
    odds = np.log((own + prior) / (texts + 1 - own - prior + 1e-9))
    odds -= np.log((other + prior) / (n - texts + 1 - other - prior + 1e-9))
    score = odds / np.sqrt(1 / (own + prior) + 1 / (other + prior))
    order = np.argsort(-score, kind="stable")[:TERMS]
    return order[(score[order] > 0) & (own[order] > 0)]


def exemplars(
    vectors: NDArray[np.float32], labels: Labels, clusters: int
) -> list[NDArray[np.intp]]:
    """Return the points nearest to each cluster's centre, nearest first, without near-copies."""
    order = np.argsort(labels, kind="stable")
    bounds = np.searchsorted(labels[order], np.arange(clusters + 1))
    return [_central(vectors, order[bounds[c] : bounds[c + 1]]) for c in range(clusters)]


def _central(vectors: NDArray[np.float32], members: NDArray[np.intp]) -> NDArray[np.intp]:
    centre = vectors[members].mean(axis=0)
    # einsum, because threads of a matrix product cost more than such small ones do.
    similarity = np.einsum("ij,j->i", vectors[members], centre)
    near = members[np.argsort(-np.round(similarity, 5), kind="stable")[:LOOK_AT]]
    alike = np.einsum("ik,jk->ij", vectors[near], vectors[near])
    picked: list[int] = []
    for i in range(len(near)):
        if len(picked) < EXEMPLARS and (not picked or alike[i, picked].max() < ALIKE):
            picked.append(i)
    copies = [i for i in range(len(near)) if i not in picked]
    return near[sorted(picked + copies[: EXEMPLARS - len(picked)])]
