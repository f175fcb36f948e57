"""Presentation attacks: a picture of the subject shown to the camera in place of the subject.

The kinds are the presentation attack instruments (PAI, ISO/IEC 30107) of the studio. Lengths grow with
the image. All that an image gets is drawn from its own seed; weak attacks occur and are saved as such.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.data.attacks import mask, paper, screen
from unispace.data.attacks.draws import Spread, check_seeds, draw
from unispace.data.attacks.sampling import to_planes
from unispace.data.studio.canvas import Floats
from unispace.data.studio.faces_landmarks import LANDMARKS
from unispace.data.studio.stage import Doubles
from unispace.errors import did_you_mean

Instrument: TypeAlias = Callable[
    [Floats, Mapping[str, Doubles], NDArray[np.int64], Doubles], NDArray[np.uint8]
]
_INSTRUMENTS: Mapping[str, tuple[Mapping[str, Spread], Instrument]] = {
    "print": (paper.SPREADS, paper.present),
    "replay": (screen.SPREADS, screen.present),
    "mask": (mask.SPREADS, mask.present),
}
KINDS: tuple[str, ...] = tuple(_INSTRUMENTS)
PARAMETERS: tuple[str, ...] = tuple(
    f"{kind}_{name}" for kind, (spreads, _) in _INSTRUMENTS.items() for name in spreads
)
SMALLEST = 32
CHUNK = 32  # images of 64 pixels worked on together: few enough for the cache


def present(
    images: NDArray[np.uint8],
    kinds: NDArray[np.str_] | NDArray[np.object_],
    landmarks: NDArray[np.float64],
    seeds: NDArray[np.integer],
) -> tuple[NDArray[np.uint8], pd.DataFrame]:
    """Turn bona fide pictures into presentation attacks.

    The bytes of an image depend on its own picture, kind, landmarks and seed, not on the batch.

    Args:
        images: `(n, s, s, 3)`, RGB, at least 32 pixels.
        kinds: of each image, from `KINDS`, `(n,)`.
        landmarks: `(n, k, 2)` points `LANDMARKS` in pixels, as from `faces.landmarks`.
        seeds: `(n,)` integers of 0 or more.

    Returns:
        The attacks, `(n, s, s, 3)`, and a table of `n` rows: `kind` and a column for each of
        `PARAMETERS`, `<kind>_<name>`; NaN where the image is of another kind. Their units stand beside
        the ranges they are drawn from (`SPREADS` of the kind's module).

    Raises:
        ValueError: if shapes do not match, a kind is unknown or a number is out of range.
    """
    n = check_faces(images, landmarks, SMALLEST)
    seeds = check_seeds(seeds, n)
    names = np.asarray(kinds, dtype=object)
    if names.shape != (n,):
        raise ValueError(f"{n} images need as many kinds, not shape {names.shape}")
    for name in dict.fromkeys(names):
        if name not in KINDS:
            raise ValueError(
                f"unknown presentation attack {name!r}; {did_you_mean(str(name), KINDS)}"
            )
    result = np.empty_like(images)
    table = pd.DataFrame(np.nan, index=range(n), columns=list(PARAMETERS))
    chunk = max(CHUNK * 64 * 64 // max(images.shape[1], 1) ** 2, 1)
    for kind, (spreads, instrument) in _INSTRUMENTS.items():
        rows = np.flatnonzero(names == kind)
        drawn = draw(seeds[rows], spreads, kind)
        for name, values in drawn.items():
            table.loc[rows, f"{kind}_{name}"] = values
        for start in range(0, len(rows), chunk):
            part = slice(start, start + chunk)
            among = rows[part]
            own = {name: values[part] for name, values in drawn.items()}
            result[among] = instrument(
                to_planes(images[among]), own, seeds[among], landmarks[among]
            )
    table.insert(0, "kind", names)
    return result, table


def check_faces(images: NDArray[np.uint8], landmarks: NDArray[np.float64], smallest: int) -> int:
    """The number of pictures, which are square, not too small, and have all landmarks.

    Raises:
        ValueError: if they are not.
    """
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
        raise ValueError(f"images must be uint8 (n, s, s, 3), not {images.dtype} {images.shape}")
    n, height, width, _ = images.shape
    if height != width or height < smallest:
        raise ValueError(
            f"images must be square, of at least {smallest} pixels, not {height} x {width}"
        )
    if landmarks.shape != (n, len(LANDMARKS), 2):
        raise ValueError(
            f"landmarks must be ({n}, {len(LANDMARKS)}, 2), the points LANDMARKS, not {landmarks.shape}"
        )
    if not np.isfinite(landmarks).all():
        raise ValueError("landmarks must be finite numbers")
    return n
