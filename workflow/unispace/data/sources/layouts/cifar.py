"""The Python archives of CIFAR-10 and CIFAR-100: batches of images in pickles of arrays."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from unispace.data.sources.archive import Archive, open_archive
from unispace.data.sources.layouts import pickles
from unispace.data.sources.layouts.layout import png
from unispace.errors import UserError

_SIDE = 32
# Batch, split; in the order of the set.
_BATCHES = {
    **{f"data_batch_{i}": "train" for i in range(1, 6)},
    "test_batch": "test",
    "train": "train",
    "test": "test",
}


def read_listing(path: Path) -> pd.DataFrame:
    """The images of an archive.

    Returns:
        Columns image_id and member (batch and number), label (the class in words), split (train, test), and for
        CIFAR-100 superclass.

    Raises:
        UserError: where it is damaged, or is no such archive.
    """
    rows: list[dict[str, str]] = []
    with open_archive(path) as archive:
        batches, names = _batches(archive, path), _names(archive, path)
        for batch in batches:
            content = _load(archive, batch, path)
            fine = content.get("labels", content.get("fine_labels"))
            coarse = content.get("coarse_labels")
            images = len(_pixels(content, batch, path))
            if not isinstance(fine, list) or len(fine) != images:
                raise UserError(
                    f"{path}: {batch} has not one label for each of its {images} images"
                )
            for i, label in enumerate(fine):
                key = f"{posixpath.basename(batch)}/{i}"
                row = {"image_id": key, "member": key, "label": names["fine"][label]}
                row["split"] = _BATCHES[posixpath.basename(batch)]
                if coarse is not None:
                    row["superclass"] = names["coarse"][coarse[i]]
                rows.append(row)
    return pd.DataFrame(rows, dtype=str)


def contents(path: Path, members: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """The images as PNG files, which lose nothing, in the order asked for, one at a time."""
    with open_archive(path) as archive:
        places = {posixpath.basename(batch): batch for batch in _batches(archive, path)}
        loaded, pixels = "", np.zeros(0)
        for member in members:
            batch, number = member.split("/")
            if batch != loaded:
                loaded = batch
                pixels = _pixels(_load(archive, places[batch], path), batch, path)
            yield member, png(pixels[int(number)])


def _batches(archive: Archive, path: Path) -> list[str]:
    order = list(_BATCHES)
    found = [name for name in archive.files if posixpath.basename(name) in _BATCHES]
    if not found:
        raise UserError(
            f"{path}: holds no batch of CIFAR, such as cifar-10-batches-py/data_batch_1; "
            f"the reader needs the Python version of the archive"
        )
    return sorted(found, key=lambda name: order.index(posixpath.basename(name)))


def _names(archive: Archive, path: Path) -> dict[str, list[str]]:
    """Class names from the archive's own list."""
    for member in archive.files:
        if posixpath.basename(member) in ("batches.meta", "meta"):
            meta = _load(archive, member, path)
            fine = meta.get("label_names", meta.get("fine_label_names"))
            if isinstance(fine, list):
                return {"fine": fine, "coarse": meta.get("coarse_label_names", [])}
    raise UserError(f"{path}: holds no list of class names (batches.meta or meta)")


def _load(archive: Archive, member: str, path: Path) -> dict[str, Any]:
    content = pickles.load(archive.read(member), f"{path}: {member}", "batch of CIFAR")
    if not isinstance(content, dict):
        raise UserError(f"{path}: {member} is no batch of CIFAR; fetch it again")
    return content


def _pixels(content: dict[str, Any], batch: str, path: Path) -> np.ndarray:
    """Images of a batch, `(n, 32, 32, 3)`; the file holds one colour after the other."""
    data = content.get("data")
    if (
        not isinstance(data, np.ndarray)
        or data.dtype != np.uint8
        or data.ndim != 2
        or data.shape[1] != 3 * _SIDE * _SIDE
    ):
        raise UserError(f"{path}: {batch} holds no images of 32x32 pixels; fetch it again")
    return data.reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1)
