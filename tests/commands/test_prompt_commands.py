"""Prompts embedded and images named by them, from files to files."""

import argparse
import json

import numpy as np
import pandas as pd
import pytest
import torch

from unispace.backbones import openclip
from unispace.commands import embed_prompts, evaluate_zero_shot
from unispace.config.backbones import Backbone
from unispace.errors import UserError
from unispace.records.embeddings import Embeddings, write_embeddings
from unispace.records.files import read_json
from unispace.records.manifest import SCHEMA
from unispace.records.prompts import Prompts, read_prompts, write_prompts
from unispace.records.tables import write_table

CLIP = {
    "provider": "open_clip",
    "architecture": "ViT-B-16",
    "options": {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 16, "head_width": 16},
        "text_cfg": {"context_length": 12, "width": 16, "heads": 1, "layers": 1},
    },
    "pooling": "token",
    "preprocessing": {"size": 32},
    "weights": {"kind": "random"},
}
LABELS = ["ice_cream", "kite", "owl"]


def rows(labels, split="test"):
    """Rows of a manifest."""
    values = {
        "image_id": [f"{split}-{i}" for i in range(len(labels))],
        "row": range(len(labels)),
        "domain": "object",
        "label": labels,
        "identity": labels,
        "split": split,
        "source": "made",
    }
    return pd.DataFrame({name: values[name] for name in SCHEMA.names})


def embed(folder, attacks=None, **changes):
    (folder / "data" / "objects").mkdir(parents=True, exist_ok=True)
    write_table(rows(LABELS[::-1] * 2), SCHEMA, folder / "data" / "objects" / "manifest.parquet")
    names = changes.pop("names", {"kite": "red kite"})
    asked = {"names": names, "given": [], "spaces": "_", "own": ["my {}"], "listed": []}
    settings = {
        "name": "clip",
        "backbone": CLIP,
        "split": "test",
        "templates": ["plain", "two", "own"],
        "common": {"plain": ["a photo of a {}."], "two": ["{a}", "the {}"]},
        "names": names,
        "datasets": {"objects": {**asked, **changes}},
        "attacks": attacks or {},
    }
    backbone = Backbone.model_validate(CLIP)
    torch.manual_seed(0)
    clip = openclip.create_clip(backbone.architecture, backbone.options).eval()
    openclip.save_clip(clip, folder / "w.safetensors")
    embed_prompts.run(
        argparse.Namespace(
            settings=json.dumps(settings),
            weights=folder / "w.safetensors",
            data=folder / "data",
            output=folder / "prompts",
            threads=1,
        )
    )
    return clip


def test_each_class_becomes_the_mean_of_its_sentences(tmp_path):
    clip = embed(tmp_path)
    found = read_prompts(tmp_path / "prompts" / "objects" / "two")
    assert found.labels == tuple(LABELS)
    assert found.card["words"] == ["ice cream", "red kite", "owl"]
    sentences = [
        ["an ice cream", "the ice cream"],
        ["a red kite", "the red kite"],
        ["an owl", "the owl"],
    ]
    for vector, texts in zip(found.vectors, sentences, strict=True):
        tokens = openclip.tokenize(texts, "ViT-B-16", CLIP["options"])
        mean = openclip.embed_texts(clip, tokens).numpy().mean(axis=0)
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-6)
    own = read_prompts(tmp_path / "prompts" / "objects" / "own")
    tokens = openclip.tokenize(["my ice cream"], "ViT-B-16", CLIP["options"])
    np.testing.assert_allclose(
        own.vectors[0], openclip.embed_texts(clip, tokens).numpy()[0], atol=1e-6
    )
    plain = read_prompts(tmp_path / "prompts" / "objects" / "plain")
    assert not np.allclose(plain.vectors, found.vectors, atol=1e-3)
    assert plain.card["key"] != found.card["key"]


def test_a_second_run_gives_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        embed(tmp_path / folder)
    for file in ("vectors.npy", "prompts.json"):
        first, second = (
            (tmp_path / f / "prompts" / "objects" / "two" / file).read_bytes() for f in "ab"
        )
        assert first == second


def test_a_name_for_no_label_and_a_name_too_long_are_told(tmp_path):
    with pytest.raises(
        UserError, match=r"prompts\.names: no data set has the label `kit`; did you mean `kite`"
    ):
        embed(tmp_path, names={"kit": "kite"})
    with pytest.raises(UserError, match="takes 14 tokens, and the text tower of ViT-B-16 reads 10"):
        embed(tmp_path, names={"kite": "red kite with a very long tail in it"})


def test_texts_about_attacks_become_the_means_of_two_classes(tmp_path):
    attacks = {"fakes": {"paper": {"attack": ["a print", "a mask"], "bona_fide": ["a person"]}}}
    clip = embed(tmp_path, attacks=attacks)
    found = read_prompts(tmp_path / "prompts" / "fakes" / "paper")
    assert found.labels == ("attack", "bona_fide")
    assert found.card["sentences"] == attacks["fakes"]["paper"]
    for vector, texts in zip(found.vectors, (["a print", "a mask"], ["a person"]), strict=True):
        tokens = openclip.tokenize(texts, "ViT-B-16", CLIP["options"])
        mean = openclip.embed_texts(clip, tokens).numpy().mean(axis=0)
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-6)
    long = {"fakes": {"paper": {**attacks["fakes"]["paper"], "attack": ["a mask " * 8]}}}
    with pytest.raises(UserError, match="and the text tower of ViT-B-16 reads 10"):
        embed(tmp_path, attacks=long)


def test_labels_that_the_words_are_not_of_are_told(tmp_path):
    with pytest.raises(
        UserError, match=r"prompts\.names\.objects: `objects` has not the label `kit`"
    ):
        embed(tmp_path, given=["kit"])
    with pytest.raises(
        UserError, match=r"`objects` has the label `ice_cream`, which is none of the 1"
    ):
        embed(tmp_path, listed=["owl"])


# --- zero-shot ---


def evaluate(folder, width=4, templates=("plain",), labels=LABELS):
    """Images at the prompts of their labels, but one of four owls at the kite; and two held-out classes, swapped."""
    axes = np.eye(5, width if width > 5 else 5, dtype=np.float32)
    test = ["ice_cream", "kite", *["owl"] * 4]
    at = [0, 1, 2, 2, 2, 1]
    index = pd.concat([rows(test), rows(["sun", "bus"], "held_out")], ignore_index=True)
    card = {"dataset": "objects", "key": "e"}
    vectors = axes[[*at, 3, 4]]
    write_embeddings(Embeddings(vectors, index, card), folder / "embeddings" / "objects")
    of_classes = (*labels, "bus", "sun")
    for name in templates:
        prompts = Prompts(
            np.eye(5, dtype=np.float32), of_classes, {"dataset": "objects", "key": name}
        )
        write_prompts(prompts, folder / "prompts" / "objects" / name)
    settings = {
        "study": "s",
        "model": "clip/imic-a/seed0",
        "seed": 1,
        "datasets": ["objects"],
        "templates": list(templates),
        "evaluation": {"split": "test", "resamples": 100},
    }
    evaluate_zero_shot.run(
        argparse.Namespace(
            settings=json.dumps(settings),
            embeddings=folder / "embeddings",
            prompts=folder / "prompts",
            metrics=folder / "metrics.parquet",
            samples=folder / "samples.parquet",
        )
    )
    return pd.read_parquet(folder / "metrics.parquet")


def test_rows_hold_what_was_planted_for_each_split_and_each_set_of_templates(tmp_path):
    found = evaluate(tmp_path, templates=("plain", "studio"))
    assert set(found["experiment"]) == {"classification"}
    assert set(found["model"]) == {"clip/imic-a/seed0"}
    value = found.set_index(["protocol", "metric"])["value"]
    for name in ("plain", "studio"):
        assert value[f"zero-shot:{name}", "top-1"] == pytest.approx(5 / 6)
        assert value[f"zero-shot:{name}", "balanced-accuracy"] == pytest.approx((1 + 1 + 3 / 4) / 3)
        assert value[f"zero-shot:{name}/held_out", "top-1"] == 0
    assert len(found) == 8
    assert (found["status"] == "ok").all()
    chance = found.set_index(["protocol", "metric"])["chance"]
    assert chance["zero-shot:plain", "balanced-accuracy"] == pytest.approx(1 / 3)
    assert chance["zero-shot:plain/held_out", "balanced-accuracy"] == pytest.approx(1 / 2)


def test_models_share_the_resamples_of_a_data_set(tmp_path):
    """The n-th sample is one draw for all models, so that differences are those of a paired bootstrap."""
    found = evaluate(tmp_path / "a")
    evaluate(tmp_path / "b")
    samples = [pd.read_parquet(tmp_path / f / "samples.parquet") for f in "ab"]
    pd.testing.assert_frame_equal(*samples)
    first = samples[0]
    assert set(first["protocol"]) == {"zero-shot:plain", "zero-shot:plain/held_out"}
    assert set(first["metric"]) == {"top-1", "balanced-accuracy"}
    chosen = first[
        (first["protocol"] == "zero-shot:plain") & (first["metric"] == "balanced-accuracy")
    ]
    assert chosen["resample"].tolist() == list(range(100))
    # Means over three classes drawn with replacement, of which two are all right and one three times in four.
    assert set(np.round(chosen["value"] * 12).astype(int)) <= {9, 10, 11, 12}
    assert np.ptp(chosen["value"]) > 0
    assert (found["status"] == "ok").all()


def test_other_prompts_are_another_origin(tmp_path):
    found = evaluate(tmp_path, templates=("plain", "studio")).set_index("protocol")["origin"]
    assert set(found["zero-shot:plain"]) != set(found["zero-shot:studio"])


def test_prompts_of_another_network_and_missing_classes_are_told(tmp_path):
    with pytest.raises(
        UserError, match="vectors of 6 values and the prompts of 5; they are of two networks"
    ):
        evaluate(tmp_path / "a", width=6)
    with pytest.raises(UserError, match="class 'kite' has no prompt"):
        evaluate(tmp_path / "b", labels=["ice_cream", "cat", "owl"])


def test_the_card_says_which_weights_made_the_prompts(tmp_path):
    embed(tmp_path)
    card = read_json(tmp_path / "prompts" / "objects" / "plain" / "prompts.json")
    assert card["architecture"] == "ViT-B-16"
    assert len(card["weights_sha256"]) == 64
    assert card["templates"] == ["a photo of a {}."]
