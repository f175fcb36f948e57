"""What a backbone is pretrained on: images with their labels or captions."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.config.backbones import Preprocessing
from unispace.errors import UserError
from unispace.records.images import ImageStore, decode_once
from unispace.records.manifest import read_manifest, rows_of_split

log = logging.getLogger(__name__)


class Pixels(Protocol):
    """Images that are taken by their rows: an array, or several that stand in a row."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def __getitem__(self, rows: NDArray[np.int64], /) -> NDArray[np.uint8]:
        """`(len(rows), size, size, 3)`, for rising rows."""
        ...


@dataclass(frozen=True)
class Source:
    """The train split of a data set, or of several, one after the other.

    Attributes:
        name: the data set; of several their names with `+` between them.
        images: `(n, size, size, 3)` uint8, may be memory-mapped.
        labels: `(n,)` int64, counting from 0 in the order of their names.
        captions: of each image; empty where they were not asked for.
    """

    name: str
    images: Pixels
    labels: NDArray[np.int64]
    captions: tuple[str, ...] = ()


class Joined:
    """Several arrays of images as one, of which no byte is copied before it is asked for."""

    def __init__(self, parts: list[Pixels]) -> None:
        self._parts = parts
        self._ends = np.cumsum([len(part) for part in parts])

    def __len__(self) -> int:
        """Images of all arrays."""
        return int(self._ends[-1])

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Images of rising rows, as they stand in the arrays one after the other."""
        rows = np.asarray(rows)
        cuts = np.searchsorted(rows, self._ends)
        found, first, start = [], 0, 0
        for part, cut, end in zip(self._parts, cuts, self._ends, strict=True):
            if cut > first:
                found.append(np.asarray(part[rows[first:cut] - start]))
            first, start = int(cut), int(end)
        return np.concatenate(found)


@dataclass(frozen=True)
class _Part:
    """The train split of one data set, its labels still as names."""

    images: Pixels
    labels: pd.Series
    captions: tuple[str, ...]


def load_sources(
    folders: Mapping[str, Path],
    preprocessing: Preprocessing,
    scratch: Path,
    *,
    captions: bool = False,
) -> Source:
    """Read the train splits of data sets, to be learnt from as one.

    Args:
        folders: where the manifest and images of each data set lie, by name and in their order.
        preprocessing: size and interpolation of the network's input.
        scratch: folder for decoded images, removed by the caller.
        captions: whether they are needed.

    Raises:
        UserError: as `load_source`.
    """
    if len(folders) == 1:
        ((name, folder),) = folders.items()
        return load_source(name, folder, preprocessing, scratch, captions=captions)
    parts = [_load(n, f, preprocessing, scratch, captions, shared=True) for n, f in folders.items()]
    labels, _ = pd.factorize(pd.concat([p.labels for p in parts], ignore_index=True), sort=True)
    return Source(
        "+".join(folders),
        Joined([part.images for part in parts]),
        labels.astype(np.int64),
        tuple(text for part in parts for text in part.captions),
    )


def load_source(
    name: str, folder: Path, preprocessing: Preprocessing, scratch: Path, *, captions: bool = False
) -> Source:
    """Read the train split of a data set.

    Args:
        name: the data set.
        folder: where its manifest and images lie.
        preprocessing: size and interpolation of the network's input.
        scratch: folder for decoded images, removed by the caller.
        captions: whether they are needed.

    Raises:
        UserError: where the train split is empty, or an image of it has no caption though they are needed.
    """
    part = _load(name, folder, preprocessing, scratch, captions)
    labels, _ = pd.factorize(part.labels, sort=True)
    return Source(name, part.images, labels.astype(np.int64), part.captions)


def _load(
    name: str,
    folder: Path,
    preprocessing: Preprocessing,
    scratch: Path,
    captions: bool,
    *,
    shared: bool = False,
) -> _Part:
    """Read the train split; with `shared` its labels are those that several data sets may share."""
    path = folder / "manifest.parquet"
    further = ("caption",) if captions else ()
    manifest = read_manifest(path, ("row", "label", "split", "domain"), further)
    rows = rows_of_split(manifest, "train", path)
    words = _captions(rows, path) if captions else ()
    store = ImageStore(folder / "images.npy")
    how = preprocessing
    images = decode_once(
        store,
        rows["row"].to_numpy(),
        how.size,
        how.interpolation,
        scratch,
        how.aspect,
        how.resized,
    )
    log.info("%s: %d images to learn from", name, len(rows))
    labels = rows["label"]
    if shared:
        # A class of objects is what it is called; a person of another data set is another one.
        own = rows["domain"] != "object"
        labels = labels.where(~own, name + "/" + labels)
    return _Part(images, labels, words)


def _captions(rows: pd.DataFrame, path: Path) -> tuple[str, ...]:
    if "caption" not in rows.columns:
        raise UserError(
            f"{path}: has no column `caption`, which objective `contrastive` learns from; take rendered objects, "
            f"or a source whose table has one"
        )
    empty = (rows["caption"].isna() | (rows["caption"].str.strip() == "")).to_numpy()
    if empty.any():
        raise UserError(
            f"{path}: {empty.sum()} of {len(rows)} training images have no caption, the first in row "
            f"{rows['row'].to_numpy()[empty][0]}"
        )
    return tuple(rows["caption"])
