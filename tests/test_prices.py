"""Prices: names find them, a user's file wins, and a cost is what the provider would bill."""

from __future__ import annotations

import tomllib
from datetime import date
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erranal.errors import ModelError
from erranal.models.prices import FREE, Price, find

TABLE = tomllib.loads(files("erranal.models").joinpath("prices.toml").read_text("utf-8"))["models"]
TOKENS = st.integers(0, 2_000_000)


@pytest.mark.parametrize("name", TABLE)
def test_every_listed_price_says_where_and_when_it_was_read(name):
    row = TABLE[name]
    assert row["source"].startswith("https://")
    assert date(2026, 1, 1) <= row["checked"] <= date.today()
    assert row["cached"] < row["input"] < row["output"]
    assert row.get("written", row["input"]) >= row["input"]
    price = find(name)
    assert (price.input_usd, price.output_usd) == (row["input"], row["output"])
    assert price.source == row["source"]


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("gpt-4o-mini", "gpt-4o-mini"),
        ("openai:gpt-4o-mini", "gpt-4o-mini"),
        ("openai:gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("anthropic:claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("claude-opus-4-6", "claude-opus-4-6"),
    ],
)
def test_names(name, listed):
    assert find(name).input_usd == TABLE[listed]["input"]


@pytest.mark.parametrize(
    "name", ["gpt-4o-mini-audio", "openai:gpt", "gpt-4o-mini-2024", "", "openai:", "GPT-4o-mini"]
)
def test_no_price_is_guessed(name):
    assert find(name) is None


@pytest.mark.parametrize("spec", ["ollama:gpt-4o-mini", "hf:org/model", "vllm:x", "lmstudio:y"])
def test_the_users_own_machine_bills_nothing(spec):
    assert find(spec) == FREE
    assert find(spec).cost(10**6, 0, 10**6) == 0


def test_a_worked_bill():
    # 1,000 calls of 3,000 prompt tokens, 2,048 of them read back, 200 generated: gpt-4o-mini at
    # 0.15, 0.075 and 0.60 USD per million.
    total = 1000 * find("gpt-4o-mini").cost(3000, 2048, 200)
    assert total == pytest.approx(0.952 * 0.15 + 2.048 * 0.075 + 0.2 * 0.60)


def test_what_is_written_to_the_cache_costs_more():
    price = find("claude-haiku-4-5")
    assert price.cost(3000, 0, 0, 2000) == pytest.approx((1000 * 1.0 + 2000 * 1.25) / 1e6)
    assert price.cost(3000, 2000, 0) == pytest.approx((1000 * 1.0 + 2000 * 0.1) / 1e6)


def test_a_long_prompt_costs_its_factor_on_every_token():
    price = find("claude-haiku-5-5")
    assert price.cost(100_000, 0, 10) == pytest.approx((100_000 * 0.1 + 10 * 0.5) / 1e6)
    assert price.cost(100_001, 0, 10) == pytest.approx((100_001 * 0.5 + 10 * 2.5) / 1e6)


@given(TOKENS, TOKENS, TOKENS, TOKENS)
def test_a_bill_lies_between_all_cached_and_all_written(prompt, cached, out, written):
    price = Price(2.0, 0.2, 10.0, 2.5)
    cost = price.cost(prompt, cached, out, written)
    generated = out * 10.0 / 1e6
    assert prompt * 0.2 / 1e6 + generated <= cost + 1e-9
    assert cost <= prompt * 2.5 / 1e6 + generated + 1e-9
    assert cost <= price.at_most(prompt, out) + 1e-9


def test_the_users_file_wins_and_adds(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        '[models."gpt-4o-mini"]\ninput = 1\noutput = 2\n[models."org/own-model"]\n'
        "input = 0.5\ncached = 0.1\nwritten = 0.6\noutput = 3.0\nsource = 'the contract'\n"
    )
    assert find("openai:gpt-4o-mini", file) == Price(
        1.0, 1.0, 2.0, source=f"{file}, model 'gpt-4o-mini'"
    )
    assert find("openai:gpt-4o-mini-2024-07-18", file).input_usd == 1.0
    assert find("ollama:org/own-model", file).written_usd == 0.6
    assert find("openai:gpt-4o", file) == find("openai:gpt-4o")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("models = [", "no TOML"),
        ("[other]\na = 1\n", "has no table"),
        ("models = 3\n", "has no table"),
        ("[models]\nm = 4\n", "give input and output"),
        ("[models.m]\ninput = 1\n", "give input and output"),
        ("[models.m]\ninput = 1\noutput = -2\n", "output = -2"),
        ("[models.m]\ninput = 'cheap'\noutput = 2\n", "input = 'cheap'"),
        ("[models.m]\ninput = nan\noutput = 2\n", "input = nan"),
        ("[models.m]\ninput = true\noutput = 2\n", "input = True"),
        ("[models.m]\ninput = 1\noutput = 2\ncache = 1\n", "no such entry 'cache'"),
    ],
)
def test_a_broken_file_is_named(text, says, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ModelError, match=says) as caught:
        find("m", file)
    assert str(file) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"none\.toml"):
        find("m", tmp_path / "none.toml")
