"""Which images of one part of the data stand again, exactly or nearly, in another one.

A part is a split of a data set. Everything is counted in arrays of pictures by parts, never in pairs of images: a
picture that stands there a thousand times costs no more than one that stands there once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.data.audit.hashes import DISTANCE, near_pairs


@dataclass(frozen=True)
class Duplicates:
    """Copies and near copies of the images of all data sets.

    Attributes:
        part: the part of each image, `(n,)`.
        picture: a number for each image, equal for equal pixels, `(n,)`.
        images: how many images of each picture each part holds, `(pictures, parts)`.
        near: whether a part holds another picture that looks nearly the same, `(pictures, parts)`.
        phash: perceptual hash of each image, `(n,)`.
    """

    part: NDArray[np.int64]
    picture: NDArray[np.int64]
    images: NDArray[np.int32]
    near: NDArray[np.bool_]
    phash: NDArray[np.uint64]

    def copied(self, part: int, other: int) -> NDArray[np.int64]:
        """Positions of the images of a part of which another part, or the same one, holds a copy."""
        least = 1 if part == other else 0
        mine = np.flatnonzero(self.part == part)
        return mine[self.images[self.picture[mine], other] > least]

    def nearly_copied(self, part: int, other: int) -> NDArray[np.int64]:
        """Positions of the images of a part of which another part, or the same one, holds a near copy."""
        mine = np.flatnonzero(self.part == part)
        return mine[self.near[self.picture[mine], other]]

    def copy_of(self, image: int, other: int) -> int:
        """The first other image of a part with the same pixels."""
        same = (self.part == other) & (self.picture == self.picture[image])
        same[image] = False
        return int(np.argmax(same))

    def near_copy_of(self, image: int, other: int) -> int:
        """The first image of a part that looks nearly the same and is no copy."""
        bits = np.bitwise_count(self.phash ^ self.phash[image])
        near = (self.part == other) & (self.picture != self.picture[image]) & (bits <= DISTANCE)
        return int(np.argmax(near))


def find_duplicates(images: pd.DataFrame, part: NDArray[np.int64], parts: int) -> Duplicates:
    """Find all copies and near copies.

    Args:
        images: rows as of `read_images`.
        part: number of the part of each row, `(n,)`, below `parts`.
        parts: how many parts there are.
    """
    phash = images["phash"].to_numpy(np.uint64)
    _, first, picture = np.unique(
        images["pixels"].to_numpy(np.uint64), return_index=True, return_inverse=True
    )
    held = np.zeros((len(first), parts), np.int32)
    np.add.at(held, (picture, part), 1)
    looks, look = np.unique(phash[first], return_inverse=True)
    # Pictures that look the same to the hash: a part holds another one if it holds more than this one.
    alike = np.zeros((len(looks), parts), np.int32)
    np.add.at(alike, look, held > 0)
    near = alike[look] > (held > 0)
    beside = np.zeros((len(looks), parts), bool)
    for one, other in near_pairs(looks):
        # Plain assignment is enough, because no position stands twice in either array.
        beside[one] |= alike[other] > 0
        beside[other] |= alike[one] > 0
    return Duplicates(part, picture, held, near | beside[look], phash)
