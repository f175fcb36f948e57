"""Images at the size of a network are made once, and are the ones that the store gives."""

import numpy as np
import pytest
import torch

from unispace.config.preprocessing import Preprocessing
from unispace.embedding.extract import extract
from unispace.embedding.resized import at_size
from unispace.records.embeddings import read_embeddings
from unispace.records.files import sha256_of
from unispace.records.images import ImageStore


def shelved(folder, how, shelf, code="this"):
    path = folder / "images.npy"
    return at_size(ImageStore(path), sha256_of(path), how, shelf, code)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_resized_images_are_those_of_the_store(dataset, tmp_path, interpolation):
    folder, _ = dataset(300, size=48)
    how = Preprocessing(size=32, interpolation=interpolation)
    found = shelved(folder, how, tmp_path / "shelf")
    assert found.path.parent == tmp_path / "shelf"
    rows = np.array([299, 0, 7, 7])
    asked = rows, how.size, how.interpolation, how.aspect, how.resized
    expected = ImageStore(folder / "images.npy").batch(*asked)
    np.testing.assert_array_equal(found.batch(*asked), expected)


def test_images_are_resized_once_for_each_content_size_and_way(dataset, tmp_path, monkeypatch):
    one, _ = dataset(5, size=48)
    other, _ = dataset(5, size=48, seed=1, name="other")
    shelf = tmp_path / "shelf"
    ways = [Preprocessing(size=32), Preprocessing(size=16)]
    ways += [Preprocessing(size=32, interpolation="bilinear")]
    places = {shelved(folder, how, shelf).path for folder in (one, other) for how in ways}
    assert len(places) == 6
    assert shelved(one, ways[0], shelf, "other").path not in places
    monkeypatch.setattr("unispace.embedding.resized.write_raw", None)  # nothing may be written
    assert {shelved(folder, how, shelf).path for folder in (one, other) for how in ways} == places


@pytest.mark.parametrize(
    ("size", "encoded", "how"),
    [
        (32, False, {"size": 32}),
        (32, False, {"size": 64}),  # larger ones would take more room than they had
        (48, True, {"size": 32}),  # photographs are decoded anyway
        (48, False, {"size": 32, "resized": 40}),
    ],
)
def test_other_images_are_taken_as_they_are(dataset, tmp_path, size, encoded, how):
    folder, _ = dataset(4, size=size, encoded=encoded)
    found = shelved(folder, Preprocessing(**how), tmp_path / "shelf")
    assert found.path == folder / "images.npy"
    assert not (tmp_path / "shelf").exists()


@pytest.mark.parametrize("damage", [b"", b"half of a file", None])
def test_a_damaged_file_on_the_shelf_is_made_anew(dataset, tmp_path, caplog, damage):
    folder, _ = dataset(4, size=48)
    how, shelf = Preprocessing(size=32), tmp_path / "shelf"
    path = shelved(folder, how, shelf).path
    whole = path.read_bytes()
    if damage is None:
        np.save(path, np.zeros((3, 32, 32, 3), np.uint8))
    else:
        path.write_bytes(damage)
    shelved(folder, how, shelf)
    assert path.read_bytes() == whole
    assert "made anew" in caplog.text


def test_vectors_are_the_same_with_and_without_a_shelf(model, dataset, tmp_path):
    network, card = model()
    folder, _ = dataset(20, size=48)
    found = []
    for name in ("cold", "warm"):
        # The vectors go, the images stay.
        for vectors in (tmp_path / "shelf").glob("*.npy"):
            vectors.unlink()
        extract(network, card, "set", folder, tmp_path / "shelf", tmp_path / name, code="")
        found.append(np.asarray(read_embeddings(tmp_path / name).vectors))
    np.testing.assert_array_equal(*found)
    store = ImageStore(folder / "images.npy")
    plain = network.embed(torch.from_numpy(store.batch(range(20), 32, "bicubic")))
    np.testing.assert_array_equal(found[0], plain.numpy())
