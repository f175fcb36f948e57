"""Images read between their pixels, and distances to outlines drawn on them.

Only arithmetic that IEEE 754 fixes to the last bit meets a pixel, as in `studio.canvas`. Places are in
pixels from the upper left corner; the middle of the first pixel is at (0.5, 0.5).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unispace.data.studio.canvas import Floats, column


def to_planes(images: NDArray[np.uint8]) -> Floats:
    """Images `(n, h, w, 3)` as float32 planes `(n, 3, h, w)` in [0, 1]."""
    planes = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    return planes.astype(np.float32) * np.float32(1 / 255)


def sample(planes: Floats, x: Floats, y: Floats) -> Floats:
    """Read images at places between pixels, bilinearly; outside, the nearest pixel of the edge.

    Args:
        planes: `(n, channels, s, s)`, float32.
        x: across, `(n, h, w)`.
        y: down, likewise.

    Returns:
        `(n, channels, h, w)`, float32.
    """
    n, channels, size, _ = planes.shape
    x = np.clip(x - np.float32(0.5), 0, size - 1).astype(np.float32)
    y = np.clip(y - np.float32(0.5), 0, size - 1).astype(np.float32)
    left, upper = (np.minimum(place.astype(np.intp), size - 2) for place in (x, y))
    across, down = x - left.astype(np.float32), y - upper.astype(np.float32)
    flat = planes.reshape(n, channels, size * size)
    corner = upper * size + left + (np.arange(n) * channels * size * size)[:, None, None]
    result = np.empty((n, channels, *x.shape[1:]), np.float32)
    values = flat.reshape(-1)
    for channel in range(channels):
        start = corner + channel * size * size
        a, b = values.take(start), values.take(start + 1)
        c, d = values.take(start + size), values.take(start + size + 1)
        top, bottom = a + across * (b - a), c + across * (d - c)
        result[:, channel] = top + down * (bottom - top)
    return result


def grid(size: int) -> tuple[Floats, Floats]:
    """Places of the pixels of an image, `(1, 1, size)` across and `(1, size, 1)` down."""
    centres = np.arange(size, dtype=np.float32) + np.float32(0.5)
    return centres[None, None, :], centres[None, :, None]


def outline_distance(ring: NDArray[np.float64], size: int) -> Floats:
    """Signed distance of pixels to closed polygons, in pixels, negative inside.

    Args:
        ring: corners in order, `(n, k, 2)`.
        size: side of the images.

    Returns:
        `(n, size, size)`, float32.
    """
    x, y = grid(size)
    corners = np.round(ring, 4).astype(np.float32)
    nearest = np.full((len(ring), size, size), np.inf, np.float32)
    inside = np.zeros(nearest.shape, np.bool_)
    for i in range(corners.shape[1]):
        p, q = corners[:, i], corners[:, (i + 1) % corners.shape[1]]
        px, py, ux, uy = (column(v) for v in (*p.T, *(q - p).T))
        dx, dy = x - px, y - py
        along = np.clip((dx * ux + dy * uy) / (ux * ux + uy * uy + np.float32(1e-9)), 0, 1)
        ex, ey = dx - along * ux, dy - along * uy
        np.minimum(nearest, ex * ex + ey * ey, out=nearest)
        # An edge that crosses a pixel's line to its left changes inside and outside.
        crosses = (py > y) != (py + uy > y)
        inside ^= crosses & ((dx * uy - dy * ux > 0) == (uy > 0))
    distance = np.sqrt(nearest)
    return np.where(inside, -distance, distance)


def cover(distance: Floats, width: float | Floats = 1.0) -> Floats:
    """Opacity in [0, 1] of what lies inside an outline, its edge `width` pixels wide, as float32."""
    return np.clip(np.float32(0.5) - distance / np.asarray(width, np.float32), 0, 1)


def blend(under: Floats, over: Floats, share: Floats) -> Floats:
    """`under` moved towards `over`, `(n, 3, h, w)` each, by shares `(n, h, w)`."""
    return under + share[:, None] * (over - under)
