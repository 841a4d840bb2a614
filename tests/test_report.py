"""The report says what the database says, opens with no network, and lets no text act."""

from __future__ import annotations

import base64
import gzip
import html as escapes
import importlib.util
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erranal import report
from erranal.errors import StageError
from erranal.report import blocks, browser, findings, page, tracks, wording
from erranal.report.views import Arms
from erranal.stats.clustered import difference_clustered
from erranal.stats.paired import difference_tango
from erranal.stats.proportion import proportion_wilson
from erranal.store import Study


def _synthetic():
    spec = importlib.util.spec_from_file_location(
        "report_study", Path(__file__).with_name("report_study.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sim = _synthetic()


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    made = sim.build(tmp_path_factory.mktemp("report") / "s.duckdb")
    sim.fill(made)
    return made


@pytest.fixture(scope="module")
def summary(study):
    return report.summary(study)


@pytest.fixture(scope="module")
def written(study, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("page") / "page.html"
    report.run(study, path=path, title=sim.HOSTILE, notice="Simulated <b>data</b>")
    return path


@pytest.fixture(scope="module")
def html(written) -> str:
    return written.read_text("utf-8")


# -- the summary ----------------------------------------------------------------------------------


def test_the_summary_is_plain_json_and_says_the_same_twice(study, summary):
    again = json.loads(json.dumps(summary, allow_nan=False))
    assert again == summary == report.summary(study)
    assert all(isinstance(text, str) for text in summary["findings"])
    assert len(summary["findings"]) == len(summary["finding_labels"])


def test_accuracies_are_those_of_the_database(study, summary):
    frame = study.query(
        "SELECT model, prompt_style, arm, count(*) AS n, count(*) FILTER (correct) AS right_ones "
        "FROM graded WHERE scorer = 'erranal' AND outcome <> 'ungradable' GROUP BY ALL"
    )
    found = {
        (r["model"], r["prompt_style"], r["arm"]): r
        for r in summary["gaps"]["accuracy"]
        if r["scorer"] == "erranal"
    }
    assert len(found) == len(frame) == 8
    for row in frame.itertuples():
        wilson = proportion_wilson(row.right_ones, row.n)
        shown = found[row.model, row.prompt_style, row.arm]
        assert (shown["share"], shown["low"], shown["high"]) == pytest.approx(
            (wilson.estimate, wilson.low, wilson.high)
        )


def test_the_headline_is_the_gap_table_with_the_other_convention_and_scorer_beside(study, summary):
    gaps = summary["gaps"]
    assert gaps["headline"] == "model+prompt_style"
    for row in gaps["groups"][gaps["headline"]]:
        where = (
            "SELECT difference FROM gaps WHERE grouping = 'model+prompt_style' AND model = $model "
            "AND prompt_style = $style AND scorer = $scorer AND failures = $failures"
        )
        for part, scorer, failures in (
            (row, "erranal", "wrong"),
            (row["left_out"], "erranal", "excluded"),
            (row["imported"], "imported", "wrong"),
        ):
            stored = study.query(
                where,
                model=row["model"],
                style=row["prompt_style"],
                scorer=scorer,
                failures=failures,
            )
            assert part["difference"] == stored["difference"].iloc[0]


def _flags(study, code):
    # Independent of the report's own query: one row a pair, whether each side has the code.
    pairs = study.query(
        "SELECT model, prompt_style, item_id, output_a, output_b, correct_a, correct_b "
        "FROM pairs WHERE scorer = 'erranal'"
    )
    verdicts = study.view("verdicts").set_index("output_id")
    ok = verdicts["status"] == "ok"
    has = {i: code in v for i, v in verdicts.loc[ok, "codes"].items()}
    for side in "ab":
        right = pairs[f"correct_{side}"]
        pairs[side] = [
            False if c else has.get(o) for c, o in zip(right, pairs[f"output_{side}"], strict=True)
        ]
    return pairs.dropna(subset=["a", "b"]).astype({"a": int, "b": int})


@pytest.mark.parametrize("code", ["reading.value_misread", "output.refusal"])
def test_code_differences_are_paired_and_clustered_where_items_repeat(study, summary, code):
    flags = _flags(study, code)
    shown = {
        (p["model"], p["prompt_style"]): p for p in summary["codes"]["pairs"] if p["code"] == code
    }
    pooled = difference_clustered(flags["b"] - flags["a"], flags["item_id"])
    row = shown[None, None]
    assert (row["difference"], row["low"], row["high"]) == pytest.approx(
        (pooled.estimate, pooled.low, pooled.high)
    )
    assert row["method"] == "clustered by item"
    for key, group in flags.groupby(["model", "prompt_style"]):
        a, b = group["a"].to_numpy(bool), group["b"].to_numpy(bool)
        tango = difference_tango(*(int(x.sum()) for x in (a & b, a & ~b, ~a & b, ~a & ~b)))
        row = shown[key]
        assert (row["pairs"], row["method"]) == (len(group), "Tango")
        assert (row["difference"], row["low"], row["high"]) == pytest.approx(
            (tango.estimate, tango.low, tango.high)
        )


def test_unreadable_verdicts_are_left_out_and_counted_not_taken_for_no(study, summary):
    codes = summary["codes"]
    unread = study.query("SELECT count(*) AS n FROM verdicts WHERE status <> 'ok'")["n"].iloc[0]
    assert codes["unlabelled"] == unread > 0
    n = {(r["model"], r["prompt_style"], r["arm"]): r["n"] for r in codes["rates"]}
    assert sum(n.values()) == summary["study"]["outputs"] - unread


def test_codes_that_the_judge_cannot_assess_have_no_rate(summary):
    blind = {c["code"] for c in summary["codes"]["codes"] if not c["assessed"]}
    assert blind == {"thinking.reasoning", "measurement.wrong_gold"}
    assert not blind & {r["code"] for r in summary["codes"]["rates"]}
    assert any("cannot assess 2 codes" in text for text in summary["findings"])


def test_planted_rates_stand_beside_wilson_estimates(study, summary):
    for row in summary["planted"]["rows"]:
        wilson = proportion_wilson(row["given"], row["n"])
        assert (row["estimate"], row["low"]) == pytest.approx((wilson.estimate, wilson.low))
        assert row["inside"] == (row["low"] <= row["rate"] <= row["high"])
    given = study.query(
        "SELECT count(*) AS n "
        "FROM verdict_codes JOIN outputs USING (output_id) JOIN arms USING (run_id) "
        "WHERE code = 'reading.value_misread' AND model = 'sim-small' AND arm = 'image'"
    )["n"].iloc[0]
    row = next(
        r
        for r in summary["planted"]["rows"]
        if (r["code"], r["model"], r["arm"]) == ("reading.value_misread", "sim-small", "image")
    )
    assert row["given"] == given


def test_folders_and_machines_stay_at_home(summary, html):
    assert summary["provenance"]["sources"][0]["file"] == "results.jsonl"
    assert "/somewhere/private" not in html
    assert all("process" not in stage["versions"] for stage in summary["provenance"]["stages"])


# -- the findings ---------------------------------------------------------------------------------

GAP = {
    "model": "m", "benchmark": None, "subject": None, "prompt_style": "cot", "arm_a": "text",
    "arm_b": "image", "items": 240, "pairs": 240, "level": 0.95, "method": "Tango",
    "difference": -0.142, "low": -0.193, "high": -0.091, "p": 0.0000004, "p_adjusted": 0.000001,
}  # fmt: skip


def test_a_detected_gap_in_words():
    assert findings.gap_sentence(GAP) == (
        "m (prompt style cot) answers 14.2 points worse from image than from text "
        "(95 % interval 9.1 to 19.3; 240 items; exact McNemar p < .001)."
    )


def test_an_undetected_gap_claims_no_equality():
    text = findings.gap_sentence(GAP | {"difference": -0.01, "low": -0.05, "high": 0.03, "p": 0.61})
    assert "no detectable difference" in text
    assert (
        "does not make them equal; it leaves room for 5.0 points worse or 3.0 points better" in text
    )
    assert not re.search(r"same|as well as|\bno difference", text)


def test_a_gap_that_adjustment_undoes_says_so():
    text = findings.gap_sentence(GAP | {"p": 0.03, "p_adjusted": 0.12})
    assert text.endswith(
        "After adjustment for the other comparisons it could be chance (p = .120)."
    )


@pytest.mark.parametrize(
    ("p", "words"), [(0.0004, "p < .001"), (0.0246, "p = .025"), (1.0, "p = 1"), (None, "")]
)
def test_p_values(p, words):
    assert wording.p_value(p) == words


def test_signs_are_true_minus_signs_and_zero_has_none():
    assert [wording.signed(v) for v in (-0.0497, 0.05, -0.0001)] == ["−5.0", "+5.0", "0.0"]


# -- what is missing ------------------------------------------------------------------------------


def test_a_study_before_its_later_stages_says_what_to_run(tmp_path):
    bare = sim.build(tmp_path / "bare.duckdb", items=3)
    found = report.summary(bare)
    assert found["gaps"]["missing"] == "erranal gap"
    assert found["codes"]["missing"] == "erranal judge run"
    assert found["clusters"]["missing"] == "erranal embed, then erranal cluster"
    frame = report.run(bare)
    text = Path(frame["path"].iloc[0]).read_text("utf-8")
    for command in ("erranal gap", "erranal judge run", "erranal embed, then erranal cluster"):
        assert f"<code>{command}</code>" in text
    assert frame["records"].iloc[0] == 24


def test_an_unscored_study_still_has_its_browser(tmp_path):
    bare = sim.build(tmp_path / "bare.duckdb", items=2)
    with bare.write() as tx:
        tx.clear("scores")
    text = Path(report.run(bare)["path"].iloc[0]).read_text("utf-8")
    assert "<code>erranal score</code>" in text
    assert len(sim.block(text, "core")["columns"]["id"]) == 16


def test_an_empty_study_is_an_error_with_the_next_step(tmp_path):
    with pytest.raises(StageError, match="erranal run FILES"):
        report.run(Study(tmp_path / "empty.duckdb"))


def test_a_negative_limit_is_refused(study):
    with pytest.raises(StageError, match="max_browser"):
        report.run(study, max_browser=-1)


# -- the page -------------------------------------------------------------------------------------


class _Loads(HTMLParser):
    """Collects everything a page could load, and the types of its scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            if name in {"src", "srcset", "data", "action", "poster", "background"} or (
                name == "href" and not (value or "").startswith("#")
            ):
                self.loads.append(f"{tag} {name}={value}")
            assert not name.startswith("on"), f"{tag} {name}"


def test_the_page_loads_nothing(html):
    parser = _Loads()
    parser.feed(html)
    assert parser.loads == []
    assert not parser.tags & {"img", "iframe", "object", "embed", "link", "base", "form-action"}
    assert not re.search(r"url\(|@import|https?://", html)


def test_the_policy_allows_only_our_own_scripts(html):
    policy = escapes.unescape(re.search(r'Security-Policy" content="([^"]+)"', html)[1])
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline" not in policy.split("style-src")[0]
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 2
    assert page.policy(*scripts) == policy


def test_hostile_titles_and_texts_are_escaped(html):
    assert "<img" not in html
    assert "<b>data</b>" not in html
    assert "&lt;/script&gt;&lt;img src=x" in html
    assert "Art &amp; &lt;Design&gt;" in html


def test_a_failed_write_leaves_the_old_page_and_no_debris(study, tmp_path, monkeypatch):
    target = tmp_path / "page.html"
    target.write_text("<!DOCTYPE html>old")

    def refuse(*_):
        raise OSError("disk full")

    monkeypatch.setattr(page.os, "replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        report.run(study, path=target)
    assert target.read_text() == "<!DOCTYPE html>old"
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


def test_the_page_goes_beside_the_study_and_its_run_is_in_the_journal(study):
    frame = report.run(study)
    path = Path(frame["path"].iloc[0])
    assert path == report.default_path(study) == study.path.with_suffix(".html")
    assert frame["bytes"].iloc[0] == path.stat().st_size
    assert frame["sections"].iloc[0] == 9
    last = study.read("journal_newest_done").set_index("stage").loc["report"]
    assert json.loads(last["counts"])["records"] == frame["records"].iloc[0] == 480


# -- the records ----------------------------------------------------------------------------------


def test_every_response_is_in_the_page_and_identical_texts_once(study, html):
    core = sim.block(html, "core")
    texts = [
        t for n in range(len(core["starts"]["texts"]) - 1) for t in sim.block(html, f"texts-{n}")
    ]
    stored = study.query("SELECT output_id, response FROM outputs").set_index("output_id")[
        "response"
    ]
    shown = dict(zip(core["columns"]["id"], core["columns"]["text"], strict=True))
    assert {i: texts[t] for i, t in shown.items()} == stored.to_dict()
    assert len(set(shown.values())) == stored.nunique()


def test_a_limit_keeps_whole_cases_and_takes_one_sided_ones_first(study, tmp_path):
    path = tmp_path / "small.html"
    assert report.run(study, path=path, max_browser=41)["records"].iloc[0] == 40
    text = path.read_text("utf-8")
    core = sim.block(text, "core")
    names = core["names"]["transition"]
    assert {names[t] for t in core["columns"]["transition"]} <= {"lost", "gained"}
    cases = core["columns"]["case"]
    assert all(cases.count(case) == 2 for case in cases)
    assert "holds 40 of 480 responses" in text


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (("correct", "refused"), ["lost", "lost"]),
        (("incorrect", "correct"), ["gained", "gained"]),
        (("correct", "incorrect", "correct"), ["both right", "lost", "both right"]),
        (("correct", "ungradable"), ["not paired", "not paired"]),
        (("incorrect",), ["not paired"]),
    ],
)
def test_transitions_compare_with_the_reference_arm(outcomes, expected):
    case = [{"outcome": outcome} for outcome in outcomes]
    assert [browser.TRANSITIONS[browser.transition(r, case)] for r in case] == expected


@given(st.lists(st.text(max_size=30) | st.none(), max_size=40), st.integers(1, 60))
def test_pieces_come_back_as_they_went_in(values, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_PIECE", size)
        made, starts = blocks.pieces("x", values)
    lists = [json.loads(gzip.decompress(base64.b64decode(b.packed))) for b in made]
    assert [v for piece in lists for v in piece] == values
    assert starts == [sum(map(len, lists[:n])) for n in range(len(lists) + 1)]
    assert not any("<" in block.packed for block in made)


# -- the charts -----------------------------------------------------------------------------------

numbers = st.floats(-1, 1, allow_nan=False)


@given(st.lists(numbers, min_size=1, max_size=20))
def test_a_scale_holds_its_values_and_a_few_round_ticks(values):
    scale = tracks.linear(values)
    assert scale.low <= min(values) <= max(values) <= scale.high
    assert 2 <= len(scale.ticks) <= 8
    assert all(scale.low <= t <= scale.high for t in scale.ticks)
    places = [scale.place(v) for v in sorted(values)]
    assert places == sorted(places)
    assert all(0 <= p <= 100 for p in places)


@given(st.lists(st.floats(0.001, 1000), max_size=20))
def test_equal_ratios_are_equal_distances(values):
    scale = tracks.ratios(values)
    assert 1.0 in scale.ticks
    assert scale.place(1) - scale.place(0.5) == pytest.approx(
        scale.place(2) - scale.place(1), abs=0.05
    )
    assert all(scale.low <= v <= scale.high for v in values)


def test_each_modality_has_one_hue_and_renders_of_the_image_are_told_apart():
    rows = [("text", "text"), ("image:a", "image"), ("image:b", "image"), ("ocr-1p", "ocr-1p")]
    arms = Arms([{"arm": arm, "modality": modality} for arm, modality in rows])
    assert [arms.hue(arm) for arm, _ in rows] == ["text", "image", "image-2", "ocr"]
    style = (Path(page.__file__).parent / "page" / "page.css").read_text()
    assert all(f".h-{arms.hue(arm)} {{" in style for arm, _ in rows)


def test_a_drawn_gap_stands_where_its_number_is(summary):
    chart = page.charts(summary)["headline"]
    row = summary["gaps"]["groups"]["model+prompt_style"][0]
    (bar, ring, _), column = chart["rows"][0]["tracks"][1], chart["columns"][1]
    assert bar["low"] <= bar["left"] <= bar["low"] + bar["width"]
    assert (bar["left"] < column["zero"]) == (row["difference"] < 0)
    assert (bar["left"] < ring["left"]) == (row["difference"] < row["left_out"]["difference"])
    assert chart["rows"][0]["numbers"][1].startswith(wording.signed(row["difference"]))


# -- in a browser ---------------------------------------------------------------------------------


@pytest.fixture
def dom(written, tmp_path):
    return sim.browser_of(written, tmp_path)


def _marks(text: str) -> list[str]:
    return [escapes.unescape(m) for m in re.findall(r"<mark[^>]*>(.*?)</mark>", text)]


def test_evidence_is_marked_by_code_points(dom):
    text = dom("#id=o0000001")
    assert 'data-ready="true"' in text
    assert sim.EMOJI_QUOTE in _marks(text)
    before = re.search(r'<p class="prose"[^>]*>([^<]*)<mark[^>]*>42 units</mark>', text)[1]
    assert before == sim.EMOJI[: sim.EMOJI.index(sim.EMOJI_QUOTE)]


def test_hostile_texts_are_shown_and_do_nothing(dom, study):
    victim = study.query("SELECT min(output_id) AS i FROM outputs WHERE item_id = 'sim/00002'")[
        "i"
    ].iloc[0]
    text = dom(f"#id={victim}")
    assert 'data-ready="true"' in text
    assert "<img" not in text
    title = re.search(r"<title>(.*?)</title>", text, re.DOTALL)[1]
    assert title != "pwned"
    shown = re.findall(r'<p class="prose"[^>]*>(.*?)</p>', text, re.DOTALL)
    assert sum("onerror" in escapes.unescape(p) for p in shown) >= 3  # question and both runs


def test_filters_come_from_the_address(dom, study):
    n = study.query("SELECT count(*) AS n FROM verdict_codes WHERE code = 'output.refusal'")[
        "n"
    ].iloc[0]
    text = dom("#code=output.refusal")
    assert f"{n} of 480 responses" in text
    assert dom("#search=2019+shows").count('class="rec"') == 1


def test_the_theme_comes_from_the_address(dom):
    assert 'data-theme="dark"' in dom("?theme=dark")
