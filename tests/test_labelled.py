"""Labelled samples: weights over rounds, what is left out, and numbers found by another way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from labelled_study import BOOK, JUDGE, READING, THINKING, coded_round, planted_study

from erranal import agreement, labelled, prevalence
from erranal.errors import StageError
from erranal.labelled import weights
from erranal.stats import sampling

DESIGNS = ((40, 0.3, 1.0), (40, 1.0, 0.0), (20, 0.4, 0.5))  # pairs, uniform share, equality


def only(frame, **equal):
    for column, value in equal.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1, frame
    return frame.iloc[0]


def change(study, *statements):
    with study.write() as tx:
        for statement in statements:
            tx._db.execute(statement)


def population_of_pairs(models: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return pairs with an error: easy items have few, and these are often of the rare stratum."""
    items = 390 // models
    hard = np.repeat(rng.random(items) < 0.5, models)
    wrong = rng.random(items * models) < np.where(hard, 0.95, 0.6)
    rare = rng.random(items * models) < np.where(hard, 0.02, 0.25)
    table = pd.DataFrame({"item_id": np.repeat(np.arange(items), models).astype(str)})
    table["pair_id"] = [f"p{i}" for i in range(len(table))]
    table["stratum"] = np.where(rare, "rare", "common")
    table["code"] = rng.random(len(table)) < np.where(rare, 0.8, 0.1)
    table = table[wrong].reset_index(drop=True)
    return table.assign(of_item=table.groupby("item_id")["pair_id"].transform("size"))


def drawn_rounds(table: pd.DataFrame, key: str, *, again: bool = False) -> pd.DataFrame:
    rounds: list[pd.DataFrame] = []
    for i, (size, uniform_share, equality) in enumerate(DESIGNS):
        used = set().union(*(one["item_id"] for one in rounds)) if not again else set()
        left = table[~table["item_id"].isin(used)]
        found = sampling.sample_stratified(
            left["pair_id"].tolist(), left["stratum"].tolist(), size,
            uniform_share=uniform_share, equality=equality, key=f"{key} {i}",
        )  # fmt: skip
        drawn = left.assign(probability=found.probability, round=f"r{i}")
        rounds.append(drawn[found.chosen])
    return pd.concat(rounds, ignore_index=True)


@pytest.mark.parametrize(("models", "again"), [(1, False), (3, False), (1, True), (3, True)])
def test_rounds_that_oversample_are_weighed_back(models, again):
    """The first round oversamples the rare stratum, and takes the items from those after it."""
    table = population_of_pairs(models, np.random.default_rng(5))
    truth, estimates, plain = table["code"].mean(), [], []
    for seed in range(150):
        units = drawn_rounds(table, str(seed), again=again)
        names = ["r0", "r1", "r2"]
        weight = weights.weigh(units, names, len(table), again=names if again else ())
        assert weight.sum() == pytest.approx(len(table))
        estimates.append(weight @ units["code"] / weight.sum())
        plain.append(units["code"].mean())
    error = np.std(estimates) / np.sqrt(len(estimates))
    assert abs(np.mean(estimates) - truth) < 3 * error < 0.05 * truth
    assert np.mean(plain) - truth > 0.2 * truth


def test_one_round_weighs_by_its_probabilities_alone():
    units = pd.DataFrame({"round": "r", "pair_id": list("aabc"), "item_id": list("xxyz")})
    units["probability"], units["of_item"] = [0.5, 0.5, 0.25, 0.1], 2
    weight = weights.weigh(units, ["none", "r"], 160)
    assert weight.tolist() == pytest.approx([20, 20, 40, 100])


def test_labels_for_tuning_do_not_make_errors_rarer(tmp_path):
    made = planted_study(tmp_path / "study.duckdb", 500)
    coded_round(made, "tune", size=120, kind="calibration")
    coded_round(made, "test", size=150)
    found = prevalence.run(made.study)
    of = {"analysis": "prevalence", "grouping": "all", "arm": "image", "code": READING}
    for source in ("corrected", "humans"):
        row = only(found, source=source, **of)
        assert row["low"] <= made.rate("image", READING) <= row["high"]
    assert row["pool"] == 500


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    made = planted_study(
        tmp_path_factory.mktemp("planted") / "study.duckdb", 400, models=("a", "b")
    )
    coded_round(made, size=150, accuracy=0.8)
    return made


def test_estimates_are_what_sums_over_the_study_give(planted):
    """Both estimators once more, from the outputs and not from counts of the population."""
    study, code = planted.study, THINKING
    wrong = planted.truth.keys()
    verdicts = study.query("SELECT output_id, codes FROM verdicts WHERE judge_id = $id",
                           id=f"{JUDGE}-id")  # fmt: skip
    said = {name: float(code in codes) for name, codes in verdicts.to_numpy()}
    units = study.query("SELECT * FROM units")
    drawn = {
        (item, name.split("/")[2]): 1 / p
        for item, name, p in units[["item_id", "output_id", "inclusion_probability"]].to_numpy()
    }
    found = prevalence.run(study)
    outputs = 400 * 2
    pool = [name for name in wrong if name.endswith("/image")]
    rate = 0.0
    for label in (0.0, 1.0):
        part = [name for name in pool if said[name] == label]
        sampled = [n for n in part if n in set(units["output_id"])]
        w = np.array([drawn[n.rsplit("/", 2)[0], n.split("/")[2]] for n in sampled])
        y = np.array([code in planted.truth[n] for n in sampled])
        rate += len(part) / outputs * (w @ y) / w.sum()
    of = {"grouping": "all", "source": "corrected", "code": code, "arm": "image"}
    assert only(found, analysis="prevalence", **of)["estimate"] == pytest.approx(rate)

    stems = sorted({name.rsplit("/", 1)[0] for name in wrong})
    x = np.array([[1, *(said.get(f"{s}/{arm}", 0.0) for arm in ("image", "text"))] for s in stems])
    y = np.array([
        float(code in planted.truth.get(f"{s}/image", ()))
        - float(code in planted.truth.get(f"{s}/text", ())) for s in stems
    ])  # fmt: skip
    w = np.array([drawn.get((s.rsplit("/", 1)[0], s.split("/")[2]), 0.0) for s in stems])
    slope = np.linalg.solve((x * w[:, None]).T @ x, (x * w[:, None]).T @ y)
    mean = float((x @ slope).sum()) / outputs
    assert only(found, analysis="effect", **of)["estimate"] == pytest.approx(mean)


def test_numbers_do_not_depend_on_the_order_of_rows_or_the_names_of_coders(planted):
    def numbers():
        found = pd.concat([agreement.run(planted.study), prevalence.run(planted.study)])
        keys = ["analysis", "estimand", "source", "grouping", "model", "arm", "reference", "code"]
        shown = found[[*keys, "estimate", "low", "high", "p", "n", "note"]]
        return shown.sort_values(keys, ignore_index=True)

    before = numbers()
    change(
        planted.study,
        *(
            statement
            for table in ("labels", "verdicts", "scores", "units", "adjudications")
            for statement in (
                f"CREATE TEMP TABLE kept AS SELECT * FROM {table}",
                f"DELETE FROM {table}",
                f"INSERT INTO {table} BY NAME SELECT * FROM kept ORDER BY hash(kept::VARCHAR)",
                "DROP TABLE kept",
            )
        ),
        "UPDATE labels SET coder_id = CASE coder_id WHEN 'coder-1' THEN 'zoe' ELSE 'adam' END",
    )
    pd.testing.assert_frame_equal(before, numbers(), check_exact=False, rtol=1e-9)


def later() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)


def test_what_changed_since_a_round_was_drawn_is_not_taken_for_right(tmp_path):
    """A pair whose other side changed has no label for it, which is not a "no"."""
    made = planted_study(tmp_path / "study.duckdb", 300)
    coded_round(made, size=500)  # all there are
    before = labelled.sample(made.study, labelled.choose(made.study))
    change(
        made.study,
        "UPDATE scores SET outcome = 'incorrect' WHERE output_id LIKE '%1/m1/text'",
        "UPDATE scores SET outcome = 'correct' WHERE output_id LIKE '%2/m1/text'",
    )
    basis = labelled.choose(made.study)
    sample = labelled.sample(made.study, basis)
    gone = before.units[~before.units["output_id"].isin(sample.units["output_id"])]
    assert sample.excluded == {"scores or pairs changed since": len(gone)}
    for row in gone.itertuples():
        assert row.item_id.endswith("2") if row.arm == "text" else row.item_id.endswith("1")
    pairs = labelled.pairs(sample, "text", "image")
    text = pairs.human[:, 0, pairs.names.index(THINKING)]
    assert not any(item.endswith("2") for item in pairs.items[text])  # right by now: no code


def test_responses_that_came_or_were_replaced_later_are_left_out(tmp_path):
    made = planted_study(tmp_path / "study.duckdb", 300)
    coded_round(made, size=500)
    before = prevalence.run(made.study)
    new = "'new' || item_id AS item_id"
    at = f"TIMESTAMPTZ '{later().isoformat()}' AS ingested_at"
    change(
        made.study,
        f"INSERT INTO items BY NAME SELECT * REPLACE ({new}) FROM items",
        "INSERT INTO outputs BY NAME SELECT * REPLACE ('new' || output_id AS output_id, "
        f"'new' || slot_id AS slot_id, {new}, {at}) FROM outputs",
        "INSERT INTO scores BY NAME SELECT * REPLACE ('new' || output_id AS output_id, "
        "'incorrect' AS outcome) FROM scores",
    )
    after = prevalence.run(made.study)
    columns = ["estimate", "low", "high", "n", "pool"]
    pd.testing.assert_frame_equal(before[columns], after[columns])
    change(
        made.study,
        "INSERT INTO outputs BY NAME SELECT * REPLACE ('again' || output_id AS output_id, "
        f"{at}) FROM outputs WHERE output_id LIKE 'b/%1/m1/text'",
        "INSERT INTO scores BY NAME SELECT * REPLACE ('again' || output_id AS output_id, "
        "'incorrect' AS outcome) FROM scores WHERE output_id LIKE 'b/%1/m1/text'",
        "UPDATE outputs SET current = FALSE WHERE output_id LIKE 'b/%1/m1/text'",
    )
    sample = labelled.sample(made.study, labelled.choose(made.study))
    assert not sample.units["item_id"].str.endswith("1").any()  # nor the image side of such pairs
    assert set(sample.excluded) == {"response replaced since", "scores or pairs changed since"}
    assert prevalence.run(made.study)["pool"].max() == 270


def test_a_judge_that_is_newer_than_the_round_is_said_to_be(tmp_path):
    made = planted_study(tmp_path / "study.duckdb", 200)
    coded_round(made, size=60)
    assert labelled.choose(made.study).notes == ()
    set_to = f"UPDATE verdicts SET judged_at = TIMESTAMPTZ '{later().isoformat()}'"
    change(made.study, f"{set_to} WHERE output_id LIKE '%3/m1/image'")
    (note,) = labelled.choose(made.study).notes
    assert note.endswith(
        f"verdicts of judge {JUDGE} are newer than round main: that it was not "
        "tuned on these labels is not on record"
    )
    change(made.study, set_to)
    found = prevalence.run(made.study)
    assert found["note"].str.startswith(f"all verdicts of judge {JUDGE} are newer").all()


def test_a_code_that_is_not_in_the_book_is_named(tmp_path):
    made = planted_study(tmp_path / "study.duckdb", 200)
    coded_round(made, size=60)
    change(made.study, "UPDATE verdicts SET codes = ['no.such'] WHERE output_id LIKE '%/image'")
    with pytest.raises(StageError, match=f"{BOOK.codebook_id} has the code 'no.such'"):
        prevalence.run(made.study)
