"""Pictures bent so that their landmarks come to lie on others: piecewise affine, or as a whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from unispace.data.attacks.sampling import sample
from unispace.data.studio.canvas import Floats
from unispace.data.studio.stage import Doubles, hash01

FRAME = 4  # points fixed on each side of the picture
INSET = 0.015  # of the picture's side: landmarks nearer to its edge, or beyond, are moved to here
# Symmetric faces put four points on one circle, where rounding would choose the diagonal, and landmarks
# moved to the edge lie on one line: each point is moved by its own hashed fraction of this many pixels,
# the same in all pictures.
JITTER = 0.02
OUTSIDE = -1e-9  # least barycentric coordinate of what still counts as inside a triangle


def within_frame(points: Doubles, size: int) -> Doubles:
    """Landmarks `(k, 2)` inside a picture and the points fixed on its frame, `(k + 4 * FRAME, 2)`."""
    number = np.arange(len(points))
    move = np.stack([hash01(number, 1), hash01(number, 2)], axis=1).astype(np.float64) - 0.5
    margin = max(INSET * size, 0.5)
    line = np.arange(FRAME) * (size / FRAME)
    ends, full = np.zeros(FRAME), np.full(FRAME, float(size))
    frame = np.concatenate(
        [
            np.stack([line, ends], axis=1),
            np.stack([full, line], axis=1),
            np.stack([size - line, full], axis=1),
            np.stack([ends, size - line], axis=1),
        ]
    )
    kept = np.clip(points, margin, size - margin).astype(np.float64) + JITTER * move
    return np.concatenate([kept, frame.astype(np.float64)])


class Warp:
    """Triangles over a shape that pictures are bent to, and which of them each pixel is in."""

    def __init__(self, shape: Doubles, size: int) -> None:
        """Triangulate.

        Args:
            shape: landmarks `(k, 2)` in pixels that the pictures will have.
            size: side of the pictures.
        """
        self.size = size
        self.shape = within_frame(shape, size)
        # Qhull finds the triangles only; its own search for a point's triangle calls LAPACK, whose
        # threads cost more than the search.
        self._corners: NDArray[np.intp] = Delaunay(self.shape).simplices.astype(np.intp)
        self._triangle, self._weights = self._fill()

    def _fill(self) -> tuple[NDArray[np.intp], Doubles]:
        """The triangle of each pixel `(s, s)`, and its weights of the second and third corner `(2, s, s)`."""
        size = self.size
        corners = self.shape[self._corners]
        p, a, b = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
        # Every pixel of the box around every triangle, in one list.
        first = np.maximum(np.floor(corners.min(axis=1) - 0.5), 0).astype(np.intp)
        last = np.minimum(np.floor(corners.max(axis=1) + 0.5), size - 1).astype(np.intp)
        wide, tall = (last - first + 1).T
        count = wide * tall
        k = np.repeat(np.arange(len(count)), count)
        place = np.arange(len(k)) - np.repeat(np.cumsum(count) - count, count)
        down, across = np.divmod(place, wide[k])
        across, down = across + first[k, 0], down + first[k, 1]
        x, y = across + 0.5 - p[k, 0], down + 0.5 - p[k, 1]
        s = (x * b[k, 1] - y * b[k, 0]) / area[k]
        t = (a[k, 0] * y - a[k, 1] * x) / area[k]
        inside = np.flatnonzero((s >= OUTSIDE) & (t >= OUTSIDE) & (s + t <= 1 - OUTSIDE))
        where = down[inside] * size + across[inside]
        triangle, weights = np.zeros(size * size, np.intp), np.zeros((2, size * size))
        # A pixel on the side of two triangles is at the same place in both.
        triangle[where] = k[inside]
        weights[:, where] = s[inside], t[inside]
        return triangle.reshape(size, size), weights.reshape(2, size, size)

    def bend(self, planes: Floats, points: Doubles) -> Floats:
        """A picture with its landmarks moved onto the shape.

        Args:
            planes: `(3, s, s)`.
            points: the picture's own landmarks `(k, 2)`.
        """
        corners = within_frame(points, self.size)[self._corners]
        # Barycentric coordinates are the same in the picture's own triangle.
        p, q, r = (corners[:, i][self._triangle] for i in range(3))
        s, t = self._weights[..., None]
        return _read(planes, p + s * (q - p) + t * (r - p))


def similarity(planes: Floats, points: Doubles, shape: Doubles) -> Floats:
    """A picture turned, scaled and shifted so that its landmarks come nearest to a shape.

    Args:
        planes: `(3, s, s)`.
        points: the picture's landmarks `(k, 2)`.
        shape: where they should come to lie, `(k, 2)`.
    """
    size = planes.shape[-1]
    own, goal = points.mean(axis=0), shape.mean(axis=0)
    p, q = points - own, shape - goal
    # Least squares of p = turn(q), from the shape back to the picture.
    power = (q * q).sum()
    cos = (p * q).sum() / power
    sin = (p[:, 1] * q[:, 0] - p[:, 0] * q[:, 1]).sum() / power
    cos, sin = np.round(cos, 6), np.round(sin, 6)
    line = np.arange(size) + 0.5
    x, y = line[None, :] - goal[0], line[:, None] - goal[1]
    place = np.stack([own[0] + cos * x - sin * y, own[1] + sin * x + cos * y], axis=-1)
    return _read(planes, place)


def _read(planes: Floats, place: NDArray[np.float64]) -> Floats:
    """A picture read at places `(s, s, 2)`, rounded so that they are the same on every machine."""
    where = np.round(place, 3).astype(np.float32)
    return sample(planes[None], where[None, ..., 0], where[None, ..., 1])[0]
