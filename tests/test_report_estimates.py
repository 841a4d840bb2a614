"""The page on what people and the judge say of codes: the numbers of the table, and no others."""

from __future__ import annotations

import html as escapes
import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from labelled_study import BOOK, JUDGE, READING, THINKING, Quality, coded_round, planted_study

from erranal import agreement, prevalence, report
from erranal.errors import StageError
from erranal.prevalence import margins
from erranal.report import (
    estimate_charts,
    estimate_content,
    estimate_trust,
    estimate_views,
    views,
    wording,
)
from erranal.report import page as page_writer
from erranal.report.estimate_findings import estimate_findings
from erranal.store import Study

HOSTILE = '<script>alert("x")</script> & {{ 7 * 7 }} \u202eevil'
QUALITY = {"text": Quality(0.95, 0.97), "image": Quality(0.6, 0.9)}


def execute(study, sql, *values):
    with study.write() as tx:
        tx._db.execute(sql, list(values))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    made = planted_study(
        tmp_path_factory.mktemp("coded") / "study.duckdb",
        160,
        models=("m1", "m2"),
        quality=QUALITY,
    )
    coded_round(made, size=150, accuracy=0.9)
    study = made.study
    execute(study, "UPDATE codes SET title = ? WHERE code = ?", HOSTILE, READING)
    execute(study, "UPDATE judges SET name = ? WHERE judge_id = ?", HOSTILE, f"{JUDGE}-id")
    execute(
        study,
        "UPDATE verdicts SET status = 'failed' WHERE output_id IN "
        "(SELECT output_id FROM verdicts WHERE output_id LIKE '%/image' AND judge_id = ? "
        "ORDER BY output_id LIMIT 7)",
        f"{JUDGE}-id",
    )
    margins.put(study, BOOK.name, "thinking", 0.2, reason="less is none")
    agreement.run(study)
    prevalence.run(study)
    margins.put(study, BOOK.name, "reading", 0.05, reason=None)
    margins.put(study, BOOK.name, "thinking", 0.3, reason="looked")
    prevalence.run(study)
    return study


@pytest.fixture(scope="module")
def rows(study):
    return study.query("SELECT * FROM estimates WHERE grouping = 'all'")


@pytest.fixture(scope="module")
def told(study):
    return report.summary(study)


@pytest.fixture(scope="module")
def page(study, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("page") / "page.html"
    report.run(study, path=path)
    return path.read_text("utf-8")


def section(page: str, name: str) -> str:
    return re.search(rf'<section id="{name}".*?</section>', page, re.DOTALL)[0]


def lines(html: str, label: str) -> list[str]:
    """Return the table rows whose head is this label, as text."""
    found = re.findall(r"<tr.*?</tr>", html, re.DOTALL)
    head = rf'<th scope="row[a-z]*"[^>]*>{re.escape(escapes.escape(label))}(</th>| <small)'
    return [escapes.unescape(re.sub(r"<[^>]+>", " ", r)) for r in found if re.search(head, r)]


def one(rows, **equal):
    for column, value in equal.items():
        rows = rows[rows[column].isna() if value is None else rows[column] == value]
    assert len(rows) == 1, rows
    return rows.iloc[0]


def written(value: float, digits: int = 1, *, sign: bool = False) -> str:
    text = f"{100 * value:{'+' if sign else ''}.{digits}f}".replace("-", "−")
    return "0.0" if text in ("+0.0", "−0.0") else text


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    made = planted_study(tmp_path_factory.mktemp("small") / "study.duckdb", 120)
    coded_round(made, size=60)
    return made.study.path


@pytest.fixture
def coded(made_once, tmp_path):
    """Return a small study of its own with a coded round and nothing estimated yet."""
    return Study(shutil.copy(made_once, tmp_path / "study.duckdb"))


def rendered(study):
    """Return the sections alone, without the rest of the page."""
    told = estimate_content.summarise(study)
    arms = views.Arms(study.read("report_arms").to_dict("records"))
    charts = {"arms": arms, "estimates": estimate_charts.drawn(told, arms)}
    template = page_writer._environment().get_template("estimates.html.j2")
    return told, template.render(summary={"estimates": told}, charts=charts)


# -- nothing is shown where there is nothing ------------------------------------------------------


def test_without_estimates_the_page_names_the_next_step_and_shows_no_section(coded, tmp_path):
    empty = planted_study(tmp_path / "empty.duckdb", 20).study
    html = Path(report.run(empty)["path"].iloc[0]).read_text("utf-8")
    assert "<code>erranal rounds plan</code>" in section(html, "rates")
    assert not re.search(r'id="(effects|trust|coders)"|href="#(effects|trust|coders)"', html)
    assert "Corrected by people" not in html
    assert estimate_content.summarise(empty) == {"missing": "erranal rounds plan"}
    assert estimate_content.summarise(coded) == {"missing": "erranal prevalence"}


def test_an_analysis_that_has_not_run_is_named_alone(coded):
    agreement.run(coded)
    told, html = rendered(coded)
    assert told["rates"] == told["changes"] == {"missing": "erranal prevalence"}
    assert told["trust"]["lines"]
    assert "<code>erranal prevalence</code>" in section(html, "rates")
    assert "tracks" not in section(html, "effects")
    assert "tracks trust" in section(html, "trust")
    assert next(estimate_findings({"estimates": told})).startswith("Of ")


# -- values ---------------------------------------------------------------------------------------


def test_the_summary_is_plain_json(told):
    assert json.loads(json.dumps(told["estimates"], allow_nan=False)) == told["estimates"]


@pytest.mark.parametrize("code", ["reading", "thinking", THINKING])
def test_rates_on_the_page_are_those_of_the_table(rows, page, code):
    titles = {"reading": "Reading", "thinking": "Thinking", THINKING: "Calculation"}
    (line,) = lines(section(page, "rates"), titles[code])
    for arm in ("text", "image"):
        for source in ("corrected", "humans"):
            row = one(rows, analysis="prevalence", source=source, arm=arm, code=code)
            estimate, low, high = (written(row[name]) for name in ("estimate", "low", "high"))
            assert f"{estimate} [{low}, {high}]" in line
            assert f"{row['positives']:.0f} · {row['n']}" in line
        judge = one(rows, analysis="prevalence", source="judge", arm=arm, code=code)
        assert f"\n{written(judge['estimate'])}" in line or f" {written(judge['estimate'])}" in line


def test_changes_on_the_page_are_those_of_the_table(rows, page):
    html = section(page, "effects")
    for code, title in (("reading", "Reading"), ("thinking", "Thinking")):
        row = one(rows, analysis="effect", source="corrected", code=code)
        numbers = [written(row[name], sign=True) for name in ("estimate", "low", "high")]
        line = lines(html, title)[0]
        assert f"{numbers[0]} [{numbers[1]}, {numbers[2]}]" in line
        assert wording.p_value(row["p_adjusted"]) in line
    row = one(rows, analysis="contrast")
    assert f"{written(row['estimate'], sign=True)} [" in lines(html, "Reading less thinking")[0]


def test_the_errors_of_the_judge_on_the_page_are_those_of_the_table(rows, page):
    html = section(page, "trust")
    block = re.search(r"<tbody>\s*<tr><th[^>]*>Calculation.*?</tbody>", html, re.DOTALL)[0]
    text, image = re.findall(r"<tr>.*?</tr>", block, re.DOTALL)
    for arm, line in (("text", text), ("image", image)):
        assert f"</i>{arm}</td>" in line
        for estimand in ("sensitivity", "specificity", "PPV"):
            row = one(rows, analysis="trust", estimand=estimand, arm=arm, code=THINKING)
            numbers = [written(row[name], 0) for name in ("estimate", "low", "high")]
            assert f"<small>{numbers[0]} [{numbers[1]}, {numbers[2]}]</small>" in line


def test_agreement_and_anchoring_on_the_page_are_those_of_the_table(rows, page):
    html = section(page, "coders")
    row = one(rows, analysis="agreement", estimand="alpha", arm=None, code=THINKING)
    line = lines(html, "Calculation")[0]
    assert f"{row['estimate']:.2f} [{row['low']:.2f}, {row['high']:.2f}]" in line
    counts = json.loads(row["counts"])
    cells = (counts[key] for key in ("all gave it", "some did", "nobody did"))
    assert " / ".join(map(str, cells)) in line
    assert row["note"] in line
    row = one(rows, analysis="anchoring", code="(any)")
    assert f"{written(row['estimate'], sign=True)} [" in lines(html, "All codes exactly")[0]


def test_what_was_not_read_is_counted_beside_the_rates(rows, told, page):
    text, image = told["estimates"]["rates"]["comparisons"][0]["sides"]
    assert (text["unread"], image["unread"]) == (0, 7)
    row = one(rows, analysis="prevalence", source="judge", arm="image", code="reading")
    assert row["excluded"] == 7
    assert re.search(r'</i>image</td>.*<td class="n">7</td></tr>', section(page, "rates"))


def test_families_come_first_and_what_rises_most_before_what_does_not(told):
    for part in ("rates", "changes"):
        found = told["estimates"][part]["comparisons"][0]["lines"]
        families = [line["family"] is None for line in found]
        assert families == sorted(families, reverse=True)
        for family in (True, False):
            changes = [line["change"] for line in found if (line["family"] is None) == family]
            assert changes == sorted(changes, reverse=True)
    assert found[0]["title"] == "Reading"


def test_what_nobody_gave_has_its_upper_limit_and_no_row(told, page):
    never = told["estimates"]["rates"]["comparisons"][0]["never"]
    assert {"collapse", "output.refusal"} <= {one["name"] for one in never}
    assert all(0 < one["high"] < 0.1 for one in never)
    assert not lines(section(page, "rates"), "Refusal")
    words = dict(estimate_views.never_words([
        {"title": "A", "high": 0.01}, {"title": "B", "high": 0.0101}, {"title": "C", "high": 0.2},
    ]))  # fmt: skip
    assert words == {"a and b": "1.0 %", "c": "20.0 %"}


def test_groups_are_listed_by_model(told, page):
    compared = told["estimates"]["changes"]["comparisons"][0]
    assert {group["model"] for group in compared["groups"]} == {"m1", "m2"}
    assert len(lines(section(page, "effects"), "m1")) == len(lines(section(page, "effects"), "m2"))
    assert "By model" in section(page, "effects")


# -- what has to be said --------------------------------------------------------------------------


def test_margins_are_those_of_the_test_and_late_ones_are_marked(rows, told, page):
    tests = {t["name"]: t for t in told["estimates"]["changes"]["comparisons"][0]["equivalence"]}
    assert (tests["reading"]["margin"], tests["thinking"]["margin"]) == (0.05, 0.3)
    assert "after a first look" in tests["reading"]["note"]
    assert "margin changed: it was 0.2" in tests["thinking"]["note"]
    row = one(rows, analysis="equivalence", code="reading")
    assert tests["reading"]["shown"] is row["note"].startswith("equivalent")
    html = escapes.unescape(section(page, "effects"))
    assert 'class="caution">Reading: margin ±5.0 points' in html
    assert "after a first look" in html
    assert "±30" in lines(section(page, "effects"), "Thinking")[1]


def test_the_findings_say_what_changes_and_prove_no_equality(rows, told):
    found = [
        text
        for label, text in zip(told["finding_labels"], told["findings"], strict=True)
        if label == "Corrected by people"
    ]
    row = one(rows, analysis="effect", source="corrected", code="reading")
    assert f"reading by {written(row['estimate'], sign=True)} points" in found[0]
    assert any("no proof of equality" in text for text in found)
    assert any("rises more than that of thinking errors" in text for text in found)
    assert any("shown to be unchanged to within 30.0 points" in text for text in found)


def test_hostile_titles_and_names_do_not_act(page):
    assert HOSTILE not in page
    for name in ("rates", "effects", "trust", "coders"):
        html = section(page, name)
        assert "<script" not in html
        assert "{{ 7 * 7 }}" in html or name == "coders"
        assert "\u202e" not in html
    assert "&lt;script&gt;alert(&#34;x&#34;)" in section(page, "trust")


def test_numbers_of_an_open_round_are_marked_once_for_all(coded):
    execute(coded, "UPDATE rounds SET status = 'open'")
    agreement.run(coded, interim=True)
    prevalence.run(coded, interim=True)
    told, html = rendered(coded)
    assert told["basis"]["notes"] == ["interim: round main is not closed"]
    judge = told["rates"]["comparisons"][0]["lines"][0]["sides"][0]["judge"]
    assert judge["note"].startswith("uncorrected")
    for name in ("rates", "effects", "trust", "coders"):
        assert section(html, name).count("Interim: round main is not closed.") == 1
    assert "interim: round main is not closed" in next(estimate_findings({"estimates": told}))


def test_labels_that_changed_since_are_told(coded):
    prevalence.run(coded)
    told, html = rendered(coded)
    assert not told["basis"]["runs"][0]["stale"]
    assert "have changed since" not in html
    later = datetime.now(UTC) + timedelta(minutes=1)
    execute(coded, "UPDATE labels SET pulled_at = ? WHERE annotation_id = 3", later)
    told, html = rendered(coded)
    assert told["basis"]["runs"][0]["stale"]
    assert "have changed since" in section(html, "rates")


def test_a_judge_asked_for_by_name_has_its_own_estimates_or_none(coded):
    prevalence.run(coded)
    execute(coded, "INSERT INTO judges SELECT 'other-id', kind, 'other', version, model, params "
            "FROM judges WHERE name = ?", JUDGE)  # fmt: skip
    execute(coded, "INSERT INTO verdicts BY NAME SELECT * REPLACE ('other-id' AS judge_id) "
            "FROM verdicts WHERE judge_id = ?", f"{JUDGE}-id")  # fmt: skip
    assert estimate_content.summarise(coded, JUDGE)["basis"]["judge"] == JUDGE
    missing = estimate_content.summarise(coded, "other")
    assert missing == {"missing": "erranal prevalence --judge other"}
    prevalence.run(coded, judge="other")
    assert estimate_content.summarise(coded)["basis"]["judge"] == "other"  # the newest run
    assert estimate_content.summarise(coded, JUDGE)["basis"]["judge"] == JUDGE
    with pytest.raises(StageError, match="there is no judge 'nobody'"):
        estimate_content.summarise(coded, "nobody")


def test_codes_the_judge_cannot_give_have_human_rates_only(coded):
    execute(coded, 'UPDATE judges SET params = \'{"assesses": ["thinking.calculation"]}\'')
    agreement.run(coded)
    prevalence.run(coded)
    told, html = rendered(coded)
    found = {line["name"]: line for line in told["rates"]["comparisons"][0]["lines"]}
    side = found[READING]["sides"][1]
    assert side["corrected"]["estimate"] is None
    assert side["humans"]["estimate"] > 0
    assert "Value misread" in told["trust"]["unassessed"]
    (line,) = lines(section(html, "rates"), "Value misread")
    assert "not assessed by this judge" in line


def test_estimates_without_a_run_in_the_journal_are_still_read(coded):
    prevalence.run(coded)
    execute(coded, "DELETE FROM journal WHERE stage = 'prevalence'")
    told, html = rendered(coded)
    assert told["basis"]["runs"][0]["started_at"] is None
    assert "tracks" in section(html, "rates")


def test_without_a_judge_people_speak_alone(coded):
    execute(coded, "DELETE FROM verdicts WHERE judge_id = ?", f"{JUDGE}-id")
    agreement.run(coded)
    prevalence.run(coded)
    told, html = rendered(coded)
    assert told["trust"] == {"missing": "erranal judge run"}
    assert "There is no judge, so the rates are those of people alone" in section(html, "rates")
    for name in ("rates", "effects"):
        assert "diamond" not in section(html, name)
    row = coded.query(
        "SELECT * FROM estimates WHERE analysis = 'effect' AND source = 'humans' "
        "AND code = 'reading' AND grouping = 'all'"
    ).iloc[0]
    (line,) = lines(section(html, "effects"), "Reading")
    assert f"{written(row['estimate'], sign=True)} [" in line
    assert "people alone: there is no judge" in line
    assert next(estimate_findings({"estimates": told})).startswith("By people alone")


def test_numbers_that_were_asked_for_stand_apart_with_why_they_mislead(coded):
    prevalence.run(coded, also=["shares", "uncorrected-test"])
    told, html = rendered(coded)
    compared = told["changes"]["comparisons"][0]
    assert [kind["of"] for kind in compared["requested"]] == [
        "share of errors",
        "difference of rates per item",
    ]
    assert compared["requested"][0]["why"].startswith("share among errors: it falls when")
    assert html.count("Asked for, though it misleads") == 2
    shown = [(line["title"], line["arm"]) for line in compared["requested"][0]["lines"]]
    assert len(shown) == len(set(shown))
    row = coded.query(
        "SELECT * FROM estimates WHERE estimand = 'share of errors' AND arm = 'image' "
        "AND code = 'reading' AND grouping = 'all'"
    ).iloc[0]
    assert f"{written(row['estimate'])} [{written(row['low'])}, {written(row['high'])}]" in html


def test_changes_at_equal_length_are_those_of_the_table(rows, told, page):
    kinds = told["estimates"]["changes"]["comparisons"][0]["equal_length"]
    assert kinds[0]["of"] == "difference at equal length"
    row = one(rows, analysis="adjusted", estimand=kinds[0]["of"], code="reading")
    assert kinds[0]["lines"][0]["estimate"] == pytest.approx(row["estimate"])
    assert "explains nothing by itself" in section(page, "effects")


@pytest.mark.parametrize(
    ("note", "verdict"),
    [
        ("trustworthy", "trusted"),
        ("not trustworthy alone: misses 40% of it", "distrusted"),
        ("open: finds at least 53%, at most 77%", "open"),
        ("what it misses cannot be said: humans gave it to only 3 units", "unknown"),
        ("the judge never gave it to any of 90 units, nor did humans", "unknown"),
    ],
)
def test_verdicts_are_those_of_the_words(note, verdict):
    assert estimate_trust.verdict(note) == verdict
