"""Encoders: what a vector depends on, what is read of a long text, and what is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from erranal import models
from erranal.errors import ModelError
from erranal.models import weights

SHORT = [
    "The bar for 2019 shows 42 units, so the answer is C.",
    "I cannot see the image.",
    "Let x be the number of apples; then 3x + 4 = 19 and x = 5.",
    "$\\int_0^1 x^2 dx = 1/3$",
    "Die Antwort lautet B 😀",
    "B",
]
LONG = "First we read the values from the chart and add them up one after the other. " * 30


@pytest.fixture(scope="module")
def lexical():
    return models.load_encoder("lexical")


@pytest.fixture(scope="module")
def minilm():
    if reason := weights.missing_for_auto():
        pytest.skip(reason)
    return models.load_encoder("auto", device="cpu")


def cosines(a, b):
    return (a * b).sum(axis=1)


DIGEST = """
import hashlib
from erranal import models
vectors, _ = models.load_encoder("lexical").encode({texts!r})
print(hashlib.sha256(vectors.tobytes()).hexdigest())
"""


def test_lexical_vectors_are_the_same_in_every_process(lexical):
    command = [sys.executable, "-c", DIGEST.format(texts=SHORT)]
    here = hashlib.sha256(lexical.encode(SHORT)[0].tobytes()).hexdigest()
    there = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert here == there


def test_lexical_vectors_do_not_depend_on_the_other_texts(lexical):
    alone = np.concatenate([lexical.encode([text])[0] for text in SHORT])
    np.testing.assert_array_equal(lexical.encode(SHORT)[0], alone)


def test_lexical_knows_shared_words(lexical):
    texts = [
        "the slope of the straight line is negative",
        "a negative slope, since the line falls",
        "painted by Rembrandt in the seventeenth century",
    ]
    vectors, pieces = lexical.encode(texts)
    near, far = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
    assert near > 0.4 > 0.2 > far
    assert pieces.tolist() == [1, 1, 1]


@pytest.mark.parametrize("text", ["?", "...", "the", "\u200b", "😀", "a" * 100_000])
def test_lexical_gives_every_text_a_unit_vector(lexical, text):
    np.testing.assert_allclose(np.linalg.norm(lexical.encode([text])[0]), 1, rtol=1e-5)


def test_lexical_says_what_it_is(lexical):
    assert lexical.kind == "lexical"
    assert "words only" in lexical.params["knows"]
    assert lexical.note == ""


def test_auto_falls_back_to_words_and_says_why(monkeypatch):
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    encoder = models.load_encoder("auto")
    assert encoder.kind == "lexical"
    assert "pip install 'erranal[embed]'" in encoder.note


def test_a_named_model_without_the_packages_says_what_to_install(monkeypatch):
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"all-mpnet-base-v2.*pip install 'erranal\[embed\]'"):
        models.load_encoder("all-mpnet-base-v2")


def test_short_texts_agree_with_sentence_transformers(minilm):
    from sentence_transformers import SentenceTransformer

    reference = SentenceTransformer(str(weights.locate("all-MiniLM-L6-v2").folder), device="cpu")
    expected = reference.encode(SHORT, normalize_embeddings=True, show_progress_bar=False)
    vectors, pieces = minilm.encode(SHORT)
    assert cosines(vectors, expected).min() > 0.999
    assert pieces.tolist() == [1] * len(SHORT)


def test_the_end_of_a_long_text_counts(minilm):
    texts = [LONG + "So the cat sleeps on the warm roof. " * 20, LONG + "Thus revenue fell. " * 30]
    vectors, pieces = minilm.encode(texts)
    beginnings, _ = minilm.encode([LONG[:900], LONG[:900]])
    assert (pieces > 1).all()
    assert vectors[0] @ vectors[1] < 0.95
    assert beginnings[0] @ beginnings[1] > 0.999


def test_a_long_text_is_the_weighted_mean_of_its_pieces(minilm):
    pieces, owner = minilm._pieces([LONG])
    assert [len(piece) for piece in pieces[:-1]] == [256] * (len(pieces) - 1)
    parts = minilm._forward(pieces)
    mean = sum(len(piece) * part for piece, part in zip(pieces, parts, strict=True))
    expected = mean / np.linalg.norm(mean)
    assert cosines(minilm.encode([LONG])[0], expected[None])[0] > 0.999
    assert owner.tolist() == [0] * len(pieces)


def test_vectors_do_not_depend_on_the_batch(minilm):
    together, _ = minilm.encode([*SHORT, LONG])
    backwards, _ = minilm.encode([LONG, *SHORT[::-1]])
    assert cosines(together, backwards[::-1]).min() > 0.9995
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, rtol=1e-5)


def test_progress_reaches_the_end(minilm):
    seen = []
    minilm.encode([*SHORT, LONG], lambda done, total, label: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]


def test_a_full_device_halves_the_batch_and_goes_on(minilm, monkeypatch):
    import torch

    forward, sizes = minilm._forward, []

    def small_device(pieces):
        sizes.append(len(pieces))
        if len(pieces) > 2:
            raise torch.OutOfMemoryError("full")
        return forward(pieces)

    monkeypatch.setattr(minilm, "_forward", small_device)
    monkeypatch.setattr(minilm, "_budget", minilm._budget)
    vectors, _ = minilm.encode(SHORT)
    assert max(sizes) > 2
    monkeypatch.undo()
    assert cosines(vectors, minilm.encode(SHORT)[0]).min() > 0.9995


def test_the_fingerprint_names_what_decides_a_vector(minilm):
    same = models.load_encoder("all-MiniLM-L6-v2", device="cpu")
    other = "float32" if minilm.params["dtype"] == "bfloat16" else "bfloat16"
    rounded = models.load_encoder("sentence-transformers/all-MiniLM-L6-v2", dtype=other)
    assert same.fingerprint == minilm.fingerprint
    assert same.name == rounded.name == "all-MiniLM-L6-v2"
    assert rounded.fingerprint != minilm.fingerprint
    assert minilm.dimension == 384


def test_another_precision_gives_the_same_directions(minilm):
    full = models.load_encoder("auto", device="cpu", dtype="float32")
    half = models.load_encoder("auto", device="cpu", dtype="bfloat16")
    assert cosines(full.encode([*SHORT, LONG])[0], half.encode([*SHORT, LONG])[0]).min() > 0.999


def test_nothing_to_encode(minilm, lexical):
    for encoder in (minilm, lexical):
        vectors, pieces = encoder.encode([])
        assert vectors.shape == (0, encoder.dimension)
        assert pieces.shape == (0,)


@pytest.fixture
def folder(tmp_path):
    if find_spec("sentence_transformers") is None:
        pytest.skip("sentence-transformers is not installed")
    (tmp_path / "modules.json").write_text(
        json.dumps([{"type": "sentence_transformers.models.Transformer", "path": ""}])
    )
    return tmp_path


def test_pickled_weights_are_refused(folder):
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n")
    with pytest.raises(ModelError, match="pickled"):
        models.load_encoder(str(folder))


def test_pickled_weights_of_one_module_are_refused_too(folder):
    (folder / "model.safetensors").write_bytes(b"")
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match="pickled"):
        models.load_encoder(str(folder))


def test_code_in_a_model_folder_is_never_run(folder):
    modules = [{"type": "evil.Module", "path": ""}]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "evil.py").write_text("raise SystemExit('ran')")
    (folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="code of its own"):
        models.load_encoder(str(folder))


def test_remote_code_of_a_configuration_is_never_run(folder, minilm):
    shutil.copytree(weights.locate(weights.PACKAGED).folder, folder, dirs_exist_ok=True)
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModel": "evil.Model", "AutoConfig": "evil.Config"}
    config["model_type"] = "evil"
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text("raise SystemExit('ran')")
    with pytest.raises(ModelError, match="could not be loaded"):
        models.load_encoder(str(folder))


@pytest.mark.parametrize("broken", [b"", b"not a safetensors file at all"])
def test_broken_weights_are_a_model_error(folder, minilm, broken):
    shutil.copytree(weights.locate(weights.PACKAGED).folder, folder, dirs_exist_ok=True)
    (folder / "model.safetensors").write_bytes(broken)
    with pytest.raises(ModelError, match="could not be loaded"):
        models.load_encoder(str(folder))


def test_an_empty_folder_is_a_model_error(folder):
    with pytest.raises(ModelError, match="safetensors"):
        models.load_encoder(str(folder))


def test_an_unknown_name_says_what_to_do(monkeypatch):
    if find_spec("sentence_transformers") is None:
        pytest.skip("sentence-transformers is not installed")
    import huggingface_hub

    def offline(*_args, **_settings):
        raise huggingface_hub.errors.LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(ModelError, match=r"'no-such-model'.*path.*'lexical'"):
        models.load_encoder("no-such-model")
