"""Images of a data set at the size of a network, made once for all models that look at that size."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from unispace.config.preprocessing import Preprocessing
from unispace.errors import UserError
from unispace.records.files import sha256_of_text
from unispace.records.images import ImageStore, Pixels, write_raw

log = logging.getLogger(__name__)

_BATCH = 256


def at_size(
    store: ImageStore, sha256: str, how: Preprocessing, shelf: Path, code: str
) -> ImageStore:
    """The store whose images need no resizing, from the shelf or put there; the store itself where that costs more room.

    Only images that lie decoded and become smaller are kept twice: for these resizing takes as long as a small network.

    Args:
        store: the images as the data set has them.
        sha256: of its file.
        how: the preprocessing of the network.
        shelf: folder of arrays by content, shared by all models and studies.
        code: what the code that resizes is called: what other code made is not taken over.

    Returns:
        A store whose `batch` gives, with the arguments of `how`, the bytes that `store` gives.
    """
    if not store.raw or how.resized not in (None, how.size) or how.size >= min(store.sides()):
        return store
    content = {
        "images": sha256,
        "size": how.size,
        "interpolation": how.interpolation,
        "aspect": how.aspect,
        "code": code,
    }
    key = sha256_of_text(json.dumps(content, sort_keys=True))
    path = shelf / f"{key}.npy"
    if path.is_file():
        try:
            found = ImageStore(path)
        except UserError as error:
            log.warning("resized images on the shelf are damaged (%s); made anew", error)
        else:
            if found.raw and len(found) == len(store) and found.sides() == (how.size, how.size):
                return found
            log.warning("resized images on the shelf %s are of another shape; made anew", path)
    write_raw(_resized(store, how), len(store), how.size, path)
    return ImageStore(path)


def _resized(store: ImageStore, how: Preprocessing) -> Iterator[Pixels]:
    for start in range(0, len(store), _BATCH):
        rows = np.arange(start, min(start + _BATCH, len(store)))
        yield store.batch(rows, how.size, how.interpolation, how.aspect)
