"""A training that was stopped ends where one that was not would have ended."""

import contextlib
import logging

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from unispace.backbones import tensors
from unispace.curricula import batches, training
from unispace.curricula.history import History
from unispace.curricula.resume import Resume, training_key
from unispace.curricula.training import train
from unispace.errors import UserError


class Stopped(Exception):
    """Stands for a kill."""


@pytest.fixture
def stop_at(monkeypatch):
    """Save after every step, and stop before a given step (counted from 0) of its last task."""
    real = batches.batch_rows

    def arranged(step, task):
        def rows(count, size, at, *key):
            if at == step and key[-1] == task:
                raise Stopped
            return real(count, size, at, *key)

        monkeypatch.setattr(training, "SAVE_EVERY", -1.0)
        monkeypatch.setattr(batches, "batch_rows", rows)

    def undone():
        monkeypatch.setattr(batches, "batch_rows", real)

    arranged.undo = undone
    return arranged


CASES = {
    "dropping paths": ("eva02_tiny_patch14_224", {"drop_path_rate": 0.4}),
    "batch norm": ("test_resnet", {}),
}


@pytest.fixture
def go(build, coloured, optimisation, planned):
    """Train a fresh network; returns its weights and the history."""

    def trained(folder, case="dropping paths", coupling="accumulate", key="key", **changes):
        architecture, options = CASES[case]
        network = build(architecture, **options)
        tasks = [coloured("a"), coloured("b", labels=3, loss="cosface")]
        curriculum = planned(tasks, optimisation(steps=8), coupling=coupling, **changes)
        history = History("ab")
        train(network, tasks, curriculum, 5, Resume(folder, key), history)
        return network.body.state_dict(), history.table()

    return trained


def equal(one, other):
    (weights, history), (weights2, history2) = one, other
    assert history.equals(history2)
    assert weights.keys() == weights2.keys()
    for name in weights:
        assert torch.equal(weights[name], weights2[name]), name


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("coupling", ["accumulate", "alternate"])
@pytest.mark.parametrize("step", [1, 4, 7])
def test_a_stopped_training_ends_with_the_same_bits(
    go, stop_at, tmp_path, caplog, case, coupling, step
):
    expected = go(tmp_path / "whole", case, coupling)
    stop_at(step, "b")
    with pytest.raises(Stopped):
        go(tmp_path / "stopped", case, coupling)
    stop_at.undo()
    with caplog.at_level(logging.INFO):
        found = go(tmp_path / "stopped", case, coupling)
    assert f"resumed after step {step} of 8" in caplog.text
    equal(found, expected)


BLOCKS = [{"cycles": 2, "weights": {"a": 1.0}}, {"cycles": 1, "weights": {"a": 0.5, "b": 2.0}}]
# What else a state has to hold; each stopped in the middle of a stage, a block, an average.
PLANS = {
    "sequence": {"sequence": ["b", "a"]},
    "sequence and average": {"sequence": ["b", "a"], "ema": 0.7},
    "blocks": {"blocks": BLOCKS},
    "average": {"ema": 0.9},
    "surgery": {"coupling": "surgery", "conflict_every": 3},
    "mixed batches": {"coupling": "concat", "micro_batches": 2, "conflict_every": 2},
    "low-rank updates": {"lora": {"rank": 2}, "ema": 0.5},
    "reduced precision": {"precision": "bfloat16"},
}


@pytest.mark.parametrize("plan", PLANS)
def test_every_plan_goes_on_with_the_same_bits(go, tmp_path, monkeypatch, caplog, plan):
    changes = PLANS[plan]
    expected = go(tmp_path / "whole", **changes)
    real, cycles_ = training.Learner.take, []
    monkeypatch.setattr(training, "SAVE_EVERY", -1.0)

    def take(self, cycle, measure):
        cycles_.append(cycle.step)
        if len(cycles_) in (3, 9):  # stopped twice
            raise Stopped
        return real(self, cycle, measure)

    monkeypatch.setattr(training.Learner, "take", take)
    for _ in range(2):
        with contextlib.suppress(Stopped):
            go(tmp_path / "stopped", **changes)
    with caplog.at_level(logging.INFO):
        found = go(tmp_path / "stopped", **changes)
    assert "resumed after step" in caplog.text
    equal(found, expected)


@pytest.mark.parametrize("step", [7, 8, 9])
def test_a_sequence_may_be_stopped_where_one_data_set_follows_another(
    go, tmp_path, monkeypatch, step
):
    changes = PLANS["sequence and average"]
    expected = go(tmp_path / "whole", **changes)
    real = training.Learner.take

    def take(self, cycle, measure):
        if cycle.step == step:
            raise Stopped
        return real(self, cycle, measure)

    monkeypatch.setattr(training.Learner, "take", take)
    with pytest.raises(Stopped):
        go(tmp_path / "stopped", checkpoint_every=1, **changes)
    assert int(load_file(Resume(tmp_path / "stopped", "key").path)["step"]) == step
    monkeypatch.setattr(training.Learner, "take", real)
    equal(go(tmp_path / "stopped", **changes), expected)


def test_a_state_is_saved_every_so_many_steps(go, tmp_path, monkeypatch):
    saved = []
    real = Resume.save
    monkeypatch.setattr(
        Resume, "save", lambda self, step, *args: saved.append(step) or real(self, step, *args)
    )
    go(tmp_path, checkpoint_every=3)
    assert saved == [3, 6]


def test_a_training_may_be_stopped_again_and_again(go, stop_at, tmp_path):
    expected = go(tmp_path / "whole")
    for step in (2, 3, 6):
        stop_at(step, "a")
        with pytest.raises(Stopped):
            go(tmp_path / "stopped")
    stop_at.undo()
    equal(go(tmp_path / "stopped"), expected)


def test_a_resumed_step_is_not_taken_again(go, stop_at, tmp_path, monkeypatch):
    stop_at(5, "a")
    with pytest.raises(Stopped):
        go(tmp_path)
    stop_at.undo()
    steps = []
    real = batches.batch_rows
    monkeypatch.setattr(
        batches, "batch_rows", lambda n, b, s, *k: steps.append(s) or real(n, b, s, *k)
    )
    go(tmp_path)
    assert sorted(set(steps)) == [5, 6, 7]


def test_nothing_is_saved_before_the_interval_is_over(go, tmp_path):
    go(tmp_path)
    assert not Resume(tmp_path, "key").path.exists()


def test_the_state_outlives_the_training_until_the_caller_clears_it(go, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SAVE_EVERY", -1.0)
    go(tmp_path)
    resume = Resume(tmp_path, "key")
    assert int(load_file(resume.path)["step"]) == 7  # after the last step there is nothing to save
    resume.clear()
    assert list(tmp_path.iterdir()) == []
    resume.clear()  # and once more does no harm


def test_the_state_of_another_key_is_not_taken_up(go, stop_at, tmp_path, caplog):
    stop_at(5, "a")
    with pytest.raises(Stopped):
        go(tmp_path, key="one")
    stop_at.undo()
    with caplog.at_level(logging.INFO):
        go(tmp_path, key="two")
    assert "resumed" not in caplog.text


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[:-40], lambda b: b"\0" * len(b)])
def test_a_damaged_state_is_left_with_a_warning(go, stop_at, tmp_path, caplog, damage):
    expected = go(tmp_path / "whole")
    stop_at(5, "a")
    with pytest.raises(Stopped):
        go(tmp_path / "stopped")
    stop_at.undo()
    path = Resume(tmp_path / "stopped", "key").path
    path.write_bytes(damage(path.read_bytes()))
    found = go(tmp_path / "stopped")
    assert "is damaged" in caplog.text
    assert "starting over" in caplog.text
    equal(found, expected)


def test_a_full_disk_while_saving_is_an_error_that_keeps_the_earlier_state(
    go, stop_at, tmp_path, monkeypatch
):
    expected = go(tmp_path / "whole")
    stop_at(99, "a")  # only save after every step
    real, saves = tensors.save_file, []

    def save(content, path):
        saves.append(path)
        if len(saves) == 4:
            raise SafetensorError("I/O error: No space left on device (os error 28)")
        real(content, path)

    monkeypatch.setattr(tensors, "save_file", save)
    with pytest.raises(UserError, match="no space left on the disk"):
        go(tmp_path / "stopped")
    assert int(load_file(Resume(tmp_path / "stopped", "key").path)["step"]) == 3
    equal(go(tmp_path / "stopped"), expected)


# --- scratch files ---


def test_scratch_is_there_inside_and_gone_outside(tmp_path):
    resume = Resume(tmp_path, "key")
    with resume.scratch() as folder:
        assert folder.is_dir()
        (folder / "images.npy").write_bytes(b"x")
    assert not folder.exists()


def test_scratch_is_gone_after_an_error(tmp_path):
    seen = []

    def work():
        with Resume(tmp_path, "key").scratch() as folder:
            (folder / "images.npy").write_bytes(b"x")
            seen.append(folder)
            raise Stopped

    with pytest.raises(Stopped):
        work()
    assert seen
    assert not seen[0].exists()


def test_what_a_killed_run_left_is_removed_but_its_state(tmp_path):
    resume, other = Resume(tmp_path, "key"), Resume(tmp_path, "other")
    for folder in (resume.folder, other.folder):
        (folder / "scratch" / "deep").mkdir(parents=True)
        (folder / "scratch" / "deep" / "images.npy").write_bytes(b"decoded")
        (folder / ".state.safetensors.x1.part").write_bytes(b"half a state")
        (folder / ".tmpAbC").write_bytes(b"half a state")
        (folder / "state.safetensors").write_bytes(b"state")
    with resume.scratch() as scratch:
        assert list(scratch.iterdir()) == []
        assert set(resume.folder.iterdir()) == {scratch, resume.path}
    assert list(resume.folder.iterdir()) == [resume.path]
    assert len(list(other.folder.iterdir())) == 4  # it may be running


# --- the key ---


def test_the_key_holds_settings_files_threads_and_code(tmp_path, monkeypatch):
    one, two, code = tmp_path / "one", tmp_path / "two", tmp_path / "code.py"
    for path in (one, two, code):
        path.write_bytes(path.name.encode())
    monkeypatch.setattr("unispace.curricula.resume.code_of", lambda command: (code,))
    keys = [
        training_key("train_model", "{}", [one, two], 1),
        training_key("train_model", '{"a":1}', [one, two], 1),
        training_key("train_model", "{}", [two, one], 1),
        training_key("train_model", "{}", [one], 1),
        training_key("train_model", "{}", [one, two], 2),
    ]
    one.write_bytes(b"other")
    keys.append(training_key("train_model", "{}", [one, two], 1))
    one.write_bytes(b"one")
    code.write_bytes(b"other")
    keys.append(training_key("train_model", "{}", [one, two], 1))
    code.write_bytes(b"code.py")
    assert len(set(keys)) == len(keys)
    assert training_key("train_model", "{}", [one, two], 1) == keys[0]
    one.rename(tmp_path / "moved")
    assert training_key("train_model", "{}", [tmp_path / "moved", two], 1) == keys[0]


def test_the_key_holds_the_code_of_the_training_loop(tmp_path, monkeypatch):
    asked = []
    real = training_key.__globals__["sha256_of"]
    monkeypatch.setitem(
        training_key.__globals__, "sha256_of", lambda path: asked.append(path.name) or real(path)
    )
    training_key("train_model", "{}", [], 1)
    assert {"training.py", "augment.py", "heads.py", "network.py", "images.py"} <= set(asked)
