"""Limits, retries, breaker and budget, in time that leaps over the waits."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from erranal.engine import Limits
from erranal.engine.allowance import Allowance
from erranal.engine.window import FIRST
from erranal.errors import StageError
from erranal.models.chat import ChatFailure
from erranal.models.prices import Price


def _load():
    if "engine_fakes" not in sys.modules:
        source = Path(__file__).with_name("engine_fakes.py")
        spec = importlib.util.spec_from_file_location("engine_fakes", source)
        sys.modules["engine_fakes"] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["engine_fakes"]


fakes = _load()
FakeChat, failing, leap = fakes.FakeChat, fakes.failing, fakes.leap


def statuses(outcome):
    return Counter(answer.status for answer in outcome.answers)


@pytest.mark.parametrize("latency_s", [0.02, 0.2, 1.0])
@pytest.mark.parametrize("concurrency", [64, 256])
@pytest.mark.parametrize("retry_after_s", [None, 1.0])
def test_a_rate_limited_server_loses_nothing_and_little_is_wasted(
    latency_s, concurrency, retry_after_s
):
    server = FakeChat(latency_s=latency_s, rate=50.0, retry_after_s=retry_after_s)
    outcome = leap(server, 3_000, Limits(concurrency=concurrency))
    assert statuses(outcome) == {"answered": 3_000}
    assert {answer.attempts for answer in outcome.answers} == {1}, "a 429 uses no attempt"
    assert outcome.report.rate_limited == server.turned_away < 0.2 * 3_000
    best = (3_000 - server.burst) / server.rate
    assert best <= outcome.seconds < 1.35 * best


def test_a_concurrency_far_too_high_settles_near_what_the_server_takes():
    server = FakeChat(latency_s=0.2, rate=50.0)
    leap(server, 6_000, Limits(concurrency=256))
    late = [now for now, _ in server.sent if now > 20.0]
    sent_per_s = len(late) / (late[-1] - late[0])
    assert 45.0 < sent_per_s < 60.0


def test_single_429s_slow_nothing_down():
    share = 0.04
    server = FakeChat(latency_s=0.2, fault=fakes.noisy(1, share, ("rate_limited",)))
    outcome = leap(server, 5_000, Limits(concurrency=64))
    assert statuses(outcome) == {"answered": 5_000}
    assert outcome.seconds < 1.15 * (5_000 * 0.2 / 64) / (1 - share)


def test_retry_after_of_five_minutes_is_honoured():
    def fault(text, attempt, now):
        if now < 10.0 or now > 310.0:
            return None
        return ChatFailure("rate_limited", "quota", retry_after_s=300.0)

    server = FakeChat(latency_s=0.5, fault=fault)
    outcome = leap(server, 1_000, Limits(concurrency=16, patience_s=5.0))
    assert statuses(outcome) == {"answered": 1_000}
    assert outcome.gate.waited_s > 290.0
    refused = [now for now, _ in server.sent if 10.0 < now < 310.0]
    assert len(refused) <= 16 + 6, "those sent before the seventh 429 closed the gate"
    first_after = min(now for now, _ in server.sent if now > 300.0)
    assert first_after >= 310.0


def test_the_window_starts_small_enough_and_reaches_the_concurrency():
    server = FakeChat(latency_s=1.0)
    leap(server, 3_000, Limits(concurrency=256))
    first = [now for now, _ in server.sent if now < 0.5]
    assert len(first) == FIRST
    assert server.busiest == 256


@given(
    limit=st.integers(1, 3_000),
    amounts=st.lists(st.integers(1, 400), min_size=1, max_size=80),
    gaps=st.lists(st.floats(0, 20), min_size=80, max_size=80),
)
@settings(max_examples=60, deadline=None)
def test_no_minute_ever_holds_more_than_the_allowance(limit, amounts, gaps):
    allowance, now, sent = Allowance(limit), 0.0, []
    for amount, gap in zip(amounts, gaps, strict=False):
        now += gap
        while (wait := allowance.delay(now, amount)) > 0.0:
            now += wait + 1e-6
        allowance.take(now, amount)
        sent.append((now, amount))
    for start, first in sent:
        within = sum(amount for at, amount in sent if start <= at < start + 60.0)
        assert within <= max(limit, first)


def most_in_a_minute(weighted):
    return max(
        sum(weight for at, weight in weighted if start <= at < start + 60.0)
        for start, _ in weighted
    )


def test_requests_per_minute_are_kept_and_used():
    server = FakeChat(latency_s=0.3)
    outcome = leap(server, 700, Limits(concurrency=64, rpm=200))
    assert most_in_a_minute([(now, 1) for now, _ in server.sent]) <= 200
    assert outcome.seconds < 1.05 * 60.0 * 700 / 200
    assert outcome.gate.waited_s > 0.8 * outcome.seconds


def test_tokens_per_minute_are_kept_though_estimates_are_far_too_high():
    server = FakeChat(latency_s=0.3, usage=lambda request: (150, 50))
    limits = Limits(concurrency=8, tpm=20_000)
    outcome = leap(server, 400, limits, estimate=lambda request: (2_000, 100))
    assert most_in_a_minute([(now, 200) for now, _ in server.sent]) <= 20_000
    assert outcome.seconds < 1.35 * 60.0 * 400 * 200 / 20_000


PRICE = Price(input_usd=1.0, cached_usd=0.5, output_usd=10.0)


@pytest.mark.parametrize("latency_s", [0.0, 1.0])
def test_the_budget_is_used_and_never_passed_at_concurrency_64(latency_s):
    bill = []

    def usage(request):
        size = len(request.messages[0].parts[0]) * 37 % 900
        bill.append(PRICE.cost(size, 0, 80))
        return size, 80

    server = FakeChat(latency_s=latency_s, usage=usage)
    limits = Limits(concurrency=64, budget_usd=0.5)
    estimate = lambda request: (900, request.max_tokens)  # noqa: E731
    outcome = leap(server, 5_000, limits, price=PRICE, estimate=estimate)
    assert outcome.stop.reason == "budget"
    assert 0.49 < sum(bill) <= 0.5
    assert outcome.gate.budget.spent == pytest.approx(sum(bill))
    assert len(outcome.answers) == len(bill) < 5_000
    assert outcome.gate.budget.reserved == pytest.approx(0.0)


def test_what_timed_out_may_have_been_paid_for_and_counts_against_the_budget():
    server = FakeChat(latency_s=1.0, fault=failing("timeout", lambda text, attempt, now: True))
    limits = Limits(concurrency=4, budget_usd=0.01, patience_s=1e6)
    outcome = leap(server, 100, limits, price=PRICE, estimate=lambda request: (500, 50))
    assert outcome.stop.reason == "budget"
    assert outcome.gate.budget.unsure == pytest.approx(0.001 * len(server.sent))
    assert outcome.gate.budget.unsure <= 0.01


def test_a_reply_without_usage_is_billed_at_its_bound():
    server = FakeChat(usage=lambda request: None)
    limits = Limits(concurrency=4, budget_usd=0.0105)
    outcome = leap(server, 100, limits, price=PRICE, estimate=lambda request: (500, 50))
    assert statuses(outcome) == {"answered": 10}
    assert {answer.cost_usd for answer in outcome.answers} == {None}


def test_an_endpoint_that_comes_back_costs_no_call_its_attempts():
    down = failing("network", lambda text, attempt, now: 10.0 < now < 70.0)
    server = FakeChat(latency_s=0.5, fault=down)
    outcome = leap(server, 1_000, Limits(concurrency=32, attempts=3))
    assert statuses(outcome) == {"answered": 1_000}
    trials = [now for now, _ in server.sent if 11.0 < now < 70.0]
    assert 3 <= len(trials) <= 12, "tried now and then, not hammered"
    assert outcome.seconds < 70.0 + 40.0 + 1_000 * 0.5 / 32


@pytest.mark.parametrize("trouble", ["network", "server", "timeout"])
def test_a_dead_endpoint_is_given_up_after_the_patience_and_nothing_fails(trouble):
    server = FakeChat(latency_s=0.1, fault=failing(trouble, lambda text, attempt, now: now > 5.0))
    outcome = leap(server, 10_000, Limits(concurrency=16, patience_s=60.0))
    assert set(statuses(outcome)) == {"answered"}, "what could not be sent stays to be asked"
    assert f"fake {trouble}" in outcome.stop.reason
    assert 60.0 < outcome.seconds < 75.0


def test_calls_that_fail_among_others_that_work_have_themselves_to_blame():
    poison = {f"{number} " for number in (3, 7, 400, 996, 997, 998, 999)}
    server = FakeChat(
        latency_s=0.1, fault=failing("server", lambda text, attempt, now: text in poison)
    )
    outcome = leap(server, 1_000, Limits(concurrency=16, attempts=4))
    assert statuses(outcome) == {"answered": 993, "failed": 7}
    assert outcome.stop.reason is None
    assert outcome.seconds < 30.0
    failed = [answer for answer in outcome.answers if answer.status == "failed"]
    assert {answer.attempts for answer in failed} == {4}
    assert {answer.error for answer in failed} == {"fake server"}


def test_a_last_call_that_never_works_ends_as_failed():
    server = FakeChat(latency_s=0.1, fault=failing("server", lambda text, attempt, now: True))
    outcome = leap(server, 1, Limits(concurrency=8))
    assert statuses(outcome) == {"failed": 1}


def test_faults_of_all_kinds_at_a_fifth_of_the_replies_lose_nothing():
    kinds = ("rate_limited", "server", "network", "timeout")
    server = FakeChat(latency_s=0.2, fault=fakes.noisy(5, 0.2, kinds))
    outcome = leap(server, 5_000, Limits(concurrency=64))
    assert sorted(answer.key for answer in outcome.answers) == sorted(
        f"k{number}" for number in range(5_000)
    )
    assert statuses(outcome)["answered"] >= 4_999
    assert outcome.seconds < 1.6 * 5_000 * 0.2 / 64 / 0.8


def test_refusals_and_bad_requests_are_final_at_once():
    faults = {"0 ": "refused", "1 ": "bad_request"}
    fault = lambda text, attempt, now: (  # noqa: E731
        ChatFailure(faults[text], "no") if text in faults else None
    )
    server = FakeChat(fault=fault)
    outcome = leap(server, 4, Limits(concurrency=2))
    assert statuses(outcome) == {"refused": 1, "failed": 1, "answered": 2}
    assert len(server.sent) == 4


def test_concurrency_is_never_passed():
    server = FakeChat(latency_s=0.1, fault=fakes.noisy(2, 0.2, ("server", "rate_limited")))
    leap(server, 1_000, Limits(concurrency=7))
    assert server.busiest == 7


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("concurrency", 0), ("concurrency", NAN), ("concurrency", 0.5), ("rpm", NAN), ("rpm", 0),
        ("tpm", INF), ("tpm", -1), ("attempts", 0), ("budget_usd", NAN), ("budget_usd", INF),
        ("budget_usd", -0.01), ("patience_s", NAN), ("patience_s", 0),
    ],
)  # fmt: skip
def test_a_limit_that_limits_nothing_is_refused(name, value):
    with pytest.raises(StageError, match=rf"{name} is {value}: give "):
        Limits(**{name: value})
