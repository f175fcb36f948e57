"""Images to vectors, once for each content."""

import logging
from functools import partial

import numpy as np
import pytest
import torch

from unispace.embedding import extract as module
from unispace.embedding.extract import compute, content_key
from unispace.errors import UserError
from unispace.records.embeddings import read_embeddings
from unispace.records.files import sha256_of
from unispace.records.images import ImageStore
from unispace.records.manifest import read_manifest

# Of one code, unless a test says another.
extract = partial(module.extract, code="this")


def forward(network, images):
    """Vectors of `(n, 32, 32, 3)` images by plain calls, one image at a time."""
    with torch.no_grad():
        unit = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
        outputs = [network.body(network.normalise(image[None]))[0] for image in unit]
    return np.stack([(v / v.norm()).numpy() for v in outputs])


class Raising(torch.nn.Module):
    """Stands where no network may be asked."""

    def __init__(self, network):
        super().__init__()
        self.dimension, self.preprocessing = network.dimension, network.preprocessing

    def embed(self, images):
        raise AssertionError("computed again")


# --- computing ---


@pytest.mark.parametrize("encoded", [False, True])
def test_vectors_are_those_of_plain_forward_passes(model, dataset, encoded):
    network, _ = model()
    folder, images = dataset(encoded=encoded)
    found = compute(network, ImageStore(folder / "images.npy"), np.arange(9), "set")
    np.testing.assert_allclose(found, forward(network, images), atol=1e-6)
    assert found.dtype == np.float32


def test_raw_and_encoded_stores_give_the_same_bits(model, dataset):
    network, _ = model()
    stores = [
        ImageStore(dataset(encoded=encoded, name=f"set{encoded}")[0] / "images.npy")
        for encoded in (False, True)
    ]
    assert [store.raw for store in stores] == [True, False]
    one, other = (compute(network, store, np.arange(9), "set") for store in stores)
    np.testing.assert_array_equal(one, other)


def test_images_of_another_size_are_resized_as_the_preprocessing_says(model, dataset):
    folder, _ = dataset(size=48)
    store = ImageStore(folder / "images.npy")
    found = {}
    for how in ("bilinear", "bicubic"):
        network, _ = model(interpolation=how)
        found[how] = compute(network, store, np.arange(9), "set")
        expected = forward(network, store.batch(np.arange(9), 32, how))
        np.testing.assert_allclose(found[how], expected, atol=1e-6)
    assert not np.allclose(found["bilinear"], found["bicubic"], atol=1e-4)


def test_vectors_come_in_the_order_of_the_rows(model, dataset):
    network, _ = model()
    store = ImageStore(dataset()[0] / "images.npy")
    order = np.array([5, 0, 8, 5, 3])
    expected = compute(network, store, np.arange(9), "set")[order]
    np.testing.assert_array_equal(compute(network, store, order, "set"), expected)


def test_the_border_of_a_batch_shows_nowhere(model, dataset, monkeypatch):
    network, _ = model()
    store = ImageStore(dataset(20)[0] / "images.npy")
    expected = compute(network, store, np.arange(20), "set")
    monkeypatch.setattr(module, "_BATCH", 7)
    np.testing.assert_array_equal(compute(network, store, np.arange(20), "set"), expected)


def test_no_images_give_no_vectors(model, dataset):
    network, _ = model()
    store = ImageStore(dataset()[0] / "images.npy")
    assert compute(network, store, np.arange(0), "set").shape == (0, 16)


def test_weights_that_give_no_numbers_are_an_error_and_nothing_is_shelved(model, dataset, tmp_path):
    network, card = model()
    with torch.no_grad():
        network.body.cls_token.fill_(torch.nan)
    folder, _ = dataset()
    with pytest.raises(UserError, match="set: the embedding of image 0 is not finite"):
        extract(network, card, "set", folder, tmp_path / "shelf", tmp_path / "out")
    assert not (tmp_path / "shelf").exists()
    assert not (tmp_path / "out").exists()


# --- the key ---


def key_of(card, folder, code="this"):
    return content_key(
        card, folder / "manifest.parquet", sha256_of(folder / "images.npy"), None, code
    )


def test_the_key_changes_with_all_that_decides_the_vectors(model, dataset):
    (_, card), (folder, _) = model(), dataset()
    keys = {
        "as it is": key_of(card, folder),
        "weights": key_of(model(seed=1)[1], folder),
        "images": key_of(card, dataset(seed=1, name="other")[0]),
        "manifest": key_of(card, dataset(name="moved", label="p")[0]),
        "pooling": key_of({**card, "pooling": "token"}, folder),
        "architecture": key_of({**card, "architecture": "another"}, folder),
        "options": key_of({**card, "options": {"depth": 1}}, folder),
        "precision": key_of({**card, "precision": "bfloat16"}, folder),
    }
    changes = {
        "normalisation": "half",
        "interpolation": "bilinear",
        "colour_order": "bgr",
    }
    for name, value in changes.items():
        keys[name] = key_of(model(**{name: value})[1], folder)
    keys["code"] = key_of(card, folder, "other")
    size = {**card, "preprocessing": {**card["preprocessing"], "size": 48}}
    keys["size"] = key_of(size, folder)
    assert len(set(keys.values())) == len(keys)


def test_the_key_changes_with_nothing_else(model, dataset):
    (_, card), (folder, _) = model(), dataset()
    expected = key_of(card, folder)
    renamed = {
        **card,
        "model": "b/base/seed7",
        "seed": 7,
        "licence": "other",
        "provider": "timm 2",
        "curriculum": {"steps": 1},
    }
    assert key_of(renamed, folder) == expected
    assert key_of(dict(reversed(card.items())), folder) == expected
    assert key_of(card, dataset(name="copy")[0]) == expected
    assert key_of(model()[1], folder) == expected


def test_a_card_that_lacks_what_decides_has_no_key(model, dataset):
    (_, card), (folder, _) = model(), dataset()
    card.pop("pooling")
    with pytest.raises(KeyError, match="pooling"):
        key_of(card, folder)


# --- the store ---


def test_the_store_holds_vectors_index_and_card(model, dataset, tmp_path):
    (network, card), (folder, images) = model(), dataset(camera=[f"c{n % 2}" for n in range(9)])
    extract(network, card, "faces", folder, tmp_path / "shelf", tmp_path / "out")
    found = read_embeddings(tmp_path / "out")
    np.testing.assert_allclose(found.vectors, forward(network, images), atol=1e-6)
    manifest = read_manifest(folder / "manifest.parquet")
    assert found.index.equals(manifest.drop(columns=["source"]))
    assert found.index["camera"].tolist() == [f"c{n % 2}" for n in range(9)]
    assert found.card["key"] == key_of(card, folder)
    assert found.card["dataset"] == "faces"
    assert (found.card["images"], found.card["dimension"]) == (9, 16)
    assert found.card["model"]["weights_sha256"] == card["weights_sha256"]
    assert found.card["normalised"] is True


def test_row_i_of_the_vectors_is_the_image_of_row_i_of_the_index(model, dataset, tmp_path):
    (network, card), (folder, images) = model(), dataset()
    extract(network, card, "faces", folder, tmp_path / "shelf", tmp_path / "out")
    part = read_embeddings(tmp_path / "out").of_split("val")
    assert part.index["image_id"].tolist() == ["i1", "i4", "i7"]
    np.testing.assert_allclose(part.vectors, forward(network, images[[1, 4, 7]]), atol=1e-6)


def test_splits_that_nobody_needs_are_not_embedded(model, dataset, tmp_path, caplog):
    (network, card), (folder, images) = model(), dataset()
    with caplog.at_level(logging.INFO):
        extract(network, card, "faces", folder, tmp_path / "shelf", tmp_path / "a", ("val", "odd"))
    assert "faces: 3 of 9 images are needed" in caplog.text
    found = read_embeddings(tmp_path / "a")
    assert found.index["image_id"].tolist() == ["i1", "i4", "i7"]
    assert found.index["split"].unique().tolist() == ["val"]
    np.testing.assert_allclose(found.vectors, forward(network, images[[1, 4, 7]]), atol=1e-6)
    # All of them are another content, and are not taken from the shelf.
    extract(network, card, "faces", folder, tmp_path / "shelf", tmp_path / "b")
    assert len(read_embeddings(tmp_path / "b").index) == 9
    assert len(list((tmp_path / "shelf").iterdir())) == 2


def test_where_no_image_is_needed_the_files_are_there_and_empty(model, dataset, tmp_path):
    (network, card), (folder, _) = model(), dataset()
    for _ in range(2):
        extract(Raising(network), card, "faces", folder, tmp_path / "shelf", tmp_path / "a", ())
        found = read_embeddings(tmp_path / "a")
        assert found.vectors.shape == (0, 16)
        assert len(found.index) == 0
    assert not (tmp_path / "shelf").exists()


# --- the shelf ---


@pytest.fixture
def shelved(model, dataset, tmp_path):
    """Embeddings written once: network, card, folders, and the file on the shelf."""
    (network, card), (folder, _) = model(), dataset()
    shelf = tmp_path / "shelf"
    extract(network, card, "faces", folder, shelf, tmp_path / "first")
    (file,) = shelf.iterdir()
    return network, card, folder, shelf, file


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_is_on_the_shelf_is_taken_without_computing(shelved, tmp_path, caplog):
    network, card, folder, shelf, _ = shelved
    with caplog.at_level(logging.INFO):
        extract(Raising(network), card, "faces", folder, shelf, tmp_path / "second")
    assert "exist already" in caplog.text
    assert files_of(tmp_path / "second") == files_of(tmp_path / "first")


def test_a_model_of_equal_weights_and_another_name_shares_the_vectors(shelved, tmp_path):
    network, card, folder, shelf, _ = shelved
    named = {**card, "model": "b/base/seed1", "seed": 9}
    extract(Raising(network), named, "bodies", folder, shelf, tmp_path / "second")
    first, second = files_of(tmp_path / "first"), files_of(tmp_path / "second")
    assert second["vectors.npy"] == first["vectors.npy"]
    assert read_embeddings(tmp_path / "second").card["dataset"] == "bodies"


def test_other_images_are_computed_anew(shelved, dataset, tmp_path):
    network, card, _, shelf, file = shelved
    other, images = dataset(seed=5, name="other")
    extract(network, card, "faces", other, shelf, tmp_path / "second")
    found = read_embeddings(tmp_path / "second").vectors
    np.testing.assert_allclose(found, forward(network, images), atol=1e-6)
    assert len(list(shelf.iterdir())) == 2
    assert file.exists()


def saved(array):
    def damage(path):
        with path.open("wb") as stream:
            np.save(stream, array(np.load(path.with_suffix(".copy"))))

    return damage


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "header only": lambda path: path.write_bytes(path.read_bytes()[:64]),
    "not numpy": lambda path: path.write_bytes(b"something else" * 50),
    "overwritten": lambda path: path.write_bytes(path.read_bytes()[:-64] + b"\x7f" * 64),
    "rows missing": saved(lambda v: v[:-1]),
    "columns missing": saved(lambda v: v[:, :-1]),
    "another type": saved(lambda v: v.astype(np.float64)),
    "not a number": saved(lambda v: np.where(np.arange(9)[:, None] == 4, np.float32("nan"), v)),
    "not of unit length": saved(lambda v: v * np.float32(1.01)),
    "pickled": lambda path: np.save(path, np.array([{}], object), allow_pickle=True),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_on_the_shelf_is_computed_anew_with_a_warning(
    shelved, tmp_path, caplog, damage
):
    network, card, folder, shelf, file = shelved
    whole = file.read_bytes()
    file.with_suffix(".copy").write_bytes(whole)
    DAMAGES[damage](file)
    assert file.read_bytes() != whole
    extract(network, card, "faces", folder, shelf, tmp_path / "second")
    assert "are damaged" in caplog.text
    assert files_of(tmp_path / "second") == files_of(tmp_path / "first")
    assert file.read_bytes() == whole


def test_the_file_on_the_shelf_is_checked_to_its_end(shelved, tmp_path, caplog, monkeypatch):
    network, card, folder, shelf, file = shelved
    vectors = np.load(file)
    vectors[8] *= 2
    np.save(file, vectors)
    monkeypatch.setattr(module, "_ROWS_CHECKED", 2)
    extract(network, card, "faces", folder, shelf, tmp_path / "second")
    assert "not of unit length" in caplog.text


def test_an_image_that_maps_to_zero_does_not_make_the_shelf_damaged(
    model, dataset, tmp_path, caplog
):
    (network, card), (folder, _) = model(), dataset()
    real = network.embed
    network.embed = lambda images: real(images) * (torch.arange(9) != 4)[:, None]
    extract(network, card, "faces", folder, tmp_path / "shelf", tmp_path / "first")
    extract(Raising(network), card, "faces", folder, tmp_path / "shelf", tmp_path / "second")
    assert "damaged" not in caplog.text
