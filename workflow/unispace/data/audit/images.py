"""What the audit keeps of every image: its place, its size and two hashes."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from unispace.data.audit.hashes import SIDE, perceptual_hashes, thumbnail
from unispace.errors import UserError
from unispace.records.images import ImageStore
from unispace.records.manifest import read_manifest

log = logging.getLogger(__name__)

_BATCH = 1024
_COLUMNS = ("split", "image_id", "label", "identity")
_SECOND = "identity_2"  # of morphs only
_LOOKS = {"width": "Int64", "height": "Int64", "pixels": "UInt64", "phash": "UInt64"}


def read_images(folders: Mapping[str, Path], without: Collection[str] = ()) -> pd.DataFrame:
    """One row for every image of all data sets.

    Args:
        folders: where manifest and image store of each data set lie, in the order of the study.
        without: those that have a manifest and no images.

    Returns:
        Columns dataset, split, image_id, label, identity, identity_2 (of morphs), width, height, pixels (hash of the
        decoded pixels), phash; the last four are empty where there is no image. Holds a few numbers for each image, and never the images.

    Raises:
        UserError: where a store and its manifest do not belong together.
    """
    parts = []
    for name, folder in folders.items():
        manifest = read_manifest(folder / "manifest.parquet", _COLUMNS, (_SECOND,))
        if _SECOND not in manifest:
            manifest[_SECOND] = pd.Series(pd.NA, manifest.index, "str")
        # An archive's table has empty cells where an image shows one person.
        manifest[_SECOND] = manifest[_SECOND].mask(manifest[_SECOND] == "")
        if name in without:
            looks = pd.DataFrame(index=manifest.index, columns=list(_LOOKS)).astype(_LOOKS)
        else:
            looks = _look_at(_store(folder, len(manifest)), name)
        parts.append(pd.concat([manifest.assign(dataset=name), looks], axis=1))
    return pd.concat(parts, ignore_index=True)


def _store(folder: Path, rows: int) -> ImageStore:
    """The image store of a data set whose manifest has so many rows."""
    store = ImageStore(folder / "images.npy")
    if len(store) != rows:
        raise UserError(
            f"{folder}: {rows} rows in manifest.parquet and {len(store)} images in images.npy; "
            f"delete the folder and run snakemake again"
        )
    return store


def _look_at(store: ImageStore, name: str) -> pd.DataFrame:
    """Size and hashes of each image of a store."""
    size = np.empty((len(store), 2), np.int64)
    pixels, phash = np.empty(len(store), np.uint64), np.empty(len(store), np.uint64)
    for start in range(0, len(store), _BATCH):
        rows = range(start, min(start + _BATCH, len(store)))
        small = np.empty((len(rows), SIDE, SIDE), np.uint8)
        for place, row in enumerate(rows):
            image = store.image(row)
            size[row] = image.size
            pixels[row] = pixel_hash(image)
            small[place] = thumbnail(image)
        phash[rows.start : rows.stop] = perceptual_hashes(small)
        log.info("%s: %d of %d images looked at", name, rows.stop, len(store))
    return pd.DataFrame(
        {"width": size[:, 0], "height": size[:, 1], "pixels": pixels, "phash": phash}
    )


def pixel_hash(image: Image.Image) -> int:
    """64 bits that decide whether two images are equal pixel by pixel, whatever files they came in."""
    digest = hashlib.blake2b(f"{image.size}".encode(), digest_size=8)
    digest.update(image.tobytes())
    return int.from_bytes(digest.digest(), "big")
