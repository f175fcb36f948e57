"""A stack of images stored plane by plane, with what is done to whole images; numbers from hashing."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unispace.data.studio.canvas import Floats, column, to_bytes

Doubles = NDArray[np.float64]


def rounded_trig(radians: ArrayLike) -> tuple[Doubles, Doubles]:
    """Cosine and sine of parameters, rounded so that they do not depend on the maths library."""
    angles: Doubles = np.asarray(radians, dtype=np.float64)
    cos: Doubles = np.cos(angles, dtype=np.float64)
    sin: Doubles = np.sin(angles, dtype=np.float64)
    return np.round(cos, 6), np.round(sin, 6)


def hash01(*keys: ArrayLike) -> Floats:
    """Mix integers into uniform numbers in [0, 1): the same keys give the same number anywhere.

    Args:
        keys: integer arrays that broadcast together.

    Returns:
        float32 multiples of 2**-24, in the broadcast shape.
    """
    # One-dimensional at least: numpy wraps uint32 arrays silently but warns for scalars.
    mixed = np.full((1,), 0x9E3779B9, dtype=np.uint32)
    for key in keys:
        mixed = mixed ^ np.atleast_1d(np.asarray(key)).astype(np.uint32)
        mixed *= np.uint32(0x85EBCA6B)
        mixed ^= mixed >> np.uint32(13)
        mixed *= np.uint32(0xC2B2AE35)
        mixed ^= mixed >> np.uint32(16)
    mixed >>= np.uint32(8)
    share = mixed.astype(np.float32)
    share *= np.float32(2.0**-24)
    return share


class Stage:
    """`n` square images of `size` pixels, stored plane by plane: `pixels` is `(n, planes, size, size)`.

    Three planes are a picture; other counts hold what is computed before a picture.

    Coordinates are those of `Canvas`: -1 to 1, x to the right, y downwards, pixel centres.
    """

    def __init__(self, n: int, size: int, planes: int = 3) -> None:
        self.n, self.size = n, size
        self.pixels: Floats = np.zeros((n, planes, size, size), np.float32)
        self.centres: Floats = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(
            2 / size
        ) - np.float32(1)
        self.edge = np.float32(1.5 / size)  # half width of an anti-aliased edge, as in Canvas

    def windows(self, height: int, width: int) -> Floats:
        """Every place of a window: `(n, planes, size - height + 1, size - width + 1, height, width)`, no copy.

        Written by hand, as `sliding_window_view` takes longer to check its arguments than a small shape to paint.
        """
        n, planes, size, _ = self.pixels.shape
        steps = self.pixels.strides
        shape = (n, planes, size - height + 1, size - width + 1, height, width)
        return np.ndarray(shape, np.float32, self.pixels, 0, (*steps, *steps[2:]))

    def add_noise(self, amount: ArrayLike, seeds: NDArray[np.integer]) -> None:
        """Add grey pixel noise, uniform in +-`amount` (scalar or `(n,)`), drawn from `seeds` `(n,)`."""
        where = np.arange(self.size * self.size, dtype=np.uint32).reshape(1, self.size, self.size)
        noise = hash01(np.asarray(seeds).reshape(-1, 1, 1), where)
        noise *= 2
        noise -= 1
        noise *= column(amount)
        self.pixels += noise[:, None]

    def blur(self, amount: ArrayLike) -> None:
        """Soften each image by its `amount` in [0, 1], about the same at any image size."""
        side = np.broadcast_to(column(amount) * np.float32(0.25), (self.n, 1, 1))[:, None]
        for start in range(0, self.n, _BLURRED):
            part = slice(start, start + _BLURRED)
            for _ in range(max(1, round(self.size / 64))):
                for lines in (self.pixels[part], self.pixels[part].swapaxes(2, 3)):
                    _soften(lines, side[part])

    def finish(self) -> NDArray[np.uint8]:
        """The images as uint8, `(n, size, size, 3)`, RGB."""
        return to_bytes(self.pixels.swapaxes(0, 1))


_BLURRED = 8
"""Images blurred at once: few enough for the cache, since every pixel is read several times."""


def _soften(pixels: Floats, side: Floats) -> None:
    """Move every line towards its two neighbours, in place; `(n, planes, lines, k)`. The outer lines count twice."""
    change = np.empty_like(pixels)
    np.add(pixels[:, :, :-2], pixels[:, :, 2:], out=change[:, :, 1:-1])
    np.add(pixels[:, :, 0], pixels[:, :, 1], out=change[:, :, 0])
    np.add(pixels[:, :, -2], pixels[:, :, -1], out=change[:, :, -1])
    change -= 2 * pixels
    change *= side
    pixels += change
