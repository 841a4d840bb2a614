"""Batch files: what goes out is what a server would be sent, what comes in is what it said."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from erranal.errors import ModelError
from erranal.models import anthropic, batch_files, batch_results, openai
from erranal.models.batch_files import Limits
from erranal.models.chat import ChatFailure, ChatReply, ChatRequest, Message, Picture

SCHEMA = {"type": "object", "properties": {"yes": {"type": "boolean"}}}
PICTURE = Picture(b"\x89PNG\r\n\x1a\n123", "image/png", "0" * 64)
REQUEST = ChatRequest(
    (Message("system", ("Judge.",)), Message("user", ("Look:", PICTURE, "Codes? 😀"))),
    schema=SCHEMA, mode="json_schema", max_tokens=99, temperature=0.0, seed=3,
)  # fmt: skip
NAME = "a" * 40 + "-0badcafe"


def made(kind: str, **more) -> dict:
    raw = batch_files.line(kind, "some-model", NAME, REQUEST, **more)
    assert raw.endswith(b"}\n")
    assert raw.count(b"\n") == 1
    return json.loads(raw)


def test_a_request_for_openai_is_the_request_that_would_be_sent():
    body = openai.body("some-model", REQUEST, limit="max_completion_tokens", without=frozenset())
    assert made("openai") == {
        "custom_id": NAME, "method": "POST", "url": "/v1/chat/completions", "body": body,
    }  # fmt: skip
    content = body["messages"][1]["content"]
    assert content[1]["image_url"]["url"] == "data:image/png;base64,iVBORw0KGgoxMjM="
    assert made("openai", own_url=True)["body"]["max_tokens"] == 99


@pytest.mark.parametrize(
    ("model", "tool"),
    [
        ("claude-3-5-haiku-latest", True),
        ("claude-sonnet-4-20250514", True),
        ("claude-opus-4-1", True),
        ("claude-sonnet-4-5", False),
        ("claude-opus-5-5", False),
        ("some-model", False),
    ],
)
def test_a_request_for_anthropic_is_held_to_the_schema_as_the_model_knows_it(model, tool):
    params = json.loads(batch_files.line("anthropic", model, NAME, REQUEST))["params"]
    assert params == anthropic.body(model, REQUEST, tool=tool)
    assert ("tool_choice" in params) is tool


def test_what_a_service_would_refuse_is_not_written():
    loose = ChatRequest(REQUEST.messages, mode="json_object")
    with pytest.raises(ModelError, match="cannot be asked in a batch"):
        batch_files.line("anthropic", "m", NAME, loose)
    for name in ("", "a b", "x" * 65, "ä"):
        with pytest.raises(ModelError, match="cannot name a request"):
            batch_files.line("openai", "m", name, REQUEST)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    sizes=st.lists(st.integers(1, 40), max_size=30),
    requests=st.integers(1, 7),
    size=st.integers(40, 120),
)
def test_files_hold_everything_in_order_within_the_limits(tmp_path_factory, sizes, requests, size):
    folder = tmp_path_factory.mktemp("split")
    lines = [(i, b"x" * (n - 1) + b"\n") for i, n in enumerate(sizes)]
    limits = Limits(requests, size)
    files = list(batch_files.write(lines, lambda n: folder / f"{n:03d}", limits))
    assert [i for file in files for i in file.requests] == list(range(len(sizes)))
    assert sorted(folder.iterdir()) == [file.path for file in files]
    assert b"".join(file.path.read_bytes() for file in files) == b"".join(raw for _, raw in lines)
    for file in files:
        assert 0 < len(file.requests) <= requests
        assert file.size == file.path.stat().st_size <= size
    for file, after in pairwise(files):  # none is smaller than it must be
        first = len(lines[after.requests[0]][1])
        assert len(file.requests) == requests or file.size + first > size


def test_the_limits_are_those_of_the_services():
    assert batch_files.LIMITS["openai"] == Limits(50_000, 200_000_000)
    wrapped = batch_files.LIMITS["anthropic"].size + len('{"requests":[]}')
    assert batch_files.LIMITS["anthropic"].requests == 100_000
    assert wrapped <= 256_000_000


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    def lines():
        yield from ((n, b"line\n") for n in range(5))
        raise RuntimeError("the database went away")

    files = []
    with pytest.raises(RuntimeError):
        files.extend(batch_files.write(lines(), lambda n: tmp_path / f"{n}", Limits(3, 999)))
    assert [path.name for path in tmp_path.iterdir()] == ["0"]
    assert (tmp_path / "0").read_bytes() == b"line\n" * 3


def test_a_request_beyond_a_file_is_an_error_and_leaves_nothing(tmp_path):
    lines = [(0, b"x" * 101)]
    with pytest.raises(ModelError, match="101 bytes is beyond the 100"):
        list(batch_files.write(lines, lambda n: tmp_path / f"{n}", Limits(9, 100)))
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ModelError, match="No space left on device"):
        list(batch_files.write([(0, b"x\n")], lambda n: tmp_path / f"{n}", Limits(9, 100)))
    assert not list(tmp_path.iterdir())


SLOW = """
import sys, time
from pathlib import Path
from erranal.models import batch_files
folder = Path(sys.argv[1])
def lines():
    for n in range(10_000):
        yield n, b"%05d\\n" % n
        time.sleep(0.0002)
for _ in batch_files.write(lines(), lambda n: folder / f"{n:04d}", batch_files.Limits(50, 9999)):
    print("whole", flush=True)
"""


def test_what_is_killed_leaves_whole_files_only(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        for _ in range(3):
            assert process.stdout.readline() == "whole\n"
        time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    whole = sorted(path for path in tmp_path.iterdir() if not path.name.startswith("."))
    assert len(whole) >= 3
    assert all(len(path.read_bytes()) == 50 * 6 for path in whole)


# --- results ---------------------------------------------------------------------------------


def chat(text: str, **choice) -> dict:
    message = {"role": "assistant", "content": text}
    return {
        "object": "chat.completion", "model": "some-model-2024",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", **choice}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 7,
                  "prompt_tokens_details": {"cached_tokens": 60}},
    }  # fmt: skip


def of_openai(body, status: int = 200, name: str = NAME) -> dict:
    response = {"status_code": status, "request_id": "req_1", "body": body}
    return {"id": "batch_req_1", "custom_id": name, "response": response, "error": None}


def of_anthropic(result: dict, name: str = NAME) -> dict:
    return {"custom_id": name, "result": result}


def message(content: list[dict], reason: str = "end_turn") -> dict:
    usage = {"input_tokens": 30, "cache_read_input_tokens": 60,
             "cache_creation_input_tokens": 10, "output_tokens": 7}  # fmt: skip
    return {"type": "succeeded", "message": {
        "type": "message", "role": "assistant", "model": "some-model-2024", "content": content,
        "stop_reason": reason, "usage": usage}}  # fmt: skip


def read(tmp_path, *lines) -> tuple[list[batch_results.Result], list[batch_results.BadLine]]:
    path = tmp_path / "results.jsonl"
    raw = (one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines)
    path.write_bytes(b"\n".join(raw))
    bad: list[batch_results.BadLine] = []
    return list(batch_results.read(path, bad.append)), bad


def only(tmp_path, line) -> ChatReply | ChatFailure:
    (result,), bad = read(tmp_path, line)
    assert result.name == NAME
    assert not bad
    return result.outcome


def test_replies_of_both_services(tmp_path):
    expected = ChatReply("yes 😀", "stop", "some-model-2024", 100, 60, 7)
    assert only(tmp_path, of_openai(chat("yes 😀"))) == expected
    tool = {"type": "tool_use", "name": "reply", "input": {"yes": True}}
    said = only(tmp_path, of_anthropic(message([{"type": "text", "text": "hm"}, tool], "tool_use")))
    assert json.loads(said.text) == {"yes": True}
    assert (said.tokens_in, said.tokens_cached, said.tokens_written) == (100, 60, 10)
    assert said.finish_reason == "stop"


def test_log_probabilities_are_read_where_they_are(tmp_path):
    token = {"token": "yes", "logprob": -0.1, "top_logprobs": [{"token": "no", "logprob": -2.3}]}
    found = only(tmp_path, of_openai(chat("yes", logprobs={"content": [token]})))
    assert found.logprobs[0].alternatives == (("no", -2.3),)


EXPIRED = {"code": "batch_expired", "message": "This request could not be executed in time."}


@pytest.mark.parametrize(
    ("line", "trouble"),
    [
        (of_openai({"error": {"message": "bad", "type": "invalid_request_error"}}, 400),
         "bad_request"),
        (of_openai({"error": {"message": "slow down"}}, 429), "rate_limited"),
        (of_openai({"error": {"message": "oops"}}, 503), "server"),
        (of_openai({"error": {"code": "model_not_found", "message": "?"}}, 404), "unusable"),
        (of_openai({"error": {"code": "content_filter", "message": "no"}}, 400), "refused"),
        (of_openai(chat("", finish_reason="content_filter")), "refused"),
        (of_openai({"choices": []}), "server"),
        (of_openai({"error": {"message": "inside 200"}}), "server"),
        (of_openai("<html>"), "server"),
        ({"custom_id": NAME, "response": None, "error": EXPIRED}, "rate_limited"),
        ({"custom_id": NAME, "response": None, "error": {"code": "batch_cancelled"}},
         "rate_limited"),
        ({"custom_id": NAME, "response": None, "error": {"code": "server_error"}}, "server"),
        (of_anthropic({"type": "expired"}), "rate_limited"),
        (of_anthropic({"type": "canceled"}), "rate_limited"),
        (of_anthropic({"type": "errored", "error": {"type": "error", "error": {
            "type": "invalid_request_error", "message": "max_tokens: required"}}}), "bad_request"),
        (of_anthropic({"type": "errored", "error": {"type": "error", "error": {
            "type": "overloaded_error", "message": "Overloaded"}}}), "rate_limited"),
        (of_anthropic({"type": "errored", "error": {"type": "api_error", "message": "?"}}),
         "server"),
        (of_anthropic({"type": "errored", "error": None}), "server"),
        (of_anthropic(message([], "refusal")), "refused"),
        (of_anthropic(message([])), "server"),
    ],
)  # fmt: skip
def test_troubles_of_both_services(tmp_path, line, trouble):
    found = only(tmp_path, line)
    assert isinstance(found, ChatFailure)
    assert found.trouble == trouble


def test_no_key_in_what_a_failure_says(tmp_path):
    body = {"error": {"message": "Incorrect API key provided: sk-proj-abcdefgh12345678."}}
    assert "abcdefgh" not in str(only(tmp_path, of_openai(body, 401)))


GOOD = json.dumps(of_openai(chat("fine"))).encode()
HOSTILE = [
    b"not json", b"{", b"[1, 2]", b"null", b"7", b'"text"', b"\xff\xfe\x00", b"{" * 5_000,
    b'{"a":' * 50_000, b"9" * 100_000, b'{"custom_id": 7, "response": {}}',
    b'{"response": {"status_code": 200}}', b'{"custom_id": "../../etc", "response": {}}',
    json.dumps({"custom_id": NAME}).encode(),
    json.dumps({"custom_id": NAME, "response": [], "error": None}).encode(),
    json.dumps({"custom_id": NAME, "response": {"status_code": "200", "body": {}}}).encode(),
    json.dumps({"custom_id": NAME, "response": {"status_code": True, "body": {}}}).encode(),
    json.dumps({"custom_id": NAME, "result": "succeeded"}).encode(),
    json.dumps({"custom_id": NAME, "result": {"type": "succeeded", "message": 3}}).encode(),
    json.dumps({"custom_id": NAME, "result": {"type": ["expired"]}}).encode(),
    batch_files.line("openai", "m", NAME, REQUEST).strip(),
    batch_files.line("anthropic", "m", NAME, REQUEST).strip(),
]  # fmt: skip


@pytest.mark.parametrize("line", HOSTILE, ids=range(len(HOSTILE)))
def test_a_line_that_says_nothing_is_reported_and_costs_no_other(tmp_path, line):
    results, bad = read(tmp_path, GOOD, line, b"", b"  ", GOOD)
    assert [(one.line, one.outcome.text) for one in results] == [(1, "fine"), (5, "fine")]
    assert [(one.path.name, one.line) for one in bad] == [("results.jsonl", 2)]
    assert bad[0].problem


def test_an_exported_file_is_named_as_what_it_is(tmp_path):
    _, bad = read(tmp_path, batch_files.line("openai", "m", NAME, REQUEST))
    assert "exported, not one of results" in bad[0].problem


def test_a_line_without_end_takes_no_memory(tmp_path):
    path = tmp_path / "results.jsonl"
    path.write_bytes(GOOD + b"\n" + b"x" * 50_000_000 + b"\n" + GOOD)
    bad: list[batch_results.BadLine] = []
    tracemalloc.start()
    results = list(batch_results.read(path, bad.append))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [one.line for one in results] == [1, 3]
    assert [(one.line, one.problem[:11]) for one in bad] == [(2, "longer than")]
    assert peak < 3 * batch_results.LONGEST_LINE


def test_windows_line_ends_and_a_mark_at_the_start(tmp_path):
    path = tmp_path / "results.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD + b"\r\n" + GOOD + b"\r\n")
    assert len(list(batch_results.read(path, pytest.fail))) == 2


def test_a_file_that_is_not_there(tmp_path):
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(ModelError, match="cannot be read"):
            list(batch_results.read(Path(path), print))


@settings(max_examples=60, deadline=None)
@given(text=st.text())
def test_any_text_comes_back_as_it_was(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("text")
    assert only(folder, of_openai(chat(text))).text == text
    block = [{"type": "text", "text": text}]
    assert only(folder, of_anthropic(message(block))).text == text
