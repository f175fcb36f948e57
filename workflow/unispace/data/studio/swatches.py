"""Named colours and the draws of factors shared by the bodies and the objects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from unispace.data.studio.canvas import Floats

Doubles = NDArray[np.float64]

PALETTE: dict[str, tuple[float, float, float]] = {
    "red": (0.86, 0.17, 0.18),
    "orange": (0.96, 0.53, 0.13),
    "yellow": (0.97, 0.82, 0.20),
    "lime": (0.58, 0.79, 0.22),
    "green": (0.13, 0.54, 0.28),
    "teal": (0.08, 0.60, 0.62),
    "sky": (0.36, 0.70, 0.95),
    "blue": (0.16, 0.33, 0.80),
    "navy": (0.12, 0.16, 0.36),
    "purple": (0.49, 0.24, 0.68),
    "pink": (0.96, 0.52, 0.69),
    "maroon": (0.48, 0.10, 0.17),
    "brown": (0.47, 0.29, 0.16),
    "beige": (0.85, 0.75, 0.58),
    "white": (0.95, 0.95, 0.93),
    "grey": (0.55, 0.56, 0.58),
    "charcoal": (0.24, 0.25, 0.28),
    "black": (0.09, 0.09, 0.10),
}


def require_count(n: int) -> None:
    """Raise ValueError unless `n` is at least one."""
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")


def require_size(size: int) -> None:
    """Raise ValueError unless an image of `size` pixels is large enough to show anything."""
    if size < 16:
        raise ValueError(f"size must be at least 16, got {size}")


def require_same_length(**tables: int) -> None:
    """Raise ValueError, naming the tables, unless all lengths are equal."""
    if len(set(tables.values())) > 1:
        found = ", ".join(f"{name} {length}" for name, length in tables.items())
        raise ValueError(f"lengths differ: {found}")


def codes(values: pd.Series, names: Sequence[str]) -> NDArray[np.intp]:
    """Position of each value among `names`.

    Raises:
        ValueError: a value is none of the names.
    """
    # An index of pandas takes a millisecond to be made, and pictures are painted in chunks of a few dozen.
    place = {name: number for number, name in enumerate(names)}
    found = np.array([place.get(value, -1) for value in values.tolist()], np.intp)
    if (found < 0).any():
        bad = values.iloc[int(np.argmax(found < 0))]
        raise ValueError(f"{values.name}: {bad!r} is not one of {', '.join(names)}")
    return found


def tinted(names: pd.Series, tones: ArrayLike) -> Floats:
    """Palette colours made lighter (tone > 0) or darker (tone < 0), `(n, 3)` in [0, 1]."""
    table = np.asarray(list(PALETTE.values()))
    base = table[codes(names, tuple(PALETTE))]
    tone = np.asarray(tones, dtype=np.float64)[:, None]
    lighter, darker = base + (1 - base) * tone, base * (1 + tone)
    return np.where(tone > 0, lighter, darker).astype(np.float32)


def mix(first: ArrayLike, second: ArrayLike, share: ArrayLike) -> Floats:
    """Colours between two, `share` (scalar or `(n,)`) of the second; `(3,)` or `(n, 3)`."""
    a, b = np.asarray(first, dtype=np.float32), np.asarray(second, dtype=np.float32)
    part = np.asarray(share, dtype=np.float32)
    return a + (b - a) * (part[:, None] if part.ndim else part)


def shaded(colour: ArrayLike, factor: float) -> Floats:
    """A colour made darker (factor < 1) or brighter, kept within [0, 1]."""
    return np.clip(np.asarray(colour, dtype=np.float32) * np.float32(factor), 0, 1)
