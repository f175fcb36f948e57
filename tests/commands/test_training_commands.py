"""The commands that make models and embeddings, as the rules call them."""

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from unispace.backbones import hub, tensors
from unispace.backbones.network import Network, load_weights
from unispace.commands import (
    extract_embeddings,
    fetch_weights,
    interpolate_weights,
    pretrain_backbone,
    project_embeddings,
    train_model,
)
from unispace.config.backbones import Backbone
from unispace.config.training_input import TrainingInput, embedded_as
from unispace.curricula import pretraining, training
from unispace.errors import UserError
from unispace.records.embeddings import Embeddings, read_embeddings, write_embeddings
from unispace.records.heads import read_heads
from unispace.records.images import write_raw
from unispace.records.manifest import read_manifest, write_manifest
from unispace.records.models import DECISIVE, HISTORY_SCHEMA, TIMING_SCHEMA
from unispace.records.results import VIEW_SCHEMA
from unispace.records.tables import read_table

WORKFLOW = Path(train_model.__file__).resolve().parents[2]
BACKBONE = {
    "architecture": "eva02_tiny_patch14_224",
    "options": {"img_size": 32, "patch_size": 16, "embed_dim": 16, "depth": 1, "num_heads": 2},
    "preprocessing": {"size": 32},
    "weights": {"kind": "random"},
}
STEPS = 60
CURRICULUM = {
    "steps": STEPS,
    "train_on": {"things": {"batch_size": 8}, "faces": {"batch_size": 8}},
}


def write_dataset(folder, domain, labels=4, each=6):
    draw = np.random.default_rng(labels)
    names = np.repeat(np.arange(labels), each)
    images = draw.integers(0, 256, (labels, 32, 32, 3))[names]
    images = (images + draw.normal(0, 20, images.shape)).clip(0, 255).astype(np.uint8)
    write_raw([images], len(names), 32, folder / "images.npy")
    label = [f"{folder.name}{n}" for n in names]
    manifest = pd.DataFrame(
        {
            "image_id": [f"{folder.name}/{n}" for n in range(len(names))],
            "row": range(len(names)),
            "domain": domain,
            "label": label,
            "identity": None if domain == "object" else label,
            "split": ["test" if n % each == 0 else "train" for n in range(len(names))],
            "source": "drawn",
        }
    )
    write_manifest(manifest, folder / "manifest.parquet")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with two prepared data sets."""
    root = tmp_path_factory.mktemp("project")
    write_dataset(root / "data" / "things", "object")
    write_dataset(root / "data" / "faces", "face_hq", labels=5)
    return root


def line(folder, settings, **options):
    """Arguments of a command that makes a model in `folder`."""
    given = {
        "settings": json.dumps(settings, sort_keys=True),
        "weights": folder / "model.safetensors",
        "history": folder / "history.parquet",
        "card": folder / "model.json",
        **options,
    }
    return [text for key, value in given.items() for text in (f"--{key}", str(value))]


def call(command, argv):
    """Run a command in this process, errors and all."""
    parser = argparse.ArgumentParser()
    command.configure(parser)
    command.run(parser.parse_args(argv))


def pretrain(project, folder, weights, name="b", seed=1):
    settings = {"name": name, "seed": seed, "backbone": {**BACKBONE, "weights": weights}}
    resume = project / ".unfinished"
    argv = line(folder, settings, data=project / "data/things", resume=resume, threads=1)
    call(pretrain_backbone, argv)
    return folder


@pytest.fixture(scope="module")
def pretrained(project):
    """Folder of a random backbone."""
    return pretrain(project, project / "pretrained", {"kind": "random"})


def tuning(project, pretrained, folder, curriculum=CURRICULUM, seed=2, resume=None):
    settings = {
        "model": "b/c/seed0",
        "seed": seed,
        "backbone": BACKBONE,
        "curriculum": curriculum,
    }
    return line(
        folder,
        settings,
        **{"pretrained": pretrained / "model.safetensors"},
        **{"pretrained-card": pretrained / "model.json"},
        data=project / "data",
        heads=folder / "heads.safetensors",
        timing=folder / "timing.parquet",
        resume=resume or project / ".unfinished",
        threads=1,
    )


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files_of(folder):
    """The checksums of all files but the one that no two runs agree on; pytest compares large bytes for minutes."""
    return {p.name: sha256(p) for p in folder.iterdir() if p.name != "timing.parquet"}


def card_of(folder):
    return json.loads((folder / "model.json").read_text())


def environment():
    return {**os.environ, "PYTHONPATH": str(WORKFLOW), "OMP_NUM_THREADS": "1"}


# --- pretrain-backbone ---


PRETRAIN = {
    "kind": "pretrain",
    "dataset": "things",
    "steps": 20,
    "batch_size": 8,
    "learning_rate": 1e-3,
    "augment": 0.1,
}


def test_a_pretrained_backbone_has_learnt_and_its_card_is_complete(project, pretrained, tmp_path):
    folder = pretrain(project, tmp_path / "m", PRETRAIN)
    history = read_table(folder / "history.parquet", HISTORY_SCHEMA)
    losses = history[history["measure"] == "loss"]
    assert losses["step"].tolist() == list(range(1, 21))
    assert losses["value"].tail(3).mean() < 0.8 * losses["value"].head(3).mean()
    card = card_of(folder)
    assert set(DECISIVE) <= set(card)
    assert card["weights_sha256"] == sha256(folder / "model.safetensors")
    assert card["weights"]["steps"] == 20
    assert (card["backbone"], card["seed"], card["dimension"]) == ("b", 1, 16)
    before = load_file(pretrained / "model.safetensors")
    after = load_file(folder / "model.safetensors")
    assert {k: v.shape for k, v in before.items()} == {k: v.shape for k, v in after.items()}
    assert not torch.equal(before["pos_embed"], after["pos_embed"])


def test_random_weights_have_an_empty_history(pretrained):
    assert read_table(pretrained / "history.parquet", HISTORY_SCHEMA).empty
    assert card_of(pretrained)["weights"] == {"kind": "random"}


@pytest.mark.parametrize("weights", [{"kind": "random"}, {**PRETRAIN, "steps": 3}], ids=str)
def test_pretraining_depends_on_seed_and_name_and_on_nothing_else(project, tmp_path, weights):
    first = pretrain(project, tmp_path / "1", weights)
    torch.rand(5)
    again = pretrain(project, tmp_path / "2", weights)
    assert files_of(first) == files_of(again)
    other = pretrain(project, tmp_path / "3", weights, seed=2)
    named = pretrain(project, tmp_path / "4", weights, name="c")
    assert len({sha256(f / "model.safetensors") for f in (first, other, named)}) == 3


def test_a_finished_pretraining_leaves_nothing_behind(project, tmp_path, monkeypatch):
    monkeypatch.setattr(pretraining, "SAVE_EVERY", -1.0)
    pretrain(project, tmp_path / "m", {**PRETRAIN, "steps": 3})
    assert not any((project / ".unfinished").rglob("*"))


# --- fetch-weights ---


@pytest.fixture
def published(pretrained, tmp_path):
    """A file as others publish it: with a classifier."""
    content = load_file(pretrained / "model.safetensors")
    content |= {"head.weight": torch.zeros(10, 16), "head.bias": torch.zeros(10)}
    save_file(content, tmp_path / "published.safetensors")
    return tmp_path / "published.safetensors"


def fetch(folder, weights, **backbone):
    settings = {"name": "b", "backbone": {**BACKBONE, "weights": weights, **backbone}}
    call(fetch_weights, line(folder, settings))
    return folder


def test_weights_of_a_file_are_brought_in_without_their_classifier(pretrained, published, tmp_path):
    weights = {"kind": "file", "path": str(published), "sha256": sha256(published)}
    folder = fetch(tmp_path / "m", weights)
    wanted = sha256(pretrained / "model.safetensors")
    assert sha256(folder / "model.safetensors") == wanted
    assert read_table(folder / "history.parquet", HISTORY_SCHEMA).empty
    card = card_of(folder)
    assert set(DECISIVE) <= set(card)
    notes = {"resized": [], "warnings": []}
    assert card["weights"] == {**weights, "published_sha256": sha256(published), **notes}
    assert card["weights_sha256"] == wanted


def test_weights_of_the_hub_are_brought_in_with_their_checksum(published, tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "hf_hub_download", lambda *args, **kwargs: str(published))
    folder = fetch(tmp_path / "m", {"kind": "hub", "repo": "timm/some", "revision": "abc"})
    assert card_of(folder)["weights"]["published_sha256"] == sha256(published)


def test_a_checkpoint_in_a_pickle_gives_the_same_weights(pretrained, published, tmp_path):
    held = {"state_dict": {f"module.{k}": v for k, v in load_file(published).items()}, "epoch": 3}
    torch.save(held, tmp_path / "w.pth")
    weights = {
        "kind": "file",
        "path": str(tmp_path / "w.pth"),
        "sha256": sha256(tmp_path / "w.pth"),
    }
    folder = fetch(tmp_path / "m", weights)
    assert sha256(folder / "model.safetensors") == sha256(pretrained / "model.safetensors")


def test_a_file_with_another_checksum_is_refused(published, tmp_path):
    weights = {"kind": "file", "path": str(published), "sha256": "0" * 64}
    with pytest.raises(UserError, match="wrong checksum"):
        fetch(tmp_path / "m", weights)
    assert not (tmp_path / "m").exists()


def test_weights_that_do_not_fit_are_refused_and_nothing_is_written(published, tmp_path):
    weights = {"kind": "file", "path": str(published), "sha256": sha256(published)}
    options = {**BACKBONE["options"], "depth": 2}
    with pytest.raises(UserError, match=r"backbones\.b: the weights do not fit"):
        fetch(tmp_path / "m", weights, options=options)
    assert not (tmp_path / "m").exists()


# --- train-model ---


def test_the_base_curriculum_copies_the_weights_without_torch(tmp_path):
    source = tmp_path / "pretrained"
    source.mkdir()
    (source / "model.safetensors").write_bytes(b"any bytes at all\0\xff")
    card = {
        **{key: f"some {key}" for key in DECISIVE},
        "weights_sha256": sha256(source / "model.safetensors"),
        "backbone": "b",
        "licence": "mit",
        "seed": 1,
    }
    (source / "model.json").write_text(json.dumps(card))
    argv = tuning(tmp_path, source, tmp_path / "m", curriculum={}, seed=7)
    code = (
        "import sys; from unispace.__main__ import main; code = main();"
        "assert not {'torch', 'timm', 'torchvision'} & set(sys.modules), 'torch was imported';"
        "sys.exit(code)"
    )
    subprocess.run(
        [sys.executable, "-c", code, "train-model", *argv], check=True, env=environment()
    )
    assert (tmp_path / "m/model.safetensors").read_bytes() == b"any bytes at all\0\xff"
    assert read_table(tmp_path / "m/history.parquet", HISTORY_SCHEMA).empty
    assert read_table(tmp_path / "m/timing.parquet", TIMING_SCHEMA).empty
    assert card_of(tmp_path / "m") == {
        **card,
        "pretrained_sha256": card["weights_sha256"],
        "model": "b/c/seed0",
        "curriculum": {},
        "seed": 7,
    }
    assert not (tmp_path / ".unfinished").exists()


@pytest.fixture(scope="module")
def tuned(project, pretrained):
    """Folder of a model that was trained without a break."""
    folder = project / "tuned"
    call(train_model, tuning(project, pretrained, folder))
    return folder


def test_the_card_of_a_tuned_model_is_complete(pretrained, tuned):
    card, base = card_of(tuned), card_of(pretrained)
    assert set(DECISIVE) <= set(card)
    assert card["weights_sha256"] == sha256(tuned / "model.safetensors") != base["weights_sha256"]
    assert card["pretrained_sha256"] == base["weights_sha256"]
    assert card["curriculum"] == CURRICULUM
    assert "failed" not in card
    assert (card["model"], card["seed"], card["backbone"]) == ("b/c/seed0", 2, "b")


def test_the_history_of_a_tuned_model_has_both_data_sets(tuned):
    history = read_table(tuned / "history.parquet", HISTORY_SCHEMA)
    assert history.groupby("dataset")["step"].max().to_dict() == {"things": STEPS, "faces": STEPS}


def test_how_fast_a_training_went_lies_beside_it(tuned):
    timing = read_table(tuned / "timing.parquet", TIMING_SCHEMA)
    assert timing["step"].iloc[-1] == STEPS
    assert timing["seconds"].is_monotonic_increasing
    assert (timing[["seconds", "images_per_second"]] > 0).all(axis=None)


@pytest.mark.parametrize("seed", [2, 3])
def test_an_untrained_model_has_fresh_weights_of_its_seed(project, pretrained, tmp_path, seed):
    digests = []
    for number in range(2):
        folder = tmp_path / str(number)
        call(train_model, tuning(project, pretrained, folder, {"untrained": True}, seed))
        assert read_table(folder / "history.parquet", HISTORY_SCHEMA).empty
        assert card_of(folder)["weights_sha256"] == sha256(folder / "model.safetensors")
        assert "failed" not in card_of(folder)
        digests.append(sha256(folder / "model.safetensors"))
    assert digests[0] == digests[1] != sha256(pretrained / "model.safetensors")
    drawn = load_file(tmp_path / "0/model.safetensors")
    base = load_file(pretrained / "model.safetensors")
    assert {k: v.shape for k, v in drawn.items()} == {k: v.shape for k, v in base.items()}
    name = "blocks.0.attn.qkv.weight"
    assert float(drawn[name].std()) == pytest.approx(float(base[name].std()), rel=0.2)
    assert not torch.equal(drawn[name], base[name])


def test_a_diverged_training_leaves_finite_weights_and_says_why(project, pretrained, tmp_path):
    curriculum = {**CURRICULUM, "learning_rate": 1.0, "warmup": 0.0, "weight_decay": 1.0}
    curriculum |= {"clip_norm": 1e30, "steps": 400}
    heads = {"loss": "softmax", "scale": 1e38}
    curriculum["train_on"] = {"things": {"batch_size": 8, "head": heads}}
    call(train_model, tuning(project, pretrained, tmp_path, curriculum))
    failed = card_of(tmp_path)["failed"]
    assert "`things` became" in failed
    assert "with learning rate 1; lower" in failed
    weights = load_file(tmp_path / "model.safetensors")
    assert all(torch.isfinite(v).all() for v in weights.values())
    read_table(tmp_path / "history.parquet", HISTORY_SCHEMA)
    assert not list((project / ".unfinished").glob("*/state.safetensors"))


def test_another_seed_gives_other_weights_and_the_same_seed_the_same(project, pretrained, tmp_path):
    short = {**CURRICULUM, "steps": 3}
    digests = []
    for number, seed in enumerate([2, 2, 3]):
        folder = tmp_path / str(number)
        call(train_model, tuning(project, pretrained, folder, short, seed))
        digests.append(sha256(folder / "model.safetensors"))
    assert digests[0] == digests[1] != digests[2]


# Runs the command line with a state saved after every step, slowly enough to be killed half-way.
SAVING = """
import sys, time
from unispace.curricula import learner, pretraining, training
from unispace.__main__ import main
training.SAVE_EVERY = -1.0
update = learner.Learner._update
def slowly(*args):
    time.sleep(0.02)
    return update(*args)
learner.Learner._update = slowly
sys.exit(main())
"""
PLANS = {
    "accumulate": {},
    "sequence": {"sequence": ["faces", "things"], "steps": STEPS // 2, "ema": 0.9},
    "blocks": {
        "coupling": "surgery",
        "conflict_every": 7,
        "blocks": [
            {"cycles": 3, "weights": {"things": 1.0}},
            {"cycles": 2, "weights": {"things": 0.5, "faces": 1.0}},
        ],
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("plan", PLANS)
def test_a_killed_training_ends_with_the_bytes_of_one_that_was_not(
    project, pretrained, tmp_path, plan
):
    resume, folder, whole = tmp_path / "unfinished", tmp_path / "m", tmp_path / "whole"
    curriculum = {**CURRICULUM, **PLANS[plan]}
    call(train_model, tuning(project, pretrained, whole, curriculum))
    argv = tuning(project, pretrained, folder, curriculum, resume=resume)
    running = subprocess.Popen(
        [sys.executable, "-c", SAVING, "train-model", *argv], env=environment()
    )
    try:
        deadline = time.monotonic() + 60
        while not list(resume.glob("*/state.safetensors")):
            assert running.poll() is None, "ended before it could be killed"
            assert time.monotonic() < deadline, "no state was saved"
            time.sleep(0.01)
        # At any moment, which no seed can decide: the other process runs on its own.
        time.sleep(random.uniform(0, 0.5))  # noqa: S311
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert running.returncode == -signal.SIGKILL
    assert not (folder / "model.safetensors").exists()
    (state,) = resume.glob("*/state.safetensors")
    assert 0 < int(load_file(state)["step"]) < STEPS
    assert list(resume.glob("*/scratch/*")), "a killed run leaves its decoded images behind"

    done = subprocess.run(
        [sys.executable, "-m", "unispace", "train-model", *argv],
        env=environment(),
        check=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "resumed after step" in done.stderr
    assert files_of(folder) == files_of(whole)
    assert list(resume.iterdir()) == []


def test_the_state_is_kept_until_the_weights_are_on_disk(
    project, pretrained, tuned, tmp_path, monkeypatch
):
    argv = tuning(project, pretrained, tmp_path / "m", resume=tmp_path / "unfinished")
    real = tensors.save_file

    def full(content, path):
        if "model.safetensors" in str(path):
            raise tensors.SafetensorError("No space left on device (os error 28)")
        real(content, path)

    monkeypatch.setattr(training, "SAVE_EVERY", -1.0)
    monkeypatch.setattr(tensors, "save_file", full)
    with pytest.raises(UserError, match=r"model\.safetensors: no space left on the disk"):
        call(train_model, argv)
    (state,) = (tmp_path / "unfinished").glob("*/*")
    assert int(load_file(state)["step"]) == STEPS - 1
    monkeypatch.setattr(tensors, "save_file", real)
    call(train_model, argv)
    assert files_of(tmp_path / "m") == files_of(tuned)
    assert list((tmp_path / "unfinished").iterdir()) == []


def test_weights_of_another_architecture_are_refused(project, pretrained, tmp_path):
    argv = tuning(project, pretrained, tmp_path / "m")
    settings = json.loads(argv[1])
    settings["backbone"] = {**BACKBONE, "options": {**BACKBONE["options"], "depth": 2}}
    with pytest.raises(UserError, match=r"b/c/seed0: the weights do not fit the architecture"):
        call(train_model, ["--settings", json.dumps(settings), *argv[2:]])


@pytest.mark.slow
def test_two_processes_give_the_weights_of_one_up_to_rounding(project, pretrained, tmp_path):
    results = []
    for count in (1, 2):
        curriculum = {
            **CURRICULUM,
            **{"steps": 5, "processes": count, "conflict_every": 2, "learning_rate": 1e-4},
        }
        call(train_model, tuning(project, pretrained, tmp_path / str(count), curriculum))
        history = read_table(tmp_path / str(count) / "history.parquet", HISTORY_SCHEMA)
        results.append((load_file(tmp_path / str(count) / "model.safetensors"), history))
    (one, history), (two, history2) = results
    base = load_file(pretrained / "model.safetensors")
    apart = torch.cat([(one[k] - two[k]).abs().flatten() for k in one])
    moved = torch.cat([(one[k] - base[k]).abs().flatten() for k in one])
    # Adam divides by the size of a gradient, so where it is nearly 0 rounding shows; nowhere else.
    assert apart.max() < 0.1 * moved.max()
    assert apart.mean() < 1e-3 * moved.mean()
    assert history.drop(columns="value").equals(history2.drop(columns="value"))
    np.testing.assert_allclose(history["value"], history2["value"], rtol=2e-3, atol=1e-4)


@pytest.mark.slow
def test_two_processes_give_the_same_bytes_again(project, pretrained, tmp_path):
    curriculum = {**CURRICULUM, "steps": 3, "processes": 2, "coupling": "surgery"}
    for name in ("first", "second"):
        call(train_model, tuning(project, pretrained, tmp_path / name, curriculum))
    assert files_of(tmp_path / "first") == files_of(tmp_path / "second")
    assert not list((project / ".unfinished").glob("*/scratch"))


# --- heads that are kept ---


@pytest.fixture(scope="module")
def detector(project, pretrained):
    """A model tuned by low-rank updates, with dropout, to tell attacks, beside a task of classes."""
    write_dataset(project / "data" / "attacks", "pad", labels=3, each=8)
    manifest = read_manifest(project / "data/attacks/manifest.parquet")
    kinds = manifest["label"].map(
        {"attacks0": "bona_fide", "attacks1": "print", "attacks2": "mask"}
    )
    write_manifest(manifest.assign(label=kinds), project / "data/attacks/manifest.parquet")
    curriculum = {
        "steps": 60,
        "lora": {"rank": 4, "dropout": 0.1},
        "learning_rate": 5e-3,
        "head_learning_rate": 0.1,
        "augment": 0.0,
        "input": {"normalisation": "half", "colour_order": "bgr", "embed_as": "training"},
        "train_on": {
            "attacks": {"batch_size": 8, "sampling": "balanced"},
            "things": {"batch_size": 4, "weight": 0.1},
        },
    }
    folder = project / "detector"
    call(train_model, tuning(project, pretrained, folder, curriculum))
    return folder, curriculum


def test_the_head_that_is_kept_gives_the_scores_of_training(
    project, pretrained, detector, tmp_path, monkeypatch
):
    folder, curriculum = detector
    seen = {}
    real = training.Learner.attack_heads

    def watched(self):
        # The last step is over and the updates are merged: what the network and its head say of images now.
        seen["network"], seen["heads"] = self.network, real(self)
        return real(self)

    monkeypatch.setattr(training.Learner, "attack_heads", watched)
    call(train_model, tuning(project, pretrained, tmp_path / "again", curriculum))
    assert files_of(tmp_path / "again") == files_of(folder)

    embedded = embedded_as(Backbone.model_validate(BACKBONE), TrainingInput(**curriculum["input"]))
    network = Network(embedded)
    load_weights(network, folder / "model.safetensors", "m")
    images = np.load(project / "data/attacks/images.npy")
    vectors = network.eval().embed(torch.from_numpy(images)).numpy()
    (head,) = read_heads(folder / "heads.safetensors").values()
    scores = head.scores(vectors)

    trained = seen["network"]
    trained.preprocessed_as(embedded.preprocessing)
    with torch.inference_mode():
        unit = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
        features = torch.nn.functional.normalize(trained.features(unit), dim=1)
        expected = seen["heads"]["attacks"].linear(features).softmax(1)[:, 1]
    np.testing.assert_allclose(scores, expected.numpy(), atol=1e-6)
    truth = (
        read_manifest(project / "data/attacks/manifest.parquet")["label"] == "bona_fide"
    ).to_numpy()
    assert scores[truth].min() > scores[~truth].max()


def test_the_card_says_how_images_are_embedded(detector):
    card = card_of(detector[0])
    stated = card["preprocessing"]
    assert (stated["normalisation"], stated["colour_order"]) == ("half", "bgr")
    assert list(read_heads(detector[0] / "heads.safetensors")) == ["attacks"]


def test_or_as_the_backbone_before_tuning(project, pretrained, tmp_path):
    curriculum = {
        "steps": 2,
        "input": {"normalisation": "half"},
        "train_on": {"things": {"batch_size": 4}},
    }
    weights = []
    for name, own in (("own", curriculum["input"]), ("plain", None)):
        call(
            train_model, tuning(project, pretrained, tmp_path / name, {**curriculum, "input": own})
        )
        assert card_of(tmp_path / name)["preprocessing"]["normalisation"] == "clip"
        assert read_heads(tmp_path / name / "heads.safetensors") == {}
        weights.append(sha256(tmp_path / name / "model.safetensors"))
    assert weights[0] != weights[1]


def test_a_base_model_has_no_head(project, pretrained, tmp_path):
    call(train_model, tuning(project, pretrained, tmp_path, {}))
    assert read_heads(tmp_path / "heads.safetensors") == {}


def test_weights_in_between_keep_the_head_of_the_tuned_end(pretrained, detector, tmp_path):
    tuned = detector[0]
    curriculum = {"interpolate": {"curriculum": "c", "share": 0.5}}
    settings = {"model": "b/w/seed0", "seed": 2, "backbone": BACKBONE, "curriculum": curriculum}
    given = {
        "pretrained": pretrained / "model.safetensors",
        "pretrained-card": pretrained / "model.json",
        "tuned": tuned / "model.safetensors",
        "tuned-card": tuned / "model.json",
        "tuned-heads": tuned / "heads.safetensors",
        "heads": tmp_path / "heads.safetensors",
    }
    call(interpolate_weights, line(tmp_path, settings, **given))
    kept = [sha256(f / "heads.safetensors") for f in (tuned, tmp_path)]
    assert kept[0] == kept[1]


# --- interpolate-weights ---


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_weights_between_the_pretrained_and_the_tuned_ones(pretrained, tuned, tmp_path, share):
    curriculum = {"interpolate": {"curriculum": "c", "share": share}}
    settings = {"model": "b/w/seed0", "seed": 2, "backbone": BACKBONE, "curriculum": curriculum}
    given = {
        "pretrained": pretrained / "model.safetensors",
        "pretrained-card": pretrained / "model.json",
        "tuned": tuned / "model.safetensors",
        "tuned-card": tuned / "model.json",
        "tuned-heads": tuned / "heads.safetensors",
        "heads": tmp_path / "heads.safetensors",
    }
    call(interpolate_weights, line(tmp_path, settings, **given))
    base, end, found = (load_file(f / "model.safetensors") for f in (pretrained, tuned, tmp_path))
    for name, weight in found.items():
        expected = base[name].lerp(end[name], share)
        torch.testing.assert_close(weight, expected, atol=1e-6, rtol=1e-5)
    card = card_of(tmp_path)
    assert card["weights_sha256"] == sha256(tmp_path / "model.safetensors")
    if share in (0.0, 1.0):
        whole = pretrained if share == 0 else tuned
        assert card["weights_sha256"] == card_of(whole)["weights_sha256"]
    assert card["pretrained_sha256"] == sha256(pretrained / "model.safetensors")
    assert card["tuned_sha256"] == sha256(tuned / "model.safetensors")
    assert card["curriculum"] == curriculum
    assert "failed" not in card
    assert read_table(tmp_path / "history.parquet", HISTORY_SCHEMA).empty


def test_what_lies_on_the_way_to_a_failed_model_failed_too(pretrained, tuned, tmp_path):
    failed = tmp_path / "failed.json"
    failed.write_text(json.dumps({**card_of(tuned), "failed": "the loss became nan"}))
    curriculum = {"interpolate": {"curriculum": "c", "share": 0.5}}
    settings = {"model": "b/w/seed0", "seed": 2, "backbone": BACKBONE, "curriculum": curriculum}
    given = {
        "pretrained": pretrained / "model.safetensors",
        "pretrained-card": pretrained / "model.json",
        "tuned": tuned / "model.safetensors",
        "tuned-card": failed,
    }
    given |= {"tuned-heads": tuned / "heads.safetensors", "heads": tmp_path / "m/heads.safetensors"}
    call(interpolate_weights, line(tmp_path / "m", settings, **given))
    assert card_of(tmp_path / "m")["failed"] == "the loss became nan"


# --- extract-embeddings ---


def embed(project, model, output, card=None, datasets=("things", "faces"), backbone=BACKBONE):
    settings = {"model": "b/c/seed0", "backbone": backbone, "datasets": dict.fromkeys(datasets)}
    given = {
        "settings": json.dumps(settings),
        "weights": model / "model.safetensors",
        "card": card or model / "model.json",
        "data": project / "data",
        "shelf": output / "shelf",
        "output": output / "embeddings",
        "threads": 1,
    }
    call(extract_embeddings, [t for k, v in given.items() for t in (f"--{k}", str(v))])


def test_every_data_set_is_embedded_with_the_weights_of_the_model(
    project, pretrained, tuned, tmp_path
):
    vectors = {}
    for model in (pretrained, tuned):
        embed(project, model, tmp_path / model.name)
        for dataset, count in (("things", 24), ("faces", 30)):
            found = read_embeddings(tmp_path / model.name / "embeddings" / dataset)
            assert found.vectors.shape == (count, 16)
            np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)
            assert found.card["dataset"] == dataset
            assert found.card["model"]["weights_sha256"] == sha256(model / "model.safetensors")
            vectors[model.name, dataset] = np.array(found.vectors)
    assert not np.allclose(vectors["tuned", "things"], vectors["pretrained", "things"], atol=0.01)
    assert len(list((tmp_path / "tuned" / "shelf").iterdir())) == 2


def test_the_card_of_other_weights_is_refused(project, pretrained, tuned, tmp_path):
    with pytest.raises(UserError, match=r"model\.json is not the card of .*model\.safetensors"):
        embed(project, tuned, tmp_path, card=pretrained / "model.json")
    assert list(tmp_path.iterdir()) == []


def test_a_model_is_embedded_as_its_card_says(project, detector, tmp_path):
    folder, curriculum = detector
    with pytest.raises(UserError, match=r"'colour_order': 'bgr'.*, and the study says .*'rgb'"):
        embed(project, folder, tmp_path)
    stated = {**curriculum["input"]}
    stated.pop("embed_as")
    backbone = {**BACKBONE, "preprocessing": {**BACKBONE["preprocessing"], **stated}}
    embed(project, folder, tmp_path, backbone=backbone, datasets=("things",))
    found = read_embeddings(tmp_path / "embeddings/things")
    assert found.card["model"]["preprocessing"]["normalisation"] == "half"


# --- project-embeddings ---


@pytest.fixture
def embedded(tmp_path):
    """Embeddings of two data sets: 8 identities of 4 images each, half of them in the test split."""
    draw = np.random.default_rng(0)
    for dataset, domain in (("faces", "face_hq"), ("bodies", "person")):
        label = [f"{dataset}{n}" for n in np.repeat(np.arange(8), 4)]
        index = pd.DataFrame(
            {
                "image_id": [f"{dataset}/{n}" for n in range(32)],
                "row": range(32),
                "domain": domain,
                "label": label,
                "identity": label,
                "split": ["train"] * 16 + ["test"] * 16,
            }
        )
        vectors = draw.normal(size=(32, 6)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        card = {"dataset": dataset}
        write_embeddings(Embeddings(vectors, index, card), tmp_path / "e" / "b/c/seed0" / dataset)
    return tmp_path / "e"


def project_views(embedded, path, **changes):
    settings = {
        "models": ["b/c/seed0"],
        "datasets": ["faces", "bodies"],
        "split": "test",
        "images": 8,
        "seed": 0,
        **changes,
    }
    argv = ["--settings", json.dumps(settings), "--embeddings", str(embedded), "--views", str(path)]
    call(project_embeddings, argv)
    return read_table(path, VIEW_SCHEMA)


def test_a_view_places_whole_identities_of_the_split_of_every_data_set(embedded, tmp_path):
    found = project_views(embedded, tmp_path / "views.parquet")
    assert found.groupby("dataset").size().to_dict() == {"faces": 8, "bodies": 8}
    assert found.groupby("label").size().tolist() == [4, 4, 4, 4]
    assert set(found["image_id"].str.split("/").str[1].astype(int)) <= set(range(16, 32))
    assert not found["image_id"].duplicated().any()
    assert set(found["model"]) == {"b/c/seed0"}
    assert found.groupby("dataset")["domain"].unique().str[0].to_dict() == {
        "faces": "face_hq",
        "bodies": "person",
    }
    np.testing.assert_allclose(found[["x", "y"]].mean(), 0, atol=1e-9)


def test_a_view_is_the_same_file_in_every_run(embedded, tmp_path):
    project_views(embedded, tmp_path / "1.parquet")
    project_views(embedded, tmp_path / "2.parquet")
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "2.parquet").read_bytes()


def test_all_models_show_the_same_images(embedded, tmp_path):
    other = embedded / "b/base/seed0"
    for dataset in ("faces", "bodies"):
        found = read_embeddings(embedded / "b/c/seed0" / dataset)
        turned = np.ascontiguousarray(found.vectors[:, ::-1] * np.float32([1, 1, 1, -1, 1, 1]))
        write_embeddings(Embeddings(turned, found.index, found.card), other / dataset)
    models = ["b/c/seed0", "b/base/seed0"]
    found = project_views(embedded, tmp_path / "v.parquet", models=models)
    shown = [found.loc[found["model"] == m, "image_id"].tolist() for m in models]
    assert shown[0] == shown[1]
    assert len(shown[0]) == 16


def test_a_place_belongs_to_its_image(embedded, tmp_path):
    # One identity that is far from all others is far in the view as well.
    folder = embedded / "b/c/seed0" / "faces"
    found = read_embeddings(folder)
    vectors = np.abs(np.array(found.vectors)) * np.float32([1, 1, 1, 0, 0, 0])
    odd = (found.index["label"] == "faces6").to_numpy()
    vectors[odd] = np.float32([0, 0, 0, 0, 0, 1]) + 0.01 * vectors[odd]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    write_embeddings(Embeddings(vectors, found.index, found.card), folder)
    placed = project_views(embedded, tmp_path / "v.parquet", datasets=["faces"], images=100)
    points = placed[["x", "y"]].to_numpy()
    own = (placed["label"] == "faces6").to_numpy()
    assert own.sum() == 4
    between = np.linalg.norm(points[own][:, None] - points[~own][None], axis=2)
    within = np.linalg.norm(points[own][:, None] - points[own][None], axis=2)
    assert between.min() > within.max()


def test_a_split_that_is_not_there_is_an_error(embedded, tmp_path):
    with pytest.raises(UserError, match="no image in split `val`; it holds: test, train"):
        project_views(embedded, tmp_path / "v.parquet", split="val")
