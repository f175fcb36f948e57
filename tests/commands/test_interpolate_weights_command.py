"""The command that mixes pretrained and tuned weights, as its rule calls it."""

import json

import pytest
import torch
from made_models import BACKBONE, call, card_of, line, sha256
from safetensors.torch import load_file

from unispace.commands import interpolate_weights
from unispace.records.models import HISTORY_SCHEMA
from unispace.records.tables import read_table


def ends(pretrained, tuned, folder):
    """Both ends of the way, and where the head of the tuned one goes."""
    return {
        "pretrained": pretrained / "model.safetensors",
        "pretrained-card": pretrained / "model.json",
        "tuned": tuned / "model.safetensors",
        "tuned-card": tuned / "model.json",
        "tuned-heads": tuned / "heads.safetensors",
        "heads": folder / "heads.safetensors",
    }


def test_weights_in_between_keep_the_head_of_the_tuned_end(pretrained, detector, tmp_path):
    tuned = detector[0]
    curriculum = {"interpolate": {"curriculum": "c", "share": 0.5}}
    settings = {"model": "b/w/seed0", "seed": 2, "backbone": BACKBONE, "curriculum": curriculum}
    call(interpolate_weights, line(tmp_path, settings, **ends(pretrained, tuned, tmp_path)))
    kept = [sha256(f / "heads.safetensors") for f in (tuned, tmp_path)]
    assert kept[0] == kept[1]


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_weights_between_the_pretrained_and_the_tuned_ones(pretrained, tuned, tmp_path, share):
    curriculum = {"interpolate": {"curriculum": "c", "share": share}}
    settings = {"model": "b/w/seed0", "seed": 2, "backbone": BACKBONE, "curriculum": curriculum}
    call(interpolate_weights, line(tmp_path, settings, **ends(pretrained, tuned, tmp_path)))
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
    given = ends(pretrained, tuned, tmp_path / "m") | {"tuned-card": failed}
    call(interpolate_weights, line(tmp_path / "m", settings, **given))
    assert card_of(tmp_path / "m")["failed"] == "the loss became nan"
