"""The spool: every answer comes back as it was, torn lines do not, one process at a time."""

from __future__ import annotations

import math
import os
import resource
import subprocess
import sys
import zlib
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from erranal.engine import Answer, Spool, lines
from erranal.errors import StageError
from erranal.models.chat import ChatReply, Token

text = st.text() | st.text(st.characters())  # the second with lone surrogates
count = st.none() | st.integers(0, 2**70)
number = st.floats(allow_nan=False)
tokens = st.builds(Token, text, number, st.lists(st.tuples(text, number), max_size=2).map(tuple))
replies = st.builds(
    ChatReply,
    text=text,
    finish_reason=st.none() | text,
    tokens_in=count,
    tokens_out=count,
    logprobs=st.lists(tokens, max_size=2).map(tuple),
)
contexts = st.dictionaries(text, st.none() | text | st.integers() | st.lists(text, max_size=2))
answers = st.builds(
    Answer,
    key=text,
    status=st.sampled_from(["answered", "refused", "failed"]),
    reply=st.none() | replies,
    error=st.none() | text,
    attempts=st.integers(0, 9),
    seconds=st.floats(0, 1e6),
    asked_at=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    cost_usd=st.none() | st.floats(0, 1e6),
    context=contexts,
)


def answer(number: int, text: str = "yes") -> Answer:
    reply = ChatReply(text, "stop", "fake", 10, 0, 3)
    asked_at = datetime(2026, 1, 1, tzinfo=UTC)
    return Answer(f"k{number}", "answered", reply, None, 1, 0.5, asked_at, 0.1, {"n": number})


@given(answers)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_every_answer_comes_back_as_it_was(one):
    logprobs = one.reply.logprobs if one.reply else ()
    values = [token.logprob for token in logprobs]
    values += [value for token in logprobs for _, value in token.alternatives]
    back = lines.decode(lines.encode(one))
    if math.inf not in values:
        assert back == one
    assert back is not None
    assert lines.encode(one).count(b"\n") == 1


@given(one=answers, data=st.data())
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_torn_or_changed_line_is_no_answer(one, data):
    line = lines.encode(one)
    cut = data.draw(st.integers(0, len(line) - 1))
    assert lines.decode(line[:cut]) is None
    flipped = bytearray(line)
    flipped[cut] ^= 1 << data.draw(st.integers(0, 7))
    assert lines.decode(bytes(flipped)) is None


def test_lines_of_another_shape_are_no_answers():
    for data in (b"{}", b"[1]", b"null", b'{"reply": 3, "asked_at": "2026-01-01"}'):
        assert lines.decode(b"%08x %s\n" % (zlib.crc32(data), data)) is None


def test_what_was_written_and_not_deleted_is_recovered(tmp_path):
    with Spool(tmp_path, "calls") as spool:
        spool.write(answer(1))
        spool.write(answer(2))
        landed = spool.rotate()
        spool.write(answer(3))
        landed.delete()
        spool.write(answer(4))
    with Spool(tmp_path, "calls") as spool:
        assert list(spool.recover()) == [answer(3), answer(4)]
        spool.write(answer(5))
        assert list(spool.recover()) == [answer(3), answer(4)], "not forgotten before it landed"
        spool.clear_recovered()
        assert list(spool.recover()) == []
    with Spool(tmp_path, "calls") as spool:
        assert list(spool.recover()) == [answer(5)]
        spool.clear_recovered()
    assert not list(tmp_path.glob("*.spool"))


def test_a_torn_last_line_is_left_out_and_counted(tmp_path):
    with Spool(tmp_path, "calls") as spool:
        for number in range(3):
            spool.write(answer(number))
    (path,) = tmp_path.glob("*.spool")
    os.truncate(path, path.stat().st_size - 5)
    with Spool(tmp_path, "calls") as spool:
        assert list(spool.recover()) == [answer(0), answer(1)]
        assert spool.damaged == 1


def test_a_segment_is_forgotten_only_when_it_was_read_to_its_end(tmp_path):
    with Spool(tmp_path, "calls") as spool:
        spool.write(answer(1))
        spool.write(answer(2))
    with Spool(tmp_path, "calls") as spool:
        assert next(iter(spool.recover())) == answer(1)
        spool.clear_recovered()
        assert list(spool.recover()) == [answer(1), answer(2)]


def test_spools_in_one_folder_do_not_mix(tmp_path):
    with Spool(tmp_path, "a") as first, Spool(tmp_path, "a.b") as second:
        first.write(answer(1))
        second.write(answer(2))
    with Spool(tmp_path, "a") as first:
        assert list(first.recover()) == [answer(1)]


def test_a_second_process_is_told_who_holds_the_spool(tmp_path):
    code = f"from erranal.engine import Spool; Spool({str(tmp_path)!r}, 'calls')"
    with Spool(tmp_path, "calls"):
        with pytest.raises(StageError, match=f"process {os.getpid()}"):
            Spool(tmp_path, "calls")
        other = subprocess.run(
            [sys.executable, "-c", code], check=False, capture_output=True, text=True
        )
        assert other.returncode == 1
        assert f"process {os.getpid()}" in other.stderr
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@contextmanager
def room_for(size: int):
    """Let no file grow beyond ``size`` bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_whole_lines(tmp_path):
    with Spool(tmp_path, "calls") as spool:
        with room_for(1_000):
            spool.write(answer(1))
            with pytest.raises(OSError, match="too large"):
                spool.write(answer(2, "x" * 2_000))
        spool.write(answer(3))
    with Spool(tmp_path, "calls") as spool:
        assert list(spool.recover()) == [answer(1), answer(3)]
        assert spool.damaged == 0


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a b"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path, name):
    with pytest.raises(StageError, match="cannot name a spool"):
        Spool(tmp_path, name)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StageError, match="cannot write in"):
        Spool(tmp_path / "file", "calls")
