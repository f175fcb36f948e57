"""The command that brings in weights from elsewhere, as its rule calls it."""

import pytest
import torch
from made_models import BACKBONE, call, card_of, line, sha256
from safetensors.torch import load_file, save_file

from unispace.backbones import hub
from unispace.commands import fetch_weights
from unispace.errors import UserError
from unispace.records.models import DECISIVE, HISTORY_SCHEMA
from unispace.records.tables import read_table


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
