"""Names of what persons wear and carry, and the colours of skin and hair."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from unispace.data.studio.canvas import Floats

HAIR_STYLES = ("bald", "short", "afro", "bob", "long", "ponytail", "bun")
HATS = ("none", "cap", "beanie", "brimmed")
TOPS = ("tshirt", "longsleeve", "hoodie", "coat", "dress", "tank", "jacket")
PATTERNS = ("plain", "stripes", "pinstripes", "checks", "dots", "logo", "block")
BOTTOMS = ("trousers", "shorts", "skirt")
CARRIED = ("none", "backpack", "shoulder_bag", "suitcase", "umbrella", "shopping_bag")
OCCLUDERS = ("none", "pole", "box", "bush")

HAIR_COLOURS: dict[str, tuple[float, float, float]] = {
    "black": (0.10, 0.09, 0.10),
    "dark_brown": (0.27, 0.17, 0.11),
    "brown": (0.47, 0.29, 0.15),
    "blond": (0.90, 0.74, 0.40),
    "red": (0.74, 0.32, 0.12),
    "grey": (0.72, 0.72, 0.74),
    "blue": (0.25, 0.45, 0.80),
}

_SKIN = np.asarray(
    [
        (0.99, 0.85, 0.75),
        (0.93, 0.72, 0.57),
        (0.78, 0.55, 0.38),
        (0.56, 0.37, 0.25),
        (0.35, 0.22, 0.16),
    ]
)


def skin_colour(darkness: ArrayLike) -> Floats:
    """Skin colours `(n, 3)` for `darkness` `(n,)` in [0, 1], interpolated between five tones."""
    place = np.clip(np.asarray(darkness, dtype=np.float64), 0, 1) * (len(_SKIN) - 1)
    low = np.minimum(place.astype(np.intp), len(_SKIN) - 2)
    share = (place - low)[:, None]
    return (_SKIN[low] + (_SKIN[low + 1] - _SKIN[low]) * share).astype(np.float32)
