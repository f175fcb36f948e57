"""What a backbone is pretrained on: images with their labels or captions."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.config.backbones import Preprocessing
from unispace.errors import UserError
from unispace.records.images import ImageStore, decode_once
from unispace.records.manifest import read_manifest, rows_of_split

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """The train split of a data set.

    Attributes:
        name: the data set.
        images: `(n, size, size, 3)` uint8, may be memory-mapped.
        labels: `(n,)` int64, counting from 0 in the order of their names.
        captions: of each image; empty where they were not asked for.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    captions: tuple[str, ...] = ()


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
    path = folder / "manifest.parquet"
    further = ("caption",) if captions else ()
    manifest = read_manifest(path, ("row", "label", "split"), further)
    rows = rows_of_split(manifest, "train", path)
    words = _captions(rows, path) if captions else ()
    store = ImageStore(folder / "images.npy")
    images = decode_once(
        store, rows["row"].to_numpy(), preprocessing.size, preprocessing.interpolation, scratch
    )
    log.info("%s: %d images to learn from", name, len(rows))
    labels, _ = pd.factorize(rows["label"], sort=True)
    return Source(name, images, labels.astype(np.int64), words)


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
