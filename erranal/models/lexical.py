"""The lexical encoder: hashed words and letter groups, projected to a few hundred dimensions.

It knows which words a text uses and nothing of what they mean. It needs no weights and fits
nothing, so a text's vector does not depend on the other texts, and a run can be resumed.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from erranal.models import Kind, Progress

    Floats = NDArray[np.float32]

FEATURES = 2**18  # hash buckets
DIMENSION = 512
ENTRIES = 4  # non-zero entries a bucket has in the projection
LETTERS = 4  # length of a letter group
LETTER_WEIGHT = 0.5  # of the letter groups beside the words
BATCH = 2_000  # texts
SEED = 20


class LexicalEncoder:
    """Words without meaning; see :class:`erranal.models.Encoder` for the attributes.

    Damped counts of words (stop words left out) and of letter groups within words, each scaled to
    unit length, go through a sparse random projection (Achlioptas 2003; Li, Hastie and Church
    2006), which keeps angles up to an error of about one over the root of the dimension.
    """

    name = "lexical"
    kind: Kind = "lexical"
    dimension = DIMENSION

    def __init__(self, note: str = "") -> None:
        self.note = note
        self.params: dict[str, Any] = {
            "version": 1,
            "features": FEATURES,
            "dimension": DIMENSION,
            "entries": ENTRIES,
            "letters": LETTERS,
            "letter_weight": LETTER_WEIGHT,
            "seed": SEED,
            "knows": "words only, not their meaning",
        }
        stated = json.dumps(self.params, sort_keys=True)
        self.fingerprint = hashlib.sha256(stated.encode()).hexdigest()

    def encode(
        self, texts: list[str], progress: Progress | None = None
    ) -> tuple[Floats, NDArray[np.int32]]:
        """Return unit vectors, shape (n, 512), and ones: a text is always read whole."""
        projection = _projection()
        vectors = np.zeros((len(texts), DIMENSION), dtype=np.float32)
        for start in range(0, len(texts), BATCH):
            batch = texts[start : start + BATCH]
            vectors[start : start + len(batch)] = (_features(batch) @ projection).toarray()
            if progress:
                progress(start + len(batch), len(texts), "texts")
        return _unit(vectors), np.ones(len(texts), dtype=np.int32)


def _features(texts: list[str]) -> csr_matrix:
    """Return damped counts, words and letter groups each of unit length, shape (n, FEATURES)."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.preprocessing import normalize

    shared = {"n_features": FEATURES, "alternate_sign": False, "norm": None}
    parts = []
    for weight, vectorizer in (
        (1.0, HashingVectorizer(stop_words="english", **shared)),
        (
            LETTER_WEIGHT,
            HashingVectorizer(analyzer="char_wb", ngram_range=(LETTERS,) * 2, **shared),
        ),
    ):
        counts = vectorizer.transform(texts).astype(np.float32)
        counts.data = 1 + np.log(counts.data)
        parts.append(weight * normalize(counts))
    return parts[0] + parts[1]


def _projection() -> csr_matrix:
    """Return the projection, shape (FEATURES, DIMENSION), with ENTRIES signs a row.

    It is read off the generator's raw words, which stay the same from version to version.
    """
    from scipy.sparse import csr_matrix

    words = np.random.PCG64(SEED).random_raw(FEATURES * ENTRIES)
    columns = ((words >> np.uint64(1)) % np.uint64(DIMENSION)).astype(np.int32)
    signs = np.where(words & np.uint64(1), 1, -1).astype(np.float32)
    starts = np.arange(0, FEATURES * ENTRIES + 1, ENTRIES)
    return csr_matrix((signs, columns, starts), shape=(FEATURES, DIMENSION))


def _unit(vectors: Floats) -> Floats:
    """Scale to unit length; a text without a single feature becomes the first axis."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[norms[:, 0] == 0, 0] = 1
    scaled: Floats = (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)
    return scaled
