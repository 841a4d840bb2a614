"""Words that set a cluster apart, and the texts that stand for it."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from erranal.cluster.communities import Labels

WORD = re.compile(r"\b[^\W\d_][\w'-]+")  # begins with a letter; two characters at least
VOCABULARY = 20_000
# Words that hold a sentence together and say nothing of what it is about.
STOP_WORDS = frozenset(
    """a about above across after again against all almost along already also although always
    am among an and another any anyone anything are around as at be became because become
    been before being below between both but by can cannot could did do does doing done down
    during each either else enough etc even ever every everything few first for former from
    further get give given go had has have having he hence her here hers herself him himself
    his how however i if in indeed instead into is it its itself just last latter least less
    let like made make many may me might mine more moreover most much must my myself namely
    neither never next no nobody none nor not nothing now of off often on once one only onto
    or other others otherwise our ours ourselves out over own per perhaps put rather re same
    see seem seems several she should since so some someone something still such take than
    that the their theirs them themselves then there thereby therefore these they this those
    though through throughout thus to together too toward towards two under until up upon us
    very via was we well were what whatever when where whereas whether which while who whom
    whose why will with within without would yes yet you your yours yourself it's i'm don't
    can't doesn't isn't let's that's here's there's we're you're we'll you'll""".split()  # noqa: SIM905 - a list of them would be 200 lines
)
TERMS = 10
EXEMPLARS = 5
ALIKE = 0.98  # cosine above which a second exemplar shows nothing new
LOOK_AT = 50  # nearest points that exemplars are picked from


def count_words(texts: list[str]) -> tuple[csr_matrix, NDArray[np.str_]]:
    """Return which text uses which word (zeros and ones, shape (n, words)) and the words.

    English stop words are left out, and words that fewer than two texts use. (A vectorizer of
    scikit-learn does the same; importing it costs more than this.)
    """
    from scipy.sparse import csr_matrix

    used = [sorted(set(WORD.findall(text.lower())) - STOP_WORDS) for text in texts]
    frequency = Counter(word for words in used for word in words)
    least = min(2, len(texts))
    often = [word for word, count in frequency.items() if count >= least]
    kept = sorted(sorted(often, key=lambda word: (-frequency[word], word))[:VOCABULARY])
    place = {word: i for i, word in enumerate(kept)}
    columns = [[place[word] for word in words if word in place] for words in used]
    starts = np.cumsum([0, *map(len, columns)])
    flat = np.fromiter((c for row in columns for c in row), dtype=np.int64, count=starts[-1])
    shape = (len(texts), len(kept))
    return csr_matrix((np.ones(len(flat)), flat, starts), shape=shape), np.array(kept, dtype=str)


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
    chosen: NDArray[np.intp] = order[(score[order] > 0) & (own[order] > 0)]
    return chosen


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
