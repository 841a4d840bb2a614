"""The cluster stage on studies with planted groups."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.metrics import adjusted_rand_score

from erranal import cluster
from erranal.errors import StageError
from erranal.store import Study

GROUPS = {
    "chart": "bar axis legend height label tallest column scale",
    "algebra": "equation variable solve substitute root factor square bracket",
    "music": "chord note tempo sonata melody scale clef rhythm",
    "law": "court treaty clause statute judge appeal contract verdict",
}


def texts_of(n, seed=0):
    """Return n texts, each of six words of its group and three that all share, and the groups."""
    rng = np.random.default_rng(seed)
    names = list(GROUPS)
    group = rng.integers(0, len(names), n)
    texts = []
    for i, g in enumerate(group):
        own = rng.choice(GROUPS[names[g]].split(), 6, replace=False)
        shared = rng.choice(["answer", "question", "option", "value", "correct"], 3)
        texts.append(" ".join([*own, *shared, f"the {i}"]))
    return texts, group


def study_of(path, texts, vectors=None, *, hashes=None) -> Study:
    """Write a study of wrong outputs; even ones are text runs, odd ones image runs."""
    study, n = Study(path), len(texts)
    names = [f"o{i:05d}" for i in range(n)]
    hashes = hashes or [f"h{i:05d}" for i in range(n)]
    outputs = {"output_id": names, "slot_id": names, "current": True, "item_id": names}
    outputs |= {"item_hash": "h", "sample": 0, "response": texts, "response_hash": hashes}
    outputs |= {"status": "ok", "source_id": "s", "line": range(n)}
    outputs["run_id"] = ["text" if i % 2 == 0 else "image" for i in range(n)]
    items = {"item_id": names, "item_hash": "h", "version": 1, "benchmark": "b"}
    scores = {"output_id": names, "scorer": "erranal", "scorer_version": "1"}
    conditions = pd.DataFrame({"condition_id": ["text", "image"], "modality": ["text", "image"]})
    with study.write() as tx:
        tx.append("conditions", conditions.assign(prompt_style="d"))
        tx.append("runs", conditions[["condition_id"]].assign(run_id=["text", "image"], model="m"))
        tx.append("items", pd.DataFrame({**items, "native_id": names, "source_id": "s"}))
        tx.append("outputs", pd.DataFrame(outputs))
        tx.append("scores", pd.DataFrame({**scores, "outcome": "incorrect"}))
    if vectors is not None:
        add_vectors(study, "e", hashes, vectors)
    return study


def add_vectors(study, encoder, hashes, vectors, kind="transformer"):
    first = pd.Index(hashes).duplicated()
    kept = [i for i, twice in enumerate(first) if not twice]
    rows = {"encoder_id": [encoder] * len(kept), "response_hash": [hashes[i] for i in kept]}
    vector = pa.array([vectors[i].tolist() for i in kept], pa.list_(pa.float32()))
    row = {"encoder_id": encoder, "name": encoder, "fingerprint": encoder, "kind": kind}
    with study.write() as tx:
        tx.append("encoders", pd.DataFrame([{**row, "dimension": vectors.shape[1]}]))
        table = pa.table(rows).append_column("vector", vector)
        tx.append("vectors", table.append_column("chunks", pa.array([1] * len(kept), pa.int32())))


def vectors_of(texts):
    from erranal import models

    return models.load_encoder("lexical").encode(texts)[0]


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Return a clustered study, the groups planted in it and what the stage returned."""
    texts, group = texts_of(400)
    path = tmp_path_factory.mktemp("planted") / "s.duckdb"
    study = study_of(path, texts, vectors_of(texts))
    return study, group, cluster.run(study)


CHOSEN = """SELECT m.output_id, m.cluster FROM cluster_members m JOIN clusterings c
            USING (clustering_id) WHERE c.chosen ORDER BY output_id"""


def test_planted_groups_are_found(planted):
    study, group, summary = planted
    found = study.query(CHOSEN)["cluster"].to_numpy()
    assert adjusted_rand_score(group[found >= 0], found[found >= 0]) > 0.95
    assert (found < 0).mean() < 0.1
    assert summary["chosen"].sum() == 1


def test_terms_are_the_words_of_the_group(planted):
    study, group, _ = planted
    found = study.query(CHOSEN)["cluster"].to_numpy()
    clusters = study.query(
        "SELECT k.* FROM clusters k JOIN clusterings c USING (clustering_id) WHERE c.chosen"
    )
    for row in clusters.itertuples():
        name = list(GROUPS)[np.bincount(group[found == row.cluster]).argmax()]
        assert set(row.terms[:4]) <= set(GROUPS[name].split())
        assert not {"the", "answer"} & set(row.terms[:6])


def test_the_tables_agree_with_each_other(planted):
    study, _, summary = planted
    members = study.query(
        "SELECT clustering_id, cluster, count(*) AS n FROM cluster_members GROUP BY ALL"
    )
    rows = study.view("clusters").merge(members, on=["clustering_id", "cluster"], how="outer")
    noise = rows[rows["cluster"] < 0]
    assert (rows[rows["cluster"] >= 0]["size"] == rows[rows["cluster"] >= 0]["n"]).all()
    assert noise["size"].isna().all()
    assert (study.view("clusterings")["outputs"] == 400).all()
    assert study.count("cluster_members") == 400 * len(summary)
    assert study.count("maps") == 400
    assert len(summary) == len(cluster.settings.RESOLUTIONS)


def test_clusters_carry_exemplars_and_shares(planted):
    study, _, _ = planted
    members = study.view("cluster_members").set_index(["clustering_id", "output_id"])["cluster"]
    for row in study.view("clusters").itertuples():
        assert 1 <= len(row.exemplars) <= 5
        assert {members[row.clustering_id, o] for o in row.exemplars} == {row.cluster}
        shares = json.loads(row.modality_share)
        assert set(shares) <= {"text", "image"}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-3)
        assert 0 <= row.stability <= 1


def test_modality_that_was_dealt_out_evenly_is_not_associated(planted):
    assert planted[2]["v_modality"].max() < 0.2
    assert planted[2]["v_codes"].isna().all()


def test_codes_that_follow_the_groups_are_associated(tmp_path, planted):
    path = tmp_path / "s.duckdb"
    shutil.copy(planted[0].path, path)
    study, group = Study(path), planted[1]
    names = np.array(["reading.a", "reading.b", "thinking.c", "output.d"])
    verdicts = {"judge_id": "j", "codebook_id": "c", "status": "ok", "primary_code": names[group]}
    verdicts["output_id"] = [f"o{i:05d}" for i in range(400)]
    with study.write() as tx:
        tx.append("verdicts", pd.DataFrame(verdicts))
    chosen = cluster.run(study).query("chosen").iloc[0]
    assert chosen["v_codes"] > 0.95


RUN = """
import sys
from erranal import cluster
from erranal.store import Study
cluster.run(Study(sys.argv[1]), seed=3)
"""


def test_two_processes_give_the_same_rows(tmp_path, planted):
    tables = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.duckdb"
        shutil.copy(planted[0].path, path)
        subprocess.run([sys.executable, "-c", RUN, str(path)], check=True)
        order = {"cluster_members": "1, 2", "clusters": "1, 2", "maps": "3", "clusterings": "1"}
        tables.append(
            [Study(path).query(f"SELECT * FROM {t} ORDER BY {o}") for t, o in order.items()]
        )
    for first, second in zip(*tables, strict=True):
        assert len(first) > 0
        assert first.to_json() == second.to_json()


def test_a_second_run_replaces_the_first(tmp_path, planted):
    path = tmp_path / "s.duckdb"
    shutil.copy(planted[0].path, path)
    study = Study(path)
    cluster.run(study, resolutions=(1.0,), seed=9)
    assert study.view("clusterings")["seed"].tolist() == [9]
    assert study.count("cluster_members") == 400
    assert study.count("maps") == 400


def test_one_clustering_of_a_population_is_chosen_whatever_the_encoder(tmp_path):
    texts, _ = texts_of(60)
    study = study_of(tmp_path / "s.duckdb", texts, vectors_of(texts))
    rng = np.random.default_rng(0)
    hashes = [f"h{i:05d}" for i in range(60)]
    add_vectors(study, "other", hashes, rng.normal(size=(60, 8)), kind="lexical")
    cluster.run(study, encoder="other")
    cluster.run(study)
    chosen = study.query("SELECT encoder_id FROM clusterings WHERE chosen")
    assert chosen["encoder_id"].tolist() == ["e"]
    assert study.query("SELECT DISTINCT encoder_id FROM clusterings").shape == (2, 1)


def test_copies_of_one_text_are_a_cluster_of_their_own(tmp_path):
    texts, _ = texts_of(80)
    copies = ["I'm sorry, I can't help with that."] * 40
    hashes = [f"h{i:05d}" for i in range(80)] + ["sorry"] * 40
    texts += copies
    study = study_of(tmp_path / "s.duckdb", texts, vectors_of(texts), hashes=hashes)
    cluster.run(study)
    found = study.query(CHOSEN)["cluster"].to_numpy()
    assert len(set(found[80:])) == 1
    assert found[80] >= 0
    assert study.count("maps") == 81


def test_all_outputs_alike_are_one_cluster(tmp_path):
    vectors = np.tile(np.eye(8)[0], (30, 1))
    study = study_of(tmp_path / "s.duckdb", ["B"] * 30, vectors)
    summary = cluster.run(study)
    assert summary["clusters"].tolist() == [1] * 4
    assert summary["noise"].tolist() == [0.0] * 4
    assert summary["note"].str.contains("all vectors are equal").all()


@pytest.mark.parametrize("n", [1, 2, 5, 19])
def test_a_few_outputs_are_not_grouped(tmp_path, n):
    texts, _ = texts_of(n)
    study = study_of(tmp_path / "s.duckdb", texts, vectors_of(texts))
    summary = cluster.run(study)
    assert summary["clusters"].max() == 0
    assert (study.view("cluster_members")["cluster"] == -1).all()
    assert summary["note"].str.contains(f"{n} outputs are too few").all()


def test_outputs_without_a_vector_are_noise_and_said_to_be(tmp_path):
    texts, _ = texts_of(60)
    hashes = [f"h{i:05d}" for i in range(60)]
    study = study_of(tmp_path / "s.duckdb", [*texts, "", " "], hashes=[*hashes, "b0", "b1"])
    add_vectors(study, "e", hashes[:50], vectors_of(texts[:50]))
    summary = cluster.run(study)
    members = study.query(CHOSEN).set_index("output_id")["cluster"]
    assert (members.loc["o00050":] == -1).all()
    note = summary["note"].iloc[0]
    assert "2 blank outputs have no vector" in note
    assert "10 outputs are not embedded yet" in note


def test_nothing_but_blank_outputs(tmp_path):
    study = study_of(tmp_path / "s.duckdb", [""] * 30)
    add_vectors(study, "e", ["elsewhere"], np.ones((1, 4)))
    summary = cluster.run(study)
    assert summary["clusters"].max() == 0
    assert summary["noise"].min() == 1.0


def test_no_errors_at_all(tmp_path):
    study = study_of(tmp_path / "s.duckdb", [])
    add_vectors(study, "e", ["elsewhere"], np.ones((1, 4)))
    summary = cluster.run(study)
    assert summary["outputs"].tolist() == [0] * 4


def test_degenerate_vectors_are_survived(tmp_path):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 8))
    vectors[:10] = 0
    vectors[10:30] = vectors[10]
    study = study_of(tmp_path / "s.duckdb", [f"word{i % 7}" for i in range(60)], vectors)
    summary = cluster.run(study)
    assert np.isfinite(study.view("maps")[["x", "y"]].to_numpy()).all()
    assert (summary["outputs"] == 60).all()


def test_the_encoder_that_knows_most_is_taken(tmp_path):
    texts, _ = texts_of(40)
    hashes = [f"h{i:05d}" for i in range(40)]
    study = study_of(tmp_path / "s.duckdb", texts, hashes=hashes)
    add_vectors(study, "few", hashes[:20], vectors_of(texts[:20]))
    add_vectors(study, "words", hashes, vectors_of(texts), kind="lexical")
    assert set(cluster.run(study)["encoder_id"]) == {"words"}
    assert set(cluster.run(study, encoder="few")["encoder_id"]) == {"few"}


def test_errors_say_the_next_step(tmp_path, planted):
    empty = study_of(tmp_path / "s.duckdb", ["a text"])
    with pytest.raises(StageError, match="erranal embed"):
        cluster.run(empty)
    with pytest.raises(StageError, match="erranal embed"):
        cluster.run(planted[0], encoder="nobody")
    with pytest.raises(StageError, match="errors or all"):
        cluster.run(planted[0], population="wrong")
    with pytest.raises(StageError, match="positive"):
        cluster.run(planted[0], resolutions=(1.0, 0.0))
    with pytest.raises(StageError, match="2 or more"):
        cluster.run(planted[0], min_size=1)


def test_progress_ends_where_it_should(tmp_path):
    texts, _ = texts_of(40)
    study = study_of(tmp_path / "s.duckdb", texts, vectors_of(texts))
    seen = []
    cluster.run(study, progress=lambda done, total, label: seen.append((done, total)))
    assert seen[0][0] == 0
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]
