"""Guessing which field is which from the names that result files commonly use."""

from __future__ import annotations

import re
from pathlib import Path

from erranal.errors import IngestError
from erranal.ingest.formats import DataFile
from erranal.ingest.mapping import Mapping, parts_of
from erranal.ingest.values import MODALITIES, modality_of

# In order of preference. A name that could mean two things (score, sample_index) is in no list.
NAMES = {
    "id": "id item_id uid question_id sample_id example_id problem_id instance_id doc_id qid index "
    "idx",
    "question": "question problem input query prompt",
    "prompt": "prompt full_prompt input_prompt prompt_text",
    "choices": "choices options",
    "gold": "gold answer target label ground_truth gold_answer correct_answer reference truth gt",
    "answer_type": "answer_type",
    "response": "response output model_response model_output completion generation generated_text "
    "raw_response raw_output text_response",
    "prediction": "prediction pred parsed_prediction extracted_answer extracted parsed_answer "
    "predicted pred_answer",
    "correct": "correct is_correct if_right hit right",
    "modality": "modality input_modality mode input_type",
    "model": "model model_name model_id",
    "prompt_style": "prompt_style prompt_type style",
    "render": "render convention render_condition",
    "benchmark": "benchmark dataset dataset_name",
    "split": "split",
    "subject": "subject category topic task task_name discipline domain",
    "reasoning": "reasoning reasoning_content thinking rationale",
    "image": "image image_path image_url image_file",
    "sample": "sample",
    "finish_reason": "finish_reason stop_reason",
    "status": "status",
    "tokens_in": "tokens_in input_tokens prompt_tokens",
    "tokens_out": "tokens_out output_tokens completion_tokens",
    "latency_s": "latency_s latency seconds elapsed_s",
}

_REQUIRED = {
    "id": "--field id=FIELD",
    "model": "--field model=FIELD or --constant model=NAME",
    "modality": "--field modality=FIELD or --constant modality=text (or image, text+image ...)",
    "response": "--field response=FIELD (or --field prediction=FIELD)",
}

_FILE_NAME_MODALITY = {
    "text": {"text", "txt", "textonly"},
    "image": {"image", "images", "img", "vision", "visual"},
}


def complete(given: Mapping, file: DataFile) -> tuple[Mapping, list[str]]:
    """Fill what a mapping leaves open by the names of a file's fields.

    Returns
    -------
    mapping, notes
        The whole mapping, and what was guessed in words.

    Raises
    ------
    IngestError
        When id, model, modality or response stay unknown; the message names the fields found.
    """
    notes: list[str] = []
    mapping = _names(given, file, notes)
    mapping = _prediction_as_response(mapping, notes)
    if not mapping.has("modality") and (modality := modality_of_name(file.path)):
        mapping = Mapping(constant={"modality": modality}).over(mapping)
        notes.append(f"modality {modality} (from the file's name)")
    if not mapping.has("benchmark"):
        mapping = Mapping(constant={"benchmark": "unnamed"}).over(mapping)
        notes.append("benchmark 'unnamed' (give --constant benchmark=NAME)")
    _require(mapping, file)
    return mapping, notes


def _names(given: Mapping, file: DataFile, notes: list[str]) -> Mapping:
    taken = {part for path in given.fields.values() for part in parts_of(path)}
    guessed: dict[str, str] = {}
    for target, names in NAMES.items():
        if given.has(target):
            continue
        for name in names.split():
            source = _present(name, target, file)
            if source and source not in taken:
                guessed[target] = source
                taken.add(source)
                break
    notes += [f"{target} from {source}" for target, source in guessed.items() if target != source]
    return given.over(Mapping(fields=guessed))


def _present(name: str, target: str, file: DataFile) -> str | None:
    if name in file.fields:
        return name if _fits(name, target, file) else None
    around = file.around.get(name)
    run_wide = target in ("model", "modality", "prompt_style", "render", "benchmark", "split")
    if run_wide and isinstance(around, str) and (target != "modality" or modality_of(around)):
        return f"^{name}"
    return None


def _fits(name: str, target: str, file: DataFile) -> bool:
    """Whether the first values under a name can be what the target needs."""
    values = [record[name] for record in file.head if record.get(name) is not None]
    if target == "modality":
        return any(isinstance(value, str) and modality_of(value) for value in values)
    if target in ("choices", "gold"):
        return True
    return not values or not all(isinstance(value, list | dict) for value in values)


def _prediction_as_response(mapping: Mapping, notes: list[str]) -> Mapping:
    """Take the parsed answer for the response where a file kept nothing else."""
    if "response" in mapping.fields or "response" in mapping.constant:
        return mapping
    if source := mapping.fields.get("prediction"):
        notes.append(f"response from {source} (the file has predictions only)")
        return Mapping(fields={"response": source}).over(mapping)
    return mapping


def modality_of_name(path: Path) -> str | None:
    """Return the modality that a file's name says, when it says exactly one.

    Examples
    --------
    >>> modality_of_name(Path("gpt-4o_vision.jsonl")), modality_of_name(Path("text_image.jsonl"))
    ('image', None)
    """
    words = set(re.split(r"[^a-z0-9]+", path.name.lower().split(".")[0]))
    said = [name for name, signs in _FILE_NAME_MODALITY.items() if words & signs]
    return said[0] if len(said) == 1 else None


def _require(mapping: Mapping, file: DataFile) -> None:
    missing = [
        target
        for target in _REQUIRED
        if target not in mapping.fields and target not in mapping.constant
    ]
    if not missing:
        return
    ways = "; ".join(f"{target}: {_REQUIRED[target]}" for target in missing)
    around = f" and around them {', '.join(map(str, file.around))}" if file.around else ""
    modalities = f" Modalities: {', '.join(MODALITIES)}." if "modality" in missing else ""
    raise IngestError(
        f"{file.path}: cannot tell which field is the {' and the '.join(missing)}. "
        f"Its records have {', '.join(map(str, file.fields[:40]))}{around}. "
        f"Say it in the mapping or with {ways}.{modalities}"
    )
