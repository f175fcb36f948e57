"""Street scenes of the cameras, and things that stand between camera and person.

A camera's scene is a function of the camera's number alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.data.studio.canvas import Floats, column
from unispace.data.studio.pen import Patch, Pen
from unispace.data.studio.stage import Doubles, Stage, hash01
from unispace.data.studio.swatches import codes, mix, shaded
from unispace.data.studio.wardrobe import OCCLUDERS

# Colour casts of the first cameras, chosen to differ; further cameras get theirs from hashing.
CASTS = ((1.06, 1.0, 0.90), (0.88, 0.97, 1.10), (0.98, 1.05, 0.92), (1.04, 0.95, 1.03))
CAST_WOBBLE = 0.06  # width of the range of a camera's own gains, around its cast
DARKEST, LIGHT_SPREAD = (
    0.88,
    0.22,
)  # brightness of the darkest camera, and how much more others have
WALL_COLOURS = (
    (0.72, 0.53, 0.44),
    (0.66, 0.72, 0.76),
    (0.62, 0.74, 0.56),
    (0.85, 0.80, 0.70),
    (0.58, 0.58, 0.66),
)
FLOOR_COLOURS = ((0.62, 0.60, 0.57), (0.50, 0.52, 0.55), (0.70, 0.66, 0.56), (0.56, 0.50, 0.48))
WALLS = ("bricks", "panels", "park", "shops", "tiles")


def _trait(camera: NDArray[np.int64], key: int) -> Doubles:
    return hash01(camera, key).astype(np.float64)


def camera_look(camera: NDArray[np.int64]) -> Doubles:
    """Colour gains `(n, 3)` of cameras: cast times brightness."""
    casts = np.asarray(CASTS)[camera % len(CASTS)]
    traits = np.stack([_trait(camera, 10 + k) for k in range(3)], axis=1)
    wobble = 1 + CAST_WOBBLE * (traits - 0.5)
    return casts * wobble * (DARKEST + LIGHT_SPREAD * _trait(camera, 1))[:, None]


def gain_range(channel: int) -> tuple[float, float]:
    """Least and greatest value of a channel (0 red, 1 green, 2 blue) of `camera_look`."""
    casts = [cast[channel] for cast in CASTS]
    low = min(casts) * (1 - CAST_WOBBLE / 2) * DARKEST
    return low, max(casts) * (1 + CAST_WOBBLE / 2) * (DARKEST + LIGHT_SPREAD)


def paint_scene(stage: Stage, views: pd.DataFrame) -> None:
    """Paint wall and floor behind the persons."""
    camera = views["camera"].to_numpy(np.int64)
    shift = views["scene_shift"].to_numpy(np.float64) * 2.5
    pen = Pen(stage, np.arange(stage.n))
    wall = np.asarray(WALL_COLOURS)[(camera + (camera // 5)) % len(WALL_COLOURS)]
    wall = np.clip(wall * (0.86 + 0.22 * _trait(camera, 2))[:, None], 0, 1)
    kind = camera % len(WALLS)
    for i, name in enumerate(WALLS):
        chosen = kind == i
        if chosen.any():
            part = pen.only(chosen)
            p = part.whole()
            p = replace(p, u=p.u + column(shift[chosen]))
            # Nothing lies below yet.
            stage.pixels[chosen] = _WALL_PAINTERS[name](p, wall[chosen].astype(np.float32))
    _floor(pen, camera, shift)


def _floor(pen: Pen, camera: NDArray[np.int64], shift: Doubles) -> None:
    colour = np.asarray(FLOOR_COLOURS, np.float32)[camera % len(FLOOR_COLOURS)]
    level = 0.42 + 0.25 * _trait(camera, 4)
    line, far = column(level), np.full(pen.n, 1e6)
    patch = pen.patch(0.0, (level + 1) / 2, far, (1 - level) / 2)
    depth = patch.v - line
    # Slabs: joints across, and joints that fan out towards the viewer.
    rows = _joint(depth / (depth * np.float32(0.6) + np.float32(0.35)), 0.22)
    fan = (patch.u + column(shift)) / (np.maximum(depth, 0) + np.float32(0.45))
    joints = np.maximum(rows, _joint(fan, 0.8))
    tint = colour[:, :, None, None] * (np.float32(1) - np.float32(0.14) * joints[:, None])
    pen.fill(patch, -depth, tint, outlined=False)
    patch = pen.patch(0.0, level, far, 0.022)
    kerb = np.abs(patch.v - line) - np.float32(0.022)
    pen.fill(patch, kerb, shaded(colour, 0.72), outlined=False)


def _joint(position: Floats, period: float) -> Floats:
    """1 on thin lines at multiples of the period, 0 between."""
    turns = position * np.float32(1 / period)
    return np.clip(np.abs(turns - np.floor(turns) - np.float32(0.5)) * 12 - np.float32(4.8), 0, 1)


def _cell(position: Floats, period: float) -> tuple[Floats, Floats]:
    """Number of the cell and place within it, in [0, 1)."""
    turns = position * np.float32(1 / period)
    number = np.floor(turns)
    return number, turns - number


def _spread(patch: Patch, colour: Floats, tone: Floats) -> Floats:
    shape = (len(colour), 1, patch.height, patch.width)
    return colour[:, :, None, None] * np.broadcast_to(tone[:, None], shape)


def _bricks(patch: Patch, colour: Floats) -> Floats:
    row, v = _cell(patch.v, 0.16)
    column_number, u = _cell(
        patch.u + (row - 2 * np.floor(row * np.float32(0.5))) * np.float32(0.16), 0.32
    )
    joint = (u < np.float32(0.08)) | (v < np.float32(0.16))
    tone = np.float32(0.9) + np.float32(0.18) * hash01(
        row.astype(np.int64), column_number.astype(np.int64)
    )
    return _spread(patch, colour, np.where(joint, np.float32(1.16), tone))


def _panels(patch: Patch, colour: Floats) -> Floats:
    number, u = _cell(patch.u, 0.7)
    tone = np.float32(0.92) + np.float32(0.14) * hash01(number.astype(np.int64), 7)
    tone = np.where(u < np.float32(0.05), np.float32(0.7), tone) + 0 * patch.v
    return _spread(patch, colour, tone)


def _park(patch: Patch, colour: Floats) -> Floats:
    """Sky above bushes with trunks."""
    number, u = _cell(patch.u, 0.6)
    rise = hash01(number.astype(np.int64), 3) * np.float32(0.25)
    across = u * 2 - 1
    crown = patch.v + np.float32(0.45) + rise - (1 - across * across) * np.float32(0.35)
    leaf = np.clip((crown + np.float32(0.02)) * 25, 0, 1)[:, None]
    trunk = ((np.abs(across) < np.float32(0.14)) & (patch.v > np.float32(0.05))).astype(np.float32)[
        :, None
    ]
    sky = np.asarray((0.74, 0.86, 0.95), np.float32)[None, :, None, None]
    green = colour[:, :, None, None] * (np.float32(0.62) + np.float32(0.3) * rise[:, None])
    scene = sky + leaf * (green - sky)
    bark = np.asarray((0.42, 0.32, 0.24), np.float32)[None, :, None, None]
    return scene + trunk * (bark - scene)


def _shops(patch: Patch, colour: Floats) -> Floats:
    """Windows in a plastered wall under a striped awning."""
    number, u = _cell(patch.u, 0.9)
    window = (np.abs(u - np.float32(0.5)) < np.float32(0.36)) & (
        np.abs(patch.v + np.float32(0.05)) < np.float32(0.4)
    )
    awning = (patch.v < np.float32(-0.5)) & (patch.v > np.float32(-0.75))
    stripes = (_cell(patch.u, 0.18)[1] < np.float32(0.5)).astype(np.float32)[:, None]
    base = _spread(patch, colour, np.ones((1, 1, 1), np.float32))
    lit = np.float32(0.8) + np.float32(0.3) * hash01(number.astype(np.int64), 5)[:, None]
    glass = np.asarray((0.42, 0.55, 0.62), np.float32)[None, :, None, None] * lit
    cloth = np.asarray((0.72, 0.30, 0.28), np.float32)[None, :, None, None]
    cloth = cloth + stripes * (np.float32(0.9) - cloth)
    scene = np.where(window[:, None], glass, base)
    return np.where(awning[:, None], cloth, scene)


def _tiles(patch: Patch, colour: Floats) -> Floats:
    """Large checked tiles with a dark band, as in a station."""
    (row, v), (number, u) = _cell(patch.v, 0.36), _cell(patch.u, 0.36)
    odd = row + number - 2 * np.floor((row + number) * np.float32(0.5))
    joint = (u < np.float32(0.07)) | (v < np.float32(0.07))
    tone = np.where(joint, np.float32(1.25), np.float32(0.95) + np.float32(0.14) * odd)
    band = (patch.v > np.float32(-0.36)) & (patch.v < np.float32(-0.18))
    return _spread(patch, colour, np.where(band, np.float32(0.6), tone))


_WALL_PAINTERS = {
    "bricks": _bricks,
    "panels": _panels,
    "park": _park,
    "shops": _shops,
    "tiles": _tiles,
}


def paint_occluder(stage: Stage, views: pd.DataFrame, colour: Floats) -> None:
    """Paint what stands in front of the person in some images; `colour` is `(n, 3)`."""
    kind = codes(views["occluder"], OCCLUDERS)
    pen = Pen(stage, np.arange(stage.n), x=views["occluder_x"].to_numpy(np.float64))
    part, tint = _chosen(pen, colour, kind == OCCLUDERS.index("pole"))
    part.box(0.0, 0.0, 0.085, 1.2, mix(tint, (0.5, 0.5, 0.5), 0.7), outlined=False)
    part.box(0.03, 0.0, 0.025, 1.2, mix(tint, (0.3, 0.3, 0.3), 0.7), outlined=False)
    part, tint = _chosen(pen, colour, kind == OCCLUDERS.index("box"))
    part.box(0.0, 0.8, 0.42, 0.36, tint, 0.03, outlined=False)
    part.box(0.0, 0.5, 0.45, 0.06, shaded(tint, 0.7), 0.02, outlined=False)
    part, _ = _chosen(pen, colour, kind == OCCLUDERS.index("bush"))
    for x, y, r in ((-0.3, 0.85, 0.26), (0.25, 0.88, 0.3), (0.0, 0.72, 0.28)):
        part.ellipse(x, y, r, r * 0.9, (0.20, 0.42 - 0.1 * x, 0.20), outlined=False)


def _chosen(pen: Pen, colour: Floats, mask: NDArray[np.bool_]) -> tuple[Pen, Floats]:
    return pen.only(mask), colour[mask]
