"""A chat server on loopback that can fail in every known way, for tests and benchmarks.

It speaks the OpenAI shape at ``/v1/chat/completions`` and ``/v1/models`` and the Anthropic shape at
``/v1/messages``. What it does with a request depends on the seed, the request's bytes and how often
these bytes came before, so two runs over the same requests meet the same faults.

In a test: ``async with Loopback(...) as server`` in the test's own loop, or ``with
Loopback(...).in_thread() as server``; ``server.url`` is the base URL. In a process of its own, so
that a client's CPU time can be measured: ``with process(latency_s=0.2) as server``. By hand::

    python tests/loopback.py --port 8099 --latency 0.2 --faults 429=0.04,500=0.02,stall=0.01
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import math
import re
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter, deque
from statistics import NormalDist

import orjson
import scripted_judge
from aiohttp import web

# One reply in five, as a run against a bad provider meets them.
BAD_DAY = {
    "429": 0.05,
    "500": 0.03,
    "drop": 0.02,
    "truncated_body": 0.015,
    "html": 0.01,
    "empty_choices": 0.005,
    "truncated_json": 0.015,
    "wrong_schema": 0.01,
    "prose": 0.02,
    "duplicate_keys": 0.01,
    "unicode": 0.01,
    "refusal": 0.005,
}
FAULTS = {*BAD_DAY, "stall", "poison", "fences"}
CONTENT_FAULTS = {"truncated_json", "wrong_schema", "prose", "fences", "duplicate_keys", "unicode"}
ABILITIES = ("schema", "object", "logprobs", "images")
PLAIN_REPLY = "I am a language model without an opinion."
STRANGE = "naïve café \u202eright to left\u202c 👩🏽\u200d🔬 e\u0301 ﬁ \u0000 \u2028 Ω"
NORMAL = NormalDist()


class Loopback:
    """The server. ``url`` is the base URL of both shapes once it runs.

    Parameters
    ----------
    latency_s, spread
        Median time to a reply and the sigma of its lognormal spread (0: always the median).
    faults
        Fault to probability, see FAULTS; the rest of the replies are sound. "poison" depends on the
        request alone, so that it fails for good, whatever the attempt.
    script
        Gives the content of a sound reply from the decoded request. By default a request with a
        schema gets an instance of it and any other gets PLAIN_REPLY.
    lacks
        Ability (schema, object, logprobs, images) to "refuse" (400) or "ignore".
    refuses
        Parameters of the request that get a 400, e.g. {"temperature", "max_tokens"}.
    key
        When given, a request without it gets a 401 whose message repeats the key it was sent.
    always
        Answer every request so: (status, headers, body).
    rate
        Requests a second that are let through; the others get a 429.
    keep
        Keep every request in ``requests`` as a dict: path, headers, body, outcome.
    """

    def __init__(
        self,
        *,
        latency_s=0.0,
        spread=0.0,
        faults=None,
        seed=0,
        script=None,
        lacks=None,
        refuses=(),
        key=None,
        always=None,
        rate=None,
        retry_after_s=0.02,
        stall_s=30.0,
        keep=False,
    ):
        unknown = set(faults or ()) - FAULTS | set(lacks or ()) - set(ABILITIES)
        if unknown:
            raise ValueError(f"unknown: {sorted(unknown)}")
        self.latency_s, self.spread, self.seed = latency_s, spread, seed
        self.script, self.lacks, self.refuses = script, dict(lacks or {}), set(refuses)
        self.key, self.always, self.rate = key, always, rate
        self.retry_after_s, self.stall_s, self.keep = retry_after_s, stall_s, keep
        self.poison = (faults or {}).get("poison", 0.0)
        self.faults = [(n, p) for n, p in (faults or {}).items() if n != "poison"]
        self.requests: list[dict] = []
        self.counts: Counter[str] = Counter()
        self.attempts: Counter[bytes] = Counter()
        self.in_flight = self.max_in_flight = 0
        self.prefixes: set[int] = set()
        self._passed: deque[float] = deque()
        self._runner: web.ServerRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def received(self) -> int:
        """Requests that asked for a reply, whatever became of them."""
        return sum(self.counts.values())

    async def start(self, port=0) -> None:
        self._runner = web.ServerRunner(
            web.Server(self._handle, access_log=None, request_factory=_large), shutdown_timeout=0.1
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, backlog=2048)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def __aenter__(self) -> Loopback:
        await self.start()
        return self

    async def __aexit__(self, *_) -> None:
        await self.stop()

    @contextlib.contextmanager
    def in_thread(self):
        """Run in a thread with a loop of its own, for tests without one."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self.start(), loop).result(10)
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self.stop(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()

    # ---- one request -------------------------------------------------------------------------

    async def _handle(self, request):
        if request.method == "GET":
            return self._describe(request.path)
        raw = await request.read()
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        outcome = "cancelled"
        try:
            outcome, response = await self._answer(request, raw)
            return response
        finally:
            self.in_flight -= 1
            self.counts[outcome] += 1
            if self.keep:
                self._keep(request, raw, outcome)

    def _describe(self, path):
        if path == "/stats":
            stats = {"counts": self.counts, "received": self.received}
            return _json({**stats, "max_in_flight": self.max_in_flight})
        if path == "/v1/models":
            return _json({"object": "list", "data": [{"id": "loopback", "object": "model"}]})
        return _error(404, f"no {path} here")

    def _keep(self, request, raw, outcome):
        with contextlib.suppress(ValueError):
            raw = orjson.loads(raw)
        headers = dict(request.headers)
        self.requests.append(
            {"path": request.path, "headers": headers, "body": raw, "outcome": outcome}
        )

    async def _answer(self, request, raw):
        """Return what became of the request and the response."""
        digest = hashlib.blake2b(raw, digest_size=8, key=str(self.seed).encode()).digest()
        attempt = self.attempts[digest]
        self.attempts[digest] += 1
        draw = Draw(digest + struct.pack("<I", attempt))
        if delay := self._delay(draw):
            await asyncio.sleep(delay)
        if early := self._early(request, digest):
            return early
        fault = self._fault(draw)
        if fault and fault not in CONTENT_FAULTS | {"refusal", "empty_choices", "truncated_body"}:
            return fault, await self._break(request, fault)
        try:
            body = orjson.loads(raw)
        except ValueError:
            return "bad_request", _error(400, "the body is not JSON")
        anthropic = request.path.endswith("/messages")
        if complaint := self._complaint(body, anthropic):
            return "refused_request", _error(400, complaint[0], param=complaint[1])
        reply = self._reply(body, anthropic, draw, fault)
        if fault == "truncated_body":
            return fault, await _cut_off(request, reply)
        return fault or "ok", web.Response(body=reply, content_type="application/json")

    def _delay(self, draw):
        if not self.spread or not self.latency_s:
            return self.latency_s
        uniform = min(max(draw.uniform("latency"), 1e-9), 1 - 1e-9)
        return self.latency_s * math.exp(self.spread * NORMAL.inv_cdf(uniform))

    def _early(self, request, digest):
        """Answer before the body is looked at: fixed answers, paths, keys, rate, poison."""
        if self.always:
            status, headers, body = self.always
            return "always", web.Response(status=status, headers=headers, body=body)
        if not request.path.endswith(("/chat/completions", "/messages")):
            return "not_found", _error(404, f"no {request.path} here")
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
        sent = sent or request.headers.get("x-api-key", "")
        if self.key and sent != self.key:
            masked = f"{sent[:8]}{'*' * 20}{sent[-4:]}"
            return "unauthorised", _error(
                401, f"Incorrect API key provided: {sent} ({masked}).", code="invalid_api_key"
            )
        if self.rate and not self._passes():
            return "429", self._limited()
        if self.poison and Draw(digest).uniform("poison") < self.poison:
            return "poison", _error(400, "this request can not be processed", code="poison")
        return None

    def _passes(self):
        now = time.monotonic()
        while self._passed and self._passed[0] < now - 1:
            self._passed.popleft()
        if len(self._passed) >= self.rate:
            return False
        self._passed.append(now)
        return True

    def _limited(self):
        response = _error(429, "Rate limit reached", code="rate_limit_exceeded")
        response.headers["Retry-After"] = str(self.retry_after_s)
        return response

    def _fault(self, draw):
        at = draw.uniform("fault")
        for name, share in self.faults:
            if at < share:
                return name
            at -= share
        return None

    async def _break(self, request, fault):
        if fault == "429":
            return self._limited()
        if fault == "500":
            return _error(500, "The server had an error")
        if fault == "html":
            page = "<!DOCTYPE html><html><body>Welcome to the proxy</body></html>"
            return web.Response(text=page, content_type="text/html")
        if fault == "stall":
            await asyncio.sleep(self.stall_s)
        return _drop(request)

    # ---- what it can and cannot do -------------------------------------------------------------

    def _complaint(self, body, anthropic):
        for name in self.refuses:
            if name in body:
                other = ". Use 'max_completion_tokens' instead" if name == "max_tokens" else ""
                return f"Unsupported parameter: '{name}' is not supported{other}.", name
        asked = {
            "schema": _schema_of(body, anthropic) is not None,
            "object": (body.get("response_format") or {}).get("type") == "json_object",
            "logprobs": bool(body.get("logprobs")),
            "images": _images(body) > 0,
        }
        for ability in ABILITIES:
            if asked[ability] and self.lacks.get(ability) == "refuse":
                return f"this model does not support {ability}", ability
        return None

    def _reply(self, body, anthropic, draw, fault):
        schema = None if "schema" in self.lacks else _schema_of(body, anthropic)
        content = self._content(body, schema, draw)
        if fault in CONTENT_FAULTS:
            content = _spoil(content, fault)
        usage = self._usage(body, content)
        make = _anthropic_reply if anthropic else _openai_reply
        reply = make(body, content, usage, fault)
        if not anthropic and body.get("logprobs") and "logprobs" not in self.lacks:
            reply["choices"][0]["logprobs"] = {"content": _logprobs(content, draw)}
        return orjson.dumps(reply)

    def _content(self, body, schema, draw):
        if self.script:
            return self.script(body)
        if schema is not None:
            return orjson.dumps(instance(schema, draw)).decode()
        wants_object = (body.get("response_format") or {}).get("type") == "json_object"
        if wants_object and "object" not in self.lacks:
            return '{"answer": "an object"}'
        return PLAIN_REPLY

    def _usage(self, body, content):
        first, *others = [body.get("system") or [], *_contents(body)]
        if not first and others:
            first, *others = others
        known = hash(str(first)) if _length(first) else 0
        cached = _length(first) // 4 if known in self.prefixes else 0
        self.prefixes.add(known)
        text = sum(map(_length, (first, *others))) // 4
        seen = 0 if "images" in self.lacks else 85 * _images(body)
        return {"in": max(text, 1) + seen, "cached": cached, "out": len(content) // 4 + 1}


def _large(message, payload, protocol, writer, task):
    """Make a request whose body may hold pictures."""
    loop = task.get_loop()
    return web.BaseRequest(
        message, payload, protocol, writer, task, loop, client_max_size=64 * 1024**2
    )


class Draw:
    """Numbers that depend on bytes and a name only."""

    def __init__(self, seed: bytes):
        self.seed = seed
        self.count = 0

    def uniform(self, name: str) -> float:
        digest = hashlib.blake2b(name.encode(), digest_size=8, key=self.seed).digest()
        return int.from_bytes(digest, "little") / 2**64

    def next(self) -> float:
        self.count += 1
        return self.uniform(str(self.count))


def instance(schema, draw, root=None):
    """Return an instance of a JSON schema; which one is up to the draw."""
    root = root if root is not None else schema
    if "$ref" in schema:
        target = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return instance(target, draw, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][int(draw.next() * len(schema["enum"]))]
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return instance(schema[key][int(draw.next() * len(schema[key]))], draw, root)
    kind = schema.get("type", "object")
    if isinstance(kind, list):
        kind = kind[int(draw.next() * len(kind))]
    return _of_type(kind, schema, draw, root)


def _of_type(kind, schema, draw, root):
    if kind == "object":
        parts = schema.get("properties", {})
        return {name: instance(part, draw, root) for name, part in parts.items()}
    if kind == "array":
        count = schema.get("minItems", 0)
        return [instance(schema.get("items", {}), draw, root) for _ in range(count)]
    low = schema.get("minimum", 0)
    if kind == "number":
        return round(low + draw.next() * (schema.get("maximum", low + 1) - low), 3)
    if kind == "integer":
        return int(low + draw.next() * (schema.get("maximum", low + 9) - low))
    return {"boolean": draw.next() < 0.2, "null": None}.get(kind, f"text {int(draw.next() * 1e6)}")


def _spoil(content, fault):
    if fault == "truncated_json":
        return content[: len(content) // 2]
    if fault == "wrong_schema":
        return '{"verdict": ["it", "depends"], "score": "high"}'
    if fault == "prose":
        return f"Sure! Here is the result:\n```json\n{content}\n```\nLet me know if that helps."
    if fault == "fences":
        return f"```json\n{content}\n```"
    if fault == "duplicate_keys":
        return re.sub(r'^\{("[^"]*"):', r'{\1: "said twice", \1:', content)
    quoted = json.dumps(STRANGE)[1:-1]
    return re.sub(r'"text \d+"', lambda _: f'"{quoted}"', content)


def _schema_of(body, anthropic):
    if not anthropic:
        wanted = body.get("response_format") or {}
        return (wanted.get("json_schema") or {}).get("schema")
    if schema := ((body.get("output_config") or {}).get("format") or {}).get("schema"):
        return schema
    tools = body.get("tools") or []
    return tools[0].get("input_schema") if tools else None


def _contents(body):
    return [message.get("content") or "" for message in body.get("messages") or []]


def _length(content):
    if isinstance(content, str):
        return len(content)
    return sum(len(block.get("text") or "") for block in content)


def _images(body):
    blocks = (
        block for content in _contents(body) if isinstance(content, list) for block in content
    )
    return sum(block.get("type") in ("image", "image_url") for block in blocks)


def _openai_reply(body, content, usage, fault):
    message = {"role": "assistant", "content": content, "reasoning_content": "thinking aloud"}
    if fault == "refusal":
        message |= {"content": None, "refusal": "I cannot help with that."}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return {
        "id": "chatcmpl-loopback",
        "object": "chat.completion",
        "model": body.get("model"),
        "choices": [] if fault == "empty_choices" else [choice],
        "usage": {
            "prompt_tokens": usage["in"],
            "completion_tokens": usage["out"],
            "total_tokens": usage["in"] + usage["out"],
            "prompt_tokens_details": {"cached_tokens": usage["cached"]},
        },
    }


def _anthropic_reply(body, content, usage, fault):
    blocks = [{"type": "thinking", "thinking": "thinking aloud", "signature": ""}]
    if body.get("tools") and fault not in CONTENT_FAULTS:
        tool = {"type": "tool_use", "id": "toolu_1", "name": body["tools"][0]["name"]}
        blocks.append({**tool, "input": orjson.loads(content)})
    else:
        blocks.append({"type": "text", "text": content})
    return {
        "id": "msg_loopback",
        "type": "message",
        "role": "assistant",
        "model": body.get("model"),
        "content": [] if fault == "empty_choices" else blocks,
        "stop_reason": "refusal" if fault == "refusal" else "end_turn",
        "usage": {
            "input_tokens": usage["in"] - usage["cached"],
            "cache_read_input_tokens": usage["cached"],
            "cache_creation_input_tokens": 0,
            "output_tokens": usage["out"],
        },
    }


OPPOSITES = {"true": "false", "false": "true", "yes": "no", "no": "yes"}


def _logprobs(content, draw):
    found = []
    for token in re.findall(r"\s*(?:\w+|[^\w\s])", content):
        share = 0.5 + 0.49 * draw.next()
        other = OPPOSITES.get(token.strip().lower(), "…")
        top = [(token, math.log(share)), (other, math.log((1 - share) * 0.9))]
        alternatives = [{"token": t, "logprob": p, "bytes": None} for t, p in top]
        found.append({"token": token, "logprob": math.log(share), "top_logprobs": alternatives})
    return found


def _json(value, status=200):
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


def _error(status, message, *, code=None, param=None):
    kind = "invalid_request_error" if status < 500 else "server_error"
    error = {"message": message, "type": kind, "code": code, "param": param}
    return _json({"type": "error", "error": error}, status)


def _drop(request):
    if request.transport:
        request.transport.abort()
    return web.Response()  # goes nowhere


async def _cut_off(request, body):
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport:
        request.transport.close()
    return response


class Remote:
    """A server in another process."""

    def __init__(self, port):
        self.port = port
        self.url = f"http://127.0.0.1:{port}/v1"

    def stats(self) -> dict:
        """Return counts by outcome, received and max_in_flight."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats", timeout=10) as answer:
            return json.load(answer)


@contextlib.contextmanager
def process(
    *, latency_s=0.0, spread=0.0, faults=None, seed=0, rate=None, stall_s=30.0, judge=False
):
    """Run a server in a process of its own; yields a :class:`Remote`."""
    stated = ",".join(f"{name}={share}" for name, share in (faults or {}).items())
    command = [sys.executable, __file__, "--port", "0", "--faults", stated]
    for name, value in (("latency", latency_s), ("spread", spread), ("seed", seed)):
        command += [f"--{name}", str(value)]
    command += ["--stall", str(stall_s), *(["--rate", str(rate)] if rate else [])]
    command += ["--judge"] if judge else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield Remote(int(child.stdout.readline().rsplit(":", 1)[1].split("/")[0]))
        finally:
            child.kill()


def read_faults(text: str) -> dict[str, float]:
    """Read ``429=0.04,500=0.02``, or ``bad`` for BAD_DAY."""
    if text == "bad":
        return BAD_DAY
    pairs = (pair.split("=") for pair in text.split(",") if pair)
    return {name.strip(): float(share) for name, share in pairs}


async def _serve(options) -> None:
    server = Loopback(
        latency_s=options.latency,
        spread=options.spread,
        faults=read_faults(options.faults),
        seed=options.seed,
        rate=options.rate,
        stall_s=options.stall,
        script=scripted_judge.verdict if options.judge else None,
    )
    await server.start(options.port)
    print(f"listening on {server.url}", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="A chat server on loopback that can fail.")
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--latency", type=float, default=0.0, help="median seconds to a reply")
    parser.add_argument("--spread", type=float, default=0.0, help="sigma of the lognormal spread")
    parser.add_argument("--faults", default="", help="e.g. 429=0.04,500=0.02, or bad")
    parser.add_argument("--stall", type=float, default=30.0, help="seconds a stalled reply takes")
    parser.add_argument("--rate", type=float, help="requests a second, the others get a 429")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--judge", action="store_true", help="answer judge prompts consistently")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
