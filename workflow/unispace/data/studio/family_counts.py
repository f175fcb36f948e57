"""Counts: from one to eight things of one kind, none of them covering another."""

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
)
from unispace.data.studio.family_shapes import paint_shapes
from unispace.data.studio.stage import Stage, hash01

CLASSES: tuple[str, ...] = ("one", "two", "three", "four", "five", "six", "seven", "eight")
KINDS = ("circle", "square", "triangle", "star", "heart", "diamond")

_ORDER, _ACROSS, _DOWN, _TURN = range(921, 925)  # hashed keys
_CELL = 0.62  # from the middle of a place to that of the next one
_PLACES = 9


def _paint(stage: Stage, labels: Labels, instances: pd.DataFrame, views: pd.DataFrame) -> None:
    seeds = views["noise_seed"].to_numpy(np.int64)[:, None]
    place = np.arange(_PLACES)
    # Things stand on a board of three by three places, each a little off the middle of its own.
    order = np.argsort(hash01(seeds, _ORDER, place), axis=1, kind="stable")
    size = instances["size"].to_numpy(np.float64)
    # Room for the outlines, and a gap between them.
    free = _CELL / 2 - 0.92 * size - 0.06
    across, down, turn = (
        2 * hash01(seeds, key, place).astype(np.float64) - 1 for key in (_ACROSS, _DOWN, _TURN)
    )
    frame, shapes = pen_of(stage, views, instances["outline"]), instances["shape"].to_numpy(str)
    colour = main_colours(instances)
    for k in range(len(CLASSES)):
        chosen = labels >= k
        if not chosen.any():
            continue
        rows = np.flatnonzero(chosen)
        at = order[chosen, k]
        x = (at % 3 - 1) * _CELL + free[chosen] * across[rows, at]
        y = (at // 3 - 1) * _CELL + free[chosen] * down[rows, at]
        pen = frame.only(chosen).placed(x, y, size[chosen], 25 * turn[rows, at])
        paint_shapes(pen, shapes[chosen], colour[chosen])


TEMPLATES = ("{}", "a photo of {}", "a picture of {}", "there {verb} {}")


def _say(label: int, thing: Thing, throw: Throws) -> str:
    named = throw["kind"] < 0.6
    noun = str(thing["shape"]) if named else "shape"
    words = [CLASSES[label], noun if label == 0 else f"{noun}s"]
    if throw["colour"] < 0.5:
        words.insert(1, colour_words(thing["main_colour"]))
    template = one_of(TEMPLATES, throw["template"])
    return template.format(" ".join(words), verb="is" if label == 0 else "are")


FAMILY = Family(
    classes=CLASSES,
    words={name: f"{name} shape" if name == "one" else f"{name} shapes" for name in CLASSES},
    instance={**COLOURED, "shape": Names(KINDS), "size": Span(0.16, 0.27), **OUTLINED},
    view=view_factors(15.0, (0.86, 1.0), 0.06),
    paint=_paint,
    say=_say,
)
