"""Reader of IsoBench-Eval logs: one JSON list a task, with a text and an image record an item.

The item's question is the prompt of its text arm, for both arms; what each arm was sent stays with
its output. The model is named by ``evaluation_summary.json`` beside the files.

References
----------
Fu et al. 2024, IsoBench: Benchmarking Multimodal Foundation Models on Isomorphic Representations,
arXiv 2404.01266.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from erranal.errors import IngestError
from erranal.ingest.mapping import Mapping

if TYPE_CHECKING:
    from erranal.ingest.formats import DataFile

NAME = "isobench"

_FIELDS = {"sample_index", "task_name", "modality", "evaluation"}
_SUMMARY = "evaluation_summary.json"
_LARGEST_SUMMARY = 16 << 20
# Where prepare() puts the prompt of the text arm; the logs have no such field.
_QUESTION = "question of the text arm"

_MAPPING = Mapping(
    fields={
        "id": "{task_name}/{sample_index}",
        "subject": "task_name",
        "question": _QUESTION,
        "choices": "evaluation.choices",
        "gold": "evaluation.ground_truth",
        "modality": "modality",
        "prompt_style": "evaluation.prompt_type",
        "prompt": "evaluation.input_prompt",
        "response": "evaluation.model_response",
        "prediction": "evaluation.parsed_prediction",
        "correct": "evaluation.is_correct",
    },
    constant={"benchmark": "IsoBench"},
)


def recognises(record: dict[str, Any]) -> bool:
    """Whether a record is one of IsoBench-Eval's."""
    evaluation = record.get("evaluation")
    return (
        record.keys() >= _FIELDS
        and isinstance(evaluation, dict)
        and evaluation.keys() >= {"model_response", "ground_truth"}
    )


def plan(given: Mapping, file: DataFile) -> tuple[Mapping, list[str]]:
    """Return the whole mapping of a file, and where its model is from.

    Raises
    ------
    IngestError
        When neither the mapping nor a summary beside the file names the model.
    """
    mapping = given.over(_MAPPING)
    if "model" in mapping.constant or "model" in mapping.fields:
        return mapping, []
    summary = file.path.with_name(_SUMMARY)
    model = _model(summary)
    if model is None:
        raise IngestError(
            f"{file.path}: IsoBench logs do not name the model, and there is no {_SUMMARY} with a "
            "model_name beside the file: give --constant model=NAME"
        )
    return Mapping(constant={"model": model}).over(mapping), [f"model {model} (from {_SUMMARY})"]


def _model(summary: Path) -> str | None:
    import orjson

    try:
        with summary.open("rb") as file:
            found = orjson.loads(file.read(_LARGEST_SUMMARY))
    except (OSError, orjson.JSONDecodeError):
        return None
    name = found.get("model_name") if isinstance(found, dict) else None
    return name if isinstance(name, str) and name else None


def prepare(records: list[Any]) -> None:
    """Give both arms of an item the prompt of its text arm as their question."""
    known = [record for record in records if isinstance(record, dict) and recognises(record)]
    prompts = {
        _item(record): record["evaluation"].get("input_prompt")
        for record in known
        if record["modality"] == "text"
    }
    for record in known:
        record[_QUESTION] = prompts.get(_item(record))


def _item(record: dict[str, Any]) -> tuple[str, str]:
    return str(record["task_name"]), str(record["sample_index"])
