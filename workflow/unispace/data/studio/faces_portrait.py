"""One chunk of portraits while it is being painted: canvas, factors, colours and shared shapes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unispace.data.studio import faces_factors as factors
from unispace.data.studio import faces_geometry as geometry
from unispace.data.studio.canvas import Floats, blocks, column, rotation
from unispace.data.studio.faces_pose import Doubles, Layer, Pose, Window, fixed

SKIN_TONES = np.array(
    [(250, 218, 194), (242, 200, 164), (224, 172, 128), (190, 132, 92), (146, 94, 64), (104, 66, 50)]
) / 255.0  # fmt: skip
GREY = np.array([0.80, 0.80, 0.79])  # of hair without colour
INK = np.array([0.13, 0.10, 0.11])


def hsv(hue: ArrayLike, saturation: ArrayLike, value: ArrayLike) -> Floats:
    """Colours `(n, 3)` in [0, 1] from hue (any real number, in turns), saturation and value."""
    turn = (np.asarray(hue, np.float64)[:, None] + np.array([0.0, 2 / 3, 1 / 3])) % 1.0
    ramp = np.clip(np.abs(turn * 6 - 3) - 1, 0, 1)
    s, v = np.asarray(saturation)[..., None], np.asarray(value)[..., None]
    return fixed(v * (1 - s * (1 - ramp)))


def palette(names: NDArray, colours: dict[str, tuple[int, int, int]]) -> Doubles:
    """Colours `(n, 3)` in [0, 1] of named colours."""
    table = {name: np.array(rgb) / 255 for name, rgb in colours.items()}
    return np.stack([table[name] for name in names])


def mix(a: ArrayLike, b: ArrayLike, share: ArrayLike) -> Floats:
    """`a` moved towards `b` by a share in [0, 1], rounded."""
    p, q = np.asarray(a, np.float64), np.asarray(b, np.float64)
    s = np.asarray(share, np.float64)
    return fixed(p + (q - p) * (s[:, None] if s.ndim else s))


class Portrait:
    """A chunk of `n` portraits.

    Attributes:
        identity, view: factor name to `(n,)` values; the identity as `faces_age.aged` leaves it.
        skin, hair, cloth: colours `(n, 3)`.
        face: signed distance to the outline of the face without hair, `(n, h, w)`.
        bare: opacity of the head's skin, before hair, `(n, h, w)`.
        skull: points of the upper head seen by each pixel; see `Pose.sphere`.
        head: opacity of what the light on the head shades, `(n, h, w)`.
    """

    def __init__(self, identity: dict[str, NDArray], view: dict[str, NDArray], size: int) -> None:
        self.identity, self.view = identity, view
        self.canvas = Layer(len(view["yaw"]), size)
        self.pose = Pose(identity, view)
        self.skin = self._skin()
        self.cloth = hsv(view["clothing_hue"], view["clothing_saturation"], view["clothing_value"])
        self.hair = self._hair()
        self.face = self._face()
        p = self.pose
        skull = geometry.skull(p)
        self.skull = p.sphere(self.canvas, skull.centre, skull.radii)
        bald = self.skull[3] - 1
        bald *= column(fixed(p.scale * p.a))
        self.bare = self.canvas.coverage(np.minimum(self.face, bald, out=bald))
        self.head: Floats = self.bare.copy()

    def rows(self, condition: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Numbers of the images for which a condition holds."""
        return np.flatnonzero(condition)

    def cover(self, part: Window, coverage: Floats) -> None:
        """Let the light on the head also shade what `coverage` covers in a window."""
        part.paste(self.head, np.maximum(part.crop(self.head), coverage))

    def _skin(self) -> Floats:
        place = self.identity["skin_tone"] * (len(SKIN_TONES) - 1)
        low = np.minimum(place.astype(np.intp), len(SKIN_TONES) - 2)
        tone = mix(SKIN_TONES[low], SKIN_TONES[low + 1], place - low).astype(np.float64)
        tone *= 1 + self.identity["skin_warmth"][:, None] * np.array([0.03, -0.012, -0.05])
        return fixed(np.clip(tone, 0, 1))

    def _hair(self) -> Floats:
        base = palette(self.identity["hair_colour"], factors.HAIR_COLOURS)
        base = np.clip(base * (1 + 0.16 * self.identity["hair_shade"][:, None]), 0, 1)
        return mix(fixed(base), GREY, self.identity["grey"])

    def _face(self) -> Floats:
        """Distance to a skull ellipse joined to a jaw that narrows towards the chin."""
        p, line = self.pose, geometry.outline(self.pose, self.identity)
        cheek, chin = line.cheek, line.chin
        x, y = self.canvas.x - column(fixed(p.cx)), self.canvas.y - column(fixed(p.cy))
        numbers = (*rotation(p.roll), p.scale, *cheek, chin[0] - cheek[0], chin[1] - cheek[1],
                   line.above, line.width, line.taper, line.square)  # fmt: skip
        columns = [column(fixed(values)) for values in numbers]
        distance = np.empty((self.canvas.n, self.canvas.size, self.canvas.size), np.float32)
        for part in blocks(*distance.shape[:1], self.canvas.size**2):
            distance[part] = _outside(x[part], y[part], *(values[part] for values in columns))
        return distance


def _outside(
    dx: Floats, dy: Floats, cos: Floats, sin: Floats, scale: Floats, cheek_x: Floats, cheek_y: Floats,
    slant: Floats, down: Floats, above: Floats, width: Floats, taper: Floats, square: Floats,
) -> Floats:  # fmt: skip
    """Distance to the outline of some faces.

    Args:
        dx: from the middle of the head, `(n, 1, w)`.
        dy: likewise, `(n, h, 1)`.
        cos: of the roll, `(n, 1, 1)` like the rest.
        sin: of the roll.
        scale: of the head.
        cheek_x: see `geometry.Outline`.
        cheek_y: likewise.
        slant: from cheek to chin, across.
        down: from cheek to chin.
        above: see `geometry.Outline`, like the rest.
        width: half width at the cheeks.
        taper: share of the width lost at the chin.
        square: how far the jaw is from an ellipse.
    """
    # Everything in place where it can be: of each image hundreds of thousands of numbers are made here.
    x, y = dx * cos + dy * sin, dy * cos - dx * sin
    x /= scale
    y /= scale
    y -= cheek_y
    v = y / down
    np.copyto(v, y / above, where=~(v > 0))
    t = np.clip(v, 0, 1.25)
    half = taper * t
    half *= t
    np.subtract(1, half, out=half)
    half *= width
    t *= slant
    x -= cheek_x
    x -= t
    x /= half
    x *= x
    boxed = np.multiply(v, 3, out=t)
    np.clip(boxed, 0, 1, out=boxed)
    boxed *= square
    v *= v
    radius = x + v
    np.sqrt(radius, out=radius)
    x *= x
    v *= v
    x += v
    np.sqrt(x, out=x)
    np.sqrt(x, out=x)
    x -= radius
    x *= boxed
    radius += x
    radius -= 1
    radius *= half
    radius *= scale
    return radius
