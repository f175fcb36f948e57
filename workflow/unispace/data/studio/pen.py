"""A painter that touches only the pixels near a shape.

`Canvas` computes every shape over the whole image; a figure of sixty small shapes is far cheaper when
each is computed in a window around it. All images of a call share one window size and each has its
own window position, so the work stays vectorised over the batch.

The bytes of an image do not depend on the window size, hence not on the other images of the batch:
outside a shape its opacity is exactly zero, which leaves a pixel as it was. As in `canvas`, per-pixel
arithmetic is limited to exactly rounded float32 operations and integer hashing.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unispace.data.studio import canvas
from unispace.data.studio.canvas import Floats, column, rotation
from unispace.data.studio.stage import Doubles, Stage

Rows = NDArray[np.intp]

EVEN = np.ones((1, 1, 1), np.float32)
"""The shade of a shape that no light falls on from a side."""
OUTLINE_TONE = np.float32(0.42)  # an outline is the shape's own colour, this much darker


@dataclass(frozen=True)
class Patch:
    """Windows around one shape, one per image.

    Attributes:
        u: local x of the pixels, broadcastable to `(n, h, w)`.
        v: local y of the pixels, broadcastable to `(n, h, w)`.
        left: first column of each window, `(n,)`.
        top: first row of each window, `(n,)`.
        height: rows of a window.
        width: columns of a window.
        shade: brightness of the shape's pixels under the pen's light, broadcastable to `(n, h, w)`.
    """

    u: Floats
    v: Floats
    left: Rows
    top: Rows
    height: int
    width: int
    shade: Floats


class Pen:
    """Paints shapes given in a local frame on some images of a stage.

    The local frame of an image is mirrored, turned clockwise, scaled and then moved. Every parameter
    of a shape is a scalar or one value per image of the pen.
    """

    def __init__(
        self,
        stage: Stage,
        rows: Rows,
        x: ArrayLike = 0.0,
        y: ArrayLike = 0.0,
        scale: ArrayLike = 1.0,
        degrees: ArrayLike = 0.0,
        mirrored: ArrayLike = False,
        outline: ArrayLike = 0.0,
        light: tuple[ArrayLike, ArrayLike] = (0.0, 0.0),
    ) -> None:
        """Set the frame.

        Args:
            stage: the images.
            rows: indices of the images to paint, `(n,)`, all different.
            x: where the local origin lies, stage units.
            y: likewise, downwards.
            scale: stage units per local unit.
            degrees: clockwise turn.
            mirrored: whether local x runs to the left.
            outline: width of the dark line around shapes, stage units; 0 for none.
            light: direction the light comes from, x and y on the stage; its length is the contrast.
        """
        self.stage, self.rows, self.n = stage, rows, len(rows)
        self._x, self._y = self._per_image(x), self._per_image(y)
        self.scale = self._per_image(scale)
        self._outline = self._per_image(outline)
        self._flip = np.where(self._per_image(mirrored) > 0, -1.0, 1.0)
        cos, sin = rotation(self._per_image(degrees))
        self._cos, self._sin = cos.astype(np.float64), sin.astype(np.float64)
        self._light = (self._per_image(light[0]), self._per_image(light[1]))
        self._lit = bool(self._light[0].any() or self._light[1].any())
        self._upright = self._stands()

    def _per_image(self, values: ArrayLike) -> Doubles:
        array = np.asarray(values, dtype=np.float64)
        return array if array.shape == (self.n,) else np.broadcast_to(array, (self.n,))

    def _stands(self) -> bool:
        """Whether no image's frame is turned: a tiny angle has a sine although its rounded cosine is 1, so both are asked."""
        return not self._sin.any() and bool(self._cos.min(initial=1.0) == 1.0)

    def only(self, chosen: NDArray[np.bool_]) -> Pen:
        """The same pen for the images of the mask `chosen`, `(n,)`."""
        part = copy(self)
        rows = np.flatnonzero(chosen)
        part.rows = self.rows[rows]
        part.n = len(part.rows)
        for name in ("_x", "_y", "scale", "_outline", "_flip", "_cos", "_sin"):
            setattr(part, name, getattr(self, name)[rows])
        part._light = (self._light[0][rows], self._light[1][rows])
        return part

    def placed(self, x: ArrayLike, y: ArrayLike, scale: ArrayLike, degrees: ArrayLike) -> Pen:
        """A pen in a frame within this one: at local (x, y), scaled, turned clockwise by `degrees`."""
        part = copy(self)
        mx, my = self._flip * self._per_image(x), self._per_image(y)
        part._x = self._x + self.scale * (mx * self._cos - my * self._sin)
        part._y = self._y + self.scale * (mx * self._sin + my * self._cos)
        part.scale = self.scale * self._per_image(scale)
        cos, sin = (v.astype(np.float64) for v in rotation(self._per_image(degrees)))
        sin = self._flip * sin
        part._cos = self._cos * cos - self._sin * sin
        part._sin = self._sin * cos + self._cos * sin
        part._upright = part._stands()
        return part

    def whole(self) -> Patch:
        """The patch that covers the images entirely, lit evenly."""
        far = np.full(self.n, 1e6)
        return self.patch(0.0, 0.0, far, far)

    def patch(
        self, cx: ArrayLike, cy: ArrayLike, rx: ArrayLike, ry: ArrayLike | None = None
    ) -> Patch:
        """Windows that hold the local boxes around (cx, cy) with half sides (rx, ry or rx)."""
        rx = self._per_image(rx)
        ry = rx if ry is None else self._per_image(ry)
        cx, cy = self._per_image(cx), self._per_image(cy)
        mx, my = self._flip * cx, cy
        # Local to stage: the rotation takes (1, 0) to (cos, sin), clockwise on screen.
        if self._upright:
            sx, sy, across, down = self.scale * mx, self.scale * my, rx, ry
        else:
            sx = self.scale * (mx * self._cos - my * self._sin)
            sy = self.scale * (mx * self._sin + my * self._cos)
            cos, sin = np.abs(self._cos), np.abs(self._sin)
            across, down = cos * rx + sin * ry, sin * rx + cos * ry
        margin = self._outline + 2.5 * float(self.stage.edge)
        left, width = self._window(self._x + sx, self.scale * across + margin)
        top, height = self._window(self._y + sy, self.scale * down + margin)
        centres = self.stage.centres
        x = centres[left[:, None] + np.arange(width)][:, None, :] - column(self._x)
        y = centres[top[:, None] + np.arange(height)][:, :, None] - column(self._y)
        # An upright frame keeps x and y apart, which is cheaper.
        if not self._upright:
            cos, sin = column(self._cos), column(self._sin)
            x, y = x * cos + y * sin, y * cos - x * sin
        u, v = x / column(self.scale * self._flip), y / column(self.scale)
        shade = self._shade(u, v, cx, cy, np.maximum(rx, ry)) if self._lit else EVEN
        return Patch(u, v, left, top, height, width, shade)

    def _window(self, centre: Doubles, reach: Doubles) -> tuple[Rows, int]:
        # No np.clip on a few numbers: it takes three times as long as the two it is made of.
        size = self.stage.size
        first = np.floor(np.minimum(np.maximum((centre - reach + 1) * (size / 2), -1), size))
        last = np.ceil(np.minimum(np.maximum((centre + reach + 1) * (size / 2), 0), size + 1))
        extent = min(max(int((last - first).max(initial=1)), 1), size)
        return np.minimum(np.maximum(first, 0), size - extent).astype(np.intp), extent

    def _shade(self, u: Floats, v: Floats, cx: Doubles, cy: Doubles, reach: Doubles) -> Floats:
        toward_x, toward_y = self._light
        local_x = self._flip * (toward_x * self._cos + toward_y * self._sin)
        local_y = toward_y * self._cos - toward_x * self._sin
        across = (u - column(cx)) * column(local_x / reach)
        down = (v - column(cy)) * column(local_y / reach)
        shade = across + down
        np.clip(shade, np.float32(-0.5), np.float32(0.5), out=shade)
        shade += np.float32(1)
        return shade

    def fill(
        self,
        patch: Patch,
        distance: Floats,
        colour: ArrayLike,
        opacity: ArrayLike = 1.0,
        outlined: bool = True,
    ) -> None:
        """Paint a signed distance, given in local units over a patch.

        Args:
            patch: the windows; must hold every pixel where the distance is below the outline's width.
            distance: `(n, h, w)`, negative inside.
            colour: `(3,)`, `(n, 3)` or per pixel `(n, 3, h, w)`, in [0, 1].
            opacity: scalar or `(n,)`, in [0, 1].
            outlined: whether the pen's outline is drawn around the shape.
        """
        if not self.n:
            return
        alpha, inner = self.covered(distance, outlined)
        tone = patch.shade
        if outlined:
            dark = np.where(column(self._outline) > 0, OUTLINE_TONE, np.float32(1))
            tone = inner * (1 - dark)
            tone += dark
            if patch.shade is not EVEN:
                tone = tone * patch.shade
        if not (isinstance(opacity, float) and opacity == 1):
            alpha = alpha * column(opacity)
        self.composite(patch, alpha, colour, None if tone is EVEN else tone)

    def covered(self, distance: Floats, outlined: bool) -> tuple[Floats, Floats]:
        """Opacity of a shape with its outline, and of what lies within the outline, `(n, h, w)`."""
        steep = np.float32(0.5) / self.stage.edge
        d = distance * column(self.scale)
        inner = _edge(d * steep)
        if not outlined:
            return inner, inner
        d -= column(self._outline)
        d *= steep
        return _edge(d), inner

    def composite(
        self, patch: Patch, alpha: Floats, colour: ArrayLike, tone: Floats | None = None
    ) -> None:
        """Lay `colour * tone` over the windows with opacity `alpha` `(n, h, w)`."""
        if not self.n:
            return
        tint = np.asarray(colour, dtype=np.float32)
        if tint.ndim == 1:
            tint = tint[None, :, None, None]
        elif tint.ndim == 2:
            tint = tint[:, :, None, None]
        if tone is not None:
            tint = tint * tone[:, None]
        windows = self.stage.windows(patch.height, patch.width)
        place = (self.rows, slice(None), patch.top, patch.left)
        below = windows[place]
        change = tint - below
        change *= alpha[:, None]
        change += below
        windows[place] = change

    def ellipse(
        self,
        cx: ArrayLike,
        cy: ArrayLike,
        rx: ArrayLike,
        ry: ArrayLike,
        colour: ArrayLike,
        degrees: float = 0.0,
        opacity: ArrayLike = 1.0,
        outlined: bool = True,
    ) -> None:
        """Paint an ellipse turned clockwise by `degrees`."""
        if not self.n:
            return
        patch = (
            self.patch(cx, cy, rx, ry) if degrees == 0 else self.patch(cx, cy, np.maximum(rx, ry))
        )
        u, v = moved(patch, cx, cy, degrees)
        self.fill(patch, oval(u, v, rx, ry), colour, opacity, outlined)

    def box(
        self,
        cx: ArrayLike,
        cy: ArrayLike,
        hx: ArrayLike,
        hy: ArrayLike,
        colour: ArrayLike,
        corner: ArrayLike = 0.0,
        degrees: float = 0.0,
        opacity: ArrayLike = 1.0,
        outlined: bool = True,
    ) -> None:
        """Paint a box with half sides (hx, hy), rounded corners, turned clockwise by `degrees`."""
        if not self.n:
            return
        patch = self.patch(cx, cy, hx, hy) if degrees == 0 else self.patch(cx, cy, np.add(hx, hy))
        u, v = moved(patch, cx, cy, degrees)
        self.fill(patch, canvas.box(u, v, hx, hy, corner), colour, opacity, outlined)

    def line(
        self,
        points: Sequence[tuple[ArrayLike, ArrayLike]],
        radius: ArrayLike,
        colour: ArrayLike,
        opacity: ArrayLike = 1.0,
        outlined: bool = True,
    ) -> None:
        """Paint a line of `radius` through points, with round ends."""
        if not self.n:
            return
        patch = self.around(points, radius)
        distance: Floats | None = None
        for (ax, ay), (bx, by) in pairwise(points):
            part = canvas.segment(patch.u, patch.v, ax, ay, bx, by, radius)
            distance = part if distance is None else np.minimum(distance, part)
        if distance is None:
            raise ValueError("a line needs two points")
        self.fill(patch, distance, colour, opacity, outlined)

    def polygon(
        self,
        points: Sequence[tuple[ArrayLike, ArrayLike]],
        colour: ArrayLike,
        corner: float = 0.0,
        opacity: ArrayLike = 1.0,
        outlined: bool = True,
    ) -> None:
        """Paint any simple polygon; `corner` grows it by that much with round corners."""
        if not self.n:
            return
        patch = self.around(points, corner)
        distance = simple_polygon(patch.u, patch.v, points) - np.float32(corner)
        self.fill(patch, distance, colour, opacity, outlined)

    def ring(
        self,
        cx: ArrayLike,
        cy: ArrayLike,
        rx: ArrayLike,
        ry: ArrayLike,
        half_width: ArrayLike,
        colour: ArrayLike,
        outlined: bool = True,
    ) -> None:
        """Paint the line along an ellipse."""
        if not self.n:
            return
        patch = self.patch(cx, cy, np.add(rx, half_width), np.add(ry, half_width))
        u, v = moved(patch, cx, cy)
        distance = np.abs(oval(u, v, rx, ry)) - column(half_width)
        self.fill(patch, distance, colour, 1.0, outlined)

    def around(
        self, points: Sequence[tuple[ArrayLike, ArrayLike]], reach: ArrayLike = 0.0
    ) -> Patch:
        """The patch around points, `reach` wider on every side."""
        xs = np.stack([self._per_image(p[0]) for p in points])
        ys = np.stack([self._per_image(p[1]) for p in points])
        left, right, top, bottom = xs.min(axis=0), xs.max(axis=0), ys.min(axis=0), ys.max(axis=0)
        rx, ry = (right - left) / 2 + reach, (bottom - top) / 2 + reach
        return self.patch((left + right) / 2, (top + bottom) / 2, rx, ry)


def _edge(steepened: Floats) -> Floats:
    """Opacity for a distance in widths of an edge, in place."""
    np.subtract(np.float32(0.5), steepened, out=steepened)
    return np.clip(steepened, 0, 1, out=steepened)


def moved(
    patch: Patch, cx: ArrayLike, cy: ArrayLike, degrees: float = 0.0
) -> tuple[Floats, Floats]:
    """A patch's coordinates in a frame centred at (cx, cy) and turned clockwise by `degrees`."""
    if degrees == 0:
        return patch.u - column(cx), patch.v - column(cy)
    return canvas.turned(patch.u, patch.v, cx, cy, degrees)


def oval(u: Floats, v: Floats, rx: ArrayLike, ry: ArrayLike) -> Floats:
    """Signed distance to an ellipse, at least that to its bounding box.

    Near the tips of a thin ellipse the first-order distance of `canvas.ellipse` is too small, so that
    a faint edge would reach out of the patch and be cut off where the patch ends.
    """
    beside = np.maximum(np.abs(u) - column(rx), np.abs(v) - column(ry))
    return np.maximum(canvas.ellipse(u, v, rx, ry), beside, out=beside)


def simple_polygon(x: Floats, y: Floats, points: Sequence[tuple[ArrayLike, ArrayLike]]) -> Floats:
    """Signed distance to a polygon that does not cross itself, convex or not, in either direction.

    Args:
        x: coordinates to the right, broadcastable to `(n, h, w)`.
        y: coordinates downwards, likewise.
        points: corners, each coordinate a scalar or `(n,)`.

    Returns:
        float32 `(n, h, w)`, exact, negative inside.
    """
    if len(points) < 3:
        raise ValueError("a polygon needs three corners")
    nearest: Floats | None = None
    inside: NDArray[np.bool_] | None = None
    for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
        ax, ay, bx, by = column(ax), column(ay), column(bx), column(by)
        ex, ey = bx - ax, by - ay
        px, py = x - ax, y - ay
        t = np.clip((px * ex + py * ey) * (1 / (ex * ex + ey * ey + np.float32(1e-9))), 0, 1)
        dx, dy = px - t * ex, py - t * ey
        squared = dx * dx + dy * dy
        # A ray from the pixel crosses this edge: an odd number of crossings means inside.
        crossed = ((y >= ay) != (y >= by)) & ((px * ey < py * ex) == (ey > 0))
        nearest = squared if nearest is None else np.minimum(nearest, squared)
        inside = crossed if inside is None else inside ^ crossed
    if nearest is None or inside is None:
        raise ValueError("a polygon needs three corners")
    distance = np.sqrt(nearest)
    return np.where(inside, -distance, distance)
