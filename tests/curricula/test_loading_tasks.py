"""From data sets on disk to tasks."""

import numpy as np
import pytest

from unispace.config.backbones import Preprocessing
from unispace.config.curricula import Head, TrainOn
from unispace.curricula.tasks import load_task
from unispace.errors import UserError
from unispace.records.images import ImageStore

LABELS = ["zebra", "ant", "ant", "bee", "zebra", "ant", "bee"]
SPLITS = ["train", "test", "train", "train", "train", "train", "test"]
TRAINED = [0, 2, 3, 4, 5]


def load(folder, tmp_path, how=None, size=32):
    return load_task("animals", folder, how or TrainOn(), Preprocessing(size=size), tmp_path / "s")


@pytest.mark.parametrize("encoded", [False, True])
def test_the_train_split_comes_in_its_order_with_labels_counted_by_name(dataset, tmp_path, encoded):
    folder, images = dataset(LABELS, SPLITS, encoded=encoded)
    task = load(folder, tmp_path)
    np.testing.assert_array_equal(task.images, images[TRAINED])
    assert task.labels.tolist() == [2, 0, 1, 2, 0]
    assert task.labels.dtype == np.int64
    assert task.name == "animals"


def test_labels_that_are_not_trained_on_have_no_number(dataset, tmp_path):
    folder, _ = dataset(["a", "b", "c", "d"], ["test", "train", "val", "train"])
    assert load(folder, tmp_path).labels.tolist() == [0, 1]


@pytest.mark.parametrize("encoded", [False, True])
def test_images_are_resized_as_they_are_for_embedding(dataset, tmp_path, encoded):
    folder, _ = dataset(LABELS, SPLITS, size=40, encoded=encoded)
    found = load(folder, tmp_path, size=16).images
    expected = ImageStore(folder / "images.npy").batch(TRAINED, 16, "bicubic")
    np.testing.assert_array_equal(found, expected)
    assert found.shape == (5, 16, 16, 3)


def test_decoded_images_lie_in_scratch_and_not_in_memory(dataset, tmp_path):
    folder, _ = dataset(LABELS, SPLITS)
    task = load(folder, tmp_path)
    assert isinstance(task.images, np.memmap)
    assert len(list((tmp_path / "s").iterdir())) == 1


@pytest.mark.parametrize(("domain", "loss"), [("object", "softmax"), ("person", "cosface")])
def test_the_head_follows_the_domain_unless_it_is_given(dataset, tmp_path, domain, loss):
    folder, _ = dataset(LABELS, SPLITS, domain=domain)
    assert load(folder, tmp_path).head == Head(loss=loss)
    how = TrainOn(head=Head(loss="arcface", margin=0.4), batch_size=5)
    task = load(folder, tmp_path, how)
    assert (task.head, task.batch_size) == (how.head, 5)


def test_a_train_split_of_one_label_is_an_error(dataset, tmp_path):
    folder, _ = dataset(["a", "a", "b"], ["train", "train", "test"])
    with pytest.raises(
        UserError, match="animals: its train split has one label, a; training needs"
    ):
        load(folder, tmp_path)


def test_an_empty_train_split_is_an_error(dataset, tmp_path):
    folder, _ = dataset(["a", "b"], ["test", "val"])
    with pytest.raises(UserError, match="no image in split `train`; it holds: test, val"):
        load(folder, tmp_path)


def test_a_missing_data_set_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"manifest\.parquet: not there"):
        load(tmp_path / "none", tmp_path)


# --- validation ---


def test_the_val_split_is_loaded_where_it_is_asked_for(dataset, tmp_path):
    splits = ["train", "val", "val", "train", "val", "val", "test"]
    folder, images = dataset(["b", "b", "a", "a", "b", "a", "a"], splits)
    assert load(folder, tmp_path).validation is None
    task = load_task(
        "animals", folder, TrainOn(), Preprocessing(size=32), tmp_path / "s", validate=True
    )
    np.testing.assert_array_equal(task.validation.images, images[[1, 2, 4, 5]])
    assert task.validation.labels.tolist() == [0, 1, 0, 1]
    assert task.labels.tolist() == [1, 0]


@pytest.mark.parametrize("held", [[], ["a"], ["a", "a"], ["a", "b"]], ids=str)
def test_a_val_split_that_tells_nothing_is_an_error(dataset, tmp_path, held):
    folder, _ = dataset(["a", "b", *held], ["train", "train", *["val"] * len(held)])
    with pytest.raises(UserError, match="animals: its val split has no two labels with two images"):
        load_task(
            "animals", folder, TrainOn(), Preprocessing(size=32), tmp_path / "s", validate=True
        )
