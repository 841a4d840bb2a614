"""Judging by batch files: nothing is lost, nothing is paid for twice, and verdicts are the same."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from erranal import codebook
from erranal.engine import Limits
from erranal.errors import StageError
from erranal.judge import batches, calls, labelling, prompt
from erranal.judge.batches import importing
from erranal.judge.labelling import Job
from erranal.judge.records import Selection
from erranal.judge.settings import ModelJudge, Terms
from erranal.judge.shots import Shot
from erranal.judge.verdict import Record
from erranal.models import batch_files, probe
from erranal.models.chat import Capabilities, ChatReply, ChatRequest
from erranal.store import Study

ERRORS = 7
OPENAI = ModelJudge("openai:gpt-4o-mini")
ANTHROPIC = ModelJudge("anthropic:claude-haiku-4-5")
BOOK = codebook.load("modality_gap")


def add(study: Study, *, first: int = 0, last: int = ERRORS, said: str = "So it is") -> None:
    """Write items answered under two arms: right from text, wrong from the image."""
    numbers = range(first, last)
    rows = [
        (n, arm, f"Crate {n}: 24 * 15 = 340. {said} {value}.", outcome)
        for n in numbers
        for arm, value, outcome in (("text", 360, "correct"), ("image", 340, "incorrect"))
    ]
    frame = pd.DataFrame(rows, columns=["item", "arm", "response", "outcome"])
    frame["slot_id"] = [f"{n}/{arm}" for n, arm in zip(frame["item"], frame["arm"], strict=True)]
    frame["output_id"] = frame["slot_id"] + "/" + said[:2]
    items = pd.DataFrame(
        {"item_id": [f"b/{n}" for n in numbers], "native_id": [str(n) for n in numbers]}
    ).assign(
        item_hash="h", version=1, benchmark="b", source_id="s", gold="360",
        question="A crate holds 24 bottles. How many are in 15 crates?",
    )  # fmt: skip
    arms = ["image", "text"]
    conditions = pd.DataFrame({"condition_id": arms, "modality": arms, "prompt_style": "cot"})
    runs = pd.DataFrame({"run_id": arms, "model": "m", "condition_id": arms})
    outputs = frame.assign(
        current=True, run_id=frame["arm"], item_id=[f"b/{n}" for n in frame["item"]], item_hash="h",
        sample=0, response_hash=frame["response"], source_id="s", line=1, status="ok",
    ).drop(columns=["item", "arm", "outcome"])  # fmt: skip
    scores = frame[["output_id", "outcome"]].assign(scorer="erranal", scorer_version="1")
    with study.write() as tx:
        tx.append("items", items, on_conflict="ignore")
        tx.append("conditions", conditions, on_conflict="ignore")
        tx.append("runs", runs, on_conflict="ignore")
        tx.append("outputs", outputs)
        tx.append("scores", scores)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    study = Study(tmp_path_factory.mktemp("made") / "study.duckdb")
    add(study)
    labelling.marker_key(study)
    return study.path


@pytest.fixture
def study(made, tmp_path) -> Study:
    return Study(shutil.copy(made, tmp_path / "study.duckdb"))


def job(study: Study, judge: ModelJudge = OPENAI, **more) -> Job:
    return Job(study, BOOK, judge, Selection(), **more)


def export(study: Study, judge: ModelJudge = OPENAI, terms: Terms | None = None, **more):
    """Export to the folder beside the study; return the table and the files."""
    table = batches.export(job(study, judge, **more), terms or Terms(), folder(study))
    return table, [Path(file) for file in table["file"]]


def folder(study: Study) -> Path:
    return study.path.parent / "batches"


# --- the model: what it says depends on what it is asked alone ---------------------------------


def reply(text: str, schema: dict) -> str:
    dice = random.Random(hashlib.sha256(text.encode()).digest())
    if "applies" in schema["properties"]:
        evidence = [{"source": "response", "quote": "24 * 15 = 340"}]
        said = {"applies": dice.random() < 0.3, "evidence": evidence}
    else:
        codes = list(schema["properties"]["codes"]["properties"])
        chosen = dice.sample(codes[:-1], dice.randrange(3))
        evidence = [{"code": c, "source": "response", "quote": "24 * 15 = 340"} for c in chosen]
        said = {
            "codes": {code: code in chosen for code in codes}, "evidence": evidence,
            "primary": chosen[0] if chosen else "none", "gap_note": "",
        }  # fmt: skip
    return json.dumps({"rationale": f"Thought {dice.random()}", **said, "confidence": 0.5})


def plain(content) -> str:
    parts = [content] if isinstance(content, str) else content
    return "".join(part if isinstance(part, str) else part["text"] for part in parts)


class Model:
    """A chat model in process that counts what it is asked."""

    name, address = "fake", "in process"

    def __init__(self) -> None:
        self.asked: list[ChatRequest] = []

    async def ask(self, request: ChatRequest) -> ChatReply:
        self.asked.append(request)
        text = reply(seeded(plain(request.messages[-1].parts), request.seed), request.schema)
        return ChatReply(text, "stop", "served", 1_000, 600, 100)

    async def close(self) -> None:
        """Nothing is open."""


def seeded(text: str, seed: int | None) -> str:
    return f"{text}{seed or 0}"


@pytest.fixture
def model(monkeypatch) -> Model:
    """The model that live runs reach, and what it was found to do."""
    fake = Model()
    found = Capabilities("json_schema", logprobs=False, images=True)
    monkeypatch.setattr(labelling, "reach", lambda *_: fake)
    monkeypatch.setattr(probe, "probe_now", lambda *_, **__: found)
    return fake


def live(study: Study, judge: ModelJudge = OPENAI, **more) -> pd.DataFrame:
    return labelling.run(job(study, judge, **more), Terms())


def openai_result(request: dict) -> dict:
    body = request["body"]
    text = seeded(plain(body["messages"][-1]["content"]), body.get("seed"))
    said = reply(text, body["response_format"]["json_schema"]["schema"])
    usage = {"prompt_tokens": 1_000, "completion_tokens": 100,
             "prompt_tokens_details": {"cached_tokens": 600}}  # fmt: skip
    choice = {"message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
    answer = {"model": "served", "choices": [choice], "usage": usage}
    return {"custom_id": request["custom_id"], "error": None,
            "response": {"status_code": 200, "body": answer}}  # fmt: skip


def anthropic_result(request: dict) -> dict:
    params = request["params"]
    by_tool = "tools" in params
    schema = (
        params["tools"][0]["input_schema"]
        if by_tool
        else params["output_config"]["format"]["schema"]
    )
    said = reply(seeded(plain(params["messages"][-1]["content"]), None), schema)
    usage = {"input_tokens": 400, "cache_read_input_tokens": 600, "output_tokens": 100}
    block = {"type": "text", "text": said}
    if by_tool:
        block = {"type": "tool_use", "name": "reply", "input": json.loads(said)}
    message = {"model": "served", "content": [block], "stop_reason": "end_turn", "usage": usage}
    result = {"type": "succeeded", "message": message}
    return {"custom_id": request["custom_id"], "result": result}


def requests(*files: Path) -> list[dict]:
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def results(study: Study, lines: list, name: str = "results.jsonl") -> Path:
    path = study.path.parent / name
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n", "utf-8")
    return path


def answered(study: Study, files: list[Path], answer=openai_result) -> Path:
    """Write the answers to some exported files, out of order."""
    lines = [answer(request) for request in requests(*files)]
    random.Random(1).shuffle(lines)
    return results(study, lines)


def failed(request: dict, status: int = 400, **error) -> dict:
    response = {"status_code": status, "body": {"error": {"message": "no", **error}}}
    return {"custom_id": request["custom_id"], "response": response, "error": None}


def expired(request: dict) -> dict:
    error = {"code": "batch_expired", "message": "too late"}
    return {"custom_id": request["custom_id"], "response": None, "error": error}


def table(study: Study, name: str, *without: str) -> list[dict]:
    frame = study.view(name).drop(columns=list(without)).astype(object)
    rows = json.loads(frame.to_json(orient="records"))
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def counts(*values: int) -> dict[str, int]:
    return dict(zip(importing.VERDICTS, values, strict=True))


def statuses(study: Study, name: str = "calls") -> dict[str, int]:
    return study.view(name)["status"].value_counts().to_dict()


# --- the round trip ----------------------------------------------------------------------------

SAMPLED = {"samples": 3, "temperature": 0.7, "seed": 11}
FEW = ("thinking.calculation", "reading.value_misread")


@pytest.mark.parametrize(
    ("judge", "answer"),
    [
        (OPENAI, openai_result),
        (ANTHROPIC, anthropic_result),
        (ModelJudge(OPENAI.model, ask="each", codes=FEW), openai_result),
        (ModelJudge(OPENAI.model, **SAMPLED), openai_result),
    ],
    ids=["openai", "anthropic", "each", "samples"],
)
def test_verdicts_are_those_of_a_live_run(study, tmp_path, model, judge, answer):
    alive = Study(shutil.copy(study.path, tmp_path / "live.duckdb"))
    live(alive, judge)
    exported, files = export(study, judge)
    assert exported["requests"].sum() == len(model.asked)
    done = batches.import_(study, [answered(study, files, answer)])
    assert done.attrs["verdicts"]["verdicts"] == ERRORS
    assert len(model.asked) == exported["requests"].sum()  # an import asks nobody
    own = ("judged_at", "cost_usd")
    expected = table(alive, "verdicts", *own)
    if judge is ANTHROPIC:  # a tool's input is read and written again on its way
        assert all(row["rationale"].startswith("Thought") for row in expected)
    assert table(study, "verdicts", *own) == expected
    assert table(study, "evidence") == table(alive, "evidence")
    half = study.view("verdicts")["cost_usd"] * 2
    assert half.tolist() == pytest.approx(alive.view("verdicts")["cost_usd"].tolist())
    assert half.gt(0).all()
    assert table(study, "prompts") == table(alive, "prompts")
    live(study, judge)
    assert len(model.asked) == exported["requests"].sum()  # nor is anything left for a run


def test_a_judge_that_was_shown_examples_is_known_again(study):
    shot = Shot(Record("x", question="1 + 1?", choices=("2", "3"), response="3", gold="2"),
                ("thinking.calculation",), "thinking.calculation", "1 + 1 is 2")  # fmt: skip
    _, files = export(study, ModelJudge(OPENAI.model, shots=(shot,)))
    assert "1 + 1 is 2" in requests(*files)[0]["body"]["messages"][0]["content"]
    done = batches.import_(study, [answered(study, files)])
    assert done.attrs["verdicts"]["verdicts"] == ERRORS


def test_pictures_go_along_and_are_found_again(study, tmp_path):
    pixel = b"\x89PNG\r\n\x1a\n" + b"0" * 50
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "3.png").write_bytes(pixel)
    frame = study.query("SELECT * FROM outputs WHERE slot_id = '3/image'").assign(image="3.png")
    with study.write() as tx:
        tx.append("outputs", frame, on_conflict="replace")
    _, files = export(study, terms=Terms(pictures=tmp_path / "pictures"))
    shown = [line for line in files[0].read_text().splitlines() if "data:image/png;base64," in line]
    assert len(shown) == 1

    def answer(request: dict) -> dict:
        content = request["body"]["messages"][-1]["content"]
        texts = content if isinstance(content, str) else [p for p in content if "text" in p]
        request["body"]["messages"][-1]["content"] = texts
        return openai_result(request)

    done = batches.import_(study, [answered(study, files, answer)])
    assert done.attrs["verdicts"] == counts(ERRORS, 0, 0, 0, 0)


def test_the_table_says_what_it_would_cost(study):
    exported, files = export(study)
    row = exported.iloc[0]
    assert row["bytes"] == files[0].stat().st_size
    assert row["requests"] == ERRORS
    assert 0 < row["cost_usd"] < row["cost_usd_at_most"]
    most = ERRORS * OPENAI.max_tokens * 0.60e-6 / 2  # list price of a token, halved
    assert row["cost_usd_at_most"] > most
    own = ModelJudge("openai:gpt-4o-mini", url="http://127.0.0.1:8000/v1")
    table_, files = export(study, own)
    assert table_["cost_usd"].isna().all()
    assert all("max_tokens" in one["body"] for one in requests(*files))


# --- once and once only ------------------------------------------------------------------------


@pytest.fixture
def pairs(monkeypatch) -> None:
    """Files of two requests."""
    small = {kind: batch_files.Limits(2, 10**8) for kind in batch_files.KINDS}
    monkeypatch.setattr(batch_files, "LIMITS", small)


def test_what_is_out_is_neither_exported_nor_asked_again(study, model, pairs):
    _, files = export(study)
    assert [len(requests(file)) for file in files] == [2, 2, 2, 1]
    assert len({file.name for file in files}) == 4
    names = [one["custom_id"] for one in requests(*files)]
    assert len(set(names)) == ERRORS
    assert statuses(study) == {"exported": ERRORS}
    again, none = export(study)
    assert (len(again), none) == (0, [])
    live(study)
    assert not model.asked
    assert study.count("verdicts") == 0
    assert batches.listed(study)["waiting"].tolist() == [2, 2, 2, 1]


def test_files_come_back_one_by_one(study, model, pairs):
    _, files = export(study)
    done = batches.import_(study, [answered(study, files[:1])])
    assert done.attrs["verdicts"]["verdicts"] == 2
    assert done["answered"].tolist() == [2]
    batches.import_(study, [answered(study, files[1:])])
    assert study.count("verdicts") == ERRORS
    assert batches.listed(study)["answered"].sum() == ERRORS
    add(study, first=ERRORS, last=ERRORS + 1)
    _, more = export(study)
    assert more[0].name > files[-1].name  # numbers go on
    assert len(requests(*more)) == 1


def test_a_record_waits_for_all_its_calls(study, pairs):
    judge = ModelJudge(OPENAI.model, ask="each", codes=(*FEW, "thinking.knowledge"))
    _, files = export(study, judge)  # three questions a record, two to a file
    done = batches.import_(study, [answered(study, files[:1])])
    assert done.attrs["verdicts"] == counts(0, 0, 1, 0, 0)
    done = batches.import_(study, [answered(study, files[1:])])
    assert done.attrs["verdicts"]["verdicts"] == ERRORS


def test_a_record_with_a_call_that_was_never_tried_is_due(study):
    judge = ModelJudge(OPENAI.model, ask="each", codes=FEW)
    _, files = export(study, judge)
    lost, *others = requests(*files)
    back = [expired(lost), *(openai_result(one) for one in others)]
    done = batches.import_(study, [results(study, back)])
    assert done.attrs["verdicts"] == counts(ERRORS - 1, 0, 0, 1, 0)
    _, more = export(study, judge)
    assert [one["custom_id"][:40] for one in requests(*more)] == [lost["custom_id"][:40]]


def test_duplicates_and_order_change_nothing(study, pairs):
    _, files = export(study)
    lines = [openai_result(one) for one in requests(*files)]
    first = results(study, lines + lines[::-1], "a.jsonl")
    done = batches.import_(study, [first, first])
    assert done["answered"].tolist() == [ERRORS, 0]
    assert done["known"].sum() == 3 * ERRORS
    before = table(study, "calls"), table(study, "verdicts"), table(study, "evidence")
    late = results(study, [failed(one) for one in requests(*files)], "late.jsonl")
    again = batches.import_(study, [late, first])
    assert again["known"].tolist() == [ERRORS, 2 * ERRORS]
    assert again.attrs["verdicts"]["verdicts"] == 0
    assert (table(study, "calls"), table(study, "verdicts"), table(study, "evidence")) == before


def test_an_answer_goes_before_a_failure(study):
    _, files = export(study)
    batches.import_(study, [results(study, [failed(one) for one in requests(*files)])])
    assert statuses(study, "verdicts") == {"failed": ERRORS}
    done = batches.import_(study, [answered(study, files)])
    assert done.attrs["verdicts"]["verdicts"] == ERRORS
    assert statuses(study, "verdicts") == {"ok": ERRORS}


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
import test_judge_batches as t
from erranal.judge import calls
from erranal.models import batch_files
from erranal.store import Study
batch_files.LIMITS = {"openai": batch_files.Limits(2, 10**8)}
land, landed = calls.land, []
def last_words(*args, **more):
    if len(landed) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    landed.append(land(*args, **more))
calls.land = last_words
t.export(Study(sys.argv[1]))
"""


def test_killed_between_a_file_and_its_mark(study, pairs):
    command = [sys.executable, "-c", KILLED, str(study.path), str(Path(__file__).parent)]
    assert subprocess.run(command, check=False).returncode == -9
    whole = sorted(folder(study).iterdir())
    assert len(whole) == 3  # the third is whole and not marked
    assert statuses(study) == {"exported": 4}
    _, files = export(study)
    assert files[0] == whole[2]
    every = [one["custom_id"][:40] for one in requests(*sorted(folder(study).iterdir()))]
    assert len(every) == len(set(every)) == ERRORS
    assert statuses(study) == {"exported": ERRORS}


def test_killed_between_answers_and_verdicts(study, monkeypatch):
    _, files = export(study)
    back = answered(study, files)
    with monkeypatch.context() as patch:
        patch.setattr(importing, "_judged", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            batches.import_(study, [back])
    assert statuses(study) == {"answered": ERRORS}
    again = batches.import_(study, [back])
    assert again["known"].tolist() == [ERRORS]
    assert again.attrs["verdicts"]["verdicts"] == ERRORS


# --- what does not come back well --------------------------------------------------------------


def test_an_error_file(study, model):
    _, files = export(study)
    asked = requests(*files)
    output = results(study, [openai_result(one) for one in asked[:3]], "output.jsonl")
    errors = [failed(asked[3]), failed(asked[4], code="content_filter"), expired(asked[5]),
              failed(asked[6], 401)]  # fmt: skip
    done = batches.import_(study, [results(study, errors, "errors.jsonl"), output])
    assert done.loc[0, ["refused", "failed", "returned"]].tolist() == [1, 1, 2]
    assert statuses(study) == {"answered": 3, "failed": 1, "refused": 1}
    assert statuses(study, "verdicts") == {"ok": 3, "failed": 1, "refused": 1}
    told = " ".join(done.attrs["problems"])
    assert "errors.jsonl line 3: never tried: batch_expired" in told
    assert "status 401" in told
    _, more = export(study)  # what was never tried is due again, and nothing else
    assert {one["custom_id"][:40] for one in requests(*more)} == {
        one["custom_id"][:40] for one in asked[5:]
    }
    _, third = export(study, retry=True)  # what failed is asked again when that is asked for
    assert [one["custom_id"][:40] for one in requests(*third)] == [asked[3]["custom_id"][:40]]
    assert export(study, retry=True)[1] == []
    live(study, retry=True)
    assert not model.asked
    done = batches.import_(study, [answered(study, more + third)])
    assert done.attrs["verdicts"]["verdicts"] == 3
    assert statuses(study, "verdicts") == {"ok": 6, "refused": 1}


def test_an_unreadable_reply_is_left_for_a_run(study, model):
    _, files = export(study)
    lines = [openai_result(one) for one in requests(*files)]
    lines[2]["response"]["body"]["choices"][0]["message"]["content"] = "I think it is fine."
    done = batches.import_(study, [results(study, lines)])
    assert done.attrs["verdicts"]["verdicts"] == ERRORS - 1
    assert done.attrs["verdicts"]["to_repair"] == 1
    assert study.count("verdicts") == ERRORS - 1  # never a verdict of no error
    empty, _ = export(study)
    assert empty.attrs["left"] == {"too_large": 0, "over_budget": 0, "answered_already": 1}
    live(study)
    assert len(model.asked) == 1  # the repair
    assert statuses(study, "verdicts") == {"ok": ERRORS}


def test_a_retry_replaces_what_could_not_be_read(study, model, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules[__name__], "reply", lambda *_: "Hm.")
        live(study)
    assert statuses(study, "verdicts") == {"unparsed": ERRORS}
    assert export(study)[1] == []
    _, files = export(study, retry=True)
    done = batches.import_(study, [answered(study, files)])
    assert done.attrs["verdicts"] == counts(ERRORS, 0, 0, 0, 0)
    assert statuses(study, "verdicts") == {"ok": ERRORS}
    assert study.view("calls").query("repairs.isna()")["reply"].str.startswith("{").all()


def test_what_came_back_of_a_lost_file_stays(study):
    _, files = export(study)
    some = [openai_result(one) for one in requests(*files)[:3]]
    batches.import_(study, [results(study, some)])
    assert batches.forget(study, files[0]) == ERRORS - 3
    assert statuses(study) == {"answered": 3}


def test_a_lost_file_is_given_up(study, pairs):
    _, files = export(study)
    with pytest.raises(StageError, match=r"(?s)'x.jsonl' is out.*-0001.jsonl \(2 requests\)"):
        batches.forget(study, "x.jsonl")
    assert batches.forget(study, files[1]) == 2
    with pytest.raises(StageError, match="is out"):
        batches.forget(study, files[1])
    _, again = export(study)
    lost = {one["custom_id"][:40] for one in requests(files[1])}
    assert {one["custom_id"][:40] for one in requests(*again)} == lost
    # The lost batch turns up after all. What it says of failures is about other requests.
    late = results(study, [expired(requests(files[1])[0]), failed(requests(files[1])[1])])
    done = batches.import_(study, [late])
    assert done["known"].tolist() == [2]
    assert statuses(study) == {"exported": ERRORS}
    done = batches.import_(study, [answered(study, [files[1]])])
    assert done["answered"].tolist() == [2]


def test_a_record_that_changed_meanwhile_has_its_answer_and_no_verdict(study):
    _, files = export(study)
    back = answered(study, files)
    old = study.query("SELECT * FROM outputs WHERE slot_id IN ('1/image', '2/text')")
    with study.write() as tx:
        tx.append("outputs", old.assign(current=False), on_conflict="replace")
    new = old.assign(response="Now 350.", response_hash="n", output_id=old["output_id"] + "+")
    scores = new[["output_id"]].assign(outcome="incorrect", scorer="erranal", scorer_version="1")
    with study.write() as tx:
        tx.append("outputs", new)
        tx.append("scores", scores)
    done = batches.import_(study, [back])
    assert done["answered"].tolist() == [ERRORS]
    assert statuses(study) == {"answered": ERRORS}
    # Item 1 has another response; of item 2 the reference is another.
    assert done.attrs["verdicts"] == counts(ERRORS - 2, 0, 0, 0, 2)
    _, more = export(study)
    due = study.query("SELECT output_id FROM calls WHERE status = 'exported' ORDER BY 1")
    assert due["output_id"].tolist() == ["1/image/So+", "2/image/So", "2/text/So+"]
    assert len(requests(*more)) == 3


def test_hostile_lines_cost_nothing_else(study):
    _, files = export(study)
    good = [json.dumps(openai_result(one)).encode() for one in requests(*files)]
    bad = [b"{", b"x" * 50_000_000, b'{"custom_id": 3}', b"\xff\xfe", b"[]", b"7",
           json.dumps(openai_result(requests(*files)[0]) | {"custom_id": "f" * 40}).encode(),
           b'{"custom_id": "\' OR 1=1 --", "response": {}}',
           json.dumps({"custom_id": "g", "response": {"status_code": 1e400}}).encode()]  # fmt: skip
    path = study.path.parent / "results.jsonl"
    path.write_bytes(b"\n".join(line for pair in zip(bad, good, strict=False) for line in pair)
                     + b"\n" + b"\n".join(bad[len(good):]))  # fmt: skip
    done = batches.import_(study, [path])
    assert done["answered"].tolist() == [ERRORS]
    assert done["unknown"].tolist() == [1]
    assert done["unreadable"].tolist() == [len(bad) - 1]
    assert done.attrs["verdicts"]["verdicts"] == ERRORS
    assert "results.jsonl line 1: not JSON" in done.attrs["problems"]
    assert f"results.jsonl line 13: no call '{'f' * 40}' in this study" in done.attrs["problems"]
    assert study.count("calls") == ERRORS


def test_results_of_another_study_are_told_and_not_invented(study, tmp_path):
    other = Study(tmp_path / "other.duckdb")
    add(other)
    _, files = export(other)
    done = batches.import_(study, [answered(other, files)])
    assert done["unknown"].tolist() == [ERRORS]
    assert study.count("calls") == study.count("verdicts") == 0


def test_the_exported_file_is_no_file_of_results(study):
    _, files = export(study)
    done = batches.import_(study, files)
    assert done["unreadable"].tolist() == [ERRORS]
    assert statuses(study) == {"exported": ERRORS}


def test_reply_texts_that_a_database_cannot_hold(study):
    _, files = export(study)
    lines = [openai_result(one) for one in requests(*files)]
    for line, text in zip(lines, ("\ud800 alone", "\0", "", "x" * 500_000), strict=False):
        line["response"]["body"]["choices"][0]["message"]["content"] = text
    done = batches.import_(study, [results(study, lines)])
    assert done["answered"].tolist() == [ERRORS]
    assert done.attrs["verdicts"]["to_repair"] == 4


# --- terms -------------------------------------------------------------------------------------


def test_a_budget_is_not_passed(study, monkeypatch):
    long = study.query("SELECT * FROM outputs WHERE slot_id = '3/image'")
    with study.write() as tx:
        tx.append("outputs", long.assign(response="9 " * 5_000), on_conflict="replace")
    judge = ModelJudge(OPENAI.model, max_tokens=16)
    monkeypatch.setattr(batch_files, "LIMITS", {"openai": batch_files.Limits(1, 10**8)})
    costs = export(study, judge)[0]["cost_usd_at_most"]
    for file in batches.listed(study)["file"]:
        batches.forget(study, file)
    budget = costs[:3].sum() + (costs[3] + costs[4]) / 2  # enough for the fifth, not the fourth
    part, _ = export(study, judge, Terms(limits=Limits(budget_usd=budget)))
    assert part["cost_usd_at_most"].tolist() == pytest.approx(costs[:3].tolist())
    assert part.attrs["left"]["over_budget"] == ERRORS - 3
    out = study.query("SELECT output_id FROM calls ORDER BY 1")["output_id"].tolist()
    assert out == ["0/image/So", "1/image/So", "2/image/So"]


def test_a_request_beyond_a_file_stays_behind(study, monkeypatch):
    sizes = [len(json.dumps(one)) for one in requests(*export(study)[1])]
    batches.forget(study, batches.listed(study)["file"][0])
    record = study.query("SELECT * FROM outputs WHERE slot_id = '4/image'")
    with study.write() as tx:
        tx.append("outputs", record.assign(response="9 " * 5_000), on_conflict="replace")
    limits = {"openai": batch_files.Limits(100, max(sizes) + 2_000)}
    monkeypatch.setattr(batch_files, "LIMITS", limits)
    part, _ = export(study)
    assert part.attrs["left"]["too_large"] == 1
    assert part["requests"].sum() == ERRORS - 1


@pytest.mark.parametrize(
    ("judge", "kind", "message"),
    [
        (ModelJudge("hf:some/model"), None, "no batch service"),
        (ANTHROPIC, "openai", "no batch service of kind openai"),
        (OPENAI, "gemini", "no batch service of kind gemini"),
        (ModelJudge(ANTHROPIC.model, mode="json_object"), None, "no mode json_object"),
    ],
)
def test_services_that_there_are_not(study, judge, kind, message):
    with pytest.raises(StageError, match=message):
        batches.export(job(study, judge), Terms(), folder(study), kind=kind)
    assert not folder(study).exists()


def test_a_budget_needs_a_price(study):
    with pytest.raises(StageError, match="needs the price"):
        export(study, ModelJudge("openai:unheard-of"), Terms(limits=Limits(budget_usd=1.0)))


def test_no_key_in_files_or_study(study, monkeypatch):
    secret = "sk-verysecretverysecret"
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    _, files = export(study, terms=Terms(key_env="OPENAI_API_KEY"))
    said = failed(requests(*files)[0], 400, message=f"Bad key {secret} given")
    batches.import_(study, [results(study, [said])])
    for path in (*files, study.path):
        assert secret.encode() not in path.read_bytes()


def test_inside_a_running_loop_as_in_a_notebook(study):
    async def cell() -> int:
        _, files = export(study)
        done = batches.import_(study, [answered(study, files)])
        return done.attrs["verdicts"]["verdicts"]

    assert asyncio.run(cell()) == ERRORS


def test_not_while_another_asks_the_same(study):
    _, files = export(study)
    back = answered(study, files)
    with calls.spool(study, job(study).spec.judge_id):
        with pytest.raises(StageError, match="is held by process"):
            export(study)
        with pytest.raises(StageError, match="is held by process"):
            batches.import_(study, [back])
    assert statuses(study) == {"answered": ERRORS}  # what came back is safe
    assert batches.import_(study, [back]).attrs["verdicts"]["verdicts"] == ERRORS


def test_prompts_of_another_version_give_no_verdicts(study, monkeypatch):
    _, files = export(study)
    monkeypatch.setattr(prompt, "VERSION", "another")
    done = batches.import_(study, [answered(study, files)])
    assert done["answered"].tolist() == [ERRORS]
    assert done.attrs["verdicts"]["verdicts"] == 0
    assert "other prompts than this version" in done.attrs["problems"][0]


def test_an_example_that_is_kept_for_testing_is_refused(study, monkeypatch):
    def refuse(_: Job) -> None:
        raise StageError("example 1 is kept for testing")

    monkeypatch.setattr(labelling, "keep_the_test_unseen", refuse)
    with pytest.raises(StageError, match="kept for testing"):
        export(study)
    assert not folder(study).exists()


def test_two_studies_share_a_folder(study, tmp_path):
    other = Study(tmp_path / "other.duckdb")
    add(other)
    names = [
        Path(batches.export(job(one), Terms(), tmp_path / "shared")["file"][0]).name
        for one in (study, other)
    ]
    assert len(set(names)) == 2
    assert all(name.startswith("gpt-4o-mini-") for name in names)


def test_nothing_to_import(study):
    with pytest.raises(StageError, match="no file of results"):
        batches.import_(study, [])


def test_everything_is_in_the_journal(study):
    _, files = export(study)
    batches.import_(study, [answered(study, files)])
    journal = study.view("journal").set_index("stage")
    assert json.loads(journal.loc["judge_batch_export", "counts"])["requests"] == ERRORS
    assert json.loads(journal.loc["judge_batch_import", "counts"])["verdicts"] == ERRORS
