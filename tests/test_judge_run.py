"""A model judges: complete whatever the server does, resumable at any moment, paid for once."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import scripted_judge
from error_study import error_study
from loopback import BAD_DAY, Loopback

from erranal import judge
from erranal.engine import Limits
from erranal.errors import ModelError, StageError
from erranal.judge import ModelJudge, Selection, Terms, labelling, resuming
from erranal.judge import plan as planning
from erranal.judge import show as showing
from erranal.store import Study

HERE = Path(__file__).parent
FAST = Terms(limits=Limits(concurrency=32), timeout_s=5.0)


@pytest.fixture
def server():
    with Loopback(script=scripted_judge.verdict, keep=True).in_thread() as running:
        yield running


@pytest.fixture
def study(tmp_path):
    return error_study(tmp_path / "study.duckdb", 40, words=60)


def by(server, **given) -> ModelJudge:
    return ModelJudge("openai:scripted", url=server.url, images=False, **given)


def asked(server) -> int:
    """Return how many requests were about a record, and not a trial of the server."""
    return sum("end of the record" in json.dumps(one) for one in server.requests)


def verdicts(study: Study) -> pd.DataFrame:
    frame = study.query(
        "SELECT output_id, status, primary_code, codes, rationale, confidence, codebook_gap, mode, "
        "fingerprint FROM verdicts ORDER BY output_id, judge_id"
    )
    return frame.assign(codes=frame["codes"].map(lambda codes: None if codes is None else [*codes]))


def test_every_error_gets_a_verdict_with_evidence_that_is_there(server, study):
    table = judge.run(study, judge=by(server), terms=FAST)
    assert table.attrs["report"].items == study.count("verdicts") == asked(server) == 40
    assert set(study.view("verdicts")["status"]) == {"ok"}
    spans = study.query(
        "SELECT e.*, o.response FROM evidence e JOIN outputs o USING (output_id) WHERE quote <> ''"
    )
    assert len(spans) > 20
    for span in spans.itertuples():
        assert span.response[int(span.start_cp) : int(span.end_cp)] == span.quote
        assert span.match == "exact"


def test_what_is_done_is_not_asked_again_and_what_changed_is(server, study):
    judge.run(study, judge=by(server), terms=FAST, limit=15)
    assert asked(server) == 15
    judge.run(study, judge=by(server), terms=FAST)
    assert asked(server) == 40
    judge.run(study, judge=by(server), terms=FAST)
    assert asked(server) == 40
    study_changed = "UPDATE items SET gold = '8' WHERE item_id IN ('b/3', 'b/4')"
    _edit(study, study_changed)
    judge.run(study, judge=by(server), terms=FAST)
    assert asked(server) == 42
    judge.run(study, judge=by(server, max_tokens=999), terms=FAST, limit=5)
    assert asked(server) == 47  # another judge
    assert study.count("judges") == 2


def test_a_blind_judge_is_another_judge_and_is_never_told_an_arm(server, study):
    settings, blind = by(server), by(server, blind=True)
    judge.run(study, judge=settings, terms=FAST, limit=3)
    judge.run(study, judge=blind, terms=FAST, limit=5)
    sent = [json.dumps(one["body"]) for one in server.requests]
    about = [one for one in sent if "end of the record" in one]
    assert ["run A, which means" in one for one in about] == [False] * 3 + [True] * 5
    assert ["coded response: image" in one for one in about] == [True] * 3 + [False] * 5
    ids = [one.spec(labelling.prompt.VERSION).judge_id for one in (settings, blind)]
    assert len(set(ids)) == 2
    again = study.query("SELECT DISTINCT fingerprint FROM verdicts")
    assert len(again) == 8
    stored = study.query("SELECT params FROM judges WHERE judge_id = $id", id=ids[0])["params"][0]
    assert "blind" not in json.loads(stored)  # judges of before keep their verdicts
    assert resuming.resumed(study, ids[1]).settings == replace(blind, name="scripted")


def _edit(study: Study, sql: str) -> None:
    import duckdb

    with duckdb.connect(str(study.path)) as db:
        db.execute(sql)


def test_one_question_per_code_gives_one_verdict_with_probabilities(server, study):
    codes = ("reading.value_misread", "thinking.calculation", "output.format")
    settings = by(server, ask="each", codes=codes)
    judge.run(study, judge=settings, terms=FAST, limit=10)
    assert asked(server) == 30
    frame = study.view("verdicts")
    assert set(frame["status"]) == {"ok"}
    for row in frame.itertuples():
        votes = json.loads(row.votes)
        assert set(votes) == set(codes)
        assert set(row.codes) == {code for code, vote in votes.items() if vote > 0.5}
    assert study.view("calls")["question"].value_counts().to_dict() == dict.fromkeys(codes, 10)
    again = verdicts(study)
    _edit(study, "DELETE FROM verdicts")
    judge.run(study, judge=settings, terms=FAST, limit=10)
    assert asked(server) == 30
    assert verdicts(study).equals(again)  # from what was answered before, nothing lost


def test_several_samples_give_vote_shares(study):
    def swayed(body):
        said = json.loads(scripted_judge.verdict(body))
        if "codes" in said and body.get("seed") == 2:
            said = said | {"codes": dict.fromkeys(said["codes"], False), "primary": "none"}
            said = said | {"evidence": []}
        return json.dumps(said)

    def sound(body):
        is_judge = body.get("response_format", {}).get("type") == "json_schema"
        return swayed(body) if is_judge else "yes"

    with Loopback(script=sound).in_thread() as running:
        settings = by(running, samples=3, temperature=0.7, seed=1)
        judge.run(study, judge=settings, terms=FAST)
    frame = study.view("verdicts")
    assert set(frame["samples"]) == {3}
    coded = frame[frame["codes"].map(len) > 0]
    assert len(coded) > 20
    assert {round(v, 2) for v in coded["confidence"]} == {0.67}
    with pytest.raises(StageError, match="3 samples at temperature 0"):
        by(running, samples=3)


def test_faults_in_one_reply_of_five_lose_nothing_and_double_nothing(tmp_path):
    big = error_study(tmp_path / "big.duckdb", 5_000, words=30)
    faults = BAD_DAY | {"poison": 0.002}
    with Loopback(script=scripted_judge.verdict, faults=faults, seed=5).in_thread() as running:
        terms = Terms(limits=Limits(concurrency=64), timeout_s=10.0)
        judge.run(big, judge=by(running), terms=terms)
        frame = big.view("verdicts")
        assert len(frame) == frame["output_id"].nunique() == 5_000
        counts = frame["status"].value_counts()
        assert counts["ok"] > 4_800
        assert counts.drop("ok").sum() > 0  # the poisoned ones, explicitly
        missing = frame[frame["status"] != "ok"]
        assert missing["codes"].isna().all()  # missing is never "no error"
        assert missing["detail"].notna().all()
        assert big.view("calls")["call_id"].is_unique


def test_killed_at_ten_random_moments_it_ends_as_if_undisturbed(tmp_path):
    n, concurrency = 1_500, 16
    calm = error_study(tmp_path / "calm.duckdb", n, words=30)
    rough = error_study(tmp_path / "rough.duckdb", n, words=30)
    # The marks around quoted data belong to the study, and with them the prompts.
    for one in (calm, rough):
        with one.write() as tx:
            row = {"name": "marker_key", "value": "00" * 16}
            tx.append("settings", pd.DataFrame([row]))
    program = (
        "import sys\nfrom erranal import judge\nfrom erranal.engine import Limits\n"
        "from erranal.store import Study\n"
        "by = judge.ModelJudge('openai:scripted', url=sys.argv[2], images=False)\n"
        f"terms = judge.Terms(limits=Limits(concurrency={concurrency}))\n"
        "judge.run(Study(sys.argv[1]), judge=by, terms=terms)\n"
    )
    rng = random.Random(7)
    with Loopback(script=scripted_judge.verdict, latency_s=0.05, keep=True).in_thread() as running:
        command = [sys.executable, "-c", program, str(rough.path), running.url]
        for _ in range(10):
            before = asked(running)
            child = subprocess.Popen(command)
            while asked(running) == before and child.poll() is None:
                time.sleep(0.02)
            time.sleep(rng.uniform(0.05, 0.6))
            child.send_signal(signal.SIGKILL)
            child.wait()
        subprocess.run(command, check=True, timeout=120)
        repeated = asked(running) - n
        assert 0 <= repeated <= 10 * concurrency
        judge.run(calm, judge=by(running), terms=FAST)
    assert (
        verdicts(rough)
        .drop(columns="fingerprint")
        .equals(verdicts(calm).drop(columns="fingerprint"))
    )
    assert rough.count("calls") == calm.count("calls") == n


def test_unreadable_replies_are_asked_about_once_more_and_then_unparsed(study):
    def broken(body):
        said = scripted_judge.verdict(body)
        record = int(re.search(r"answer is (\d+)\.", json.dumps(body["messages"][-1]))[1])
        repair = "unreadable reply" in json.dumps(body["messages"][-1])
        if record % 4 == 0:  # hopeless
            return said[: len(said) // 2]
        return said if repair or record % 4 != 1 else "I think it is fine."

    def script(body):
        if "end of the record" not in json.dumps(body):
            return scripted_judge.verdict(body)
        return broken(body)

    with Loopback(script=script, keep=True).in_thread() as running:
        judge.run(study, judge=by(running), terms=FAST)
        statuses = study.view("verdicts")["status"].value_counts().to_dict()
        assert statuses == {"ok": 30, "unparsed": 10}
        assert asked(running) == 40 + 10 + 10
        repaired = study.query("SELECT * FROM verdicts WHERE detail LIKE 'repaired: %'")
        assert len(repaired) == 10
        judge.run(study, judge=by(running), terms=FAST)
        assert asked(running) == 60
        running.script = scripted_judge.verdict
        job = resuming.again(study, "scripted")
        labelling.run(job, FAST)
        assert asked(running) == 70
    assert set(study.view("verdicts")["status"]) == {"ok"}


def test_failed_calls_are_explicit_and_retry_asks_for_them_alone(study):
    with Loopback(
        script=scripted_judge.verdict, keep=True, faults={"poison": 0.3}, seed=1
    ).in_thread() as one:
        settings = by(one)
        judge.run(study, judge=settings, terms=FAST)
        failed = study.query("SELECT * FROM verdicts WHERE status = 'failed'")
        assert 0 < len(failed) < 40
        before = asked(one)
        one.poison = 0.0
        job = resuming.again(study, "scripted")
        assert job.spec == settings.spec(labelling.prompt.VERSION)
        table = labelling.run(job, FAST)
        assert asked(one) - before == len(failed)
        assert table.attrs["report"].items == len(failed)
    assert set(study.view("verdicts")["status"]) == {"ok"}


def test_a_dead_server_stops_the_run_and_loses_nothing(study):
    with Loopback(script=scripted_judge.verdict).in_thread() as running:
        settings = by(running)
        judge.run(study, judge=settings, terms=FAST, limit=10)
    with pytest.raises(ModelError):
        judge.run(study, judge=settings, terms=FAST)
    assert study.count("verdicts") == 10
    assert study.view("journal").iloc[-1]["status"] == "failed"


def test_a_budget_is_never_passed(server, study, tmp_path):
    prices = tmp_path / "prices.toml"
    prices.write_text('[models."scripted"]\ninput = 10.0\noutput = 30.0\n')
    terms = Terms(limits=Limits(concurrency=8, budget_usd=2.0), prices=prices)
    table = judge.run(study, judge=by(server), terms=terms)
    report = table.attrs["report"]
    assert report.stopped == "budget"
    assert 0 < report.spent_usd <= 2.0
    assert 0 < study.count("verdicts") < 40
    assert study.view("calls")["cost_usd"].sum() == pytest.approx(report.spent_usd)
    limited = Terms(limits=Limits(budget_usd=1.0))
    with pytest.raises(StageError, match="needs the price"):
        judge.run(study, judge=by(server), terms=limited)


def test_the_plan_sends_nothing_and_is_about_right(server, study):
    job = labelling.Job(study, _book(), by(server), Selection(), limit=None)
    made = planning.plan(job, FAST)
    assert server.received == 0
    assert (made["records"], made["to_judge"], made["calls"]) == (40, 40, 40)
    judge.run(study, judge=by(server), terms=FAST)
    took = study.view("calls")["tokens_in"].sum()
    assert 0.5 * took < made["tokens_in"] < 2 * took
    assert planning.plan(job, FAST)["to_judge"] == 0


def _book():
    from erranal import codebook

    return codebook.load("modality_gap")


def test_show_gives_the_exact_prompt_and_reply(server, study):
    judge.run(study, judge=by(server), terms=FAST)
    output_id = study.view("verdicts")["output_id"].iloc[0]
    found = showing.show(study, output_id)
    (call,) = found["calls"]
    bodies = [one["body"] for one in server.requests]
    texts = [{"role": one["role"], "text": one["text"]} for one in call["prompt"]]
    sent = [[{"role": m["role"], "text": m["content"]} for m in one["messages"]] for one in bodies]
    assert sent.count(texts) == 1
    assert call["reply"].startswith("{")
    assert call["prompt"][0]["text"] == study.view("prompts")["text"].iloc[0]
    assert found["verdicts"][0]["status"] == "ok"
    assert output_id in showing.in_words(found)
    _edit(study, "UPDATE items SET gold = '8'")
    (changed,) = showing.show(study, output_id)["calls"]
    assert changed["prompt"] is None
    assert "changed since" in changed["note"]
    with pytest.raises(StageError, match="no output or item 'nowhere'"):
        showing.show(study, "nowhere")


def test_two_processes_do_not_ask_the_same_judge_twice(server, study):
    settings = by(server)
    job = labelling.Job(study, _book(), settings, Selection())
    from erranal.judge import calls

    with (
        calls.spool(study, job.spec.judge_id),
        pytest.raises(StageError, match="is held by process"),
    ):
        judge.run(study, judge=settings, terms=FAST)


def test_a_key_is_nowhere_but_in_the_environment(study, tmp_path, monkeypatch, capfd):
    key = "sk-very-secret-0123456789abcdef"
    monkeypatch.setenv("TEAM_KEY", key)
    terms = Terms(limits=Limits(concurrency=4), key_env="TEAM_KEY")
    with Loopback(script=scripted_judge.verdict, key=key).in_thread() as running:
        judge.run(study, judge=by(running), terms=terms, limit=10)
    with Loopback(script=scripted_judge.verdict, key="another").in_thread() as running:
        with pytest.raises(ModelError) as caught:
            judge.run(study, judge=by(running), terms=terms, limit=20)
        import traceback

        assert key not in "".join(traceback.format_exception(caught.value))
    from erranal import report

    report.run(study, path=tmp_path / "report.html")
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or key.encode() not in path.read_bytes(), path
    printed = capfd.readouterr()
    assert key not in printed.out + printed.err
    for table in study.query("SELECT table_name FROM duckdb_tables()")["table_name"]:
        assert key not in study.view(table).to_csv()


def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(tmp_path):
    made = error_study(tmp_path / "s.duckdb", 200, words=20)
    with Loopback(script=scripted_judge.verdict, latency_s=0.1, keep=True).in_thread() as running:
        command = [
            sys.executable,
            "-m",
            "erranal",
            "judge",
            "run",
            "--db",
            str(made.path),
            "--model",
        ]
        command += ["openai:scripted", "--url", running.url, "--no-images", "--concurrency", "4"]
        env = os.environ | {"PYTHONUNBUFFERED": "1"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        child = subprocess.Popen(command, env=env, **pipes)
        while asked(running) < 10:
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=30)
        assert child.returncode == 130
        assert "Traceback" not in said
        done = made.count("verdicts")
        assert 0 < done < 200
        assert asked(running) == done
        again = subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=60, check=True
        )
        assert "Codes given by openai:scripted" in again.stdout
        assert asked(running) == made.count("verdicts") == 200


@pytest.mark.parametrize("ask", ["all", "each"])
def test_a_tiny_vision_model_in_process_judges_with_its_picture(ask, study, tmp_path):
    pytest.importorskip("llguidance", reason="local models are not installed")
    import tiny_models
    from PIL import Image

    folder = tmp_path / "tiny"
    tiny_models.save_vision_model(folder)
    Image.new("RGB", (64, 64), (200, 30, 30)).save(tmp_path / "page.png")
    _edit(study, "UPDATE outputs SET image = 'page.png' WHERE run_id = 'image'")
    codes = ("reading.value_misread", "thinking.calculation")
    settings = ModelJudge(f"hf:{folder}", ask=ask, codes=codes, max_tokens=300)
    terms = Terms(limits=Limits(concurrency=4), pictures=tmp_path, device="cpu")
    table = judge.run(study, judge=settings, limit=3, terms=terms)
    assert table.attrs["report"].failed == 0
    frame = study.view("verdicts")
    assert frame["status"].tolist() == ["ok"] * 3, frame["detail"].tolist()
    assert set(frame["mode"]) == {"json_schema"}
    asked_of = showing.show(study, frame["output_id"].iloc[0])
    assert "probability" in asked_of["calls"][0]


def test_pictures_that_cannot_be_shown_are_counted_and_a_missing_folder_is_refused(
    server, study, tmp_path
):
    from PIL import Image

    Image.new("RGB", (8, 8)).save(tmp_path / "page.png")
    (tmp_path / "empty.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    _edit(study, "UPDATE outputs SET image = '../outside.png' WHERE run_id = 'image'")
    _edit(study, "UPDATE outputs SET image = 'page.png' WHERE output_id LIKE 'b/1%/image'")
    _edit(study, "UPDATE outputs SET image = 'empty.png' WHERE output_id LIKE 'b/2%/image'")
    settings = ModelJudge("openai:scripted", url=server.url)
    there = Terms(limits=FAST.limits, pictures=tmp_path)
    job = labelling.Job(study, _book(), settings, Selection())
    made = planning.plan(job, there)
    assert (made["pictures"], made["pictures_missing"]) == (11, 29)
    table = judge.run(study, judge=settings, terms=there)
    assert table.attrs["pictures_missing"] == 29
    nowhere = Terms(limits=FAST.limits, pictures=tmp_path / "nowhere")
    with pytest.raises(StageError, match="there is no folder"):
        judge.run(study, judge=settings, terms=nowhere)


def test_ctrl_c_reaches_a_model_that_does_not_answer_the_trial(tmp_path):
    made = error_study(tmp_path / "s.duckdb", 5, words=20)
    with Loopback(latency_s=60.0).in_thread() as running:
        command = [sys.executable, "-m", "erranal", "judge", "run", "--db", str(made.path)]
        command += ["--model", "openai:silent", "--url", running.url, "--no-images"]
        child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        while not running.in_flight:
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=10)
        assert child.returncode == 130
        assert "Traceback" not in said


def test_a_condition_cannot_end_the_parentheses_around_it(server, study):
    with pytest.raises(StageError, match="was refused"):
        judge.run(study, judge=by(server), selection=Selection(where="1=1) OR (1=1"))
    with pytest.raises(
        StageError, match=r"no error by 'erranal' fits.*the arms with errors are image"
    ):
        judge.run(study, judge=by(server), selection=Selection(where="arm = 'text'"))
    assert server.received == 0
