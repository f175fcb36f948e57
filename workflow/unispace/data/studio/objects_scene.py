"""Surroundings of an object: backdrop, things behind it, a thing in front of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from unispace.data.studio.canvas import Floats, column
from unispace.data.studio.pen import Pen
from unispace.data.studio.stage import Doubles, Stage, hash01, rounded_trig
from unispace.data.studio.swatches import PALETTE, codes, mix, shaded, tinted

BACKDROPS = ("plain", "gradient", "horizon", "stripes", "dots", "checks")
MOST_CLUTTER = 3


def _steps(position: Floats) -> Floats:
    """Triangle wave of period 1, in [0, 1]."""
    return np.abs(position - np.floor(position) - np.float32(0.5)) * 2


def paint_backdrop(stage: Stage, views: pd.DataFrame) -> None:
    """Fill the images with pale colours: plain, graded or patterned."""
    tone = views["back_tone"].to_numpy(np.float64)
    first, second = tinted(views["back_colour"], tone), tinted(views["back_second"], tone)
    second = mix(first, second, 0.45)
    kind = codes(views["backdrop"], BACKDROPS)
    cos, sin = rounded_trig(np.deg2rad(views["back_angle"].to_numpy(np.float64)))
    for i, name in enumerate(BACKDROPS):
        chosen = kind == i
        if not chosen.any():
            continue
        pen = Pen(stage, np.flatnonzero(chosen))
        patch = pen.whole()
        along = patch.u * column(cos[chosen]) + patch.v * column(sin[chosen])
        across = patch.v * column(cos[chosen]) - patch.u * column(sin[chosen])
        share = _share(name, along, across, patch.v)
        a, b = first[chosen][:, :, None, None], second[chosen][:, :, None, None]
        pen.composite(patch, np.ones((1, 1, 1), np.float32), a + share[:, None] * (b - a))


def _share(name: str, along: Floats, across: Floats, down: Floats) -> Floats:
    """Share of the second colour, `(n, h, w)`."""
    if name == "gradient":
        return np.clip(along * np.float32(0.5) + np.float32(0.5), 0, 1)
    if name == "horizon":
        return np.clip((down - np.float32(0.35)) * 20, 0, 1) + 0 * along
    if name == "stripes":
        return np.clip(
            (_steps(along * np.float32(2.2)) - np.float32(0.5)) * 5 + np.float32(0.5), 0, 1
        )
    if name == "dots":
        a, b = _steps(along * np.float32(2.5)), _steps(across * np.float32(2.5))
        return np.clip((np.float32(0.5) - np.sqrt(a * a + b * b)) * 5 + np.float32(0.5), 0, 1)
    if name == "checks":
        a, b = _steps(along * np.float32(1.6)), _steps(across * np.float32(1.6))
        a = np.clip((a - np.float32(0.5)) * 8 + np.float32(0.5), 0, 1)
        b = np.clip((b - np.float32(0.5)) * 8 + np.float32(0.5), 0, 1)
        return a * (1 - b) + b * (1 - a)
    return np.zeros_like(along)


def paint_clutter(stage: Stage, views: pd.DataFrame) -> None:
    """Paint up to three dull shapes near the borders, placed by each image's noise seed."""
    seed = views["noise_seed"].to_numpy(np.int64)
    count = views["clutter"].to_numpy(np.int64)
    table = np.asarray(list(PALETTE.values()), np.float32)
    for k in range(MOST_CLUTTER):
        chosen = count > k
        if not chosen.any():
            continue
        x, y, r, tint, kind = (_unit(seed[chosen], 8 * k + i) for i in range(5))
        # Push the shape out of the middle, where the object is.
        sideways = np.where(x < 0.5, -1.0, 1.0) * (0.62 + 0.35 * y)
        level = 2 * _unit(seed[chosen], 8 * k + 5) - 1
        colour = mix(table[(tint * len(table)).astype(np.intp)], (0.75, 0.75, 0.75), 0.55)
        size = 0.09 + 0.14 * r
        pen = Pen(stage, np.flatnonzero(chosen), sideways, level, 1.0, 90 * y)
        round_ = kind < 0.5
        pen.only(round_).ellipse(
            0.0, 0.0, size[round_], size[round_] * 0.8, colour[round_], outlined=False
        )
        pen.only(~round_).box(
            0.0, 0.0, size[~round_], size[~round_] * 0.6, colour[~round_], 0.02, outlined=False
        )


def _unit(seed: np.ndarray, key: int) -> Doubles:
    return hash01(seed, key + 101).astype(np.float64)


def paint_occluder(stage: Stage, views: pd.DataFrame) -> None:
    """Paint a bar or a disk over a part of some objects."""
    chosen = views["occluded"].to_numpy(np.bool_)
    part = views[chosen]
    if not len(part):
        return
    colour = mix(tinted(part["back_second"], np.zeros(len(part))), (0.5, 0.5, 0.5), 0.5)
    x, y = part["place_x"].to_numpy(np.float64), part["place_y"].to_numpy(np.float64)
    pen = Pen(stage, np.flatnonzero(chosen), x * 0.55, y * 0.55, 1.0, part["back_angle"].to_numpy())
    bar = np.abs(x) < 0.5
    pen.only(bar).box(0.0, 0.0, 0.1, 3.0, shaded(colour[bar], 0.8), outlined=False)
    pen.only(~bar).ellipse(0.0, 0.0, 0.27, 0.27, colour[~bar], outlined=False)
