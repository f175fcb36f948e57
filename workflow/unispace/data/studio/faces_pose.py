"""Where things are on a turned head, and a canvas with windows to paint them in.

Head coordinates: x to the right of the image, y down, z towards the viewer, origin in the middle
of the head, in half image sides at scale 1. Parameters are computed in float64 and rounded to six
decimals before they meet a pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unispace.data.studio.canvas import Canvas, Floats, blocks, column, part_of, segment

Doubles: TypeAlias = NDArray[np.float64]
Point: TypeAlias = tuple[ArrayLike, ArrayLike, ArrayLike]
Ends: TypeAlias = tuple[Floats, Floats]


ZOOM = 1.18  # of a head at scale 1, so that it fills the picture
DEPTH = 0.86  # of the face in front of the middle of the head, relative to its half width


def fixed(values: ArrayLike) -> Floats:
    """Round parameters so that they do not depend on the maths library."""
    return np.asarray(values, dtype=np.float64).round(6).astype(np.float32)


class Layer(Canvas):
    """A canvas with windows."""

    def darken(self, coverage: Floats, factor: ArrayLike) -> None:
        """Multiply the colours where covered: a shadow that keeps what it falls on."""
        scale = 1 - coverage * (1 - column(factor))
        self.planes *= scale[None]

    def whole(self, rows: NDArray[np.intp]) -> Iterator[tuple[Window, NDArray[np.intp]]]:
        """Windows on the whole of the images `rows`, a few at a time, each with the numbers of its images."""
        for part in blocks(len(rows), self.size * self.size):
            with self.window(rows[part], 0, 0, 1, 1) as window:
                yield window, rows[part]

    def window(
        self,
        rows: NDArray[np.intp],
        cx: ArrayLike,
        cy: ArrayLike,
        half_width: float,
        half_height: float,
    ) -> Window:
        """Open a window of a fixed size around a point of each of the images `rows`.

        Args:
            rows: `(m,)` image numbers.
            cx: centres across, `(m,)` or scalar, canvas coordinates.
            cy: centres down, likewise.
            half_width: in half image sides; the window is pushed inside the image.
            half_height: likewise.
        """
        return Window(self, rows, (cx, cy), (half_width, half_height))


def stretches(line: Floats, width: int) -> Floats:
    """Every stretch of a line of numbers: `(places, width)`, no copy."""
    (step,) = line.strides
    return np.ndarray((len(line) - width + 1, width), np.float32, line, 0, (step, step))


def places(layers: Floats, height: int, width: int) -> Floats:
    """Every place of a window in the last two axes of an array: `(..., down, across, height, width)`, no copy.

    Written by hand, as `sliding_window_view` takes longer to check its arguments than a small shape to paint.
    """
    *others, down, across = layers.shape
    shape = (*others, down - height + 1, across - width + 1, height, width)
    steps = layers.strides
    return np.ndarray(shape, np.float32, layers, 0, (*steps, *steps[-2:]))


# Asked for by number, the planes of a window lie one after the other, and are painted twice as fast as by a slice.
_PLANES = np.arange(3)[:, None]


class Window(Layer):
    """Part of some images, painted like a canvas and written back at the end of a `with` block."""

    def __init__(
        self,
        parent: Layer,
        rows: NDArray[np.intp],
        centre: tuple[ArrayLike, ArrayLike],
        half: tuple[float, float],
    ) -> None:
        self.n, self.size, self.edge = len(rows), parent.size, parent.edge
        left, width = self._place(centre[0], half[0])
        top, height = self._place(centre[1], half[1])
        self.x = stretches(parent.x[0, 0], width)[left][:, None, :]
        self.y = stretches(parent.y[0, :, 0], height)[top][:, :, None]
        self.shape = (self.n, height, width)
        # A window as large as the image has one place, so no pixel need be looked for.
        self._at = (rows,) if (height, width) == (self.size, self.size) else (rows, top, left)
        self._parent, self._within = parent, None
        self.planes = self._every(parent.planes)[_PLANES, *self._at]

    def _place(self, centre: ArrayLike, half: float) -> tuple[NDArray[np.intp], int]:
        """First column or line of each window, `(n,)`, and their number."""
        width = min(int(np.ceil(half * self.size)) + 2, self.size)
        middle = (np.asarray(centre, dtype=np.float64) + 1) * self.size / 2
        start = np.round(middle - width / 2)
        start = np.minimum(np.maximum(start, 0), self.size - width).astype(np.intp)
        return np.broadcast_to(start, (self.n,)), width

    def _every(self, layers: Floats) -> Floats:
        """What `_at` chooses the window's part from, of arrays `(..., n, size, size)`."""
        return layers if len(self._at) == 1 else places(layers, *self.shape[1:])

    def crop(self, layer: Floats) -> Floats:
        """The window's part of a `(n, size, size)` array that belongs to the whole images."""
        return self._every(layer)[self._at]

    def paste(self, layer: Floats, values: Floats) -> None:
        """Write values into the window's part of a contiguous `(n, size, size)` array."""
        self._every(layer)[self._at] = values

    def keep_within(self, layer: Floats) -> None:
        """Let paint stick only where a `(n, size, size)` opacity of the whole images allows it."""
        self._within = self.crop(layer)

    def paint(self, coverage: Floats, colour: ArrayLike, opacity: ArrayLike = 1.0) -> None:
        """Composite a colour over the window; see `Layer.paint`."""
        super().paint(
            coverage if self._within is None else coverage * self._within, colour, opacity
        )

    def __enter__(self) -> Window:
        """Start painting."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write the window back into the images."""
        self._every(self._parent.planes)[_PLANES, *self._at] = self.planes


@dataclass(frozen=True)
class Frame:
    """A flat patch of the head: a centre on the image and the map from image to patch.

    `facing` is the z component of the patch's normal: 1 towards the viewer, below 0 hidden.
    """

    cx: Floats
    cy: Floats
    inverse: tuple[Floats, Floats, Floats, Floats]
    facing: Floats

    def local(self, canvas: Canvas) -> tuple[Floats, Floats]:
        """Patch coordinates of the canvas' pixels, in head units."""
        dx, dy = canvas.x - column(self.cx), canvas.y - column(self.cy)
        a, b, c, d = (column(m) for m in self.inverse)
        return a * dx + b * dy, c * dx + d * dy

    def place(self, u: ArrayLike, v: ArrayLike) -> tuple[Doubles, Doubles]:
        """Canvas coordinates of points of the patch, `(n,)` each: `local` backwards."""
        a, b, c, d = (np.asarray(m, dtype=np.float64) for m in self.inverse)
        p, q = np.asarray(u, dtype=np.float64), np.asarray(v, dtype=np.float64)
        det = a * d - b * c
        x, y = (d * p - b * q) / det, (a * q - c * p) / det
        return self.cx + x, self.cy + y

    def take(self, rows: NDArray[np.intp]) -> Frame:
        """The frames of some of the images."""
        a, b, c, d = self.inverse
        return Frame(
            self.cx[rows], self.cy[rows], (a[rows], b[rows], c[rows], d[rows]), self.facing[rows]
        )

    def visible(self) -> Floats:
        """Opacity that fades a patch out as it turns away, `(n,)`."""
        return fixed(np.clip(self.facing.astype(np.float64) * 5, 0, 1))


class Pose:
    """The turn, size and place of each head, and of things on it."""

    def __init__(self, identity: dict[str, NDArray], view: dict[str, NDArray]) -> None:
        angles = np.deg2rad(
            np.stack([view[k].astype(np.float64) for k in ("yaw", "pitch", "roll")])
        )
        (cy, cp, cr), (sy, sp, sr) = np.round(np.cos(angles), 6), np.round(np.sin(angles), 6)
        self.sin_yaw, self.cos_yaw, self.roll = sy, cy, view["roll"]
        # Rows of the rotation before the roll: first the yaw, then the pitch.
        self._upright = ((cy, 0 * cy, sy), (-sp * sy, cp, sp * cy), (-cp * sy, -sp, cp * cy))
        u, v, w = self._upright
        self._rows = (
            tuple(cr * p - sr * q for p, q in zip(u, v, strict=True)),
            tuple(sr * p + cr * q for p, q in zip(u, v, strict=True)),
            w,
        )
        self.scale = ZOOM * view["scale"].astype(np.float64)
        self.cx = view["shift_x"].astype(np.float64)
        self.cy = view["shift_y"].astype(np.float64) + 0.02
        self.a, self.b = identity["head_width"], identity["head_height"]
        self.c = DEPTH * self.a

    def upright(self, point: Point) -> tuple[Doubles, Doubles]:
        """Place of a head point on the image before roll, scale and shift."""
        x, y = (_dot(row, point) for row in self._upright[:2])
        return x, y

    def place(self, point: Point) -> tuple[Doubles, Doubles, Doubles]:
        """Canvas coordinates of a head point, and its nearness (z, in head units)."""
        x, y, z = (_dot(row, point) for row in self._rows)
        return self.cx + self.scale * x, self.cy + self.scale * y, z

    def frame(self, point: Point, across: Point, down: Point) -> Frame:
        """The patch through `point` spanned by two head vectors."""
        x, y, _ = self.place(point)
        a, b = (self.scale * _dot(row, across) for row in self._rows[:2])
        c, d = (self.scale * _dot(row, down) for row in self._rows[:2])
        normal = (
            np.multiply(across[1], down[2]) - np.multiply(across[2], down[1]),
            np.multiply(across[2], down[0]) - np.multiply(across[0], down[2]),
            np.multiply(across[0], down[1]) - np.multiply(across[1], down[0]),
        )
        length = np.sqrt(sum(np.square(k) for k in normal))
        facing = _dot(self._rows[2], normal) / length
        # Seen edge-on a patch has no inverse; it is invisible then, so any finite one will do.
        det = np.maximum(a * d - b * c, 0.1 * self.scale**2)
        inverse = (fixed(d / det), fixed(-c / det), fixed(-b / det), fixed(a / det))
        return Frame(fixed(x), fixed(y), inverse, fixed(facing))

    def on_face(self, x: ArrayLike, y: ArrayLike, lift: float = 0.0) -> Frame:
        """The patch touching the front of the head at `(x, y)`, raised by `lift`."""
        p, q = np.divide(x, self.a), np.divide(y, 1.2 * self.b)
        depth = np.sqrt(np.maximum(1 - p * p - q * q, 0.2))
        # Slopes are eased: a face is flatter in front than an ellipsoid.
        slope_x = -0.75 * self.c / self.a * p / depth
        slope_y = -0.3 * self.c / self.b * q / depth
        one, zero = np.ones_like(self.a), np.zeros_like(self.a)
        return self.frame((x, y, self.c * depth + lift), (one, zero, slope_x), (zero, one, slope_y))

    def sphere(
        self, canvas: Canvas, centre: Point, radii: tuple[Doubles, Doubles, Doubles]
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """Which point of an ellipsoid fixed to the head each pixel sees.

        Args:
            canvas: whole images.
            centre: of the ellipsoid, head coordinates.
            radii: along x, y and z, `(n,)` each.

        Returns:
            x, y, z on the unit sphere, and the radius: 1 on the outline, more outside, where the
            point is the one nearest to the pixel's ray.
        """
        cx, cy, _ = self.place(centre)
        # Columns: how the sphere point moves with image x, image y and depth.
        move = [[self._rows[i][k] / radii[k] / self.scale for k in range(3)] for i in range(3)]
        depth = np.sqrt(sum(np.square(k) for k in move[2]))
        axis = [k / depth for k in move[2]]
        dx, dy = canvas.x - column(fixed(cx)), canvas.y - column(fixed(cy))
        axes = [column(fixed(k)) for k in axis]
        along = [_dot(move[i], (axis[0], axis[1], axis[2])) for i in range(2)]
        across = [dx * column(fixed(move[0][k] - along[0] * axis[k])) for k in range(3)]
        down = [dy * column(fixed(move[1][k] - along[1] * axis[k])) for k in range(3)]
        x, y, z, radius = np.empty((4, canvas.n, canvas.size, canvas.size), np.float32)
        for part in blocks(canvas.n, canvas.size * canvas.size):
            flat = [part_of(a, part) + part_of(d, part) for a, d in zip(across, down, strict=True)]
            square = flat[0] * flat[0]
            square += flat[1] * flat[1]
            square += flat[2] * flat[2]
            np.sqrt(square, out=radius[part])
            np.subtract(1, square, out=square)
            np.maximum(square, 0, out=square)
            height = np.sqrt(square, out=square)
            for whole, f, k in zip((x, y, z), flat, axes, strict=True):
                np.add(f, height * part_of(k, part), out=whole[part])
        return x, y, z, radius


def _dot(row: tuple[Doubles, ...] | list[Doubles], point: Point) -> Doubles:
    x, y, z = (np.asarray(value, dtype=np.float64) for value in point)
    return row[0] * x + row[1] * y + row[2] * z


def stroke(canvas: Canvas, start: Ends, end: Ends, radius: ArrayLike) -> Floats:
    """Distance to a capsule between two points given in canvas coordinates, `(n,)` each."""
    return segment(canvas.x, canvas.y, start[0], start[1], end[0], end[1], radius)
