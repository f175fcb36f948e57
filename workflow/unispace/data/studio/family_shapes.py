"""Plain geometric shapes: a family of its own, and what counts and colours are shown on.

Local frame: -1 to 1, x to the right, y downwards; a shape is about 1.5 wide.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.data.studio.canvas import Floats
from unispace.data.studio.family import (
    COLOURED,
    OUTLINED,
    Family,
    Labels,
    Thing,
    Throws,
    colour_words,
    main_colours,
    one_of,
    pen_of,
    view_factors,
    with_article,
)
from unispace.data.studio.pen import Pen
from unispace.data.studio.stage import Stage

Points = list[tuple[float, float]]

SHAPES: tuple[str, ...] = (
    "circle", "triangle", "star", "square", "heart", "ring", "cross", "arrow",
    "crescent", "oval", "diamond", "pentagon", "semicircle", "drop",
)  # fmt: skip


def around(radii: list[float], turn: float = 0.0) -> Points:
    """Corners at these distances from the middle, clockwise from the top, rounded to be the same anywhere."""
    corners = []
    for i, r in enumerate(radii):
        angle = math.radians(turn + 360 * i / len(radii))
        corners.append((round(r * math.sin(angle), 4), round(-r * math.cos(angle), 4)))
    return corners


def arc(cx: float, cy: float, rx: float, ry: float, start: float, end: float, parts: int) -> Points:
    """Points along an ellipse, from an angle to another one: degrees, clockwise from the top."""
    angles = [math.radians(start + (end - start) * i / parts) for i in range(parts + 1)]
    return [(round(cx + rx * math.sin(a), 4), round(cy - ry * math.cos(a), 4)) for a in angles]


def _heart() -> Points:
    """The curve usually called so: x = 16 sin^3 t, y = 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t."""
    points = []
    for i in range(24):
        t = math.radians(15 * i)
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        points.append((round(16 * math.sin(t) ** 3 / 20, 4), round(-y / 20 - 0.1, 4)))
    return points


_ARM = 0.24
POLYGONS: dict[str, Points] = {
    "triangle": [(0.0, -0.78), (0.8, 0.6), (-0.8, 0.6)],
    "star": around([0.88, 0.36] * 5),
    "square": [(-0.64, -0.64), (0.64, -0.64), (0.64, 0.64), (-0.64, 0.64)],
    "heart": _heart(),
    "cross": [
        (-_ARM, -0.76), (_ARM, -0.76), (_ARM, -_ARM), (0.76, -_ARM), (0.76, _ARM), (_ARM, _ARM),
        (_ARM, 0.76), (-_ARM, 0.76), (-_ARM, _ARM), (-0.76, _ARM), (-0.76, -_ARM), (-_ARM, -_ARM),
    ],
    "arrow": [
        (-0.84, -0.2), (0.1, -0.2), (0.1, -0.6), (0.86, 0.0), (0.1, 0.6), (0.1, 0.2), (-0.84, 0.2),
    ],
    # Two circles that cross at 42.5 degrees of the one and 17.8 degrees of the other.
    "crescent": [*arc(-0.15, 0, 0.8, 0.8, 137.5, 402.5, 16), *arc(0.2, 0, 0.62, 0.62, 372, 168, 12)],
    "diamond": [(0.0, -0.88), (0.52, 0.0), (0.0, 0.88), (-0.52, 0.0)],
    "pentagon": around([0.8] * 5),
    "semicircle": arc(0.0, 0.36, 0.84, 0.84, -90, 90, 14),
    "drop": [(0.0, -0.92), *arc(0.0, 0.28, 0.54, 0.54, 62, 298, 14)],
}  # fmt: skip


def paint_shape(pen: Pen, shape: str, colour: Floats) -> None:
    """Paint a shape in the frame of a pen.

    Args:
        pen: of `n` images.
        shape: one of `SHAPES`.
        colour: `(n, 3)`.
    """
    if shape == "circle":
        pen.ellipse(0.0, 0.0, 0.74, 0.74, colour)
    elif shape == "oval":
        pen.ellipse(0.0, 0.0, 0.86, 0.46, colour)
    elif shape == "ring":
        pen.ring(0.0, 0.0, 0.62, 0.62, 0.15, colour)
    else:
        pen.polygon(list(POLYGONS[shape]), colour)


def paint_shapes(pen: Pen, shapes: NDArray[np.str_], colour: Floats) -> None:
    """Paint for each image of a pen the shape of its name `(n,)` in its colour `(n, 3)`."""
    for shape in np.unique(shapes):
        chosen = shapes == shape
        paint_shape(pen.only(chosen), str(shape), colour[chosen])


def _paint(stage: Stage, labels: Labels, instances: pd.DataFrame, views: pd.DataFrame) -> None:
    pen = pen_of(stage, views, instances["outline"])
    paint_shapes(pen, np.array(SHAPES)[labels], main_colours(instances))


TEMPLATES = ("{}", "a photo of {}", "a picture of {}", "a drawing of {}", "there is {}")


def _say(label: int, thing: Thing, throw: Throws) -> str:
    words = SHAPES[label]
    if throw["colour"] < 0.6:
        words = f"{colour_words(thing['main_colour'])} {words}"
    return one_of(TEMPLATES, throw["template"]).format(with_article(words))


FAMILY = Family(
    classes=SHAPES,
    words={name: name for name in SHAPES},
    instance={**COLOURED, **OUTLINED},
    view=view_factors(18.0, (0.5, 0.9), 0.24),
    paint=_paint,
    say=_say,
)
