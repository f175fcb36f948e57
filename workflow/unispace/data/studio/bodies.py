"""Whole-body persons as seen by street cameras: factors of identity, factors of view, pictures.

Every person and every view is a row of a table whose columns are the factors; pictures are a pure
function of the two rows. See `bodies_paint` for the figure and `bodies_scene` for the street.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.data.studio.bodies_factors import (
    BRIGHTNESS,
    CLOTHING,
    GAINS,
    IDENTITY,
    VIEW,
    YAW_SPREAD,
)
from unispace.data.studio.bodies_paint import paint_person
from unispace.data.studio.bodies_scene import camera_look, paint_occluder, paint_scene
from unispace.data.studio.bodies_shape import figure
from unispace.data.studio.draws import Doubles, Whole, draw_columns
from unispace.data.studio.stage import Stage, hash01
from unispace.data.studio.swatches import (
    require_count,
    require_same_length,
    require_size,
    tinted,
)

CHUNK_PIXELS = 1 << 19
"""Images are painted in chunks of about this many pixels: enough to make little of numpy's calls, few for the memory."""


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
    return pd.DataFrame(draw_columns(IDENTITY, iter(rng.spawn(len(IDENTITY))), n))


def dressed(
    identities: pd.DataFrame, outfits: NDArray[np.integer], seeds: NDArray[np.integer]
) -> pd.DataFrame:
    """Give persons other clothes: body, skin, hair and beard stay.

    What is replaced are the columns `CLOTHING`: top, bottom, shoes, hat and what is carried, with
    their colours and patterns, drawn as `sample_identities` draws them. Gait is part of the view.

    Args:
        identities: `n` rows as from `sample_identities`; rows of one person may recur.
        outfits: number of the outfit of each row, `(n,)`; 0 leaves the row as it is.
        seeds: whole numbers, `(n,)`, one per person: the same seed and outfit give the same clothes
            in any row of any table.

    Returns:
        As many rows with the same index, columns and types.

    Raises:
        ValueError: lengths differ, or an outfit or seed is no whole number of at least 0.
    """
    outfits, seeds = np.asarray(outfits), np.asarray(seeds)
    require_same_length(identities=len(identities), outfits=len(outfits), seeds=len(seeds))
    for name, numbers in (("outfits", outfits), ("seeds", seeds)):
        if not np.issubdtype(numbers.dtype, np.integer) or (numbers < 0).any():
            raise ValueError(f"{name} must be whole numbers of at least 0")
    changed = outfits > 0
    worn = identities.copy()
    for place, name in enumerate(CLOTHING):
        factor = IDENTITY[name]
        throws = [hash01(seeds, outfits, 31 * place + k) for k in range(factor.units)]
        units: Doubles = np.stack(throws, axis=1).astype(np.float64)
        fresh = pd.Series(factor.of(units), index=worn.index)
        worn[name] = worn[name].where(~changed, fresh).astype(identities[name].dtype)
    return worn


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
    g = iter(rng.spawn(4 + len(VIEW)))
    camera = Whole(cameras).draw(next(g), n)
    yaw = (Whole(4).draw(next(g), n) * 90 + YAW_SPREAD.draw(next(g), n)) % 360
    gains = camera_look(camera) * BRIGHTNESS.draw(next(g), n)[:, None]
    table = pd.DataFrame({"camera": camera, "yaw": yaw, **draw_columns(VIEW, g, n)})
    return table.assign(**{name: gains[:, i] * table[name] for i, name in enumerate(GAINS)})


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
