"""A picture on a flat thing (paper, screen) held before a camera: where each pixel looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from unispace.data.attacks.draws import Spread
from unispace.data.attacks.sampling import sample
from unispace.data.studio.canvas import Floats, column, rotation
from unispace.data.studio.stage import Doubles

# Shared by paper and screen. `fill` is the picture's side over the image's; degrees; shares of half a side.
HOLDING: Mapping[str, Spread] = {
    "fill": Spread(0.76, 0.97, chance=0.5, otherwise=1.04),
    "turn": Spread(-6.0, 6.0),
    "keystone_x": Spread(-0.08, 0.08),
    "keystone_y": Spread(-0.08, 0.08),
    "offset_x": Spread(-0.05, 0.05),
    "offset_y": Spread(-0.05, 0.05),
}


@dataclass(frozen=True)
class Sheet:
    """What the pixels of some images see of a sheet, `(n, s, s)` each.

    Attributes:
        u, v: place on the sheet: the picture is in [-1, 1].
        picture: what the picture shows there, `(n, 3, s, s)`, continued beyond its edge.
        beyond: how far outside the picture, in the unit of u and v; negative inside.
        pixel: width of an image's pixel on the sheet, `(n, 1, 1)`.
    """

    u: Floats
    v: Floats
    picture: Floats
    beyond: Floats
    pixel: Floats


def hold(planes: Floats, p: Mapping[str, Doubles], bend: Doubles) -> Sheet:
    """Look at pictures through a turned, tilted and bent sheet.

    Args:
        planes: the pictures, `(n, 3, s, s)`.
        p: the numbers of `HOLDING`, `(n,)` each.
        bend: how far the sheet's rows are arched, of its half height, `(n,)`.
    """
    size = planes.shape[-1]
    line = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / size) - 1
    x, y = line[None, None, :] - column(p["offset_x"]), line[None, :, None] - column(p["offset_y"])
    cos, sin = (column(value) for value in rotation(p["turn"]))
    across, down = x * cos + y * sin, y * cos - x * sin
    deep = 1 + column(p["keystone_x"]) * across + column(p["keystone_y"]) * down
    u = across / (deep * column(p["fill"]))
    v = down / (deep * column(p["fill"]))
    v = v + column(bend) * (u * u - np.float32(0.4))
    half = np.float32(size / 2)
    picture = sample(planes, (u + 1) * half, (v + 1) * half)
    beyond = np.maximum(np.abs(u), np.abs(v)) - 1
    return Sheet(u, v, picture, beyond, np.float32(2 / size) / column(p["fill"]))


def triangle_wave(x: Floats) -> Floats:
    """A triangle wave of period 1 between 0 and 1, highest at whole numbers plus a half."""
    return np.abs(x - np.floor(x + np.float32(0.5))) * 2


def soft_wave(x: Floats) -> Floats:
    """A wave of period 1 between -1 and 1 made of parabolas: near a sine, without the maths library."""
    t = 2 * triangle_wave(x) - 1
    return t * (np.float32(2) - np.abs(t))
