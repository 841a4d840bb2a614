"""Tables and the methods section for a paper: what the study shows, and safe to paste."""

from __future__ import annotations

import csv
import io
import re
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled_study import BOOK, JUDGE, READING, THINKING, Quality, coded_round, planted_study

from erranal import agreement, prevalence
from erranal.cli import main
from erranal.errors import StageError
from erranal.prevalence import margins
from erranal.report import estimate_basis, estimate_markup, estimate_methods, estimate_tables
from erranal.report.estimate_references import REFERENCES
from erranal.report.estimate_table import Table
from erranal.store import Study

HOSTILE = "[x] 100% & \\input{/etc/passwd} | $y_1$ <b>#~^`\n*it*"
NAMES = ("rates", "changes", "trust", "agreement")


def execute(study, sql, *values):
    with study.write() as tx:
        tx._db.execute(sql, list(values))


@pytest.fixture(scope="module")
def coded(tmp_path_factory):
    """Return the path of a study with a round that was adjudicated."""
    folder = tmp_path_factory.mktemp("coded")
    quality = {"text": Quality(0.95, 0.97), "image": Quality(0.6, 0.9)}
    made = planted_study(folder / "study.duckdb", 150, models=("m1", "m2"), quality=quality)
    coded_round(made, size=120, accuracy=0.8)
    return made.study.path


@pytest.fixture(scope="module")
def estimated(coded, tmp_path_factory):
    """Return the same study with all estimates and hostile names."""
    study = Study(shutil.copy(coded, tmp_path_factory.mktemp("estimated") / "study.duckdb"))
    execute(study, "UPDATE codes SET title = ? WHERE code = ?", HOSTILE, READING)
    execute(study, "UPDATE judges SET name = ? WHERE judge_id = ?", HOSTILE, f"{JUDGE}-id")
    margins.put(study, BOOK.name, "thinking", 0.2, reason="less is none")
    agreement.run(study)
    prevalence.run(study)
    return study


@pytest.fixture(scope="module")
def found(estimated):
    return estimate_basis.read(estimated)


@pytest.fixture
def small(coded, tmp_path):
    """Return a study of its own with a coded round and nothing estimated yet."""
    return Study(shutil.copy(coded, tmp_path / "study.duckdb"))


def all_tables(found):
    return [table for name in NAMES for table in estimate_tables.tables(found, name)]


# -- escaping -------------------------------------------------------------------------------------


# What a special character may be escaped to, the longest first.
_ESCAPES = re.compile(
    r"\\textbackslash\{\}|\\textasciitilde\{\}|\\textasciicircum\{\}|\\[{}$&#%_]"
    r"|\$[<>|-]\$|\$\\(?:pm|cdot|leq|geq)\$|\{``?\}|\{`\}|\{''\}|-\{\}|~"
)


SPECIAL = st.sampled_from(list("\\{}$&#%_~^<>|[]*-`'\"ab \n\x1b\u202e±−–·"))


@given(st.text(alphabet=SPECIAL | st.characters()))
def test_latex_leaves_no_special_character_alone(text):
    escaped = estimate_markup.latex_text(text)
    assert not re.search(r"[\\{}$&#%_~^]", _ESCAPES.sub("", escaped))
    assert "\n" not in escaped
    assert "--" not in escaped.replace("--", "", text.count("–"))


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("100 % & $5", r"100 \% \& \$5"),
        ("a_b{c}", r"a\_b\{c\}"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("−3.0 ± 1", r"$-$3.0 $\pm$ 1"),
        ("a-b", "a-b"),
        ("a--b", "a-{}-b"),
        ("p < .001", "p $<$ .001"),
    ],
)
def test_latex_of_known_texts(text, latex):
    assert estimate_markup.latex_text(text) == latex


@given(st.text())
def test_markdown_cells_hold_no_pipe_no_tag_and_no_line(text):
    escaped = estimate_markup.markdown_text(text)
    assert not re.search(r"(?<!\\)\||<|>|[\n\r\x1b\u202e]", escaped.replace("\\\\", ""))


def test_paragraphs_begin_no_list():
    assert estimate_markup.markdown_paragraph("1. x").startswith("1\\.")
    assert estimate_markup.markdown_paragraph("- x").startswith("\\-")
    assert estimate_markup.markdown_paragraph("# x").startswith("\\#")


def test_a_row_of_latex_cannot_begin_with_an_option():
    table = Table("t", "c", ["Code", "n"], [("", [["[5pt]", "1"], ["*", "2"]])])
    rows = estimate_markup.latex([table]).splitlines()
    assert r"{}[5pt] & 1 \\" in rows
    assert r"{}* & 2 \\" in rows


def test_hostile_names_stay_text_in_every_format(found):
    latex = estimate_markup.latex(all_tables(found))
    assert r"\input{" not in latex
    assert r"\textbackslash{}input\{/etc/passwd\}" in latex
    for table in re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end\{tabular\}", latex, re.DOTALL):
        columns, body = table
        rows = [
            row for row in body.splitlines() if row.endswith(r"\\") and "multicolumn" not in row
        ]
        assert len(rows) > 2
        assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {len(columns) - 1}
    assert latex.count(r"\begin{") == latex.count(r"\end{")
    assert set(re.findall(r"\\usepackage\{(\w+)\}", latex)) == {"booktabs"}
    markdown = estimate_markup.markdown(all_tables(found))
    assert "<b>" not in markdown
    for block in markdown.split("\n\n"):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) <= 1


# -- values ---------------------------------------------------------------------------------------


def cells(tables, title):
    """Return the rows of some tables that begin with a title, or follow it without one."""
    rows = [row for table in tables for _, part in table.groups for row in part]
    start = next(i for i, row in enumerate(rows) if row[0] == title)
    after = next((i for i, row in enumerate(rows[start + 1 :], start + 1) if row[0]), len(rows))
    return rows[start:after]


def one(study, **equal):
    where = " AND ".join(f"{name} IS NOT DISTINCT FROM ${name}" for name in equal)
    frame = study.query(f"SELECT * FROM estimates WHERE grouping = 'all' AND {where}", **equal)
    assert len(frame) == 1, frame
    return frame.iloc[0]


def text_of(row, digits=1, sign=""):
    parts = [f"{100 * row[name]:{sign}.{digits}f}" for name in ("estimate", "low", "high")]
    return "{} [{}, {}]".format(*parts).replace("-", "−")


def test_rates_are_those_of_the_database(estimated, found):
    text, image = cells(estimate_tables.tables(found, "rates"), "Thinking")
    for arm, cell in (("text", text), ("image", image)):
        for place, source in ((2, "corrected"), (3, "humans"), (4, "judge")):
            row = one(estimated, analysis="prevalence", source=source, arm=arm, code="thinking")
            assert cell[place] == text_of(row)
        row = one(estimated, analysis="prevalence", source="corrected", arm=arm, code="thinking")
        assert cell[5:] == [f"{row['positives']:.0f}", str(row["n"])]


def test_changes_trust_and_agreement_are_those_of_the_database(estimated, found):
    (cell,) = cells(estimate_tables.tables(found, "changes"), "Reading")
    row = one(estimated, analysis="effect", source="corrected", code="reading")
    assert cell[1] == text_of(row, sign="+")
    trust = cells(estimate_tables.tables(found, "trust"), "Calculation")
    row = one(estimated, analysis="trust", estimand="sensitivity", arm="image", code=THINKING)
    assert trust[1][2] == text_of(row, 0)
    assert trust[1][-1] == row["note"]
    (cell,) = cells(estimate_tables.tables(found, "agreement")[:1], "Calculation")
    row = one(estimated, analysis="agreement", estimand="AC1", arm=None, code=THINKING)
    assert cell[2] == f"{row['estimate']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"


def test_groups_are_chosen_by_name(found):
    by_model = estimate_tables.tables(found, "changes", "model+prompt_style")
    assert ["m1" in table.caption for table in by_model] == [True, False]
    assert estimate_tables.tables(found, "changes", "benchmark") == []  # there is only one


def test_csv_has_every_number_as_it_is_stored(estimated, found):
    rows = list(csv.DictReader(io.StringIO(
        estimate_markup.comma_separated(found, estimate_tables.ANALYSES["changes"])
    )))  # fmt: skip
    stored = estimated.query(
        "SELECT * FROM estimates WHERE list_contains($these, analysis) ORDER BY rowid",
        these=list(estimate_tables.ANALYSES["changes"]),
    )
    assert len(rows) == len(stored)
    assert set(stored.columns) <= set(rows[0])
    for row, estimate in zip(rows, stored["estimate"], strict=True):
        assert row["estimate"] == "" if estimate != estimate else float(row["estimate"]) == estimate
    tested = [row for row in rows if row["analysis"] == "equivalence"]
    assert {row["margin"] for row in tested} == {"0.2"}
    assert {row["title"] for row in rows if row["code"] == READING} == {HOSTILE.replace("\n", " ")}


# -- the commands ---------------------------------------------------------------------------------


def test_the_commands_write_to_stdout_or_a_file(estimated, capsys, tmp_path):
    db = ["--db", str(estimated.path)]
    main(["tables", "rates", "trust", "--format", "latex", *db])
    assert capsys.readouterr().out.count(r"\begin{table}") == 2
    target = tmp_path / "new" / "methods.md"
    main(["methods", "--format", "markdown", "--out", str(target), *db])
    assert capsys.readouterr().out == ""
    assert target.read_text("utf-8").startswith("### Data")


def test_without_estimates_the_commands_say_what_to_do(small, tmp_path, capsys):
    for command in (["tables"], ["methods"]):
        with pytest.raises(SystemExit):
            main([*command, "--db", str(small.path)])
        assert "run `erranal prevalence`" in capsys.readouterr().err
    empty = planted_study(tmp_path / "empty.duckdb", 20).study
    with pytest.raises(StageError, match="run `erranal rounds plan`"):
        estimate_methods.write(empty)
    prevalence.run(small)
    with pytest.raises(SystemExit):
        main(["tables", "trust", "--db", str(small.path)])
    assert "there is no table of trust" in capsys.readouterr().err


# -- the methods section --------------------------------------------------------------------------


def test_methods_say_what_was_run(estimated):
    text = " ".join(estimate_methods.write(estimated).split())
    assert "2 models (m1 and m2)" in text
    assert "120 pairs of " in text
    assert "stratified by the family of the judge's primary code and by which side is wrong" in text
    assert "40 % of the sample was allotted to the strata in proportion to their size" in text
    disputed = estimated.query("SELECT count(*) AS n FROM coded_units WHERE NOT agreed")["n"][0]
    assert f"Coders disagreed on {disputed} responses" in text
    assert f"{disputed} responses were adjudicated by 1 adjudicator" in text
    assert "post-stratified by the judge's label" in text
    assert "adjusted by Holm's method" in text
    assert "The margin of thinking is 20 percentage points (less is none)" in text
    assert "before changes were estimated" in text
    assert "All of its verdicts were given before the first sample was drawn" in text
    assert "interim" not in text


def test_only_what_was_run_is_described_and_cited(small):
    agreement.run(small)
    text = estimate_methods.write(small)
    assert "Krippendorff's alpha" in text
    for absent in ("post-stratified", "Holm", "Särndal", "equivalence", "margin", "Tango"):
        assert absent not in text
    prevalence.run(small, level=0.9)
    text = estimate_methods.write(small)
    assert "These are 90 % intervals" in text
    assert "The 95 % intervals of alpha and AC1" in text
    assert "Schuirmann" not in text
    assert "margin" not in text.lower()


def test_a_round_without_adjudication_does_not_claim_it(small):
    execute(small, "DELETE FROM adjudications")
    prevalence.run(small)
    text = estimate_methods.write(small)
    disputed = small.query("SELECT count(*) AS n FROM coded_units WHERE NOT agreed")["n"][0]
    assert disputed > 0
    assert "adjudicated by" not in text
    assert "Disagreements were not adjudicated" in text
    assert f"{disputed} sampled responses left out: no settled label" in text


def test_a_round_in_progress_a_late_judge_and_late_margins_are_told(small):
    execute(small, "UPDATE rounds SET status = 'open'")
    execute(small, "UPDATE verdicts SET judged_at = now() + INTERVAL 1 DAY")
    prevalence.run(small, interim=True)
    margins.put(small, BOOK.name, "thinking", 0.1, reason=None)
    prevalence.run(small, interim=True)
    text = estimate_methods.write(small)
    assert "Interim: round main is not closed" in text
    assert "The round is open" in text
    assert "after the first sample was drawn" in text
    assert "after the changes were first estimated" in text
    assert "have changed since these numbers were made" in text  # verdicts are newer than they


@pytest.mark.parametrize(
    ("kind", "said", "never"),
    [
        ("rules", "by hand-written rules", "language model"),
        ("imported", "labels that were made elsewhere", "language model"),
        ("llm", "by the language model", "hand-written"),
    ],
)
def test_a_judge_is_called_what_it_is(small, kind, said, never):
    execute(small, "UPDATE judges SET kind = ? WHERE judge_id = ?", kind, f"{JUDGE}-id")
    agreement.run(small)
    text = estimate_methods.write(small)
    assert said in text
    assert never not in text


def test_what_is_known_of_a_model_is_told_and_nothing_else(small):
    agreement.run(small)
    bare = estimate_methods.write(small)
    assert "temperature" not in bare
    params = '{"temperature": 0.7, "samples": 5, "ask": "each", "images": false, "blind": true}'
    execute(small, "UPDATE judges SET params = ?, model = 'openai:some-model' WHERE judge_id = ?",
            params, f"{JUDGE}-id")  # fmt: skip
    text = estimate_methods.write(small)
    for known in ("temperature 0.7", "5 samples", "about each code", "without the picture",
                  "some-model"):  # fmt: skip
        assert known in text


@pytest.mark.parametrize("kind", estimate_methods.FORMATS)
def test_every_citation_is_in_the_list_and_every_work_is_cited(estimated, kind):
    paragraphs = estimate_methods.describe(estimated)
    keys = estimate_methods.cited(paragraphs)
    assert 10 < len(keys) < len(REFERENCES) + 1
    text = estimate_methods.write(estimated, kind)
    if kind == "latex":
        used = {k for group in re.findall(r"\\cite\{([^}]+)\}", text) for k in group.split(",")}
        assert used == set(keys) == set(re.findall(r"\\bibitem\{(\w+)\}", text))
        assert r"\input{" not in text
        return
    for key in REFERENCES:
        assert (REFERENCES[key][0] in text) == (key in keys)
    assert text.count("References") == 1
