"""The verification files of the InsightFace packs (agedb_30.bin, calfw.bin, cplfw.bin): pairs of faces.

A pickle of all encoded images, two for each pair, and of whether each pair shows one person. It says no more about
who is on an image: both images of a genuine pair share a label, all others have one of their own. So only its own
pairs have a meaning; other pairs of these labels may show one person under two labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from unispace.data.sources.layouts import pickles
from unispace.errors import UserError


def read_listing(path: Path) -> pd.DataFrame:
    """The images of a file.

    Returns:
        Columns image_id and member (the place in the file), label, pair (its number), genuine (yes, no) and split
        (test: the file is for nothing else).

    Raises:
        UserError: where it is damaged, or is no such file.
    """
    images, same = _load(path)
    rows = []
    for i in range(len(images)):
        pair, genuine = i // 2, bool(same[i // 2])
        side = "" if genuine else "ab"[i % 2]
        rows.append((f"{i:06d}", f"pair-{pair:05d}{side}", str(pair), "yes" if genuine else "no"))
    listing = pd.DataFrame(rows, columns=["image_id", "label", "pair", "genuine"], dtype=str)
    return listing.assign(member=listing["image_id"], split="test")


def contents(path: Path, members: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """The bytes of images, in the order asked for, one at a time."""
    images, _ = _load(path)
    for member in members:
        image = images[int(member)]
        if isinstance(image, np.ndarray):
            yield member, image.tobytes()
        else:  # a text is how the bytes of Python 2 are read
            yield member, image if isinstance(image, bytes) else image.encode("latin1")


def _load(path: Path) -> tuple[list[bytes | str | np.ndarray], list[bool]]:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"{path}: not there") from error
    read = pickles.load(content, str(path), "verification file")
    if not (isinstance(read, tuple | list) and len(read) == 2):
        raise UserError(f"{path}: is no verification file: no images and pairs")
    images, same = read
    if not (
        isinstance(images, list)
        and all(isinstance(image, bytes | str | np.ndarray) for image in images)
        and isinstance(same, list | np.ndarray)
        and len(images) == 2 * len(same)
        and len(same)
    ):
        raise UserError(f"{path}: is no verification file: needs two images for each of its pairs")
    return images, list(same)
