"""Transformer encoders: sentence-transformers models over whole texts, in batches of equal cost.

A model reads a few hundred tokens; the default elsewhere is to cut the rest off, which loses a
third of the tokens of reasoning traces. Here a long text is read in overlapping pieces whose
vectors are averaged, weighted by their tokens.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from erranal.errors import ModelError
from erranal.models import weights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from erranal.models import DTypeChoice, Kind, Progress
    from erranal.models.weights import Weights

    Floats = NDArray[np.float32]
    Ints = NDArray[np.int32]

MAX_TOKENS = 512  # a piece, where the model states no maximum of its own
OVERLAP = 16  # tokens that neighbouring pieces share
CPU_BUDGET = 1024  # tokens a batch, padding included: fits the cache
GPU_BUDGET = 65_536


class TransformerEncoder:
    """One sentence-transformers model; see :class:`erranal.models.Encoder` for the attributes."""

    kind: Kind = "transformer"
    note = ""

    def __init__(self, found: Weights, *, device: str | None, dtype: DTypeChoice) -> None:
        self.name = found.name
        self._device = device or _default_device()
        self._dtype = _pick_dtype(self._device) if dtype == "auto" else dtype
        self._model = _load(found, self._device)
        self._tokenizer = self._model.tokenizer
        self._budget = CPU_BUDGET if self._device == "cpu" else GPU_BUDGET
        self._max_tokens = min(
            self._model.max_seq_length or MAX_TOKENS, self._tokenizer.model_max_length
        )
        self.dimension = int(self._model.get_embedding_dimension())
        self.params: dict[str, Any] = {
            "files": weights.fingerprint(found.folder),
            "max_tokens": self._max_tokens,
            "overlap": OVERLAP,
            "pooling": "token-weighted mean of pieces",
            "dtype": self._dtype,
        }
        stated = json.dumps(self.params, sort_keys=True)
        self.fingerprint = hashlib.sha256(stated.encode()).hexdigest()

    def encode(self, texts: list[str], progress: Progress | None = None) -> tuple[Floats, Ints]:
        """Return unit vectors, shape (n, dimension), and the pieces of each text, shape (n,).

        Raises
        ------
        ModelError
            When the model gives numbers that are not finite.
        """
        if not texts:
            return np.zeros((0, self.dimension), np.float32), np.zeros(0, np.int32)
        pieces, owner = self._pieces(texts)
        lengths = np.array([len(piece) for piece in pieces], dtype=np.int32)
        parts = self._embed(pieces, lengths, progress)
        sums = np.zeros((len(texts), self.dimension), dtype=np.float32)
        np.add.at(sums, owner, parts * lengths[:, None])
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        if not np.isfinite(sums).all() or not norms.all():
            raise ModelError(
                f"encoder {self.name!r} gave vectors that are not finite in {self._dtype}: "
                "try dtype 'float32'"
            )
        return sums / norms, np.bincount(owner, minlength=len(texts)).astype(np.int32)

    def _pieces(self, texts: list[str]) -> tuple[list[list[int]], Ints]:
        """Return the token ids of all pieces and the text that each belongs to."""
        encoded = self._tokenizer(
            texts,
            truncation=True,
            max_length=self._max_tokens,
            stride=min(OVERLAP, self._max_tokens // 4),
            return_overflowing_tokens=True,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        owner = np.asarray(encoded["overflow_to_sample_mapping"], dtype=np.int32)
        return encoded["input_ids"], owner

    def _embed(self, pieces: list[list[int]], lengths: Ints, progress: Progress | None) -> Floats:
        """Embed the pieces, longest first so that a batch has little padding."""
        import torch

        parts = np.zeros((len(pieces), self.dimension), dtype=np.float32)
        order = np.argsort(-lengths, kind="stable")
        start = 0
        while start < len(order):
            rows = max(1, self._budget // int(lengths[order[start]]))
            batch = order[start : start + rows]
            try:
                parts[batch] = self._forward([pieces[i] for i in batch])
            except torch.OutOfMemoryError:
                if rows == 1:
                    raise
                self._budget //= 2
                torch.cuda.empty_cache()
                continue
            start += len(batch)
            if progress:
                progress(start, len(order), "text pieces")
        return parts

    def _forward(self, pieces: list[list[int]]) -> Floats:
        import torch

        width = max(map(len, pieces))
        ids = torch.full((len(pieces), width), self._tokenizer.pad_token_id or 0)
        mask = torch.zeros((len(pieces), width), dtype=torch.long)
        for row, piece in enumerate(pieces):
            ids[row, : len(piece)] = torch.tensor(piece)
            mask[row, : len(piece)] = 1
        features = {"input_ids": ids.to(self._device), "attention_mask": mask.to(self._device)}
        half = self._dtype != "float32"
        with (
            torch.inference_mode(),
            torch.autocast(
                self._device.split(":")[0],
                dtype=getattr(torch, self._dtype) if half else None,
                enabled=half,
            ),
        ):
            vectors = self._model(features)["sentence_embedding"].float()
        array: Floats = torch.nn.functional.normalize(vectors, dim=1).cpu().numpy()
        return array


def _default_device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _pick_dtype(device: str) -> Literal["float32", "bfloat16", "float16"]:
    """Return the precision in which this device multiplies matrices fastest."""
    import torch

    if device.startswith("cuda"):
        return "float16"
    if device != "cpu":
        return "float32"
    able = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return "bfloat16" if able.get("amx_bf16") or able.get("avx512_bf16") else "float32"


@contextmanager
def _without_progress_bars() -> Iterator[None]:
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _load(found: Weights, device: str) -> Any:
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer

    failures = (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError)

    try:
        with _without_progress_bars():
            model = SentenceTransformer(
                str(found.folder),
                device=device,
                trust_remote_code=False,
                local_files_only=True,
                model_kwargs={"use_safetensors": True},
            )
    except failures as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(
            f"encoder {found.name!r} could not be loaded from {found.folder}: {reason}"
        ) from error
    if not model.tokenizer.is_fast:
        raise ModelError(f"encoder {found.name!r} has no tokenizer.json: choose another model")
    return model.eval()
