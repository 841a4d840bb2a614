"""Seconds to push and pull a round, beside the bare calls of Label Studio's own client.

Run: ``python tests/bench/bench_rounds.py [--units 5000]``.

A real Label Studio runs on loopback in an environment of its own (made at the first run). Ours is
the whole of push (tasks, predictions, checks, what was pushed is noted in the study) and pull
(labels, regions, history). The bare calls import the same tasks and export the same annotations
with label-studio-sdk and keep nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import loopback
from error_study import error_study
from label_studio_server import label_studio_server

from erranal import engine, judge
from erranal.rounds import planning, pull, push

CHUNK = 500  # tasks a request, for both
ANSWER = [
    {
        "from_name": "primary",
        "to_name": "response",
        "type": "choices",
        "value": {"choices": ["none"]},
    }
]


def study_of(path: Path, units: int):
    """Return a study of errors with a model's verdicts on them, and a round of all of them."""
    made = error_study(path, units, words=120)
    with loopback.process(judge=True) as server:
        by = judge.ModelJudge("openai:scripted", url=server.url, images=False)
        judge.run(made, judge=by, terms=judge.Terms(limits=engine.Limits(concurrency=64)))
    planning.create(made, "bench", size=units, codebook="modality_gap", judge="scripted")
    return made


def bare(url: str, token: str, tasks: list[dict], config: str) -> dict[str, float]:
    """Import and export with the SDK."""
    from label_studio_sdk import LabelStudio

    client = LabelStudio(base_url=url, api_key=token)
    project = client.projects.create(title="bare", label_config=config)
    began = time.perf_counter()
    for start in range(0, len(tasks), CHUNK):
        client.projects.import_tasks(id=project.id, request=tasks[start : start + CHUNK])
    imported = time.perf_counter() - began
    annotate(client, [task.id for task in client.tasks.list(project=project.id)])
    began = time.perf_counter()
    found = client.projects.exports.as_json(project.id)
    assert len(found) == len(tasks)
    return {"push": imported, "pull": time.perf_counter() - began}


def annotate(client, tasks: list[int]) -> None:
    """Have every fifth task coded, not timed."""
    for task in tasks[::5]:
        client.annotations.create(id=task, result=ANSWER, lead_time=3.0)


def main() -> None:
    """Run the comparison."""
    from label_studio_sdk import LabelStudio

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--units", type=int, default=5_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = study_of(Path(folder) / "study.duckdb", given.units)
        home = Path(folder) / "server"
        home.mkdir()
        with label_studio_server(home) as server, server.client() as client:
            began = time.perf_counter()
            push.push(made, "bench", client, images="none")
            ours = {"push": time.perf_counter() - began}
            token = server.token("admin")
            own = LabelStudio(base_url=server.url, api_key=token)
            pushed = made.view("round_tasks")["task_id"].tolist()
            annotate(own, sorted(pushed))
            began = time.perf_counter()
            found = pull.pull(made, "bench", client)
            ours["pull"] = time.perf_counter() - began
            assert found["new"].sum() == len(pushed[::5])
            projects = made.view("round_projects")["project_id"]
            whole = [t for number in projects for t in client.changed_tasks(int(number), None)]
            config = client.config_of(int(projects.iloc[0]))
            predictions = [{"model_version": "j", "result": []}]
            tasks = [{"data": task["data"], "predictions": predictions} for task in whole]
            theirs = bare(server.url, token, tasks, config)
    for what in ("push", "pull"):
        ratio = ours[what] / theirs[what]
        times = f"{ours[what]:.1f} s, bare {theirs[what]:.1f} s"
        print(f"{what} of {given.units:,}: {times}, {ratio:.2f} x")
    total = sum(ours.values()) / sum(theirs.values())
    print(f"both: {total:.2f} x (bar 1.5): {'met' if total <= 1.5 else 'NOT met'}")
    print(json.dumps({"ours": ours, "bare": theirs}), file=sys.stderr)


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
