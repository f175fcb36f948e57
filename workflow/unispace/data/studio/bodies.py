"""Whole-body persons as seen by street cameras: factors of identity, factors of view, pictures.

Every person and every view is a row of a table whose columns are the factors; pictures are a pure
function of the two rows. See `bodies_paint` for the figure and `bodies_scene` for the street.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.data.studio.bodies_paint import paint_person
from unispace.data.studio.bodies_scene import camera_look, paint_occluder, paint_scene
from unispace.data.studio.bodies_shape import figure
from unispace.data.studio.stage import Stage
from unispace.data.studio.swatches import (
    PALETTE,
    bell,
    between,
    pick,
    require_count,
    require_same_length,
    require_size,
    tinted,
)
from unispace.data.studio.wardrobe import (
    BOTTOMS,
    CARRIED,
    HAIR_COLOURS,
    HAIR_STYLES,
    HATS,
    OCCLUDERS,
    PATTERNS,
    TOPS,
)

CHUNK_PIXELS = 1 << 18  # images are painted in chunks of about this many pixels, for the caches

# Street clothes: dark and muted colours are common, yet every colour of the palette occurs.
TOP_WEIGHTS = (9, 5, 6, 3, 6, 5, 6, 8, 6, 5, 6, 4, 4, 5, 8, 6, 5, 8)
BOTTOM_WEIGHTS = (3, 1, 1, 1, 3, 2, 3, 8, 9, 1, 2, 3, 5, 7, 5, 8, 8, 10)
SHOE_WEIGHTS = (5, 2, 1, 1, 1, 1, 2, 3, 2, 1, 2, 1, 7, 3, 10, 4, 4, 10)


def sample_identities(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Draw persons.

    Args:
        rng: source of randomness; one child generator per factor is spawned from it.
        n: number of persons, at least 1. The first rows do not depend on it.

    Returns:
        One row per person. Lengths are fractions of the tallest person's height: `height`
        [0.8, 1], `shoulder`, `hip` and `waist` (half widths, [0.085, 0.145], [0.075, 0.125] and
        [0.06, 0.125]), `limb` (thickness factor, [0.75, 1.35]), `leg_share` (legs over height,
        [0.44, 0.53]), `head` (size factor, [0.9, 1.12]); `skin` [0 light, 1 dark]; names: `hair`,
        `hair_colour`, `hat`, `hat_colour`, `top`, `top_colour`, `top_second`, `pattern`, `bottom`,
        `bottom_colour`, `shoe_colour`, `carried`, `carried_colour`; `pattern_scale` [0.75, 1.35];
        `top_tone` and `bottom_tone` (lightness shifts, [-0.2, 0.2]); `beard` (bool).

    Raises:
        ValueError: `n` is below 1.
    """
    require_count(n)
    g = iter(rng.spawn(26))
    colours = tuple(PALETTE)
    return pd.DataFrame(
        {
            "height": bell(next(g), n, 0.8, 1.0),
            "shoulder": bell(next(g), n, 0.085, 0.145),
            "hip": bell(next(g), n, 0.075, 0.125),
            "waist": bell(next(g), n, 0.06, 0.125),
            "limb": bell(next(g), n, 0.75, 1.35),
            "leg_share": bell(next(g), n, 0.44, 0.53),
            "head": bell(next(g), n, 0.9, 1.12),
            "skin": between(next(g), n, 0.0, 1.0),
            "hair": pick(next(g), n, HAIR_STYLES, (1, 5, 2, 3, 4, 3, 2)),
            "hair_colour": pick(next(g), n, tuple(HAIR_COLOURS), (5, 4, 4, 3, 2, 2, 1)),
            "hat": pick(next(g), n, HATS, (13, 2, 2, 2)),
            "hat_colour": pick(next(g), n, colours),
            "top": pick(next(g), n, TOPS, (4, 4, 3, 3, 3, 1, 2)),
            "top_colour": pick(next(g), n, colours, TOP_WEIGHTS),
            "top_second": pick(next(g), n, colours),
            "pattern": pick(next(g), n, PATTERNS, (6, 2, 1, 1, 1, 2, 2)),
            "pattern_scale": between(next(g), n, 0.75, 1.35),
            "top_tone": between(next(g), n, -0.2, 0.2),
            "bottom": pick(next(g), n, BOTTOMS, (5, 2, 2)),
            "bottom_colour": pick(next(g), n, colours, BOTTOM_WEIGHTS),
            "bottom_tone": between(next(g), n, -0.2, 0.2),
            "shoe_colour": pick(next(g), n, colours, SHOE_WEIGHTS),
            "carried": pick(next(g), n, CARRIED, (6, 3, 3, 2, 2, 2)),
            "carried_colour": pick(next(g), n, colours),
            "beard": next(g).random(n) < 0.18,
        }
    )


def sample_views(rng: np.random.Generator, n: int, cameras: int = 2) -> pd.DataFrame:
    """Draw sightings.

    Args:
        rng: source of randomness; one child generator per factor is spawned from it.
        n: number of images, at least 1. The first rows do not depend on it.
        cameras: number of street cameras, at least 1. A camera's scene, colour cast and brightness
            follow from its number alone.

    Returns:
        One row per image: `camera` (int in [0, cameras)); `yaw` in degrees (0 front, 90 walking to
        the right, 180 back), `phase` of the step in degrees, `stride` [0.5, 1.1] (width of the
        step), `scale` [0.92, 1.02], `shift_x` and `shift_y` (half image sides), `mirror_hand` (bool:
        which hand carries), `scene_shift` [0, 1) (where along the scene the crop lies), `gain_red`,
        `gain_green`, `gain_blue` (the camera's cast with jitter), `blur` [0, 1], `occluder` (name),
        `occluder_x` [-0.8, 0.8], `occluder_colour`, `noise` (amplitude) and `noise_seed`.

    Raises:
        ValueError: `n` or `cameras` is below 1.
    """
    require_count(n)
    if cameras < 1:
        raise ValueError(f"cameras must be at least 1, got {cameras}")
    g = iter(rng.spawn(20))
    camera = np.floor(next(g).random(n) * cameras).astype(np.int64)
    # Mostly along the four main directions, with everything between them possible.
    quarter = np.floor(next(g).random(n) * 4) * 90
    yaw = (quarter + bell(next(g), n, -60.0, 60.0)) % 360
    gains = camera_look(camera) * between(next(g), n, 0.88, 1.12)[:, None]
    return pd.DataFrame(
        {
            "camera": camera,
            "yaw": yaw,
            "phase": between(next(g), n, 0.0, 360.0),
            "stride": between(next(g), n, 0.5, 1.1),
            "scale": between(next(g), n, 0.92, 1.02),
            "shift_x": bell(next(g), n, -0.2, 0.2),
            "shift_y": bell(next(g), n, -0.04, 0.04),
            "mirror_hand": next(g).random(n) < 0.5,
            "scene_shift": between(next(g), n, 0.0, 1.0),
            "gain_red": gains[:, 0] * between(next(g), n, 0.96, 1.04),
            "gain_green": gains[:, 1] * between(next(g), n, 0.97, 1.03),
            "gain_blue": gains[:, 2] * between(next(g), n, 0.96, 1.04),
            "blur": between(next(g), n, 0.0, 0.7),
            "occluder": pick(next(g), n, OCCLUDERS, (17, 1, 1, 1)),
            "occluder_x": between(next(g), n, -0.8, 0.8),
            "occluder_colour": pick(next(g), n, tuple(PALETTE)),
            "noise": between(next(g), n, 0.0, 0.04),
            "noise_seed": next(g).integers(0, 2**31, n),
        }
    )


def render(identities: pd.DataFrame, views: pd.DataFrame, size: int) -> NDArray[np.uint8]:
    """Paint person `i` as seen in view `i`.

    Args:
        identities: rows as from `sample_identities`.
        views: as many rows as from `sample_views`.
        size: image side in pixels, at least 16.

    Returns:
        RGB images `(n, size, size, 3)`. The bytes of an image depend on its own rows only.

    Raises:
        ValueError: the tables differ in length, the size is too small, or a name is unknown.
    """
    require_size(size)
    require_same_length(identities=len(identities), views=len(views))
    images = np.empty((len(identities), size, size, 3), np.uint8)
    step = max(1, CHUNK_PIXELS // (size * size))
    for start in range(0, len(identities), step):
        part = slice(start, start + step)
        images[part] = _render_chunk(identities.iloc[part], views.iloc[part], size)
    return images


def _render_chunk(identities: pd.DataFrame, views: pd.DataFrame, size: int) -> NDArray[np.uint8]:
    stage = Stage(len(views), size)
    paint_scene(stage, views)
    paint_person(stage, figure(identities, views), identities, views)
    paint_occluder(stage, views, tinted(views["occluder_colour"], np.full(len(views), -0.15)))
    gains = views[["gain_red", "gain_green", "gain_blue"]].to_numpy(np.float32)
    stage.pixels *= gains[:, :, None, None]
    stage.blur(views["blur"].to_numpy())
    stage.add_noise(views["noise"].to_numpy(), views["noise_seed"].to_numpy())
    return stage.finish()
