"""The prompts behind the calls about one output, made again and told apart by their keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erranal.errors import StageError
from erranal.judge import pictures as album
from erranal.judge import records, saving, settings
from erranal.judge.labelling import Job
from erranal.judge.records import Selected, Selection
from erranal.models.chat import Capabilities

if TYPE_CHECKING:
    from erranal.judge.asking import Asker
    from erranal.judge.settings import ModelJudge
    from erranal.judge.verdict import Record
    from erranal.models.chat import ChatRequest, Picture
    from erranal.store import Study

CHANGED = (
    "the record, its picture, the codebook or the code changed since: the prompt cannot be rebuilt"
)
REPAIR = "a repair: after this prompt came the unreadable reply and what was wrong with it"
LONGEST_NAME = 80


@dataclass
class Prompts:
    """What a judge would be asked about one output now.

    Attributes
    ----------
    exact
        The requests by call, with every picture that was found and without one.
    bare
        The requests without a picture, by question and sample.
    missing
        What there is to say where a call is not among them.
    unseen
        Whether only a picture is missing, so that the bare request is nearly the one of the call.
    """

    exact: dict[str, ChatRequest] = field(default_factory=dict)
    bare: dict[tuple[str | None, int], ChatRequest] = field(default_factory=dict)
    missing: str = CHANGED
    unseen: bool = False

    def add(self, asker: Asker, record: Record, picture: Picture | None) -> None:
        """Make the requests that show this picture."""
        for one in asker.questions(record, picture):
            self.exact[one.key] = one.request
            if picture is None:
                self.bare[one.code, one.sample] = one.request

    def of(self, call: dict[str, Any]) -> dict[str, Any]:
        """Return ``prompt``, ``exact`` and ``note`` of a call."""
        repairs = call["repairs"]
        if request := self.exact.get(repairs or call["call_id"]):
            return {"prompt": _plain(request), "exact": not repairs, "note": repairs and REPAIR}
        request = self.bare.get((call["question"], call["sample"])) if self.unseen else None
        return {"prompt": request and _plain(request), "exact": False, "note": self.missing}


def prompts(
    study: Study, output_id: str, judge_id: str, codebook_id: str, *, pictures: Path | None
) -> Prompts:
    """Return what a judge would be asked about an output now.

    Parameters
    ----------
    pictures
        Folder of the pictures, before those where the judge's runs looked.
    """
    stored = study.arrow("judge_one", judge_id=judge_id).to_pylist()[0]
    try:
        judge = settings.from_stored(stored)
    except StageError:
        return Prompts(missing="the judge was shown examples, which are not kept in the study")
    made = Prompts()
    job = Job(study, saving.load_book(study, codebook_id), judge, Selection())
    asker = job.asker(Capabilities("json_schema", logprobs=False, images=True))
    folders = _folders(study, judge_id, pictures)
    for record in _records(study, output_id, judge_id):
        seen = {album.find(record, folder) for folder in folders} - {None}
        for picture in (None, *seen):
            made.add(asker, record, picture)
        if _is_gone(judge, record, seen):
            made.unseen, made.missing = True, _gone(record, folders)
    return made


def _records(study: Study, output_id: str, judge_id: str) -> list[Record]:
    scorer = study.read("judge_scorer_of", judge_id=judge_id)["scorer"].tolist()
    reference = study.read("judge_reference_of", output_id=output_id)["reference_id"].iloc[0]
    chosen = [Selected(output_id, reference, None, None, fresh=False)]
    return records.read(study, chosen, scorer=(scorer or ["erranal"])[0])


# Pictures -----------------------------------------------------------------------------------------


def _folders(study: Study, judge_id: str, given: Path | None) -> list[Path | None]:
    """Return where pictures may be; None stands for the folder of the result file."""
    noted = study.read("judge_pictures_of", judge_id=judge_id)["pictures"]
    return [*([given] if given else []), *map(Path, noted), None]


def _is_gone(judge: ModelJudge, record: Record, seen: set[Picture | None]) -> bool:
    return bool(judge.images and record.image and not seen)


def _gone(record: Record, folders: Sequence[Path | None]) -> str:
    name = str(record.image)
    shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
    # What the study rendered itself has a path of its own.
    below = [str(folder or record.folder) for folder in folders] if record.folder else []
    looked = f" (looked in {', '.join(dict.fromkeys(below))})" if below else ""
    return (
        f"the picture {shown!r} is not to be found{looked}: the prompt is rebuilt without it and "
        "hence may not be the one that was sent; --pictures names the folder"
    )


# Text ---------------------------------------------------------------------------------------------


def _plain(request: ChatRequest) -> list[dict[str, str]]:
    """Return the messages as text; a picture is named by its kind, size and hash."""
    return [
        {"role": message.role, "text": "\n".join(_text(part) for part in message.parts)}
        for message in request.messages
    ]


def _text(part: str | Picture) -> str:
    if isinstance(part, str):
        return part
    return f"[picture: {part.media_type}, {len(part.data):,} bytes, sha256 {part.sha256[:12]}]"
