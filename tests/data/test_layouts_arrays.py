"""Sets that are published as arrays: their pixels come out as they went in."""

import gzip
import io
import struct

import numpy as np
import pytest
from scipy.io import savemat

from unispace.data.sources.layouts import layout_of
from unispace.errors import UserError
from unispace.records.images import decode


def idx(array):
    """An idx file: a magic number, the dimensions big-endian, the bytes."""
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(header + array.tobytes(), mtime=0)


@pytest.fixture
def numbers():
    return np.random.default_rng(3)


@pytest.fixture
def mnist(tmp_path, numbers):
    images = {s: numbers.integers(0, 256, (n, 28, 28), np.uint8) for s, n in (("train", 3), ("t10k", 2))}  # fmt: skip
    labels = {"train": np.array([7, 0, 7], np.uint8), "t10k": np.array([1, 2], np.uint8)}
    for part in images:
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(idx(images[part]))
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx(labels[part]))
    return tmp_path / "train-images-idx3-ubyte.gz", images


def test_mnist(mnist):
    path, images = mnist
    reader = layout_of("mnist")
    listing = reader.read_listing(path)
    assert listing["label"].tolist() == ["7", "0", "7", "1", "2"]
    assert listing["split"].tolist() == ["train"] * 3 + ["test"] * 2
    whole = np.concatenate([images["train"], images["t10k"]])
    for (_, content), pixels in zip(reader.contents(path, list(listing["member"])), whole, strict=True):  # fmt: skip
        assert np.array_equal(np.asarray(decode(content, "x"))[:, :, 1], pixels)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            gzip.compress(b"\0\0\x08\x01\0\0\0\2\7", mtime=0),
            "no idx file of bytes with 1 dimensions",
        ),
        (gzip.compress(b"\0", mtime=0), "no idx file of bytes with 1 dimensions"),
        (idx(np.zeros((2, 2), np.uint8)), "no idx file of bytes with 1 dimensions"),
        (b"no gzip", "truncated or damaged; fetch it again"),
        (idx(np.zeros(2, np.uint8))[:-9], "truncated or damaged; fetch it again"),
        (idx(np.zeros(2, np.uint8)), "train has 3 images and 2 labels"),
    ],
)
def test_a_wrong_file_of_mnist_is_named(mnist, content, message):
    path, _ = mnist
    path.with_name("train-labels-idx1-ubyte.gz").write_bytes(content)
    with pytest.raises(UserError, match=message):
        layout_of("mnist").read_listing(path)


def stl(numbers, **changes):
    side = 96
    images = {s: numbers.integers(0, 256, (n, side, side, 3), np.uint8) for s, n in (("train", 3), ("test", 2))}  # fmt: skip
    members = {
        # As published: for each image three colours, each column after column.
        **{f"{s}_X.bin": np.stack([[c.T for c in np.moveaxis(i, 2, 0)] for i in x]).tobytes() for s, x in images.items()},
        "train_y.bin": bytes([2, 1, 2]),
        "test_y.bin": bytes([1, 1]),
        "class_names.txt": b"airplane\nbird\n",
        "fold_indices.txt": b"0 2 \n1 \n",
        "unlabeled_X.bin": b"left out",
    }  # fmt: skip
    return images, {f"stl10_binary/{k}": v for k, v in (members | changes).items() if v is not None}


def test_stl10(tmp_path, make, numbers):
    images, members = stl(numbers)
    path = make.pack(tmp_path / "stl10_binary.tar.gz", members)
    reader = layout_of("stl10")
    listing = reader.read_listing(path)
    assert listing["label"].tolist() == ["bird", "airplane", "bird", "airplane", "airplane"]
    assert listing["split"].tolist() == ["train"] * 3 + ["test"] * 2
    assert listing["fold_0"].tolist() == ["train", "unused", "train", "test", "test"]
    assert listing["fold_1"].tolist() == ["unused", "train", "unused", "test", "test"]
    for member, content in reader.contents(path, ["test/1", "train/0"]):
        split, number = member.split("/")
        assert np.array_equal(np.asarray(decode(content, "x")), images[split][int(number)])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_y.bin": bytes([0, 1, 2])}, "train_y.bin has labels beyond 1 to 2"),
        ({"train_X.bin": b"xx"}, "train_X.bin holds no images of 96x96"),
        ({"class_names.txt": None}, "holds no class_names.txt, such as stl10_binary/class_names"),
        ({"train_y.bin": bytes([1])}, "train has 3 images and 1 labels"),
    ],
)
def test_a_wrong_archive_of_stl10_is_named(tmp_path, make, numbers, changes, message):
    path = make.pack(tmp_path / "stl10_binary.tar.gz", stl(numbers, **changes)[1])
    with pytest.raises(UserError, match=message):
        layout_of("stl10").read_listing(path)


def test_svhn(tmp_path, numbers):
    images = {s: numbers.integers(0, 256, (32, 32, 3, n), np.uint8) for s, n in (("train", 3), ("test", 2))}  # fmt: skip
    for split, array in images.items():
        stream = io.BytesIO()
        labels = np.array([10, 1, 9], np.uint8)[: array.shape[3], None]
        savemat(stream, {"X": array, "y": labels})
        (tmp_path / f"{split}_32x32.mat").write_bytes(stream.getvalue())
    path = tmp_path / "train_32x32.mat"
    reader = layout_of("svhn")
    listing = reader.read_listing(path)
    assert listing["label"].tolist() == ["0", "1", "9", "0", "1"]
    ((_, content),) = reader.contents(path, ["test/1"])
    assert np.array_equal(np.asarray(decode(content, "x")), images["test"][..., 1])
    path.write_bytes(b"no MATLAB file")
    with pytest.raises(UserError, match=r"train_32x32\.mat cannot be read as a MATLAB file"):
        reader.read_listing(path)
