"""Pretraining on several data sets: one source of all their images, and a single one as it ever was."""

import numpy as np
import pandas as pd
import pytest
import torch

from unispace.backbones.network import Network
from unispace.config.backbones import Backbone, Preprocessing
from unispace.config.pretraining import Pretrain
from unispace.curricula.objectives import lesson
from unispace.curricula.pretraining import pretrain
from unispace.curricula.randomness import batch_rows
from unispace.curricula.resume import Resume
from unispace.curricula.sources import Joined, load_source, load_sources
from unispace.errors import UserError
from unispace.records.images import write_raw
from unispace.records.manifest import write_manifest

SIZE = 16
PREPARED = Preprocessing.model_validate({"size": SIZE})


def data_set(folder, name, labels, domain="object", captions=True, seed=0):
    n = len(labels)
    pixels = np.random.default_rng(seed).integers(0, 256, (n, SIZE, SIZE, 3), np.uint8)
    write_raw([pixels], n, SIZE, folder / name / "images.npy")
    manifest = pd.DataFrame(
        {
            "image_id": [f"{name}/{i}" for i in range(n)],
            "row": range(n),
            "domain": domain,
            "label": labels,
            "identity": None if domain == "object" else labels,
            "split": "train",
            "source": "drawn",
        }
    )
    if captions:
        manifest["caption"] = [f"{name} {label}" for label in labels]
    write_manifest(manifest, folder / name / "manifest.parquet")
    return folder / name, pixels


def load(folders, scratch, captions=True):
    return load_sources(folders, PREPARED, scratch, captions=captions)


def test_a_single_data_set_is_read_as_before(tmp_path):
    folder, pixels = data_set(tmp_path, "a", ["x", "z", "y", "x"])
    one = load({"a": folder}, tmp_path / "s")
    same = load_source("a", folder, PREPARED, tmp_path / "s", captions=True)
    assert (
        (one.name, one.captions)
        == (same.name, same.captions)
        == ("a", ("a x", "a z", "a y", "a x"))
    )
    assert isinstance(one.images, np.memmap)
    np.testing.assert_array_equal(one.images[:], pixels)
    assert one.labels.tolist() == same.labels.tolist() == [0, 2, 1, 0]


def test_several_stand_one_after_the_other(tmp_path):
    first, pixels = data_set(tmp_path, "b", ["x", "y", "x"])
    second, others = data_set(tmp_path, "a", ["z", "y"], seed=1)
    source = load({"b": first, "a": second}, tmp_path / "s")
    assert source.name == "b+a"
    assert source.captions == ("b x", "b y", "b x", "a z", "a y")
    # A class that two sets of objects have is one class.
    assert source.labels.tolist() == [0, 1, 0, 2, 1]
    whole = np.concatenate([pixels, others])
    for rows in ([0, 1, 2, 3, 4], [1, 4], [4], [0], [0, 0, 3, 3]):
        np.testing.assert_array_equal(source.images[np.array(rows)], whole[rows])


def test_persons_of_two_data_sets_are_two(tmp_path):
    folders = {n: data_set(tmp_path, n, ["001", "002"], "face_hq")[0] for n in "ab"}
    assert load(folders, tmp_path / "s").labels.tolist() == [0, 1, 2, 3]


def test_captions_that_one_of_them_lacks_are_told(tmp_path):
    folders = {n: data_set(tmp_path, n, ["x", "y"], captions=n == "a")[0] for n in "ab"}
    with pytest.raises(UserError, match=r"b.manifest\.parquet: has no column `caption`"):
        load(folders, tmp_path / "s")


def test_every_step_is_a_mixed_batch_in_proportion_to_the_sizes():
    joined = Joined([np.zeros((n, 1, 1, 3), np.uint8) for n in (600, 300, 100)])
    drawn = [batch_rows(len(joined), 50, step, 0, "name").numpy() for step in range(20)]
    per_step = np.array([np.histogram(rows, [0, 600, 900, 1000])[0] for rows in drawn])
    assert per_step.sum(axis=0).tolist() == [600, 300, 100]  # an epoch holds every image once
    assert (per_step.min(axis=0) > [15, 5, 0]).all()


def test_a_network_learns_from_both(tmp_path):
    folders = {
        n: data_set(tmp_path, n, labels, seed=k)[0]
        for k, (n, labels) in enumerate({"a": ["x", "y"] * 6, "b": ["z"] * 6}.items())
    }
    weights = {
        "kind": "pretrain", "dataset": ["a", "b"], "steps": 3, "batch_size": 6, "learning_rate": 0.01,
    }  # fmt: skip
    backbone = Backbone.model_validate(
        {
            "architecture": "resnet10t",
            "options": {"layers": [1, 1, 1, 1], "channels": [4, 4, 8, 8], "stem_width": 4},
            "preprocessing": {"size": SIZE},
            "weights": weights,
        }
    )
    assert isinstance(backbone.weights, Pretrain)
    assert backbone.weights.datasets == ("a", "b")
    source = load(folders, tmp_path / "s", captions=False)
    torch.manual_seed(0)
    taught = lesson(Network(backbone), backbone, source, 0)
    history = pretrain(
        taught.objective, taught.inputs, source, backbone.weights, 0, Resume(tmp_path, "k")
    )
    assert set(history["dataset"]) == {"a+b"}
    assert len(history) == 6
