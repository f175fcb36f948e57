"""One chunk of portraits while it is being painted: canvas, factors, colours and shared shapes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unispace.data.studio import faces_factors as factors
from unispace.data.studio import faces_geometry as geometry
from unispace.data.studio.canvas import Floats, column, turned
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
        bald = (self.skull[3] - 1) * column(fixed(p.scale * p.a))
        self.bare = self.canvas.coverage(np.minimum(self.face, bald))
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
        x, y = turned(self.canvas.x, self.canvas.y, fixed(p.cx), fixed(p.cy), p.roll)
        x, y = x / column(fixed(p.scale)), y / column(fixed(p.scale))
        below = (y - column(fixed(cheek[1]))) / column(fixed(chin[1] - cheek[1]))
        above = (y - column(fixed(cheek[1]))) / column(fixed(line.above))
        v = np.where(below > 0, below, above)
        t = np.clip(v, 0, 1.25)
        half = column(fixed(line.width)) * (1 - column(fixed(line.taper)) * t * t)
        u = (x - column(fixed(cheek[0])) - t * column(fixed(chin[0] - cheek[0]))) / half
        uu, vv = u * u, v * v
        square = column(fixed(line.square)) * np.clip(3 * v, 0, 1)
        radius = np.sqrt(uu + vv)
        radius += square * (np.sqrt(np.sqrt(uu * uu + vv * vv)) - radius)
        return (radius - 1) * half * column(fixed(p.scale))
