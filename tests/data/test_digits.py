"""The digits that come with scikit-learn: what is listed, what is stored, and what they cannot be."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from unispace.config.datasets import Dataset
from unispace.data.prepare import prepare
from unispace.data.sources.digits import images, read_listing
from unispace.records.files import sha256_of
from unispace.records.images import ImageStore


def digits(size=16, **settings):
    source = {"kind": "digits", "size": size}
    return Dataset.model_validate({"domain": "object", "source": source, **settings})


def test_every_published_digit_is_listed_with_its_class():
    listing = read_listing()
    assert len(listing) == 1797
    assert listing["image_id"].is_unique
    assert listing["label"].astype(int).tolist() == load_digits()["target"].tolist()


def test_at_their_own_size_images_are_the_published_grey_values():
    listing = read_listing()
    chosen = listing["image_id"].iloc[[1000, 3, 1796]]
    (batch,) = images(chosen, 8)
    expected = np.rint(load_digits()["images"][[1000, 3, 1796]] * 255 / 16)
    for channel in range(3):
        np.testing.assert_array_equal(batch[..., channel], expected)
    assert batch.max() == 255


def test_enlarged_images_look_as_before():
    small, large = (np.concatenate(list(images(read_listing()["image_id"], n))) for n in (8, 32))
    assert large.shape == (1797, 32, 32, 3)
    shrunk = large[..., 0].reshape(1797, 8, 4, 8, 4).mean(axis=(2, 4))
    for one, other in zip(small[::50, ..., 0], shrunk[::50], strict=True):
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.97


def test_a_data_set_of_digits_is_stored_the_same_each_time(tmp_path):
    settings = digits(splits={"train": 0.5, "val": 0.1}, max_images_per_label=20)
    manifests = [prepare("far", settings, 1, None, tmp_path / name) for name in "ab"]
    assert manifests[0].equals(manifests[1])
    for file in ("manifest.parquet", "images.npy", "factors.parquet", "left_out.json"):
        assert sha256_of(tmp_path / "a" / file) == sha256_of(tmp_path / "b" / file)
    manifest = manifests[0]
    assert manifest.groupby(["split", "label"]).size().max() == 20
    assert set(manifest["split"]) == {"train", "val", "test"}
    assert manifest["identity"].isna().all()
    assert set(manifest["source"]) == {"digits:scikit-learn"}
    store = ImageStore(tmp_path / "a" / "images.npy")
    last = manifest.iloc[-1]
    (expected,) = images(manifest["image_id"].iloc[-1:], 16)
    np.testing.assert_array_equal(store.batch([last["row"]], 16, "bicubic"), expected)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"domain": "face_hq"}, "digits are of domain object, not face_hq"),
        ({"splits": {"by": "manifest"}}, "a source of kind digits has no splits"),
        ({"size": 4}, "greater than or equal to 8"),
    ],
)
def test_what_digits_are_not_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        digits(**settings)
