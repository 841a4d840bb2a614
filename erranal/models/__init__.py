"""Models that stages call: encoders that turn texts into vectors.

``load_encoder("auto")`` gives the best encoder at hand; every encoder has the same face.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["DTypeChoice", "Encoder", "Kind", "Progress", "load_encoder"]

Progress = Callable[[int, int, str], None]
Kind = Literal["transformer", "lexical"]
DTypeChoice = Literal["auto", "float32", "bfloat16", "float16"]


class Encoder(Protocol):
    """Turns texts into unit vectors, the same text into the same vector whatever stands beside it.

    Attributes
    ----------
    name
        What to call it in tables and charts.
    fingerprint
        Hash of everything that determines a vector: weights, tokenizer and parameters.
    dimension
        Length of a vector.
    kind
        transformer, or lexical for one that knows words and not what they mean.
    params
        The parameters behind the fingerprint, readable.
    note
        Why this encoder was taken where that was not the user's choice; otherwise empty.
    """

    name: str
    fingerprint: str
    dimension: int
    kind: Kind
    params: dict[str, Any]
    note: str

    def encode(
        self, texts: list[str], progress: Progress | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Return the vectors, shape (n, dimension), and the number of pieces of each text, (n,)."""
        ...


def load_encoder(
    spec: str = "auto", *, device: str | None = None, dtype: DTypeChoice = "auto"
) -> Encoder:
    """Load an encoder.

    Parameters
    ----------
    spec
        ``auto`` for all-MiniLM-L6-v2 where its weights and sentence-transformers are installed and
        the lexical encoder elsewhere; ``lexical``; the name of a sentence-transformers model; or a
        folder that holds one.
    device
        Torch device; by default the first GPU, else the processor.
    dtype
        Precision of the matrix products; ``auto`` takes half precision where the hardware
        multiplies it faster.

    Raises
    ------
    ModelError
        When the model is not there, is not safe to load, or a package is missing.
    """
    from erranal.models import weights

    if spec == "lexical" or (spec == "auto" and (lack := weights.missing_for_auto())):
        from erranal.models.lexical import LexicalEncoder

        return LexicalEncoder(note="" if spec == "lexical" else lack)
    from erranal.models.transformer import TransformerEncoder

    name = weights.PACKAGED if spec == "auto" else spec
    return TransformerEncoder(weights.locate(name), device=device, dtype=dtype)
