"""Colours: one thing of any shape, in a colour that has a name."""

from __future__ import annotations

import numpy as np
import pandas as pd

from unispace.data.studio.draws import Names, Span
from unispace.data.studio.family import (
    OUTLINED,
    Family,
    Labels,
    Thing,
    Throws,
    one_of,
    pen_of,
    view_factors,
    with_article,
)
from unispace.data.studio.family_shapes import SHAPES, paint_shapes
from unispace.data.studio.stage import Stage
from unispace.data.studio.swatches import tinted

# Those of the palette that nobody would call by another one's name.
CLASSES: tuple[str, ...] = (
    "red", "blue", "yellow", "green", "black", "orange", "purple", "white", "pink", "brown", "grey", "teal",
)  # fmt: skip


def _paint(stage: Stage, labels: Labels, instances: pd.DataFrame, views: pd.DataFrame) -> None:
    names = pd.Series(np.array(CLASSES)[labels], name="colour")
    colour = tinted(names, instances["main_tone"])
    pen = pen_of(stage, views, instances["outline"])
    paint_shapes(pen, instances["shape"].to_numpy(str), colour)


TEMPLATES = (
    "{a} {shape}", "a photo of {a} {shape}", "a picture of {a} {shape}", "the {shape} is {colour}",
    "something {colour}", "the colour {colour}", "{a} thing", "a photo of something {colour}",
)  # fmt: skip


def _say(label: int, thing: Thing, throw: Throws) -> str:
    colour = CLASSES[label]
    template = one_of(TEMPLATES, throw["template"])
    return template.format(a=with_article(colour), colour=colour, shape=thing["shape"])


FAMILY = Family(
    classes=CLASSES,
    words={name: name for name in CLASSES},
    instance={"shape": Names(SHAPES), "main_tone": Span(-0.12, 0.12), **OUTLINED},
    view=view_factors(40.0, (0.5, 0.95), 0.24),
    paint=_paint,
    say=_say,
)
