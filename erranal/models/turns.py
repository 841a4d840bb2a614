"""A request as the conversation that a chat template takes, pictures opened."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from erranal.models.chat import ChatFailure, Picture

if TYPE_CHECKING:
    from PIL.Image import Image

    from erranal.models.chat import ChatRequest


def has_pictures(request: ChatRequest) -> bool:
    """Return whether a request shows a picture."""
    return any(isinstance(part, Picture) for turn in request.messages for part in turn.parts)


def as_texts(request: ChatRequest) -> list[dict[str, Any]]:
    """Return the turns for a model that only reads.

    Raises
    ------
    ChatFailure
        When the request shows a picture.
    """
    if has_pictures(request):
        raise ChatFailure(
            "bad_request", "this model reads text only: choose a vision-language model"
        )
    return [
        {"role": turn.role, "content": "".join(map(str, turn.parts))} for turn in request.messages
    ]


def as_parts(request: ChatRequest) -> list[dict[str, Any]]:
    """Return the turns for a model that reads and sees.

    Raises
    ------
    ChatFailure
        When a picture cannot be opened.
    """
    return [
        {"role": turn.role, "content": [_part(part) for part in turn.parts]}
        for turn in request.messages
    ]


def _part(part: str | Picture) -> dict[str, Any]:
    if isinstance(part, Picture):
        return {"type": "image", "image": open_picture(part)}
    return {"type": "text", "text": part}


def open_picture(picture: Picture) -> Image:
    """Return a picture's pixels, what is transparent in it on white.

    Raises
    ------
    ChatFailure
        When it is no picture, damaged, or larger than Pillow is willing to open.
    """
    from PIL import Image, UnidentifiedImageError

    name = f"picture {picture.sha256[:12]} ({picture.media_type})"
    try:
        with Image.open(io.BytesIO(picture.data)) as opened:
            if not opened.has_transparency_data:
                return opened.convert("RGB")
            layer = opened.convert("RGBA")
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,  # what Pillow raises on damaged PNG chunks
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise ChatFailure(
            "bad_request", f"{name} cannot be opened: {type(error).__name__}"
        ) from error
    paper = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(paper, layer).convert("RGB")
