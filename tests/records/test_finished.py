"""What is kept of a training between its end and Snakemake's note of it."""

import hashlib
import json

import pytest

from unispace.records.finished import forget, keep, take_over
from unispace.records.run_lock import VARIABLE


@pytest.fixture
def outputs(tmp_path, monkeypatch):
    """The outputs of a training that a run has started."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "lock"))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    card = {"weights_sha256": hashlib.sha256(b"weights").hexdigest()}
    (folder / "model.json").write_text(json.dumps(card))
    return [folder / "model.safetensors", folder / "model.json"]


@pytest.fixture
def folder(tmp_path):
    """What an unfinished training has of its own."""
    folder = tmp_path / "unfinished" / "key"
    (folder / "scratch").mkdir(parents=True)
    (folder / "state.safetensors").write_bytes(b"state")
    return folder


def test_a_training_whose_outputs_were_removed_need_not_begin_again(outputs, folder):
    before = {path: path.read_bytes() for path in outputs}
    keep(folder, outputs)
    assert [p.name for p in folder.iterdir()] == ["finished"]
    for path in outputs:
        path.unlink()
    assert take_over(folder, outputs)
    assert {path: path.read_bytes() for path in outputs} == before
    # What is taken over is a file of its own: writing to it changes nothing that is kept.
    outputs[0].write_bytes(b"else")
    assert take_over(folder, outputs)
    assert outputs[0].read_bytes() == b"weights"


def test_there_is_nothing_to_take_over_of_a_training_that_has_not_ended(outputs, folder):
    assert not take_over(folder, outputs)


def test_half_of_what_was_to_be_kept_is_not_taken_over(outputs, folder):
    (folder / ".finished.part").mkdir()
    (folder / ".finished.part" / "model.json").write_text("{")
    assert not take_over(folder, outputs)
    keep(folder, outputs)
    assert take_over(folder, outputs)


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: (kept / "model.json").unlink(),
        lambda kept: (kept / "model.json").write_text("{"),
        lambda kept: (kept / "model.safetensors").write_bytes(b"weightz"),
    ],
)
def test_damaged_files_are_not_taken_over(outputs, folder, damage, caplog):
    keep(folder, outputs)
    damage(folder / "finished")
    assert not take_over(folder, outputs)
    assert "is damaged; training again" in caplog.text
    assert not (folder / "finished").exists()


def test_drives_without_links_are_served_too(outputs, folder, monkeypatch):
    def refuse(self, target):
        raise OSError("no links here")

    monkeypatch.setattr("pathlib.Path.hardlink_to", refuse)
    keep(folder, outputs)
    assert take_over(folder, outputs)


def test_when_a_run_has_ended_what_is_kept_goes_and_what_is_unfinished_stays(outputs, folder):
    other = folder.parent / "other"
    other.mkdir()
    (other / "state.safetensors").write_bytes(b"state")
    keep(folder, outputs)
    forget(folder.parent)
    assert list(folder.parent.iterdir()) == [other]
    assert outputs[0].read_bytes() == b"weights"


def test_a_command_called_by_hand_keeps_nothing(outputs, folder, monkeypatch):
    monkeypatch.delenv(VARIABLE)
    keep(folder, outputs)
    assert not folder.exists()
