"""The command that pretrains: each objective by the line that its rule calls, and a kill in between."""

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
from safetensors.torch import load_file

from unispace.backbones.network import Network, load_weights
from unispace.backbones.openclip import load_clip
from unispace.commands import pretrain_backbone
from unispace.config.backbones import Backbone
from unispace.errors import UserError
from unispace.records.files import sha256_of
from unispace.records.images import write_raw
from unispace.records.manifest import write_manifest
from unispace.records.models import DECISIVE, HISTORY_SCHEMA
from unispace.records.tables import read_table

WORKFLOW = Path(pretrain_backbone.__file__).resolve().parents[2]
STEPS = 40
CLIP = {
    "provider": "open_clip",
    "architecture": "ViT-B-16",
    "pooling": "token",
    "options": {
        "embed_dim": 16,
        "vision_cfg": {
            "image_size": 32,
            "patch_size": 8,
            "width": 16,
            "layers": 1,
            "head_width": 8,
        },
        "text_cfg": {"context_length": 8, "width": 16, "heads": 2, "layers": 1},
    },
    "preprocessing": {"size": 32},
}
EVA = {
    "architecture": "eva02_tiny_patch14_224",
    "options": {"img_size": 32, "patch_size": 8, "embed_dim": 16, "depth": 1, "num_heads": 2},
    "preprocessing": {"size": 32},
}
SMALL = {"outputs": 16, "hidden": 16, "bottleneck": 8, "local_crops": 1}


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    """A data set with captions."""
    folder = tmp_path_factory.mktemp("data") / "things"
    names = np.repeat(["cat", "dog", "hat"], 6)
    draw = np.random.default_rng(0)
    write_raw([draw.integers(0, 256, (18, 32, 32, 3), np.uint8)], 18, 32, folder / "images.npy")
    manifest = pd.DataFrame(
        {
            "image_id": [f"things/{n}" for n in range(18)],
            "row": range(18),
            "domain": "object",
            "label": names,
            "identity": None,
            "split": "train",
            "source": "drawn",
            "caption": [f"a {name}" for name in names],
        }
    )
    write_manifest(manifest, folder / "manifest.parquet")
    return folder


def line(things, folder, backbone, objective, *, resume=None, teacher=None, steps=STEPS, **more):
    weights = {
        "kind": "pretrain",
        "dataset": "things",
        "objective": objective,
        "steps": steps,
        "batch_size": 6,
        **({"teacher": "clip"} if teacher else {}),
        **more,
    }
    settings = {
        "name": "b",
        "seed": 1,
        "backbone": {**backbone, "weights": weights},
        "teacher": {**CLIP, "weights": {"kind": "random"}} if teacher else None,
    }
    given = {
        "settings": json.dumps(settings, sort_keys=True),
        "data": things,
        "weights": folder / "model.safetensors",
        "history": folder / "history.parquet",
        "card": folder / "model.json",
        "resume": resume or folder / ".unfinished",
        "threads": 1,
    }
    given |= {"teacher": teacher / "model.safetensors"} if teacher else {}
    return [text for key, value in given.items() for text in (f"--{key}", str(value))]


def call(argv):
    parser = argparse.ArgumentParser()
    pretrain_backbone.configure(parser)
    pretrain_backbone.run(parser.parse_args(argv))


def card_of(folder):
    return json.loads((folder / "model.json").read_text())


@pytest.fixture(scope="module")
def clip(things, tmp_path_factory):
    """Folder of a CLIP that has seen the captions."""
    folder = tmp_path_factory.mktemp("clip")
    call(line(things, folder, CLIP, "contrastive", steps=4))
    return folder


def test_the_file_of_a_clip_holds_both_towers_and_its_image_tower_is_a_backbone(clip):
    settings = Backbone.model_validate({**CLIP, "weights": {"kind": "random"}})
    whole = load_clip(settings, clip / "model.safetensors", "b")
    network = Network(settings)
    load_weights(network, clip / "model.safetensors", "b")
    found = network.body.state_dict()
    assert all((found[k] == v).all() for k, v in whole.visual.state_dict().items())
    card = card_of(clip)
    assert set(DECISIVE) <= set(card)
    assert card["weights"]["objective"] == "contrastive"
    assert card["dimension"] == 16
    history = read_table(clip / "history.parquet", HISTORY_SCHEMA)
    assert history["measure"].tolist() == ["loss", "learning_rate"] * 4


def test_the_card_of_a_pupil_names_its_teacher_by_its_bytes(things, clip, tmp_path):
    call(line(things, tmp_path, EVA, "masked-features", teacher=clip, steps=3))
    digest = hashlib.sha256((clip / "model.safetensors").read_bytes()).hexdigest()
    assert card_of(tmp_path)["teacher_sha256"] == digest
    network = Network(Backbone.model_validate({**EVA, "weights": {"kind": "random"}}))
    # The file holds the network alone, without token and projection that only the objective needs.
    load_weights(network, tmp_path / "model.safetensors", "b")


def test_weights_of_a_teacher_that_do_not_fit_are_refused(things, tmp_path):
    call(line(things, tmp_path / "other", EVA, "self-distillation", steps=1))
    argv = line(things, tmp_path / "m", EVA, "masked-features", teacher=tmp_path / "other", steps=1)
    with pytest.raises(UserError, match="clip: the weights do not fit the architecture"):
        call(argv)


# Runs the command line with a state saved after every step, slowly enough to be killed half-way.
SAVING = """
import sys, time
from unispace.curricula import pretraining
from unispace.__main__ import main
pretraining.SAVE_EVERY = -1.0
rows = pretraining.batch_rows
def slowly(*args):
    time.sleep(0.02)
    return rows(*args)
pretraining.batch_rows = slowly
sys.exit(main())
"""


@pytest.mark.slow
def test_a_killed_pretraining_ends_with_the_bytes_of_one_that_was_not(things, tmp_path):
    resume, folder = tmp_path / "unfinished", tmp_path / "m"
    more = {"self_distillation": SMALL}
    call(line(things, tmp_path / "whole", EVA, "self-distillation", **more))
    argv = line(things, folder, EVA, "self-distillation", resume=resume, **more)
    environment = {**os.environ, "PYTHONPATH": str(WORKFLOW), "OMP_NUM_THREADS": "1"}
    running = subprocess.Popen(
        [sys.executable, "-c", SAVING, "pretrain-backbone", *argv], env=environment
    )
    try:
        deadline = time.monotonic() + 240
        while not list(resume.glob("*/state.safetensors")):
            assert running.poll() is None, "ended before it could be killed"
            assert time.monotonic() < deadline, "no state was saved"
            time.sleep(0.01)
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert running.returncode == -signal.SIGKILL
    (state,) = resume.glob("*/state.safetensors")
    assert 0 < int(load_file(state)["step"]) < STEPS
    call(argv)
    for name in ("model.safetensors", "history.parquet", "model.json"):
        assert sha256_of(folder / name) == sha256_of(tmp_path / "whole" / name)
    assert list(resume.iterdir()) == []
