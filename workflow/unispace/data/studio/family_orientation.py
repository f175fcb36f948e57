"""Orientation: where a pointer points, in eight directions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from unispace.data.studio.draws import Names, Span
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

# Clockwise turn of a pointer that points up.
TURNS: dict[str, float] = {
    "up": 0.0, "right": 90.0, "down": 180.0, "left": 270.0,
    "up_right": 45.0, "down_left": 225.0, "down_right": 135.0, "up_left": 315.0,
}  # fmt: skip
CLASSES: tuple[str, ...] = tuple(TURNS)
WORDS: dict[str, str] = {name: f"pointing {name.replace('_', ' ')}" for name in CLASSES}

KINDS: dict[str, list[tuple[float, float]]] = {
    "arrow": [
        (0.0, -0.9), (0.52, -0.2), (0.17, -0.2), (0.17, 0.85), (-0.17, 0.85), (-0.17, -0.2), (-0.52, -0.2),
    ],
    "dart": [(0.0, -0.9), (0.62, 0.75), (0.0, 0.38), (-0.62, 0.75)],
    "wedge": [(0.0, -0.95), (0.36, 0.72), (-0.36, 0.72)],
    "chevron": [(0.0, -0.75), (0.72, 0.12), (0.72, 0.6), (0.0, -0.22), (-0.72, 0.6), (-0.72, 0.12)],
}  # fmt: skip


def _paint(stage: Stage, labels: Labels, instances: pd.DataFrame, views: pd.DataFrame) -> None:
    turns = np.array(list(TURNS.values()))[labels]
    pen = pen_of(stage, views, instances["outline"], turns)
    colour, kinds = main_colours(instances), instances["shape"].to_numpy(str)
    width = instances["aspect"].to_numpy(np.float64)
    for kind, points in KINDS.items():
        chosen = kinds == kind
        _pointer(pen.only(chosen), points, width[chosen], colour[chosen])


def _pointer(
    pen: Pen, points: list[tuple[float, float]], width: np.ndarray, colour: np.ndarray
) -> None:
    pen.polygon([(x * width, y) for x, y in points], colour)


TEMPLATES = ("{}", "a photo of {}", "a picture of {}", "a sign with {}", "there is {}")


def _say(label: int, thing: Thing, throw: Throws) -> str:
    noun = str(thing["shape"]) if throw["kind"] < 0.5 else "arrow"
    if throw["colour"] < 0.4:
        noun = f"{colour_words(thing['main_colour'])} {noun}"
    words = f"{with_article(noun)} {WORDS[CLASSES[label]]}"
    return one_of(TEMPLATES, throw["template"]).format(words)


FAMILY = Family(
    classes=CLASSES,
    words=WORDS,
    instance={
        **COLOURED,
        "shape": Names(tuple(KINDS), (4, 2, 2, 2)),
        "aspect": Span(0.85, 1.15, 2),
        **OUTLINED,
    },
    view=view_factors(13.0, (0.5, 0.92), 0.2),
    paint=_paint,
    say=_say,
)
