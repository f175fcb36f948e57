"""Perceptual hashes of images, and all pairs of hashes that differ in a few bits.

The hash is the pHash: an image in grey is shrunk to 32 x 32, and each of its 8 x 8 lowest cosine coefficients gives
a bit, whether it lies above their median. Recompression, resizing and a change of brightness move few of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 32
DISTANCE = 4
"""Bits in which near-duplicates may differ."""

# Two hashes that differ in 4 bits at most agree in at least one of 5 bands (pigeonhole).
_WIDTHS = (13, 13, 13, 13, 12)

_FREQUENCY = np.arange(8)[:, None]
_COSINES = np.cos(np.pi * _FREQUENCY * (2 * np.arange(SIDE) + 1) / (2 * SIDE))


def thumbnail(image: Image.Image) -> NDArray[np.uint8]:
    """What the hash sees of an image, `(SIDE, SIDE)`."""
    return np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def perceptual_hashes(thumbnails: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The 64-bit pHash of each thumbnail, `(n, SIDE, SIDE)` to `(n,)`."""
    waves = _COSINES @ thumbnails.astype(np.float64) @ _COSINES.T
    # Where an image is flat, what is left of a coefficient is the error of its sum, and no bit.
    waves = waves.round(6).reshape(len(thumbnails), 64)
    bits = waves > np.median(waves, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64).ravel()


def near_pairs(
    hashes: NDArray[np.uint64], distance: int = DISTANCE
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Positions of all pairs of hashes that differ in at most `distance` bits, each pair once.

    Hashes are sorted by a band of their bits, and those that agree in it compared: first each with its neighbour,
    then with the one after that, and so on; so memory grows with the number of hashes and not with that of pairs.

    Args:
        hashes: distinct hashes; equal ones would be compared all with all, to no end.
        distance: less than the number of bands.

    Yields:
        Two arrays `(k,)` of positions. Within each of the two, no position stands twice.
    """
    if distance >= len(_WIDTHS):
        raise ValueError(f"bands find pairs up to {len(_WIDTHS) - 1} bits apart, got {distance}")
    masks = _masks()
    for band, mask in enumerate(masks):
        key = hashes & mask
        order = np.argsort(key, kind="stable")
        ends = np.searchsorted(key[order], key[order], side="right")
        here = np.arange(len(hashes))
        for lag in range(1, len(hashes)):
            here = here[here + lag < ends[here]]
            if not len(here):
                break
            first, second = order[here], order[here + lag]
            differ = hashes[first] ^ hashes[second]
            near = np.bitwise_count(differ) <= distance
            for earlier in masks[:band]:  # a pair that agrees there too was found then
                near &= (differ & earlier) != 0
            if near.any():
                yield first[near], second[near]


def _masks() -> list[np.uint64]:
    masks, low = [], 0
    for width in _WIDTHS:
        masks.append(np.uint64(((1 << width) - 1) << low))
        low += width
    return masks
