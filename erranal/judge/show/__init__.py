"""One record as a judge saw it: the item, the exact prompt, the reply, and what was made of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from erranal.errors import StageError
from erranal.judge.show import rebuilding
from erranal.judge.show.words import in_words

if TYPE_CHECKING:
    from erranal.store import Study

__all__ = ["find", "in_words", "show"]


def find(study: Study, text: str) -> str:
    """Return the one output that is meant by an id, the start of one, or an item's id.

    Raises
    ------
    StageError
        When there is none or more than one; the message lists them.
    """
    found = study.read("judge_find_output", text=text)
    if not text or len(found) == 0:
        raise StageError(
            f"no output or item {text!r}: `erranal discordant --json` lists some, and any "
            "output_id or item id of the study will do"
        )
    if len(found) == 1 or found["output_id"].iloc[0] == text:
        return str(found["output_id"].iloc[0])
    listed = "\n".join(
        f"  {row.output_id}  {row.item_id}  {row.model} {row.arm} {row.prompt_style}"
        for row in found.itertuples()
    )
    raise StageError(f"{text!r} may mean {len(found)} outputs; give the id of one:\n{listed}")


def show(study: Study, record: str, *, pictures: Path | None = None) -> dict[str, Any]:
    """Return one record with all verdicts on it and the calls behind them.

    Parameters
    ----------
    record
        An output's id, the start of it, or its item's id.
    pictures
        Folder of the pictures; by default those where the judge's runs looked, and that of the
        result file.

    Returns
    -------
    dict
        ``output_id``; ``record`` (the item with its gold answer, the response, and the outcomes by
        scorer); ``verdicts`` (each with its ``evidence``); and ``calls``, each with the ``reply``
        as it came and the ``prompt`` (messages of role and text). ``exact`` says that the prompt is
        the one that was sent; where it is not, or cannot be rebuilt and is None, ``note`` says why.

    Raises
    ------
    StageError
        When none or several outputs are meant, or there is no such folder.
    """
    if pictures is not None and not pictures.is_dir():
        raise StageError(f"there is no folder {pictures}: --pictures names where they are")
    output_id = find(study, record)
    (shown,) = _rows(study, "judge_shown_record", output_id)
    evidence = _rows(study, "judge_evidence_of", output_id)
    verdicts = _rows(study, "judge_verdicts_of", output_id)
    for verdict in verdicts:
        verdict["evidence"] = [one for one in evidence if _filed(one) == _filed(verdict)]
    calls = _rows(study, "judge_shown", output_id)
    for ids in dict.fromkeys(_filed(call) for call in calls):
        prompts = rebuilding.prompts(study, output_id, *ids, pictures=pictures)
        for call in calls:
            if _filed(call) == ids:
                call.update(prompts.of(call))
    return {"output_id": output_id, "record": shown, "verdicts": verdicts, "calls": calls}


def _rows(study: Study, name: str, output_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = study.arrow(name, output_id=output_id).to_pylist()
    return found


def _filed(row: dict[str, Any]) -> tuple[str, str]:
    return row["judge_id"], row["codebook_id"]
