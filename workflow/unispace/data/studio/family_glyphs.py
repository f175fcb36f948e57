"""Glyphs: the capital letters, drawn as strokes of a pen; no font is involved.

Local frame: a letter reaches from -0.8 to 0.8 downwards and is about 1.1 wide.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from unispace.data.studio.canvas import Floats
from unispace.data.studio.draws import Names, Span
from unispace.data.studio.family import (
    PLAIN_COLOURS,
    Family,
    Labels,
    Thing,
    Throws,
    colour_words,
    main_colours,
    one_of,
    pen_of,
    view_factors,
)
from unispace.data.studio.family_shapes import Points, arc
from unispace.data.studio.pen import Pen
from unispace.data.studio.stage import Doubles, Stage, hash01

_TOP, _LOW, _LEFT, _RIGHT = -0.8, 0.8, -0.52, 0.52
_STEM: Points = [(_LEFT, _TOP), (_LEFT, _LOW)]
_SLIDE_X, _SLIDE_Y = 961, 962  # hashed keys

STROKES: dict[str, list[Points]] = {
    "a": [[(-0.6, _LOW), (0.0, _TOP), (0.6, _LOW)], [(-0.36, 0.24), (0.36, 0.24)]],
    "b": [
        _STEM,
        [(_LEFT, _TOP), *arc(0.0, -0.4, 0.42, 0.4, 0, 180, 6), (_LEFT, 0.0)],
        [(_LEFT, 0.0), *arc(0.05, 0.4, 0.48, 0.4, 0, 180, 6), (_LEFT, _LOW)],
    ],
    "c": [arc(0.08, 0.0, 0.6, 0.8, 48, -228, 12)],
    "d": [_STEM, [(_LEFT, _TOP), *arc(-0.1, 0.0, 0.64, 0.8, 0, 180, 9), (_LEFT, _LOW)]],
    "e": [[(_RIGHT, _TOP), (_LEFT, _TOP), (_LEFT, _LOW), (_RIGHT, _LOW)], [(_LEFT, 0.0), (0.36, 0.0)]],
    "f": [[(_RIGHT, _TOP), (_LEFT, _TOP), (_LEFT, _LOW)], [(_LEFT, 0.0), (0.36, 0.0)]],
    "g": [[*arc(0.02, 0.0, 0.6, 0.8, 48, -270, 12), (0.62, 0.1), (0.12, 0.1)]],
    "h": [_STEM, [(_RIGHT, _TOP), (_RIGHT, _LOW)], [(_LEFT, 0.0), (_RIGHT, 0.0)]],
    "i": [[(0.0, _TOP), (0.0, _LOW)], [(-0.34, _TOP), (0.34, _TOP)], [(-0.34, _LOW), (0.34, _LOW)]],
    "j": [[(0.3, _TOP), *arc(-0.08, 0.42, 0.38, 0.38, 90, 270, 7)]],
    "k": [_STEM, [(_RIGHT, _TOP), (_LEFT, 0.1)], [(-0.2, -0.16), (0.56, _LOW)]],
    "l": [[(_LEFT, _TOP), (_LEFT, _LOW), (_RIGHT, _LOW)]],
    "m": [[(-0.66, _LOW), (-0.6, _TOP), (0.0, 0.3), (0.6, _TOP), (0.66, _LOW)]],
    "n": [[(_LEFT, _LOW), (_LEFT, _TOP), (_RIGHT, _LOW), (_RIGHT, _TOP)]],
    "o": [arc(0.0, 0.0, 0.62, 0.8, 0, 360, 18)],
    "p": [_STEM, [(_LEFT, _TOP), *arc(0.0, -0.36, 0.5, 0.44, 0, 180, 7), (_LEFT, 0.08)]],
    "q": [arc(0.0, -0.05, 0.6, 0.75, 0, 360, 18), [(0.14, 0.3), (0.62, 0.86)]],
    "r": [
        _STEM,
        [(_LEFT, _TOP), *arc(0.0, -0.38, 0.48, 0.42, 0, 180, 7), (_LEFT, 0.04)],
        [(0.0, 0.04), (0.54, _LOW)],
    ],
    "s": [[*arc(0.0, -0.4, 0.48, 0.4, 65, -180, 9), *arc(0.0, 0.4, 0.5, 0.4, 0, 245, 9)]],
    "t": [[(-0.62, _TOP), (0.62, _TOP)], [(0.0, _TOP), (0.0, _LOW)]],
    "u": [[(_LEFT, _TOP), *arc(0.0, 0.28, 0.52, 0.52, 270, 90, 9), (_RIGHT, _TOP)]],
    "v": [[(-0.58, _TOP), (0.0, _LOW), (0.58, _TOP)]],
    "w": [[(-0.74, _TOP), (-0.38, _LOW), (0.0, -0.3), (0.38, _LOW), (0.74, _TOP)]],
    "x": [[(-0.56, _TOP), (0.56, _LOW)], [(0.56, _TOP), (-0.56, _LOW)]],
    "y": [[(-0.58, _TOP), (0.0, -0.02), (0.58, _TOP)], [(0.0, -0.02), (0.0, _LOW)]],
    "z": [[(-0.54, _TOP), (0.54, _TOP), (-0.54, _LOW), (0.54, _LOW)]],
}  # fmt: skip

# Neighbours look different, so that the first k classes are a varied choice for any k.
_ORDER = "aoxtlscemvhjkrzubwgnyfdqpi"
CLASSES: tuple[str, ...] = tuple(f"letter_{letter}" for letter in _ORDER)


def _paint(stage: Stage, labels: Labels, instances: pd.DataFrame, views: pd.DataFrame) -> None:
    pen = pen_of(stage, views)
    colour = main_colours(instances)
    seeds = views["noise_seed"].to_numpy(np.int64)
    for label in np.unique(labels):
        chosen = labels == label
        part = instances[chosen]
        _write(pen.only(chosen), _ORDER[label], part, seeds[chosen], colour[chosen])


def _write(
    pen: Pen, letter: str, instances: pd.DataFrame, seeds: np.ndarray, colour: Floats
) -> None:
    """Draw a letter with the width, slant, thickness and unsteady hand of each instance."""
    number = {name: instances[name].to_numpy(np.float64) for name in ("aspect", "slant", "thickness", "wobble")}  # fmt: skip
    for stroke, points in enumerate(STROKES[letter]):
        path: list[tuple[Doubles, Doubles]] = []
        for k, (x, y) in enumerate(points):
            # A curve is moved as a whole, lest it gets corners.
            corner = 31 * stroke + (0 if len(points) > 6 else k)
            dx, dy = (
                number["wobble"] * (2 * hash01(seeds, key, corner).astype(np.float64) - 1)
                for key in (_SLIDE_X, _SLIDE_Y)
            )
            path.append((number["aspect"] * x - number["slant"] * y + dx, y + dy))
        pen.line(path, number["thickness"], colour, outlined=False)


TEMPLATES = (
    "the letter {}", "a letter {}", "a photo of the letter {}", "a picture of the letter {}", "the capital letter {}",
    "a handwritten letter {}", "this is the letter {}",
)  # fmt: skip


def _say(label: int, thing: Thing, throw: Throws) -> str:
    text = one_of(TEMPLATES, throw["template"]).format(_ORDER[label])
    if throw["colour"] < 0.35:
        text += f" in {colour_words(thing['main_colour'])}"
    return text


FAMILY = Family(
    classes=CLASSES,
    words={name: name.replace("_", " ") for name in CLASSES},
    instance={
        "main_colour": Names(PLAIN_COLOURS),
        "main_tone": Span(-0.3, 0.0),
        "aspect": Span(0.85, 1.15, 2),
        "slant": Span(-0.2, 0.2, 2),
        "thickness": Span(0.08, 0.15),
        "wobble": Span(0.0, 0.08),
    },
    view=view_factors(10.0, (0.6, 0.98), 0.18),
    paint=_paint,
    say=_say,
)
