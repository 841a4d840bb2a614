"""The chain with nothing stood in for: a model's files, a real server on loopback, our client.

``transformers serve`` reads pictures and ignores ``response_format``, so this is also the way in
which a server that cannot be held to a schema is met.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import io
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from erranal import models
from erranal.models.chat import ChatFailure, ChatRequest, Message, Picture
from erranal.models.probe import probe

for needed in ("torch", "transformers", "accelerate", "fastapi", "uvicorn", "openai", "PIL"):
    pytest.importorskip(needed, reason=f"{needed} is not installed: no server to talk to")

PATIENCE_S = 90.0


def _tiny_models():
    source = Path(__file__).with_name("tiny_models.py")
    spec = importlib.util.spec_from_file_location("tiny_models", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def _is_up(url):
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return _tiny_models().save_vision_model(tmp_path_factory.mktemp("served") / "tiny-vision")


@pytest.fixture(scope="module")
def url(folder, tmp_path_factory):
    """Serve the tiny vision-language model; give the server's address."""
    log = tmp_path_factory.mktemp("server") / "log.txt"
    port = _free_port()
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(folder)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    command += ["--dtype", "float32"]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with log.open("wb") as written:
        server = subprocess.Popen(command, stdout=written, stderr=written, env=environment)
    address = f"http://127.0.0.1:{port}"
    patience = time.monotonic() + PATIENCE_S
    while not _is_up(address):
        if server.poll() is not None or time.monotonic() > patience:
            server.kill()
            pytest.fail(f"the server did not start:\n{log.read_text('utf-8')[-3000:]}")
        time.sleep(0.2)
    yield f"{address}/v1"
    server.terminate()
    server.wait(20)


def request(*parts, **options):
    options = {"max_tokens": 16, "temperature": 0.0} | options
    system = Message("system", ("You are a careful judge.",))
    return ChatRequest((system, Message("user", parts)), **options)


def picture(colour):
    from PIL import Image

    written = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(written, "PNG")
    return Picture(written.getvalue(), "image/png", hashlib.sha256(written.getvalue()).hexdigest())


def ask(model, *requests):
    async def all_of_them():
        try:
            return [await model.ask(asked) for asked in requests]
        finally:
            await model.close()

    return asyncio.run(all_of_them())


@pytest.fixture
def served(folder, url):
    return models.load_chat(f"openai:{folder}", url=url)


def test_a_served_model_answers_as_the_same_model_in_process(served, folder):
    requests = [
        request("Which codes apply?"),
        request("Look at this", picture("red"), "and that", picture("blue")),
        request("Look at this", picture("blue"), "and that", picture("red")),
    ]
    over_http = ask(served, *requests)
    in_process = ask(models.load_chat(f"hf:{folder}", device="cpu"), *requests)
    for there, here in zip(over_http, in_process, strict=True):
        assert there.text == here.text
        assert (there.tokens_in, there.tokens_out) == (here.tokens_in, here.tokens_out)
        assert there.finish_reason == here.finish_reason == "length"
    assert over_http[1].text != over_http[2].text


def test_what_the_server_can_do_is_found_by_trying(served):
    found = asyncio.run(_probe(served))
    assert (found.mode, found.logprobs) == ("plain", False)
    assert found.notes


async def _probe(model):
    try:
        return await probe(model, image=True)
    finally:
        await model.close()


def test_a_model_that_is_not_served_is_an_error_and_not_a_reply(url):
    with pytest.raises(ChatFailure):
        ask(models.load_chat("openai:another-model", url=url), request("Hello"))
