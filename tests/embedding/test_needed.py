"""Which splits a model embeds, on the default study, whose parts ask for different ones."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from unispace.config.parse import parse_study
from unispace.embedding.needed import needed_splits

TEXT = (Path(__file__).parents[2] / "config.yaml").read_text("utf-8")


def study(**changes):
    raw = yaml.safe_load(TEXT)
    for key, value in changes.items():
        raw[key] = {**raw[key], **value}
    return parse_study(raw, "config.yaml", "")


def test_an_expert_embeds_identities_that_are_tested_and_no_others():
    plain = study(maps={"models": []})
    for dataset in ("faces", "faces_lq", "bodies", "faces_unseen"):
        found = needed_splits(plain, "clip-micro/expert-face_hq/seed0", dataset)
        assert found == ("held_out", "test")


def test_objects_are_embedded_whole():
    for dataset in ("objects", "objects_styles", "digits"):
        assert needed_splits(study(), "clip-micro/expert-face_hq/seed0", dataset) is None


def test_attacks_are_embedded_whole_by_the_models_that_detect_them_and_not_at_all_by_others():
    for dataset in ("attacks", "morphs"):
        assert needed_splits(study(), "clip-small/pad/seed0", dataset) is None
        assert needed_splits(study(), "eva02-micro/imic-a/seed0", dataset) == ()


def test_principal_components_are_taken_of_training_images_of_the_tasks_alone():
    analysed = "clip-micro/imic-a/seed0"
    assert needed_splits(study(), analysed, "bodies") == ("held_out", "test", "train")
    assert needed_splits(study(), analysed, "bodies_clothing") == ("held_out", "test")


def test_the_model_of_the_audit_embeds_everything():
    chosen = study(audit={"model": "conv-micro/expert-face_hq/seed0"})
    assert needed_splits(chosen, "conv-micro/expert-face_hq/seed0", "bodies") is None
    assert needed_splits(chosen, "eva02-micro/alternate/seed0", "bodies") == ("held_out", "test")


@pytest.mark.parametrize("dataset", ["faces", "bodies"])
def test_maps_and_metrics_may_ask_for_other_splits(dataset):
    # What is tested needs the split that it is tested on.
    whole = yaml.safe_load(TEXT)["datasets"]
    shares = {"splits": {"train": 0.5, "val": 0.1}}
    divided = {d: whole[d] | shares for d in ("objects_styles", "faces_unseen", "bodies_clothing")}
    asked = study(maps={"split": "val"}, evaluation={"split": "train"}, datasets=divided)
    mapped = needed_splits(asked, "conv-twin/expert-face_hq/seed0", dataset)
    expected = {"held_out", "train"} | ({"val"} if dataset == "faces" else set())
    assert mapped == tuple(sorted(expected))


def test_what_is_needed_is_known_without_torch():
    code = "import sys, unispace.embedding.needed; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
