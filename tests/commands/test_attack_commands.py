"""Attacks detected from planted embeddings, from files to files."""

import argparse
import json
import math

import numpy as np
import pandas as pd
import pytest

from unispace.commands import evaluate_attacks
from unispace.data.prompts.attack_texts import CLASSES
from unispace.errors import UserError
from unispace.records.embeddings import INDEX_SCHEMA, Embeddings, write_embeddings
from unispace.records.heads import AttackHead, write_heads
from unispace.records.prompts import Prompts, write_prompts

WIDTH = 8
BONA_FIDE, PRINT, REPLAY, ODD = np.eye(WIDTH)[:4] * 3
AT = {"bona_fide": BONA_FIDE, "print": PRINT, "replay": REPLAY, "odd": BONA_FIDE + 0.01 * ODD}
"""Where images of each kind lie; `odd` attacks look bona fide."""
MODEL = "net/base/seed0"


def plant(folder, dataset, at=None, kinds=("print", "replay"), held_out=(), seed=0, **changes):
    """Embeddings of 60 subjects in three splits, with two bona fide images and one attack of each kind."""
    rng, rows, vectors = np.random.default_rng(seed), [], []
    at = at or AT
    for split, subjects in (("train", 24), ("val", 12), ("test", 24)):
        here = ["bona_fide", "bona_fide", *kinds]
        for s in range(subjects):
            late = held_out if split == "test" else ()
            for number, kind in enumerate([*here, *late]):
                part = "held_out" if number >= len(here) else split
                rows.append((f"{split}-{s}-{number}", kind, f"{split}-{s}", part))
                vectors.append(at[kind] + rng.normal(size=WIDTH) * 0.5)
    index = pd.DataFrame(rows, columns=["image_id", "label", "identity", "split"])
    index = index.assign(row=range(len(index)), domain="pad", **changes)
    made = np.array(vectors, np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    columns = [*INDEX_SCHEMA.names, *(c for c in index if c not in INDEX_SCHEMA.names)]
    card = {"dataset": dataset, "key": f"{dataset}{seed}", "failed": None}
    write_embeddings(Embeddings(made, index[columns], card), folder / "embeddings" / dataset)


def evaluate(folder, datasets=("attacks",), heads=None, texts=(), failed=None, **attacks):
    prompts = {"attack": PRINT + REPLAY, "bona_fide": BONA_FIDE}
    for dataset in datasets:
        if failed:
            path = folder / "embeddings" / dataset / "embedding.json"
            card = {**json.loads(path.read_text()), "failed": failed}
            path.write_text(json.dumps(card))
        for name in texts:
            vectors = np.stack([prompts[c] / np.linalg.norm(prompts[c]) for c in CLASSES])
            card = {"dataset": dataset, "key": name}
            made = Prompts(vectors.astype(np.float32), CLASSES, card)
            write_prompts(made, folder / "prompts" / dataset / name)
    file = None
    if heads is not None:
        file = folder / "heads.safetensors"
        write_heads(heads.get("stored", {}), file)
    settings = {
        "study": "s",
        "model": MODEL,
        "seed": 1,
        "datasets": list(datasets),
        "heads": list(heads["trained"]) if heads else [],
        "texts": list(texts),
        "evaluation": {
            "split": "test",
            "resamples": 100,
            "attacks": {"points": [0.1, 0.2], "errors": 1, "penalties": [1, 10], **attacks},
        },
    }
    out = {name: folder / f"{name}.parquet" for name in ("metrics", "curves", "samples")}
    evaluate_attacks.run(
        argparse.Namespace(
            settings=json.dumps(settings),
            embeddings=folder / "embeddings",
            heads=file,
            prompts=folder / "prompts",
            **out,
        )
    )
    return {name: pd.read_parquet(path) for name, path in out.items()}


def value(found, protocol, metric="D-EER", dataset="attacks"):
    rows = found["metrics"].query("protocol == @protocol and metric == @metric")
    rows = rows[rows["dataset"] == dataset]
    assert len(rows) == 1, (protocol, metric, sorted(set(found["metrics"]["protocol"])))
    return rows.iloc[0]


def test_a_probe_finds_known_attacks_and_an_unknown_one_that_looks_bona_fide_passes(tmp_path):
    plant(tmp_path, "attacks", held_out=("odd",))
    found = evaluate(tmp_path)
    metrics = found["metrics"]
    assert set(metrics["experiment"]) == {"attack-detection"}
    assert set(metrics["unit"]) == {"identity"}
    assert set(metrics["protocol"]) == {
        "probe", "probe/attack=print", "probe/attack=replay", "probe/mean-of-attacks",
        "probe/worst-attack", "probe/held_out", "probe/without=print", "probe/without=replay",
    }  # fmt: skip
    assert value(found, "probe")["value"] < 0.05
    assert value(found, "probe", "HTER")["value"] < 0.05
    assert value(found, "probe/held_out")["value"] > 0.3
    # The threshold was chosen without that attack, so that most of these pass.
    assert value(found, "probe/held_out", "APCER")["value"] > 0.8
    assert (
        value(found, "probe/held_out", "BPCER")["value"] == value(found, "probe", "BPCER")["value"]
    )
    # Operating points at thresholds of val are told of the whole, not of each variant.
    of_val = metrics[metrics["metric"].str.endswith("-of-val")]
    assert set(of_val["protocol"]) == {"probe"}
    assert value(found, "probe")["n"] == 24 * 4
    assert value(found, "probe/attack=print", "APCER@BPCER=0.1")["n"] == 24
    assert (metrics["status"] == "ok").all()


def test_an_attack_that_is_left_out_is_not_learnt_from(tmp_path):
    # Prints and replays lie on opposite sides of bona fide images, masks where prints do.
    axes = np.eye(WIDTH)
    at = {"bona_fide": axes[7], "print": 2 * axes[0], "replay": -2 * axes[0], "mask": 2 * axes[0]}
    plant(tmp_path, "attacks", at=at, kinds=("print", "replay", "mask"), seed=3)
    found = evaluate(tmp_path)
    assert value(found, "probe/without=replay")["value"] > 0.5
    # Masks stand for prints, so prints are known by them.
    assert value(found, "probe/without=print")["value"] < 0.5
    assert value(found, "probe/without=replay")["n"] == 24 * 3


def test_detectors_of_another_set_take_their_thresholds_from_it(tmp_path):
    plant(tmp_path, "attacks")
    shifted = {**AT, "bona_fide": BONA_FIDE + PRINT, "print": 3 * PRINT, "replay": 3 * REPLAY}
    plant(tmp_path, "other", at=shifted, seed=5)
    cross = [{"fit": "other", "test": "attacks"}]
    found = evaluate(tmp_path, ("attacks", "other"), cross=cross)
    both = [value(found, p, "BPCER") for p in ("probe", "probe/from=other")]
    assert both[0]["value"] < 0.05
    assert "probe/from=other" not in set(found["metrics"].query("dataset == 'other'")["protocol"])
    # Half a bona fide image of the other set is a print, so there the border lies nearer to prints: fewer are refused.
    assert both[1]["value"] <= both[0]["value"] + 0.05
    assert (
        value(found, "probe/from=other", "APCER")["value"]
        >= value(found, "probe", "APCER")["value"]
    )
    assert both[0]["origin"] == both[1]["origin"]


def test_heads_texts_and_probe_stand_side_by_side_in_the_same_resamples(tmp_path):
    plant(tmp_path, "attacks", held_out=("odd",))
    weight = np.stack([(PRINT + REPLAY) / math.sqrt(2), BONA_FIDE]).astype(np.float32)
    head = AttackHead(weight, np.zeros(2, np.float32), True)
    heads = {"trained": ["attacks"], "stored": {"attacks": head}}
    found = evaluate(tmp_path, heads=heads, texts=("paper", "studio"))
    protocols = set(found["metrics"]["protocol"])
    for detector in ("probe", "head", "text:paper", "text:studio"):
        assert {detector, f"{detector}/held_out", f"{detector}/attack=print"} <= protocols
        assert value(found, detector)["value"] < 0.05
        assert value(found, f"{detector}/held_out", "AUC")["value"] < 0.8
    # The planted head and the texts draw the same border, so all their resamples agree.
    drawn = (
        found["samples"]
        .query("metric == 'AUC' and resample < 100")
        .pivot(index="resample", columns="protocol", values="value")
    )
    np.testing.assert_array_equal(drawn["text:paper/held_out"], drawn["text:studio/held_out"])
    np.testing.assert_allclose(drawn["head/held_out"], drawn["text:paper/held_out"], atol=1e-12)
    curve = found["curves"].query("protocol == 'probe'")
    assert curve["x"].is_monotonic_increasing
    assert curve["y"].is_monotonic_decreasing
    assert (curve["x"].iloc[0], curve["y"].iloc[0]) == (0, 1)
    assert (curve["x"].iloc[-1], curve["y"].iloc[-1]) == (1, 0)


def test_a_head_of_another_set_is_tested_where_the_study_crosses_them(tmp_path):
    plant(tmp_path, "attacks")
    plant(tmp_path, "other", seed=9)
    weight = np.stack([PRINT + REPLAY, BONA_FIDE]).astype(np.float32)
    head = AttackHead(weight, np.zeros(2, np.float32), True)
    heads = {"trained": ["other"], "stored": {"other": head}}
    cross = [{"fit": "other", "test": "attacks"}]
    found = evaluate(tmp_path, ("attacks", "other"), heads, cross=cross)
    assert value(found, "head/from=other", "HTER")["value"] < 0.05
    assert value(found, "head", "HTER", "other")["value"] < 0.05
    assert "head" not in set(found["metrics"].query("dataset == 'attacks'")["protocol"])


def test_a_second_run_gives_the_same_bytes_and_two_models_the_same_resamples(tmp_path):
    for name in ("a", "b"):
        plant(tmp_path / name, "attacks")
        evaluate(tmp_path / name)
    for file in ("metrics", "curves", "samples"):
        one, other = (tmp_path / n / f"{file}.parquet" for n in "ab")
        assert one.read_bytes() == other.read_bytes()


def test_a_probe_that_cannot_be_fitted_is_a_failed_cell(tmp_path):
    plant(tmp_path, "attacks")
    found = evaluate(tmp_path, iterations=1)
    told = value(found, "probe")
    assert math.isnan(told["value"])
    assert "did not converge in 1 iterations; raise evaluation.attacks.iterations" in told["status"]
    assert set(found["samples"]["protocol"]) == set()
    assert found["curves"].empty


@pytest.mark.parametrize(
    ("drop", "why"),
    [
        ("split == 'val'", "attacks has no bona fide image in split val, which the probe learns from"),
        ("split == 'train' and label != 'bona_fide'", "attacks has no attack in split train"),
        ("split == 'test' and label == 'bona_fide'", "there is no bona fide presentation in what is tested"),
    ],
)  # fmt: skip
def test_what_a_set_lacks_is_told_in_the_cell(tmp_path, drop, why):
    plant(tmp_path, "attacks")
    folder = tmp_path / "embeddings" / "attacks"
    index = pd.read_parquet(folder / "index.parquet")
    kept = ~index.eval(drop).to_numpy()
    vectors = np.load(folder / "vectors.npy")[kept]
    card = json.loads((folder / "embedding.json").read_text())
    write_embeddings(Embeddings(vectors, index[kept].reset_index(drop=True), card), folder)
    found = evaluate(tmp_path)
    assert why in value(found, "probe")["status"]
    assert found["metrics"]["value"].isna().any()


def test_a_model_without_the_head_it_should_have_and_one_that_failed_are_told(tmp_path):
    plant(tmp_path, "attacks")
    found = evaluate(tmp_path, heads={"trained": ["attacks"]})
    assert (
        "trained on attacks without a binary head; give it `loss: binary`"
        in (value(found, "head")["status"])
    )
    assert value(found, "probe")["status"] == "ok"
    failed = evaluate(tmp_path, failed="loss is not finite")
    assert set(failed["metrics"]["status"]) == {"failed: loss is not finite"}
    assert failed["samples"].empty
    assert failed["curves"].empty


def test_heads_and_texts_of_other_networks_are_refused(tmp_path):
    plant(tmp_path, "attacks")
    wide = AttackHead(np.zeros((2, 5), np.float32), np.zeros(2, np.float32), True)
    with pytest.raises(UserError, match="takes vectors of 5 values, and the model makes 8"):
        evaluate(tmp_path, heads={"trained": ["attacks"], "stored": {"attacks": wide}})
    folder = tmp_path / "prompts" / "attacks" / "short"
    write_prompts(
        Prompts(np.eye(2, 5, dtype=np.float32), CLASSES, {"dataset": "attacks", "key": "k"}), folder
    )
    settings = {
        "study": "s", "model": MODEL, "seed": 1, "datasets": ["attacks"], "heads": [], "texts": ["short"],
        "evaluation": {"resamples": 100},
    }  # fmt: skip
    with pytest.raises(
        UserError, match="of 8 values and the prompts of 5; they are of two networks"
    ):
        evaluate_attacks.run(
            argparse.Namespace(
                settings=json.dumps(settings),
                embeddings=tmp_path / "embeddings",
                heads=None,
                prompts=tmp_path / "prompts",
                metrics=tmp_path / "m", curves=tmp_path / "c", samples=tmp_path / "s",
            )
        )  # fmt: skip


def test_frames_are_put_together_by_video(tmp_path):
    plant(tmp_path, "attacks", video=None)
    folder = tmp_path / "embeddings" / "attacks"
    index = pd.read_parquet(folder / "index.parquet")
    real = index["label"] == "bona_fide"
    index["video"] = np.where(real, index["identity"] + "-real", index["image_id"])
    card = json.loads((folder / "embedding.json").read_text())
    write_embeddings(Embeddings(np.load(folder / "vectors.npy"), index, card), folder)
    # Two bona fide frames of each subject are one video.
    assert value(evaluate(tmp_path), "probe")["n"] == 24 * 3
    assert value(evaluate(tmp_path, per_video=False), "probe")["n"] == 24 * 4
