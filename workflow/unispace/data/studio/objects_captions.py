"""Sentences that say what a picture of an object shows, for training on images and texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.data.studio.objects_classes import CLASS_NAMES, CLASSES
from unispace.data.studio.objects_scene import BACKDROPS
from unispace.data.studio.objects_styles import STYLES
from unispace.data.studio.stage import hash01
from unispace.data.studio.swatches import PALETTE, codes, require_same_length

# `{thing}` is the object with its article, `{texture}` the class whose texture it has.
TEMPLATES: dict[str, tuple[str, ...]] = {
    "photo": (
        "{thing}", "a photo of {thing}", "a picture of {thing}", "an image of {thing}",
        "a photo showing {thing}", "this is {thing}", "there is {thing}", "a snapshot of {thing}",
    ),
    "sketch": (
        "a sketch of {thing}", "a pencil sketch of {thing}", "a line drawing of {thing}",
        "{thing}, drawn in pencil", "a black and white drawing of {thing}", "{thing} sketched on paper",
    ),
    "silhouette": (
        "a silhouette of {thing}", "the silhouette of {thing}", "{thing} as a silhouette",
        "the dark shape of {thing}", "the shadow of {thing}", "the outline of {thing}, filled with black",
    ),
    "texture_swap": (
        "{thing} with the texture of {texture}", "{thing} covered in the pattern of {texture}",
        "a picture of {thing} with the surface of {texture}", "{thing} in the colours of {texture}",
    ),
}  # fmt: skip
COLOUR_WORDS: dict[str, str] = {name: name for name in PALETTE} | {
    "lime": "lime green",
    "sky": "sky blue",
    "navy": "navy blue",
    "charcoal": "dark grey",
}
BACKDROP_PHRASES: dict[str, tuple[str, ...]] = {
    "plain": ("on a plain background", "in front of a plain wall"),
    "gradient": ("on a background that fades from one shade to another", "on a shaded background"),
    "horizon": ("in front of a horizon", "above the line of the horizon"),
    "stripes": ("on a striped background", "in front of stripes"),
    "dots": ("on a dotted background", "in front of polka dots"),
    "checks": ("on a checked background", "in front of a checked wall"),
}
CLUTTER_PHRASES = (
    ("with nothing around it", "all by itself"),
    ("with one other shape nearby", "next to another shape"),
    ("with two other shapes around it", "next to two other shapes"),
    ("with three other shapes around it", "among three other shapes"),
)
HIDDEN_PHRASES = ("partly hidden", "with something in front of it")
SMALL, LARGE = 0.73, 0.89  # of `scale`: below is called small, above large

# Classes whose main colour is what one would call them by; others have a colour of their own, such
# as bananas, or show the main colour on small parts only, such as snowmen on their hats.
COLOURED = frozenset({
    "balloon", "bicycle", "bird", "boat", "book", "bottle", "bus", "butterfly", "camera", "candle",
    "car", "clock", "cup", "drum", "fish", "flower", "guitar", "hat", "ice_cream", "kite", "lamp",
    "lock", "scissors", "shirt", "shoe", "snail", "teapot", "umbrella",
})  # fmt: skip

_TEMPLATE, _SIZE, _COLOUR, _BACKDROP, _CLUTTER, _HIDDEN, _WORDS = range(801, 808)  # hashed keys


def captions(
    labels: NDArray[np.int64],
    instances: pd.DataFrame,
    views: pd.DataFrame,
    styles: Sequence[str] | NDArray[np.object_] | None,
    seeds: NDArray[np.integer],
    textures: NDArray[np.int64] | None = None,
) -> list[str]:
    """Say in words what `objects.render` paints, one sentence per image.

    A caption names the class (and the style where it is no photo) and, as its seed decides, some of
    what can be seen: the main colour, whether the thing is small or large, the kind of backdrop, the
    number of other shapes, whether something is in front. It depends on its own rows and seed only.

    Args:
        labels: indices into `CLASSES`, `(n,)`.
        instances: `n` rows as from `objects.sample_instances`.
        views: `n` rows as from `objects.sample_views`.
        styles: names from `STYLES`, `(n,)`; None means photos.
        seeds: whole numbers, `(n,)`; another seed words it differently.
        textures: as given to `render`, `(n,)`; needed for images of style `texture_swap`.

    Returns:
        `n` sentences in lower case without a full stop.

    Raises:
        ValueError: lengths differ, a name is unknown, or textures are missing.
    """
    n = len(labels)
    names = np.full(n, STYLES[0], dtype=object) if styles is None else np.asarray(styles, object)
    lengths = {"labels": n, "instances": len(instances), "views": len(views), "seeds": len(seeds)}
    require_same_length(**lengths, styles=len(names))
    codes(pd.Series(names, name="styles"), STYLES)
    codes(instances["main_colour"], tuple(PALETTE))
    codes(views["backdrop"], BACKDROPS)
    if textures is None:
        if (names == "texture_swap").any():
            raise ValueError("captions of style texture_swap need the textures that were painted")
        textures = np.asarray(labels)
    require_same_length(labels=n, textures=len(textures))
    chance = {key: hash01(np.asarray(seeds), key) for key in range(_TEMPLATE, _WORDS + 1)}
    texts = []
    rows = zip(
        names, labels, textures, instances["main_colour"], views["scale"], views["backdrop"],
        views["clutter"], views["occluded"], strict=True,
    )  # fmt: skip
    for i, (style, label, texture, colour, scale, backdrop, clutter, occluded) in enumerate(rows):
        throw = {key: float(values[i]) for key, values in chance.items()}
        name = CLASSES[label]
        words = [
            _size(scale) if throw[_SIZE] < 0.4 else "",
            COLOUR_WORDS[colour]
            if style == "photo" and name in COLOURED and throw[_COLOUR] < 0.75
            else "",
            CLASS_NAMES[name],
        ]
        text = _one_of(TEMPLATES[style], throw[_TEMPLATE]).format(
            thing=_with_article(" ".join(filter(None, words))),
            texture=_with_article(CLASS_NAMES[CLASSES[texture]]),
        )
        texts.append(text + _scene(style, backdrop, int(clutter), bool(occluded), throw))
    return texts


def _scene(style: str, backdrop: str, clutter: int, occluded: bool, throw: dict[int, float]) -> str:
    """What is said about the surroundings, which sketches and silhouettes do not have."""
    if style in ("sketch", "silhouette"):
        return ""
    said = []
    if throw[_BACKDROP] < 0.5:
        said.append(_one_of(BACKDROP_PHRASES[backdrop], throw[_WORDS]))
    if throw[_CLUTTER] < 0.3:
        said.append(_one_of(CLUTTER_PHRASES[clutter], throw[_WORDS]))
    if occluded and throw[_HIDDEN] < 0.6:
        said.append(_one_of(HIDDEN_PHRASES, throw[_WORDS]))
    return " " + ", ".join(said) if said else ""


def _size(scale: float) -> str:
    return "small" if scale < SMALL else "large" if scale > LARGE else ""


def _one_of(choices: Sequence[str], throw: float) -> str:
    return choices[int(throw * len(choices))]


def _with_article(words: str) -> str:
    return ("an " if words[0] in "aeiou" else "a ") + words
