"""The page in a real browser: what is on it can be seen without scrolling sideways."""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from erranal import report

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NAMES = ("gpt-4o-mini-2024-07-18", "Qwen2.5-VL-72B-Instruct-AWQ", "sim-judge-7b")


def _synthetic():
    spec = importlib.util.spec_from_file_location(
        "report_study", Path(__file__).with_name("report_study.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def browser():
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on the path")
    with sync_api.sync_playwright() as driver:
        opened = driver.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """Return a page of three models beside the rules: one dear, one partly priced, one unpriced."""
    sim = _synthetic()
    folder = tmp_path_factory.mktemp("judges")
    study = sim.build(folder / "s.duckdb")
    sim.fill(study)
    made = [
        sim.add_model_judge(study, seed=seed, spec=replace(sim.MODEL_JUDGE, name=name))
        for seed, name in enumerate(NAMES)
    ]
    calls = [
        {"call_id": f"{judge_id}/{i}", "judge_id": judge_id, "codebook_id": "b", "sample": i,
         "output_id": "o0000001", "status": "answered", "tokens_in": 900, "tokens_out": 9,
         "cost_usd": cost}
        for judge_id, costs in zip(made, ([1234.5], [12.25, None], [None]), strict=True)
        for i, cost in enumerate(costs)
    ]  # fmt: skip
    with study.write() as tx:
        tx.append("calls", pd.DataFrame(calls))
    report.run(study, path=folder / "page.html")
    return folder / "page.html"


@pytest.mark.parametrize("width", [1280, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_table_is_cut_at_the_right(browser, written, width, scheme):
    opened = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    opened.goto(written.as_uri())
    opened.locator("table.judges tbody tr").nth(3).wait_for()  # three models and the rules
    opened.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    cut = opened.evaluate(
        "[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth)"
        ".map(one => one.ariaLabel)"
    )
    assert cut == []
    cost = opened.locator("table.judges tr td:last-child")
    assert "of unknown price" in "".join(cost.all_inner_texts())
    right = max(cost.nth(row).bounding_box()["x"] for row in range(cost.count()))
    assert right < width - 60
    opened.close()
