"""A coder at work: the form in a real browser on a real server, with the keyboard.

Everything but marking a new span is done with keys. Label Studio makes a span when a mouse button
is let go over a text, and offers no key for it; spans that a judge suggests can be chosen,
relabelled and removed with keys.
"""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from erranal import codebook
from erranal.rounds import hotkeys, instructions, interface

pytest.importorskip("label_studio_sdk", reason="the client of Label Studio is not installed")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
BOOK = codebook.load("modality_gap")
KEYS = hotkeys.assign(BOOK)
VALUES = {"choices": "choices", "taxonomy": "taxonomy", "rating": "rating", "textarea": "text"}
RESPONSE = "The baker packs 19 rolls.\nالجواب هو 228.\n答案是228。 😀 19 * 12 = 228."
TASK = {
    "record_id": "0123456789abcdef",
    "meta_line": "made up · m · direct",
    "question": "16 rolls in each of 12 baskets: how many?",
    "choices_text": "",
    "gold": "192",
    "answer_line": "228 · incorrect",
    "response": RESPONSE,
    "response_title": "image",
    "reference": "",
    "reference_title": "text",
    "judge_note": "16 is read as 19.",
}
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><text y="20">16</text></svg>'
PICTURE = {"image": "data:image/svg+xml;base64," + base64.b64encode(SVG.encode()).decode()}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return a headless Chromium of this machine; none is downloaded."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on the path")
    with sync_api.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=found, args=QUIET)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, label_studio) -> Iterator[Any]:
    """Return a page in which a coder has logged in."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    opened.errors = []
    opened.on("pageerror", lambda error: opened.errors.append(error.message))
    email, password = label_studio.account("coder-1")
    opened.goto(f"{label_studio.url}/user/login/")
    opened.locator("input[name=email]").focus()
    opened.keyboard.type(email)
    opened.keyboard.press("Tab")
    opened.keyboard.type(password)
    opened.keyboard.press("Enter")
    opened.wait_for_url(lambda url: "login" not in url)
    yield opened
    context.close()


def project(
    label_studio, title: str, prediction: list[dict[str, Any]], *, image: bool = False
) -> int:
    config = interface.build(BOOK, image=image, suggestions=bool(prediction))
    predictions = [{"model_version": "judge", "result": prediction}] if prediction else []
    with label_studio.client() as client:
        number = client.create_project(title, config, instructions=instructions.html(BOOK))
        client.import_tasks(number, [{"data": TASK | PICTURE, "predictions": predictions}])
    return int(number)


def open_stream(page, label_studio, number: int) -> None:
    page.goto(f"{label_studio.url}/projects/{number}/data?labeling=1")
    page.wait_for_selector(".er .lsf-richtext__line")
    page.wait_for_selector(".er-guide", state="visible")
    page.keyboard.press("Escape")
    page.wait_for_selector(".er-guide", state="hidden")


def go_back_to(page, selector: str) -> None:
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("chosen => document.activeElement.matches(chosen)", selector):
            return
    pytest.fail(f"{selector} cannot be reached with Shift+Tab")


def pick_code(page, title: str) -> None:
    go_back_to(page, ".er-side input[role=combobox]")
    page.keyboard.press("ArrowDown")
    page.wait_for_function("document.activeElement.name === 'taxonomy-search-input'")
    page.keyboard.type(title)
    page.wait_for_selector(f".htx-taxonomy-dropdown >> text={title}")
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    page.wait_for_selector(f".er-side .ant-select-selection-item >> text={title}")
    page.keyboard.press("Escape")
    page.wait_for_selector(".htx-taxonomy-dropdown", state="hidden")


def submitted(label_studio, number: int) -> dict[str, Any]:
    with label_studio.client() as client:
        (task,) = client.changed_tasks(number, None)
    (annotation,) = task["annotations"]
    return dict(annotation)


def answers(annotation: dict[str, Any]) -> dict[str, Any]:
    results = annotation["result"]
    return {r["from_name"]: r["value"][VALUES[r["type"]]] for r in results if r["type"] in VALUES}


def spans(annotation: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (r["from_name"], r["value"]["start"], r["value"]["end"], *r["value"]["labels"])
        for r in annotation["result"]
        if r["type"] == "labels"
    ]


def checked(page) -> list[str]:
    return page.locator(".er .ant-radio-wrapper-checked").all_inner_texts()


def submit(page) -> None:
    with page.expect_response(lambda r: "/annotations" in r.url and r.request.method == "POST"):
        page.keyboard.press("Control+Enter")


def test_blind(page, label_studio):
    """Open, choose, mark, flag, write, submit; what comes back is what was done."""
    number = project(label_studio, "keys only", [])
    open_stream(page, label_studio, number)
    page.keyboard.press(KEYS["thinking.calculation"])
    page.keyboard.press(KEYS["reading.value_misread"])
    assert len(checked(page)) == 1
    assert "Value misread" in checked(page)[0]
    page.keyboard.press("q")
    page.locator(".er-coded .lsf-richtext__line").first.dblclick(position={"x": 105, "y": 10})
    for key in ("c", "c", "c", "c", "g", "k", "k"):
        page.keyboard.press(key)
    pick_code(page, "Calculation")
    pick_code(page, "Refusal")
    go_back_to(page, "textarea[name=memo]")
    page.keyboard.type("16 as 19, qwe 123")
    page.keyboard.press("Shift+Enter")
    submit(page)

    annotation = submitted(label_studio, number)
    assert answers(annotation) == {
        "primary": ["reading.value_misread"],
        "codes": [["thinking", "thinking.calculation"], ["output", "output.refusal"]],
        "confidence": 4,
        "flags": ["GOLD"],
        "memo": ["16 as 19, qwe 123"],
    }
    ((control, start, end, label),) = spans(annotation)
    assert (control, label) == ("ev_response", "Evidence")
    assert RESPONSE[start:end] in RESPONSE.split()
    assert page.errors == []


def test_suggested(page, label_studio):
    """A suggestion is changed with keys alone: another primary, another label, one span removed."""
    emoji = RESPONSE.index("19 * 12")
    labelled = [(16, 24, "Evidence"), (emoji, len(RESPONSE), "Evidence")]
    prediction: list[dict[str, Any]] = [
        {
            "id": f"p{start}",
            "from_name": "ev_response",
            "to_name": "response",
            "type": "labels",
            "value": {"start": start, "end": end, "text": RESPONSE[start:end], "labels": [label]},
        }
        for start, end, label in labelled
    ]
    for name, kind, value in (
        ("primary", "choices", ["thinking.calculation"]),
        ("codes", "taxonomy", [["thinking", "thinking.calculation"]]),
    ):
        prediction.append(
            {"from_name": name, "to_name": "response", "type": kind, "value": {kind: value}}
        )
    number = project(label_studio, "keys and suggestions", prediction)
    open_stream(page, label_studio, number)
    assert "Calculation" in checked(page)[0]
    page.keyboard.press(KEYS["codebook gap"])
    page.keyboard.press("Alt+.")
    page.keyboard.press("w")
    page.keyboard.press("Alt+.")
    page.keyboard.press("Backspace")
    submit(page)

    annotation = submitted(label_studio, number)
    assert answers(annotation) == {
        "primary": ["codebook gap"],
        "codes": [["thinking", "thinking.calculation"]],
    }
    (left,) = spans(annotation)
    assert left[0] == "ev_response"
    assert left[3] == "Correct step"
    assert left[1:3] in [(start, end) for start, end, _ in labelled]
    assert page.errors == []


def test_keys_are_told_apart(page, label_studio):
    """Every code answers to its key, and to no other; nor do the tools of the image."""
    number = project(label_studio, "each key", [], image=True)
    open_stream(page, label_studio, number)
    named = interface.titles(BOOK) | {"none": "None", "codebook gap": "Codebook gap"}
    seen = {}
    for code, key in KEYS.items():
        page.keyboard.press(key)
        seen[code] = [text.partition("[")[0].strip() for text in checked(page)]
    assert seen == {code: [named[code]] for code in KEYS}
    page.keyboard.press("c")
    assert page.locator(".er .ant-rate-star-full").count() == 1
    assert page.errors == []


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1920, 1080)])
@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_fits(page, label_studio, width, height, theme):
    """All answers are in view beside the texts; no text is cut off at the side or unreadable."""
    page.set_viewport_size({"width": width, "height": height})
    page.add_init_script(f"localStorage.setItem('preferred-color-scheme', '{theme}')")
    number = project(label_studio, f"looks {theme} {width}", [])
    open_stream(page, label_studio, number)
    measured = page.evaluate(
        """() => {
          const box = selector => document.querySelector(selector).getBoundingClientRect();
          const [form, side, memo] = ['.er', '.er-side', 'textarea[name=memo]'].map(box);
          const lines = [...document.querySelectorAll('.er-coded .lsf-richtext__line')];
          return {
            wide: document.querySelector('.er').scrollWidth - form.width,
            side: [side.left, side.right, memo.bottom],
            content: box('.er-content').right,
            aligned: lines.map(line => getComputedStyle(line).unicodeBidi),
            scheme: document.documentElement.dataset.colorScheme,
          };
        }"""
    )
    assert measured["scheme"] == theme.lower()
    assert measured["wide"] <= 1
    left, right, memo = measured["side"]
    assert measured["content"] <= left < right <= width
    assert memo <= height - 50
    assert measured["aligned"] == ["plaintext"] * 3
