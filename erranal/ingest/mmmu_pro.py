"""Reader of MMMU-Pro output files: model, mode and prompt style are in the name of the file.

Files are those of the benchmark's own inference scripts, one JSON object a line, e.g.
``gpt-4o_standard (10 options)_cot.jsonl`` or ``gpt-4o_vision_direct.jsonl``. In the standard mode
the question is text and its figures are images; in the vision mode all is in one screenshot.

References
----------
Yue et al. 2024, MMMU-Pro: A More Robust Multi-discipline Multimodal Understanding Benchmark,
arXiv 2409.02813.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from erranal.errors import IngestError
from erranal.ingest.mapping import Mapping

if TYPE_CHECKING:
    from erranal.ingest.formats import DataFile

NAME = "mmmu-pro"

_FIELDS = {"id", "question", "options", "answer", "img_type", "topic_difficulty", "response"}
_FILE_NAME = re.compile(
    r"(?P<model>.+)_(?P<mode>standard|vision)(?:[ _]\(?(?P<options>4|10)[ _]?opt(?:ions)?\)?)?"
    r"_(?P<style>cot|direct)"
)
_MODALITY = {"standard": "text+image", "vision": "image"}

_MAPPING = Mapping(
    fields={
        "id": "id",
        "subject": "subject",
        "question": "question",
        "choices": "options",
        "gold": "answer",
        "response": "response",
        "prediction": "pred_indexs",
        "correct": "if_right",
    },
    constant={"answer_type": "choice"},
    metadata={"img_type": "img_type", "topic_difficulty": "topic_difficulty"},
)


def recognises(record: dict[str, Any]) -> bool:
    """Whether a record is one of MMMU-Pro's."""
    return record.keys() >= _FIELDS


def plan(given: Mapping, file: DataFile) -> tuple[Mapping, list[str]]:
    """Return the whole mapping of a file, and what its name said.

    Raises
    ------
    IngestError
        When the name says no model, mode and prompt style, and the mapping does not either.
    """
    name = file.path.name.removesuffix(".gz").rpartition(".")[0]
    said = _FILE_NAME.fullmatch(name)
    constant = dict(_MAPPING.constant)
    if said:
        # Four and ten options under the same ids are two benchmarks: their letters differ.
        constant["benchmark"] = "MMMU-Pro (4 options)" if said["options"] == "4" else "MMMU-Pro"
        constant |= {"model": said["model"], "modality": _MODALITY[said["mode"]]}
        constant["prompt_style"] = said["style"]
    own = Mapping(fields=_MAPPING.fields, constant=constant, metadata=_MAPPING.metadata)
    mapping = given.over(own).over(Mapping(constant={"benchmark": "MMMU-Pro"}))
    for target in ("model", "modality"):
        if target not in mapping.constant and target not in mapping.fields:
            raise IngestError(
                f"{file.path}: the file's name is not MODEL_standard|vision_cot|direct.jsonl, so "
                f"the {target} is unknown: give --constant {target}=NAME (and --constant "
                "prompt_style=cot or direct), or name the file so"
            )
    shown = [constant[k] for k in ("model", "modality", "prompt_style")] if said else []
    return mapping, [f"{', '.join(shown)} (from the file's name)"] if shown else []


def prepare(records: list[Any]) -> None:
    """Leave the records as they are."""
