"""Sets published as arrays of pixels: MNIST, STL-10 and SVHN."""

from __future__ import annotations

import gzip
import posixpath
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.data.sources.archive import open_archive
from unispace.data.sources.layouts.layout import Layout, beside, png
from unispace.data.sources.layouts.named import matlab
from unispace.errors import UserError

Pixels = NDArray[np.uint8]

_STL_SIDE = 96
_STL_FOLDS = 10


def _layout(
    label: Callable[[Path], dict[str, pd.DataFrame]], pixels: Callable[[Path, str], Pixels]
) -> Layout:
    """A layout of parts that are arrays.

    Args:
        label: of each part (a split) a frame with the column label and further ones, a row an image.
        pixels: the images of a part, `(n, h, w)` or `(n, h, w, 3)`.
    """

    def read_listing(path: Path) -> pd.DataFrame:
        frames = []
        for split, frame in label(path).items():
            key = [f"{split}/{i}" for i in range(len(frame))]
            images = len(pixels(path, split))
            if images != len(frame):
                raise UserError(
                    f"{path}: {split} has {images} images and {len(frame)} labels; fetch the set again"
                )
            frames.append(frame.assign(image_id=key, member=key, split=split))
        return pd.concat(frames, ignore_index=True).astype(str)

    def contents(path: Path, members: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        loaded, images = "", np.zeros((0, 0, 0), np.uint8)
        for member in members:
            split, number = member.split("/")
            if split != loaded:
                loaded, images = split, pixels(path, split)
            yield member, png(images[int(number)])

    return Layout(read_listing, contents, True)


# --- MNIST: four compressed files, each a magic number, its dimensions and bytes ---------------

_MNIST_PARTS = {"train": "train", "test": "t10k"}


def _idx(file: Path, dimensions: int) -> Pixels:
    """The array of an idx file of bytes.

    Raises:
        UserError: where it is damaged, or another array.
    """
    try:
        with gzip.open(file) as stream:
            content = stream.read()
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{file}: truncated or damaged; fetch it again ({error})") from error
    header = 4 + 4 * dimensions
    shape = np.frombuffer(content[4:header], ">u4") if len(content) >= header else np.zeros(0)
    if content[:4] != bytes([0, 0, 8, dimensions]) or len(content) - header != np.prod(shape):
        raise UserError(
            f"{file}: no idx file of bytes with {dimensions} dimensions; fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape([int(n) for n in shape])


def _mnist_labels(path: Path) -> dict[str, pd.DataFrame]:
    return {
        split: pd.DataFrame(
            {"label": _idx(beside(path, f"{name}-labels-idx1-ubyte.gz"), 1).astype(str)}
        )
        for split, name in _MNIST_PARTS.items()
    }


def _mnist_pixels(path: Path, split: str) -> Pixels:
    return _idx(beside(path, f"{_MNIST_PARTS[split]}-images-idx3-ubyte.gz"), 3)


# --- STL-10: an archive of raw bytes; the unlabelled images are left out -----------------------


def _stl_file(path: Path, name: str) -> bytes:
    with open_archive(path) as archive:
        for member in archive.files:
            if posixpath.basename(member) == name:
                return archive.read(member)
    raise UserError(
        f"{path}: holds no {name}, such as stl10_binary/{name}; it needs the binary set"
    )


def _stl_labels(path: Path) -> dict[str, pd.DataFrame]:
    """Classes in words; columns fold_0 to fold_9 say which training images a fold takes."""
    names = _stl_file(path, "class_names.txt").decode().split()
    folds = [
        {int(i) for i in line.split()}
        for line in _stl_file(path, "fold_indices.txt").decode().splitlines()
        if line.strip()
    ]
    frames = {}
    for split in ("train", "test"):
        numbers = np.frombuffer(_stl_file(path, f"{split}_y.bin"), np.uint8)
        if numbers.size and not 1 <= numbers.min() <= numbers.max() <= len(names):
            raise UserError(f"{path}: {split}_y.bin has labels beyond 1 to {len(names)}")
        frame = pd.DataFrame({"label": [names[number - 1] for number in numbers]})
        for k, fold in enumerate(folds[:_STL_FOLDS]):
            frame[f"fold_{k}"] = [
                "test" if split == "test" else "train" if i in fold else "unused"
                for i in range(len(numbers))
            ]
        frames[split] = frame
    return frames


def _stl_pixels(path: Path, split: str) -> Pixels:
    """The file holds one colour after the other, each column by column."""
    content = np.frombuffer(_stl_file(path, f"{split}_X.bin"), np.uint8)
    if content.size % (3 * _STL_SIDE**2):
        raise UserError(f"{path}: {split}_X.bin holds no images of {_STL_SIDE}x{_STL_SIDE} pixels")
    return content.reshape(-1, 3, _STL_SIDE, _STL_SIDE).transpose(0, 3, 2, 1)


# --- SVHN: a MATLAB file for each part; the digit 0 has the class 10 ----------------------------


def _svhn(path: Path, split: str, variable: str) -> NDArray[np.uint8]:
    file = beside(path, f"{split}_32x32.mat")
    (value,) = matlab(file.read_bytes(), str(file), variable)
    return value


def _svhn_labels(path: Path) -> dict[str, pd.DataFrame]:
    return {
        split: pd.DataFrame({"label": (_svhn(path, split, "y").ravel() % 10).astype(str)})
        for split in ("train", "test")
    }


def _svhn_pixels(path: Path, split: str) -> Pixels:
    images = _svhn(path, split, "X")
    if images.ndim != 4 or images.dtype != np.uint8:
        raise UserError(f"{path}: {split}_32x32.mat holds no images; fetch it again")
    return images.transpose(3, 0, 1, 2)


MNIST = _layout(_mnist_labels, _mnist_pixels)
STL10 = _layout(_stl_labels, _stl_pixels)
SVHN = _layout(_svhn_labels, _svhn_pixels)
