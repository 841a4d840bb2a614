"""The report of several judges: whose codes it shows, where they differ, what is never said."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pandas as pd
import pytest

from erranal import report
from erranal.errors import StageError
from erranal.report import judge_words, judges, page, wording
from erranal.store import Study


def _synthetic():
    spec = importlib.util.spec_from_file_location(
        "report_study", Path(__file__).with_name("report_study.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sim = _synthetic()

# -- which judge is shown -------------------------------------------------------------------------


def _judge(kind, ok, errors=1000, **more):
    row = {"judge_id": f"{kind}:x@1#{ok}", "codebook_id": "b", "kind": kind, "ok": ok}
    return row | {"errors": errors, "coverage": ok / errors} | more


RULES, MODEL = _judge("rules", 1000), _judge("llm", 950)


@pytest.mark.parametrize(
    ("newest_first", "chosen", "reason"),
    [
        ([RULES], 0, "the only judge"),
        ([RULES, MODEL], 1, "rules give way"),
        ([MODEL, RULES], 0, "rules give way"),
        ([_judge("llm", 799), RULES], 1, "no other judge has read 80 %"),
        ([_judge("llm", 800), RULES], 0, "at least 80 %"),
        ([_judge("imported", 40), RULES], 1, "no other judge has read 80 %"),
        ([_judge("llm", 900), RULES, MODEL], 0, "of several it is the newest"),
        ([_judge("rules", 900), RULES], 0, "the newest of those"),
        ([_judge("llm", 100), _judge("rules", 500)], 1, "this one has read the most"),
        ([_judge("llm", 500), _judge("rules", 500)], 0, "this one has read the most"),
    ],
)
def test_a_judge_that_covers_the_errors_is_shown_and_rules_give_way(newest_first, chosen, reason):
    found = judges.in_force(None, newest_first)
    assert found["judge_id"] == newest_first[chosen]["judge_id"]
    assert reason in found["why"]
    assert found["others"] == len(newest_first) - 1


@pytest.fixture(scope="module")
def judged(tmp_path_factory) -> Study:
    made = sim.build(tmp_path_factory.mktemp("judged") / "s.duckdb")
    sim.fill(made)
    sim.add_model_judge(made)
    return made


@pytest.fixture(scope="module")
def told(judged):
    return report.summary(judged)


@pytest.fixture(scope="module")
def both_written(judged, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("both") / "page.html"
    report.run(judged, path=path)
    return path


@pytest.fixture(scope="module")
def rules_html(tmp_path_factory) -> str:
    made = sim.build(tmp_path_factory.mktemp("rules") / "s.duckdb", items=10)
    sim.fill(made)
    assert report.summary(made)["judges"] is None
    return Path(report.run(made)["path"].iloc[0]).read_text("utf-8")


@pytest.fixture(scope="module")
def both_html(both_written) -> str:
    return both_written.read_text("utf-8")


def test_a_model_that_covers_the_errors_is_in_force_and_any_judge_can_be_asked_for(judged, told):
    assert told["codes"]["judge"]["kind"] == "llm"
    by_rules = report.summary(judged, judge="rules")["codes"]
    assert by_rules["judge"]["kind"] == "rules"
    assert by_rules["judge"]["why"] == "it was asked for by name"
    with pytest.raises(StageError, match=r"no-such-judge(?s:.*)sim-judge-7b"):
        report.summary(judged, judge="no-such-judge")


def test_a_model_asked_about_few_errors_does_not_displace_the_rules(tmp_path):
    study = sim.build(tmp_path / "few.duckdb", items=20)
    sim.fill(study)
    sim.add_model_judge(study, covers=0.3)
    codes = report.summary(study)["codes"]
    assert codes["judge"]["kind"] == "rules"
    assert re.search(
        r"sim-judge-7b \(a language model\): \d\d\.\d % of the errors", codes["others"][0]
    )


def test_every_error_is_read_or_says_why_not(judged, told):
    model = told["codes"]["judge"]
    errors = judged.query("SELECT output_id FROM errors WHERE scorer = 'erranal'")["output_id"]
    verdicts = judged.query("SELECT output_id, status FROM verdicts WHERE judge_id LIKE 'llm:%'")
    status = errors.map(verdicts.set_index("output_id")["status"]).fillna("pending")
    counts = status.value_counts()
    assert len(counts) == 5
    for name in ("ok", "unparsed", "refused", "failed", "pending"):
        assert model[name] == counts[name] > 0
    assert model["coverage"] == pytest.approx(counts["ok"] / len(errors))
    assert told["codes"]["unlabelled"] == len(errors) - counts["ok"]


def test_coverage_never_rounds_up_to_all():
    judge = RULES | dict.fromkeys((*judges.UNREAD, "pending"), 0)
    missing = judge | {"ok": 99_999, "errors": 100_000, "coverage": 0.99999, "pending": 1}
    assert "99.9 %" in judge_words.coverage(missing)
    assert "1 not judged yet" in judge_words.coverage(missing)
    assert judge_words.coverage(judge) == "1,000 of 1,000 errors judged (100.0 %)"


def test_a_rule_judge_is_never_presented_as_a_model(rules_html, both_html):
    assert "language model" not in rules_html
    assert "by rules, not by a model and not by people" in rules_html
    rules = re.search(r'<th scope="row">rules.*?</tr>', both_html, re.DOTALL)[0]
    assert "hand-written rules, not a model and not people" in rules


def test_the_page_says_how_the_model_was_asked_and_how_far_it_was_held(told):
    about = {fact["term"]: fact["text"] for fact in told["codes"]["about"]}
    assert about["Model"] == "openai:sim-judge-7b"
    assert about["Prompt"] == "version 3, all codes in one call, temperature 0.7"
    assert about["Codebook"] == "test_book 1.0 (b)"
    assert re.search(r"\d+ plain \(degraded: nothing held the replies", about["Replies"])
    assert "not found in the text" in about["Quotes"]
    assert re.match(r"\$0\.\d+; [\d,]+ tokens in", about["Cost"])


def test_the_cost_is_that_of_all_calls_and_an_unknown_price_is_not_zero(tmp_path):
    study = sim.build(tmp_path / "paid.duckdb", items=6)
    sim.fill(study)
    judge_id = sim.add_model_judge(study)
    rows = [
        {"call_id": f"c{i}", "judge_id": judge_id, "codebook_id": "b", "output_id": "o0000001",
         "sample": i, "status": status, "tokens_in": 1000, "tokens_out": 10, "cost_usd": cost}
        for i, (status, cost) in enumerate(
            [("answered", 1.25), ("failed", 0.5), ("answered", None), ("exported", None)])
    ]  # fmt: skip
    with study.write() as tx:
        tx.append("calls", pd.DataFrame(rows))
    text = {f["term"]: f["text"] for f in report.summary(study)["codes"]["about"]}["Cost"]
    assert text == "$1.75, and 1 call of unknown price; 3 calls; 3,000 tokens in, 30 out"
    unknown = {"kind": "llm", "cost_usd": None, "unpriced": None}
    assert judge_words.paid(unknown) == "unknown: no price is known"


def _given(study):
    # Independent of the report's queries: the codes of both judges on the errors both have read.
    frame = study.query(
        "SELECT v.output_id, v.judge_id, v.codes, o.arm FROM verdicts v "
        "JOIN errors o ON o.output_id = v.output_id AND o.scorer = 'erranal' WHERE v.status = 'ok'"
    )
    frame["by"] = frame["judge_id"].map(lambda name: "b" if name == "j" else "a")
    table = frame.pivot_table(
        index=["output_id", "arm"], columns="by", values="codes", aggfunc=list
    )
    return table.dropna().map(lambda cell: set(cell[0])).reset_index()


def test_disagreement_is_counted_among_errors_that_both_have_read(judged, told):
    from sklearn.metrics import cohen_kappa_score

    table = _given(judged)
    compared = told["judges"]["comparisons"][0]
    assert compared["records"] == len(table)
    for row in compared["codes"]:
        a, b = (table[side].map(lambda codes, c=row["code"]: c in codes) for side in "ab")
        counts = [int(x.sum()) for x in (a & b, a & ~b, ~a & b, ~a & ~b)]
        assert [row[k] for k in ("both", "only_a", "only_b", "neither")] == counts
        assert row["observed"] == pytest.approx((a == b).mean())
        assert row["kappa"] == pytest.approx(cohen_kappa_score(a, b))
        assert row["positive"] == pytest.approx(2 * counts[0] / (a.sum() + b.sum()))
        assert row["kappa_low"] < row["kappa"] < row["kappa_high"]
        for arm in row["arms"]:
            here = table["arm"] == arm["arm"]
            assert (arm["rate_a"], arm["rate_b"]) == pytest.approx((a[here].mean(), b[here].mean()))


def test_codes_that_one_judge_cannot_give_are_listed_not_compared(judged, told):
    compared = told["judges"]["comparisons"][0]
    shared = {row["code"] for row in compared["codes"]}
    out = {row["code"]: row for row in compared["left_out"]}
    assert shared == set(sim.ASSESSED) & set(sim.MODEL_CODES)
    assert shared | set(out) == {code for code, _ in sim.CODES}
    assert out["thinking.reasoning"]["by"] == ["rules"]
    assert out["output.refusal"]["by"] == ["sim-judge-7b"]
    table = _given(judged)
    same = sum((a & shared) == (b & shared) for a, b in zip(table["a"], table["b"], strict=True))
    assert (compared["same"], compared["differ"]) == (same, len(table) - same)
    assert compared["neither"] == sum(
        not (a | b) & shared for a, b in zip(table["a"], table["b"], strict=True)
    )
    given = sum("thinking.reasoning" in codes for codes in table["a"])
    assert out["thinking.reasoning"]["given"] == given > 0


def test_the_browser_holds_as_many_disagreements_as_the_section_counts(both_html, told):
    core, compared = sim.block(both_html, "core"), told["judges"]["comparisons"][0]
    names, columns = core["names"], core["columns"]
    differ = names["agreement"].index("judges differ")
    assert columns["agreement"].count(differ) == compared["differ"]
    split = [names["split"][place] for cell in columns["split"] for place in cell]
    for row in compared["codes"]:
        assert split.count(f"0:{row['code']}") == row["only_a"]
        assert split.count(f"1:{row['code']}") == row["only_b"]
        assert f'href="#split=0%3A{row["code"]}"' in both_html
    assert f'href="#id={compared["examples"][0]["output_id"]}"' in both_html


def test_one_judge_needs_no_section_of_judges(rules_html):
    assert 'id="judges"' not in rules_html
    core = sim.block(rules_html, "core")
    assert core["names"]["beside"] == core["names"]["agreement"] == core["names"]["split"] == []


def test_judges_that_share_no_error_are_not_compared(tmp_path):
    study = sim.build(tmp_path / "apart.duckdb", items=4)
    sim.fill(study)
    sim.add_model_judge(study)
    with study.write() as tx:
        tx.clear("verdicts", judge_id="j", status="ok")
    summary = report.summary(study)
    assert summary["judges"]["comparisons"][0]["records"] == 0
    assert any("No error has been judged by both" in text for text in summary["findings"])
    text = Path(report.run(study)["path"].iloc[0]).read_text("utf-8")
    assert "there is nothing to compare" in text


def test_what_the_codebook_lacks_is_listed_by_frequency(judged, told, both_html):
    notes = told["codes"]["gap_notes"]
    stored = judged.query("SELECT gap_note FROM verdicts WHERE codebook_gap")["gap_note"]
    assert sum(row["outputs"] for row in notes) == len(stored) > 0
    assert [row["outputs"] for row in notes] == sorted(stored.value_counts(), reverse=True)
    assert "What the codebook lacks, in the judge" in both_html


def test_a_drawn_agreement_stands_where_its_numbers_are(told):
    compared = told["judges"]["comparisons"][0]
    chart = page.charts(told)["judges"][0]
    row, line = compared["codes"][0], chart["rows"][0]
    parts = line["tracks"][1]
    shares = [row[k] / row["given"] for k in ("both", "only_a", "only_b")]
    assert [part["width"] for part in parts] == pytest.approx([100 * s for s in shares], abs=0.02)
    _, first, second = line["tracks"][0][:3]
    arm = next(cell for cell in row["arms"] if cell["arm"] == "text")
    assert (first["left"] < second["left"]) == (arm["rate_a"] < arm["rate_b"])
    assert (first["shape"], second["shape"]) == ("dot", "hoop")
    assert line["numbers"][0] == wording.percent(row["positive"])


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("gpt-4o", "gpt-4o"),
        ("Qwen/Qwen2.5-VL-7B", "Qwen/Qwen2.5-VL-7B"),
        ("hf:/home/someone/models/qwen/", "hf:qwen"),
        ("/data/private/judge", "judge"),
        (r"C:\models\judge", "judge"),
    ],
)
def test_a_model_is_named_without_the_folders_of_this_machine(name, shown):
    assert judges.bare(name) == shown


def test_judges_with_one_name_are_told_apart_by_what_differs():
    base = {"name": "m", "kind": "llm", "version": "1", "codebook": "b", "codebook_version": "1"}
    rows = [base | {"judge_id": "llm:m@1#aa"}, base | {"judge_id": "llm:m@1#bb"}]
    assert judges.labels(rows) == ["m #aa", "m #bb"]
    assert judges.labels([rows[0], rows[1] | {"version": "2"}]) == ["m prompt 1", "m prompt 2"]
    assert judges.labels([rows[0], rows[0] | {"codebook": "c"}]) == ["m under b 1", "m under c 1"]
    assert judges.labels([rows[0], rows[1] | {"name": "n"}]) == ["m", "n"]


def test_no_address_and_no_key_reach_the_page(tmp_path):
    study = sim.build(tmp_path / "key.duckdb", items=3)
    sim.fill(study)
    sim.add_model_judge(study)
    url = "https://someone:sk-secret-1@host.example/v1?api_key=sk-secret-2#sk-secret-3"
    with study.journal("judge", {"url": url, "model": "openai:m"}):
        pass
    text = Path(report.run(study)["path"].iloc[0]).read_text("utf-8")
    assert "host.example/v1" in text
    assert "secret" not in text
    assert "someone" not in text
    assert "10.0.0.1" not in text  # the address of the judge's server is nobody's business


# -- in a browser ---------------------------------------------------------------------------------


@pytest.fixture
def both_dom(both_written, tmp_path):
    return sim.browser_of(both_written, tmp_path)


def test_quotes_of_two_judges_are_marked_apart_also_where_they_overlap(both_dom):
    text = both_dom("#id=o0000001")
    assert 'data-ready="true"' in text
    prose = re.search(r'<p class="prose"[^>]*>((?:(?!</p>).)*reads the chart.*?)</p>', text)[1]
    marks = re.findall(r'<mark title="[^"]*" class="([^"]*)">([^<]*)</mark>', prose)
    assert marks == [("j0", "shows "), ("j0 j1", "42"), ("j1", " units")]
    assert "of 5 replies" in text
    assert re.search(r'<td class="given">yes', text)


def test_a_quote_that_is_not_there_says_so_and_hostile_verdicts_do_nothing(both_dom, judged):
    victim = judged.query(
        "SELECT min(e.output_id) AS i FROM evidence e JOIN outputs USING (output_id) "
        "WHERE item_id = 'sim/00002' AND match = 'unsupported'"
    )["i"].iloc[0]
    text = both_dom(f"#id={victim}")
    assert 'data-ready="true"' in text
    assert "quote not found in the text" in text
    assert "The codebook lacks a code" in text
    assert "<img" not in text
    assert re.search(r"<title>(.*?)</title>", text, re.DOTALL)[1] != "pwned"
    part = re.search(r'<div class="verdict j0">(.*?)</section>', text, re.DOTALL)[1]
    assert part.count("&lt;/script&gt;&lt;img") >= 2  # rationale and quote


def test_a_verdict_that_is_missing_is_not_shown_as_no(both_dom, judged):
    unread = judged.query(
        "SELECT min(v.output_id) AS i FROM verdicts v JOIN verdicts r USING (output_id) "
        "WHERE v.judge_id LIKE 'llm:%' AND v.status = 'unparsed' AND r.judge_id = 'j' "
        "AND r.status = 'ok'"
    )["i"].iloc[0]
    text = both_dom(f"#id={unread}")
    chosen = re.search(r'<section class="run [^"]*chosen"[^>]*>(.*?)</section>', text, re.DOTALL)[1]
    cells = re.findall(r"<tr><th scope=\"row\">[^<]*</th><td[^>]*>([^<]*)", chosen)
    assert cells
    assert set(cells) == {"unparsed"}
    assert "No readable verdict: unparsed" in chosen


def test_the_disagreeing_records_open_from_the_address(both_dom, told):
    differ = told["judges"]["comparisons"][0]["differ"]
    text = both_dom("#agreement=judges%20differ")
    assert f"{differ} of 480 responses" in text
    assert " ≠ " in text
    assert "0 of 480 responses" in both_dom("#agreement=nonsense")
