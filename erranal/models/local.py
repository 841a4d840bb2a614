"""A transformers chat model in process: batches on one thread, replies held to their schema.

Text in a request that looks like one of the model's control tokens reaches it as plain text, so a
record cannot end its turn or start another.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from erranal.models.batching import Batcher, closed
from erranal.models.chat import ChatFailure, ChatReply
from erranal.models.checkpoint import load
from erranal.models.constrained import Grammars
from erranal.models.decoding import Row, Writer
from erranal.models.prefill import Prefill, fits
from erranal.models.turns import as_parts, as_texts, has_pictures

if TYPE_CHECKING:
    from collections.abc import Callable

    from erranal.models import DTypeChoice
    from erranal.models.batching import Outcome
    from erranal.models.chat import ChatRequest

BATCH = 8


class LocalChat:
    """A chat model in this process; see :class:`erranal.models.chat.ChatModel`.

    Without a temperature a reply is greedy. The modes json_schema and json_object are enforced
    while decoding, plain is not. A reply that had to be closed early to stay within ``max_tokens``
    is whole JSON and has the finish reason length. Log-probabilities are those among the tokens
    that the schema permits at that place, before temperature. The same request gets the same reply
    in float32; in half precision the rest of a batch can tip a close call between two tokens.

    Parameters
    ----------
    path_or_name
        The folder of a model that transformers saved, or its name on the hub.
    device
        Torch device; by default the first GPU, else the processor.
    dtype
        Precision of the weights; ``auto`` takes the one they were saved in.
    batch_size
        How many requests are answered at once; halved for good when memory runs out.

    Raises
    ------
    ModelError
        When the model is not there, is not safe to load, or a package is missing.
    """

    address = "in process"

    def __init__(
        self,
        path_or_name: str,
        *,
        device: str | None = None,
        dtype: DTypeChoice = "auto",
        batch_size: int = BATCH,
    ) -> None:
        self._checkpoint: Any = load(str(path_or_name), device=device, dtype=dtype)
        self.name = f"hf:{self._checkpoint.name}"
        self._grammars: Any = Grammars(self._checkpoint.tokenizer, self._checkpoint.ends)
        model = self._checkpoint.model
        self._prefill: Prefill | None = Prefill(model) if fits(model) else None
        self._batcher = Batcher(self._serve, batch_size, _kind)

    @property
    def batch_size(self) -> int:
        """How many requests are answered at once."""
        return self._batcher.size

    async def ask(self, request: ChatRequest) -> ChatReply:
        """Return the reply to one request; those asked at the same time share a batch.

        Raises
        ------
        ChatFailure
            When the request cannot be answered, or the model has been closed.
        """
        return await asyncio.wrap_future(self._batcher.submit(request))

    async def disconnect(self) -> None:
        """Do nothing: the model belongs to no event loop."""

    async def close(self) -> None:
        """End what is being written and let go of the model's memory."""
        await asyncio.to_thread(self._batcher.close)
        self._checkpoint = self._grammars = self._prefill = None
        _empty_cache()

    def _serve(self, batch: list[ChatRequest]) -> list[Outcome]:
        """Answer a batch; what fails is halved until it is clear which request it was."""
        try:
            return list(self._write(batch))
        except Exception as error:  # noqa: BLE001 - the thread must outlive any one request
            failure, full = _failure(error), _out_of_memory(error)
        # Out here, so that the traceback no longer holds the tensors of the attempt.
        half = len(batch) // 2
        if full:
            if self._prefill:
                self._prefill.forget()
            _empty_cache()
            self._batcher.size = max(1, min(self._batcher.size, half))
        if half == 0 or failure.trouble == "unusable":
            return [failure] * len(batch)
        return self._serve(batch[:half]) + self._serve(batch[half:])

    def _write(self, batch: list[ChatRequest]) -> list[ChatReply]:
        import torch

        rows = [Row(r, self._grammars.guide(r), self._checkpoint.ends) for r in batch]
        writer = Writer(rows, lambda: self._batcher.closing)
        with torch.inference_mode():
            inputs, lengths, shared = self._prepare(batch)
            self._checkpoint.model.generate(
                **inputs,
                logits_processor=[writer],
                stopping_criteria=[writer.finished],
                max_new_tokens=max(request.max_tokens for request in batch),
                do_sample=False,
            )
        if any(row.finish is None for row in rows):
            raise closed()
        return [
            row.reply(self._decoder(row), self._checkpoint.name, length, taken_over)
            for row, length, taken_over in zip(rows, lengths, shared, strict=True)
        ]

    def _prepare(self, batch: list[ChatRequest]) -> tuple[dict[str, Any], list[int], list[int]]:
        """Return what the model goes on from, the lengths of the prompts, and what they shared."""
        parts = [[request] for request in batch] if self._prefill else [batch]
        read = [_placed(self._read(part), self._checkpoint.model) for part in parts]
        lengths = [n for inputs in read for n in inputs["attention_mask"].sum(dim=1).tolist()]
        for request, length in zip(batch, lengths, strict=True):
            self._check_window(length, request.max_tokens)
        if self._prefill:
            inputs, shared = self._prefill(read)
            return inputs, lengths, shared
        return read[0], lengths, [0] * len(batch)

    def _read(self, batch: list[ChatRequest]) -> Any:
        """Return the batch as tensors, padded on the left."""
        reader, sees = self._checkpoint.reader, self._checkpoint.sees
        template = reader.chat_template or self._checkpoint.tokenizer.chat_template
        options: dict[str, Any] = {"processor_kwargs": {"padding": True}}
        if not sees:
            options = {"padding": True}
        if batch[0].mode != "plain" and "enable_thinking" in str(template):
            options["enable_thinking"] = False  # a reply held to a schema has no room for it
        return reader.apply_chat_template(
            [as_parts(request) if sees else as_texts(request) for request in batch],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            sanitize_control_tokens=True,
            **options,
        )

    def _check_window(self, length: int, max_tokens: int) -> None:
        window = self._checkpoint.window
        if window and length + max_tokens > window:
            raise ChatFailure(
                "bad_request",
                f"a prompt of {length} tokens and a reply of up to {max_tokens} are more than the "
                f"{window} that {self.name} can hold",
            )

    def _decoder(self, row: Row) -> Callable[[list[int]], str]:
        if row.guide:  # byte for byte what the grammar saw
            exact: Callable[[list[int]], str] = self._grammars.tokenizer.decode_str
            return exact
        return partial(
            self._checkpoint.tokenizer.decode,
            skip_special_tokens=True,
            clean_up_tokenization_spaces=False,
        )


def _kind(request: ChatRequest) -> tuple[bool, bool]:
    return has_pictures(request), request.mode == "plain"


def _placed(inputs: Any, model: Any) -> dict[str, Any]:
    """Return tensors where the model is, pixels in its precision."""
    return {
        name: tensor.to(model.device, model.dtype if tensor.is_floating_point() else None)
        for name, tensor in inputs.items()
    }


def _failure(error: Exception) -> ChatFailure:
    import torch

    if isinstance(error, ChatFailure):
        return error
    reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    if _out_of_memory(error):
        return ChatFailure("bad_request", f"one request alone does not fit in memory ({reason})")
    if isinstance(error, torch.AcceleratorError):
        return ChatFailure("unusable", f"the device failed ({reason}): start again")
    return ChatFailure("bad_request", reason)


def _out_of_memory(error: Exception) -> bool:
    import torch

    # On the processor it is a plain RuntimeError with a fixed text.
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _empty_cache() -> None:
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
