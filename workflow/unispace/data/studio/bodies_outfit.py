"""What a person looks like, resolved to codes and colours, and the patterns of cloth."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.data.studio.bodies_shape import Figure
from unispace.data.studio.canvas import Floats, column
from unispace.data.studio.pen import Patch
from unispace.data.studio.stage import Doubles
from unispace.data.studio.swatches import codes, tinted
from unispace.data.studio.wardrobe import (
    BOTTOMS,
    CARRIED,
    HAIR_COLOURS,
    HAIR_STYLES,
    HATS,
    PATTERNS,
    TOPS,
    skin_colour,
)

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Outfit:
    """Looks resolved to codes and colours, one per image: codes `(n,)`, colours `(n, 3)`."""

    skin: Floats
    hair: NDArray[np.intp]
    hair_colour: Floats
    hat: NDArray[np.intp]
    hat_colour: Floats
    top: NDArray[np.intp]
    top_colour: Floats
    top_second: Floats
    pattern: NDArray[np.intp]
    pattern_scale: Doubles
    bottom: NDArray[np.intp]
    bottom_colour: Floats
    shoe_colour: Floats
    beard: Mask
    carried: NDArray[np.intp]
    carried_colour: Floats

    def only(self, chosen: Mask) -> Outfit:
        """The outfits of the images in the mask `chosen`, `(n,)`."""
        rows = np.flatnonzero(chosen)
        return Outfit(*(getattr(self, name)[rows] for name in _OF_OUTFIT))

    def wears(self, *tops: str) -> Mask:
        """Which persons wear one of the tops."""
        return np.isin(self.top, [TOPS.index(top) for top in tops])


_OF_OUTFIT = tuple(field.name for field in fields(Outfit))


def outfits(identities: pd.DataFrame) -> Outfit:
    """Resolve the names of a table of identities."""
    level = np.zeros(len(identities))
    hair_table = np.asarray(list(HAIR_COLOURS.values()), np.float32)
    return Outfit(
        skin=skin_colour(identities["skin"].to_numpy(np.float64)),
        hair=codes(identities["hair"], HAIR_STYLES),
        hair_colour=hair_table[codes(identities["hair_colour"], tuple(HAIR_COLOURS))],
        hat=codes(identities["hat"], HATS),
        hat_colour=tinted(identities["hat_colour"], level),
        top=codes(identities["top"], TOPS),
        top_colour=tinted(identities["top_colour"], identities["top_tone"]),
        top_second=tinted(identities["top_second"], level),
        pattern=codes(identities["pattern"], PATTERNS),
        pattern_scale=identities["pattern_scale"].to_numpy(np.float64),
        bottom=codes(identities["bottom"], BOTTOMS),
        bottom_colour=tinted(identities["bottom_colour"], identities["bottom_tone"]),
        shoe_colour=tinted(identities["shoe_colour"], level),
        beard=identities["beard"].to_numpy(np.bool_),
        carried=codes(identities["carried"], CARRIED),
        carried_colour=tinted(identities["carried_colour"], level),
    )


def patterned(look: Outfit, fig: Figure, patch: Patch) -> Floats:
    """Cloth colours `(n, 3, h, w)` over a patch, in coordinates fixed to the chest."""
    shape = (len(look.top), patch.height, patch.width)
    u = np.broadcast_to(patch.u - column(fig.lean), shape)
    v = np.broadcast_to(patch.v - column(fig.shoulder_y), shape)
    share = np.zeros(shape, np.float32)
    for name, pattern in _PATTERN_SHARES.items():
        chosen = look.pattern == PATTERNS.index(name)
        if chosen.any():
            unit = column(1 / look.pattern_scale[chosen])
            share[chosen] = pattern(u[chosen] * unit, v[chosen] * unit)
    main, second = look.top_colour[:, :, None, None], look.top_second[:, :, None, None]
    return main + share[:, None] * (second - main)


def _wave(position: Floats, period: float) -> Floats:
    """A triangle wave in [0, 1], 1 at multiples of the period."""
    turns = position * np.float32(1 / period)
    return np.abs(turns - np.floor(turns) - np.float32(0.5)) * 2


def _steep(value: Floats, threshold: float, sharpness: float) -> Floats:
    return np.clip((value - np.float32(threshold)) * np.float32(sharpness) + np.float32(0.5), 0, 1)


def _dots(u: Floats, v: Floats) -> Floats:
    a, b = 1 - _wave(u, 0.075), 1 - _wave(v, 0.075)
    return _steep(1 - np.sqrt(a * a + b * b), 0.4, 4)


def _checks(u: Floats, v: Floats) -> Floats:
    a, b = _steep(_wave(u, 0.1), 0.5, 4), _steep(_wave(v, 0.1), 0.5, 4)
    return a * (1 - b) + b * (1 - a)


_PATTERN_SHARES = {
    "stripes": lambda u, v: _steep(_wave(v, 0.092), 0.55, 5),
    "pinstripes": lambda u, v: _steep(_wave(u, 0.07), 0.62, 5),
    "checks": _checks,
    "dots": _dots,
    "block": lambda u, v: _steep(v, 0.15, 60),
}
