"""A model as a judge: everything that determines its verdicts but the record and the codebook."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erranal.errors import StageError
from erranal.judge.prompt.style import Ask
from erranal.judge.shots import Shot
from erranal.judge.verdict import JudgeSpec
from erranal.models import weights

if TYPE_CHECKING:
    from erranal.engine import Limits

ASKS = ("all", "each")
# What sampling can be done with, from and to; nan is in no range.
RANGES = {"samples": (1, 10_000), "max_tokens": (1, 10**9), "temperature": (0, 2), "top_p": (0, 1)}
MODES = ("auto", "json_schema", "json_object", "plain")


@dataclass(frozen=True)
class Terms:
    """How a model is reached and what may be spent; none of it changes a verdict.

    Attributes
    ----------
    limits
        Concurrency, rates and budget; by default those of the engine.
    key_env
        Name of the environment variable that holds the key; the key itself is never kept.
    prices
        TOML file of prices, before the ones that come with the package.
    pictures
        Folder of the pictures; by default that of the result file.
    timeout_s
        Of one call, in seconds.
    device
        Of a model in process; by default the first GPU, else the processor.

    Raises
    ------
    StageError
        When the time-out is no time.
    """

    limits: Limits | None = None
    key_env: str | None = None
    prices: Path | None = None
    pictures: Path | None = None
    timeout_s: float = 120.0
    device: str | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.timeout_s) and self.timeout_s > 0):
            raise StageError(f"a time-out of {self.timeout_s} s is none: give seconds above zero")


@dataclass(frozen=True)
class ModelJudge:
    """A language model that judges.

    Attributes
    ----------
    model
        ``openai:NAME``, ``anthropic:NAME``, ``ollama:NAME``, ``lmstudio:NAME``, ``hf:FOLDER``, ...
    url
        Address of an OpenAI-compatible server, without credentials.
    name
        What to call the judge; by default the model's own name.
    ask
        ``all`` codes in one call, or ``each`` code in a call of its own.
    codes
        Only these are asked about; None for all of the codebook.
    samples
        Replies per question; several give vote shares.
    temperature, top_p, seed, max_tokens
        Sampling; None leaves a parameter to the server. Several samples are taken with seeds
        ``seed``, ``seed + 1``, ...
    mode
        How replies are held to the schema: ``auto`` takes the best that the model was found to do.
    images, reference
        Whether the judge is shown the picture, and the response under the other condition.
    blind
        Whether arms are named neutrally (run A, run B), so that no judge finds misreadings because
        it reads "image". A picture that is shown still tells.
    shots
        Worked examples that it is shown; only from items that are not tested on.
    """

    model: str
    url: str | None = None
    name: str | None = None
    ask: Ask = "all"
    codes: tuple[str, ...] | None = None
    samples: int = 1
    temperature: float | None = 0.0
    top_p: float | None = None
    seed: int | None = None
    max_tokens: int = 2048
    mode: str = "auto"
    images: bool = True
    reference: bool = True
    blind: bool = False
    shots: tuple[Shot, ...] = ()

    def __post_init__(self) -> None:
        if self.ask not in ASKS:
            raise StageError(f"ask {self.ask!r} is not known: use {' or '.join(ASKS)}")
        if self.mode not in MODES:
            raise StageError(f"mode {self.mode!r} is not known: use one of {', '.join(MODES)}")
        for name, (least, most) in RANGES.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise StageError(f"{name} is {value}: give a number from {least} to {most:,}")
        if self.samples > 1 and self.temperature == 0.0:
            # Greedy decoding would give the same reply again and again, and call it agreement.
            raise StageError(
                f"{self.samples} samples at temperature 0 are the same reply {self.samples} times: "
                "give a temperature, such as 0.7"
            )

    @property
    def in_process(self) -> bool:
        """Whether replies are held to the schema here, and not by a server."""
        return self.model.startswith("hf:")

    def spec(self, version: str) -> JudgeSpec:
        """Return what is stored of the judge; ``version`` is that of the prompt."""
        params = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in {"model", "name", "shots"}
        }
        if not self.blind:  # as it was before there was a choice, so that its verdicts still stand
            del params["blind"]
        params["assesses"] = sorted(self.codes) if self.codes else None
        params["shots"] = [shot.record.output_id for shot in self.shots]
        params["weights"] = self._weights()
        params["shots_sha256"] = _digest(self.shots) if self.shots else None
        name = self.name or self.model.partition(":")[2] or self.model
        return JudgeSpec("llm", name, version, self.model, params)

    def _weights(self) -> str | None:
        """Return the hash of a model's folder: other weights in it are another judge."""
        folder = Path(self.model.partition(":")[2])
        return weights.fingerprint_once(folder) if self.in_process and folder.is_dir() else None


def from_stored(row: Mapping[str, Any]) -> ModelJudge:
    """Return the judge of a row of the table ``judges``.

    Raises
    ------
    StageError
        When it is not a model, or was shown examples, which are not stored whole.
    """
    if row["kind"] != "llm":
        raise StageError(
            f"the judge {row['name']!r} is {row['kind']}, not a model that can be asked"
        )
    params = json.loads(row["params"])
    if params.get("shots"):
        raise StageError(
            f"the judge {row['name']!r} was shown {len(params['shots'])} examples: "
            "give the same `erranal judge run` again instead, with --retry"
        )
    known = {field.name for field in fields(ModelJudge)} - {"shots"}
    values = {name: value for name, value in params.items() if name in known}
    if values.get("codes"):
        values["codes"] = tuple(values["codes"])
    return replace(ModelJudge(row["model"], name=row["name"]), **values)


def _digest(shots: tuple[Shot, ...]) -> str:
    return hashlib.sha256(repr(shots).encode("utf-8", "surrogatepass")).hexdigest()
