"""The commands that make models and embeddings, as the rules call them."""

import argparse
import hashlib
import json
import os
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
from unispace.commands import (
    extract_embeddings,
    fetch_weights,
    pretrain_backbone,
    project_embeddings,
    train_model,
)
from unispace.curricula import training
from unispace.errors import UserError
from unispace.records.embeddings import Embeddings, read_embeddings, write_embeddings
from unispace.records.images import write_raw
from unispace.records.manifest import write_manifest
from unispace.records.models import DECISIVE, HISTORY_SCHEMA
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
        resume=resume or project / ".unfinished",
        threads=1,
    )


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


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
    assert history["step"].tolist() == list(range(1, 21))
    assert history["loss"].tail(3).mean() < 0.8 * history["loss"].head(3).mean()
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
    monkeypatch.setattr(training, "SAVE_EVERY", -1.0)
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
    wanted = (pretrained / "model.safetensors").read_bytes()
    assert (folder / "model.safetensors").read_bytes() == wanted
    assert read_table(folder / "history.parquet", HISTORY_SCHEMA).empty
    card = card_of(folder)
    assert set(DECISIVE) <= set(card)
    assert card["weights"] == {**weights, "published_sha256": sha256(published)}
    assert card["weights_sha256"] == hashlib.sha256(wanted).hexdigest()


def test_weights_of_the_hub_are_brought_in_with_their_checksum(published, tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "hf_hub_download", lambda *args, **kwargs: str(published))
    folder = fetch(tmp_path / "m", {"kind": "hub", "repo": "timm/some", "revision": "abc"})
    assert card_of(folder)["weights"]["published_sha256"] == sha256(published)


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
    assert (card["model"], card["seed"], card["backbone"]) == ("b/c/seed0", 2, "b")


def test_the_history_of_a_tuned_model_has_both_data_sets(tuned):
    history = read_table(tuned / "history.parquet", HISTORY_SCHEMA)
    assert history.groupby("dataset")["step"].max().to_dict() == {"things": STEPS, "faces": STEPS}


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
from unispace.curricula import learner, training
from unispace.__main__ import main
training.SAVE_EVERY = -1.0
update = training._update
def slowly(*args):
    time.sleep(0.02)
    return update(*args)
training._update = slowly
sys.exit(main())
"""


@pytest.mark.slow
def test_a_killed_training_ends_with_the_bytes_of_one_that_was_not(
    project, pretrained, tuned, tmp_path
):
    resume, folder = tmp_path / "unfinished", tmp_path / "m"
    argv = tuning(project, pretrained, folder, resume=resume)
    running = subprocess.Popen(
        [sys.executable, "-c", SAVING, "train-model", *argv], env=environment()
    )
    try:
        deadline = time.monotonic() + 60
        while not list(resume.glob("*/state.safetensors")):
            assert running.poll() is None, "ended before it could be killed"
            assert time.monotonic() < deadline, "no state was saved"
            time.sleep(0.01)
        time.sleep(0.1)
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
    assert files_of(folder) == files_of(tuned)
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


# --- extract-embeddings ---


def embed(project, model, output, card=None, datasets=("things", "faces")):
    settings = {"model": "b/c/seed0", "backbone": BACKBONE, "datasets": list(datasets)}
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
