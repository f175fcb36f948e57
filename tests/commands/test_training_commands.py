"""The command that trains a model, as its rule calls it."""

import json
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from made_models import (
    BACKBONE,
    CURRICULUM,
    STEPS,
    call,
    card_of,
    environment,
    files_of,
    sha256,
    tuning,
)
from safetensors.torch import load_file

from unispace.backbones import tensors
from unispace.commands import train_model
from unispace.curricula import training
from unispace.errors import UserError
from unispace.records.models import DECISIVE, HISTORY_SCHEMA, TIMING_SCHEMA
from unispace.records.tables import read_table


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
        deadline = time.monotonic() + 240
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
