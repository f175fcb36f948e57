"""A batched painter: one stack of images, one call per shape.

Shapes are signed distances (negative inside, in units of half the image side), turned into soft
coverage and composited. Every image of a batch gets the same sequence of calls with its own
parameters, which is what makes the renderer fast.

Per-pixel arithmetic is limited to operations that IEEE 754 fixes to the last bit (+ - * / sqrt, minimum,
maximum, comparisons) on float32, so that the same parameters give the same bytes on every machine.
Angles are turned into sines and cosines outside, in parameters that are rounded.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating]

BLOCK = 1 << 16
"""Pixels that are worked on at once where a shape covers whole images: their arrays fit in a core's cache."""


def column(values: ArrayLike) -> Floats:
    """Shape one parameter per image, `(n,)` or a scalar, so that it broadcasts over pixels."""
    array = np.asarray(values, dtype=np.float32)
    return array.reshape(-1, 1, 1) if array.ndim else array.reshape(1, 1, 1)


def blocks(n: int, pixels: int) -> Iterator[slice]:
    """Slices of `n` images of so many pixels that are few enough for the cache."""
    step = max(1, BLOCK // pixels)
    return (slice(start, start + step) for start in range(0, n, step))


def part_of(values: Floats, part: slice) -> Floats:
    """Some images' values `(m, ...)`; one value for all, `(1, ...)`, stays as it is."""
    return values if len(values) == 1 else values[part]


def rotation(degrees: ArrayLike) -> tuple[Floats, Floats]:
    """Cosine and sine of angles, rounded so that they do not depend on the maths library."""
    radians = np.deg2rad(np.asarray(degrees, dtype=np.float64))
    return np.round(np.cos(radians), 6).astype(np.float32), np.round(np.sin(radians), 6).astype(
        np.float32
    )


class Canvas:
    """`n` square images of `size` pixels, painted back to front.

    Coordinates run from -1 to 1, x to the right and y downwards; pixel centres are sampled.

    Colours are three planes `(3, n, size, size)`: a colour in the innermost axis costs numpy one short loop per pixel.
    """

    def __init__(self, n: int, size: int) -> None:
        self.n, self.size = n, size
        self.planes: Floats = np.zeros((3, n, size, size), np.float32)
        centres = ((np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / size)) - 1
        # One coordinate per column and per line: arithmetic widens them to pixels when it must.
        self.x: Floats = centres.reshape(1, 1, size)
        self.y: Floats = centres.reshape(1, size, 1)
        self.edge = np.float32(1.5 / size)  # half width of an anti-aliased edge

    def coverage(self, distance: Floats, softness: ArrayLike = 1.0) -> Floats:
        """Signed distance `(n, h, w)` to opacity in [0, 1]; `softness` widens the edge."""
        width = self.edge * column(softness)
        share = distance / (2 * width)
        np.subtract(np.float32(0.5), share, out=share)
        return np.clip(share, 0, 1, out=share)

    def paint(self, coverage: Floats, colour: ArrayLike, opacity: ArrayLike = 1.0) -> None:
        """Composite a colour over the images.

        Args:
            coverage: `(n, h, w)` in [0, 1].
            colour: `(3,)`, `(n, 3)` or per pixel `(n, h, w, 3)`, in [0, 1].
            opacity: scalar or `(n,)`.
        """
        tint = np.asarray(colour, dtype=np.float32)
        tint = tint.reshape(-1, 1, 1, 3) if tint.ndim < 3 else tint
        opaque, fade = isinstance(opacity, float) and opacity == 1, column(opacity)
        _, n, height, width = self.planes.shape
        for part in blocks(n, height * width):
            alpha = part_of(coverage, part)
            if not opaque:
                alpha = alpha * part_of(fade, part)
            level = part_of(tint, part)
            for channel in range(3):
                plane = self.planes[channel, part]
                difference = level[..., channel] - plane
                difference *= alpha
                plane += difference

    def finish(self) -> NDArray[np.uint8]:
        """The images as uint8, `(n, size, size, 3)`, RGB."""
        return to_bytes(self.planes)


def to_bytes(planes: Floats) -> NDArray[np.uint8]:
    """Planes `(3, n, h, w)` of numbers in [0, 1], others cut off, as images `(n, h, w, 3)`, RGB."""
    images = np.empty((*planes.shape[1:], len(planes)), np.uint8)
    for channel, plane in enumerate(planes):
        level = np.clip(plane, 0, 1)
        level *= np.float32(255)
        level += np.float32(0.5)
        np.copyto(images[..., channel], level, casting="unsafe")
    return images


def turned(
    x: Floats, y: Floats, cx: ArrayLike, cy: ArrayLike, degrees: ArrayLike
) -> tuple[Floats, Floats]:
    """Coordinates in a frame centred at (cx, cy) and turned clockwise by `degrees`."""
    cos, sin = rotation(degrees)
    dx, dy = x - column(cx), y - column(cy)
    c, s = column(cos), column(sin)
    return _plus(dx * c, dy * s), _minus(dy * c, dx * s)


def _plus(a: Floats, b: Floats) -> Floats:
    """The sum of two arrays that are not needed any more, in the first where it has the room."""
    return np.add(a, b, out=a) if a.shape == b.shape else a + b


def _minus(a: Floats, b: Floats) -> Floats:
    """The difference, likewise."""
    return np.subtract(a, b, out=a) if a.shape == b.shape else a - b


def turned_back(
    x: ArrayLike, y: ArrayLike, degrees: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where a point of a frame that is turned clockwise by `degrees` lies before the turn, `(n,)` each."""
    cos, sin = (np.asarray(value, dtype=np.float64) for value in rotation(degrees))
    p, q = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    return p * cos - q * sin, p * sin + q * cos


def ellipse(x: Floats, y: Floats, rx: ArrayLike, ry: ArrayLike) -> Floats:
    """Signed distance (first order) to an ellipse around the origin."""
    a, b = column(rx), column(ry)
    u, v = x / a, y / b
    # In place, as this is the shape computed most: a new array costs as much as the arithmetic.
    radius = _plus(u * u, v * v)
    np.sqrt(radius, out=radius)
    u /= a
    v /= b
    u *= u
    v *= v
    slope = _plus(u, v)
    np.sqrt(slope, out=slope)
    slope += np.float32(1e-6)
    distance = radius - 1
    distance *= radius
    distance /= slope
    return distance


def box(x: Floats, y: Floats, hx: ArrayLike, hy: ArrayLike, corner: ArrayLike = 0.0) -> Floats:
    """Signed distance to a box with half sides (hx, hy) and rounded corners."""
    r = column(corner)
    dx, dy = np.abs(x) - column(hx) + r, np.abs(y) - column(hy) + r
    outside = np.sqrt(np.maximum(dx, 0) ** 2 + np.maximum(dy, 0) ** 2)
    return outside + np.minimum(np.maximum(dx, dy), 0) - r


def segment(
    x: Floats,
    y: Floats,
    ax: ArrayLike,
    ay: ArrayLike,
    bx: ArrayLike,
    by: ArrayLike,
    radius: ArrayLike,
) -> Floats:
    """Signed distance to a capsule from a to b."""
    ax_, ay_ = column(ax), column(ay)
    ux, uy = column(bx) - ax_, column(by) - ay_
    px, py = x - ax_, y - ay_
    t = _plus(px * ux, py * uy)
    t /= ux * ux + uy * uy + np.float32(1e-9)
    np.clip(t, 0, 1, out=t)
    dx = t * ux
    np.subtract(px, dx, out=dx)
    t *= uy
    dy = np.subtract(py, t, out=t)
    dx *= dx
    dy *= dy
    dx += dy
    np.sqrt(dx, out=dx)
    dx -= column(radius)
    return dx


def polygon(x: Floats, y: Floats, corners: ArrayLike) -> Floats:
    """Signed distance to a convex polygon: the largest of its half-plane distances.

    Args:
        x: `(n, h, w)`.
        y: `(n, h, w)`.
        corners: `(k, 2)` or `(n, k, 2)`, clockwise on screen (y downwards).
    """
    points = np.asarray(corners, dtype=np.float32)
    if points.ndim == 2:
        points = points[None]
    inside: Floats | None = None
    for i in range(points.shape[1]):
        p, q = points[:, i], points[:, (i + 1) % points.shape[1]]
        edge = q - p
        length = np.sqrt((edge * edge).sum(axis=1)) + np.float32(1e-9)
        nx, ny = edge[:, 1] / length, -edge[:, 0] / length
        d = (x - column(p[:, 0])) * column(nx) + (y - column(p[:, 1])) * column(ny)
        inside = d if inside is None else np.maximum(inside, d)
    if inside is None:
        raise ValueError("a polygon needs corners")
    return inside
