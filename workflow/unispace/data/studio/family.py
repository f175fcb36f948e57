"""What the general families of pictures have in common: classes, factors of nuisance, sentences.

A family is a set of classes that differ in one visual property (texture, shape, count, ...), with a
painter for all of them. Things of everyday life (`objects`) are older and have a module of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.data.studio.canvas import Floats
from unispace.data.studio.draws import Factor, Names, Seed, Span
from unispace.data.studio.objects_captions import BACKDROP_PHRASES, COLOUR_WORDS
from unispace.data.studio.objects_scene import BACKDROPS
from unispace.data.studio.pen import Pen
from unispace.data.studio.stage import Stage, hash01
from unispace.data.studio.swatches import PALETTE, tinted

Labels = NDArray[np.int64]
Throws = dict[str, float]
Painter = Callable[[Stage, Labels, pd.DataFrame, pd.DataFrame], None]
Thing = Mapping[str, object]
Sayer = Callable[[int, Thing, Throws], str]

COLOURS = tuple(PALETTE)
PLAIN_COLOURS = tuple(name for name in COLOURS if name not in ("white", "beige", "grey"))
"""Colours that stand out on the pale backdrops."""


@dataclass(frozen=True)
class Family:
    """A family of classes.

    Attributes:
        classes: names, in the order in which a data set of fewer takes them.
        words: what a text calls each class.
        instance: factors of the thing shown, in the order of their generators.
        view: factors of the picture, likewise.
        paint: paints image `i`, of class `labels[i]`, on a stage of which the backdrop is there already.
        say: what a picture shows, in words, from its class, its row of both tables and numbers in [0, 1).
        backdrop: whether there is a backdrop; a texture fills the picture.
    """

    classes: tuple[str, ...]
    words: Mapping[str, str]
    instance: Mapping[str, Factor]
    view: Mapping[str, Factor]
    paint: Painter
    say: Sayer
    backdrop: bool = True


def view_factors(
    turn: float, scale: tuple[float, float], shift: float, *, backdrop: bool = True
) -> dict[str, Factor]:
    """The factors of pictures of a family.

    Args:
        turn: largest turn in degrees, to either side.
        scale: smallest and largest size.
        shift: largest shift from the middle, half image sides.
        backdrop: whether there is one.
    """
    behind: dict[str, Factor] = {
        "backdrop": Names(BACKDROPS, (4, 4, 3, 2, 2, 2)),
        "back_colour": Names(COLOURS),
        "back_second": Names(COLOURS),
        "back_tone": Span(0.5, 0.8),
        "back_angle": Span(0.0, 360.0),
    }
    return {
        "rotation": Span(-turn, turn, 2),
        "scale": Span(*scale),
        "shift_x": Span(-shift, shift, 2),
        "shift_y": Span(-shift, shift, 2),
        **(behind if backdrop else {}),
        "light": Span(0.84, 1.12),
        "light_angle": Span(0.0, 360.0),
        "contrast": Span(0.0, 0.3),
        "noise": Span(0.0, 0.035),
        "noise_seed": Seed(),
    }


COLOURED: dict[str, Factor] = {"main_colour": Names(COLOURS), "main_tone": Span(-0.15, 0.2)}
"""The colour of a thing."""
OUTLINED: dict[str, Factor] = {"outline": Span(0.016, 0.036)}
"""The dark line around a thing."""


def pen_of(
    stage: Stage,
    views: pd.DataFrame,
    outline: pd.Series | None = None,
    degrees: NDArray[np.float64] | float = 0.0,
) -> Pen:
    """A pen in the frame of the views, lit as they say.

    Args:
        stage: the images.
        views: a row for each.
        outline: width of the dark line around shapes, for each image; none if left out.
        degrees: turn before that of the views, clockwise.
    """
    number = {c: views[c].to_numpy(np.float64) for c in views if views[c].dtype.kind == "f"}
    radians = np.deg2rad(number["light_angle"])
    return Pen(
        stage,
        np.arange(stage.n),
        number["shift_x"],
        number["shift_y"],
        number["scale"],
        number["rotation"] + degrees,
        outline=0.0 if outline is None else outline.to_numpy(np.float64),
        # Rounded, as all angles are, so that no bit depends on the maths library.
        light=(
            np.round(np.cos(radians), 6) * number["contrast"],
            np.round(np.sin(radians), 6) * number["contrast"],
        ),
    )


def main_colours(instances: pd.DataFrame) -> Floats:
    """The colours of the things, `(n, 3)`."""
    return tinted(instances["main_colour"], instances["main_tone"])


def one_of(choices: Sequence[str], throw: float) -> str:
    """One of some sentences for a number in [0, 1)."""
    return choices[int(throw * len(choices))]


def with_article(words: str) -> str:
    """The words with `a` or `an` before them."""
    return ("an " if words[0] in "aeiou" else "a ") + words


def colour_words(name: object) -> str:
    """What a text calls a colour of the palette."""
    return COLOUR_WORDS[str(name)]


_BEHIND = BACKDROP_PHRASES | {"gradient": ("on a shaded background", "on a graded background")}
"""Shorter than those of objects, since the text towers of small studies read few words."""
_KEYS = {"template": 901, "colour": 902, "backdrop": 903, "words": 904, "kind": 905}


def captions(
    family: Family,
    labels: Labels,
    instances: pd.DataFrame,
    views: pd.DataFrame,
    seeds: NDArray[np.integer],
) -> list[str]:
    """Say in words what is painted, one sentence per image; it depends on its own rows and seed only.

    A caption names the class and, as its seed decides, the colour, the kind of thing or the backdrop.

    Args:
        family: of the pictures.
        labels: indices into its classes, `(n,)`.
        instances: `n` rows.
        views: `n` rows.
        seeds: whole numbers, `(n,)`; another seed words it differently.

    Returns:
        `n` sentences in lower case without a full stop.
    """
    throws = {name: hash01(np.asarray(seeds), key) for name, key in _KEYS.items()}
    texts = []
    things = instances.to_dict("records")
    for i, (label, thing) in enumerate(zip(labels, things, strict=True)):
        throw = {name: float(values[i]) for name, values in throws.items()}
        text = family.say(int(label), {str(k): v for k, v in thing.items()}, throw)
        if family.backdrop and throw["backdrop"] < 0.35:
            text += " " + one_of(_BEHIND[views["backdrop"].iloc[i]], throw["words"])
        texts.append(text)
    return texts
