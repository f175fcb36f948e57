"""Things of everyday life: classes, appearance within a class, views, pictures.

An instance and a view are rows of tables whose columns are the factors; a picture is a pure function
of a label and the two rows. The classes are painted in `objects_vehicles`, `objects_nature`,
`objects_food`, `objects_house` and `objects_leisure`, their surroundings in `objects_scene`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.data.studio import (
    objects_food,
    objects_house,
    objects_leisure,
    objects_nature,
    objects_vehicles,
)
from unispace.data.studio.objects_look import Painter, looks
from unispace.data.studio.objects_scene import (
    BACKDROPS,
    paint_backdrop,
    paint_clutter,
    paint_occluder,
)
from unispace.data.studio.pen import Pen
from unispace.data.studio.stage import Stage, rounded_trig
from unispace.data.studio.swatches import (
    PALETTE,
    bell,
    between,
    pick,
    require_count,
    require_same_length,
    require_size,
)

CHUNK_PIXELS = 1 << 20  # images are painted in chunks of about this many pixels, to bound memory

# Neighbours come from different groups, so that the first k classes are a varied choice for any k.
CLASSES: tuple[str, ...] = (
    "car", "tree", "cup", "fish", "guitar", "apple", "house", "chair", "airplane", "star",
    "umbrella", "cat", "key", "banana", "clock", "boat", "flower", "shirt", "bus", "bird",
    "lamp", "mushroom", "hammer", "bicycle", "ice_cream", "book", "snail", "drum", "wine_glass", "moon",
    "teapot", "rocket", "rabbit", "phone", "cloud", "shoe", "pear", "lock", "cactus", "table",
    "ball", "candle", "sun", "camera", "butterfly", "bottle", "snowman", "scissors", "kite", "television",
    "carrot", "hat", "envelope", "balloon",
)  # fmt: skip
_PAINTERS: dict[str, Painter] = {
    **objects_vehicles.PAINTERS,
    **objects_nature.PAINTERS,
    **objects_food.PAINTERS,
    **objects_house.PAINTERS,
    **objects_leisure.PAINTERS,
}

_COLOUR_WEIGHTS = (5, 4, 4, 3, 4, 4, 4, 5, 2, 4, 3, 2, 2, 2, 3, 2, 1, 1)


def sample_instances(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Draw appearances, which apply to any class.

    Args:
        rng: source of randomness; one child generator per factor is spawned from it.
        n: number of instances, at least 1. The first rows do not depend on it.

    Returns:
        One row per instance: `main_colour` and `second_colour` (names), `main_tone` and
        `second_tone` (lightness shifts, [-0.15, 0.25]), `aspect` (width factor, [0.85, 1.18]),
        `part_a`, `part_b` and `part_c` (sizes of class-specific parts, [0, 1)), `style` (0, 1 or 2,
        a class-specific variant) and `outline` (line width in half image sides, [0.012, 0.034]).

    Raises:
        ValueError: `n` is below 1.
    """
    require_count(n)
    g = iter(rng.spawn(12))
    names = tuple(PALETTE)
    return pd.DataFrame(
        {
            "main_colour": pick(next(g), n, names, _COLOUR_WEIGHTS),
            "second_colour": pick(next(g), n, names, _COLOUR_WEIGHTS),
            "main_tone": between(next(g), n, -0.15, 0.25),
            "second_tone": between(next(g), n, -0.15, 0.25),
            "aspect": bell(next(g), n, 0.85, 1.18),
            "part_a": between(next(g), n, 0.0, 1.0),
            "part_b": between(next(g), n, 0.0, 1.0),
            "part_c": between(next(g), n, 0.0, 1.0),
            "style": np.floor(next(g).random(n) * 3).astype(np.int64),
            "outline": between(next(g), n, 0.012, 0.034),
        }
    )


def sample_views(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Draw views.

    Args:
        rng: source of randomness; one child generator per factor is spawned from it.
        n: number of images, at least 1. The first rows do not depend on it.

    Returns:
        One row per image: `rotation` in degrees clockwise [-22, 22], `scale` [0.66, 0.96],
        `shift_x` and `shift_y` (half image sides, [-0.2, 0.2]), `flip` (bool); `backdrop` (name),
        `back_colour` and `back_second` (names), `back_tone` [0.35, 0.75] (share of white),
        `back_angle` in degrees; `light` (brightness, [0.84, 1.12]), `light_angle` in degrees,
        `contrast` [0, 0.3] (of the shading); `clutter` (number of things behind, 0 to 3),
        `occluded` (bool), `place_x` and `place_y` [-1, 1) (of the occluder), `noise` (amplitude)
        and `noise_seed`, which also places the clutter.

    Raises:
        ValueError: `n` is below 1.
    """
    require_count(n)
    g = iter(rng.spawn(22))
    names = tuple(PALETTE)
    return pd.DataFrame(
        {
            "rotation": bell(next(g), n, -22.0, 22.0),
            "scale": between(next(g), n, 0.66, 0.96),
            "shift_x": bell(next(g), n, -0.2, 0.2),
            "shift_y": bell(next(g), n, -0.2, 0.2),
            "flip": next(g).random(n) < 0.5,
            "backdrop": pick(next(g), n, BACKDROPS, (4, 4, 3, 2, 2, 2)),
            "back_colour": pick(next(g), n, names),
            "back_second": pick(next(g), n, names),
            "back_tone": between(next(g), n, 0.35, 0.75),
            "back_angle": between(next(g), n, 0.0, 360.0),
            "light": between(next(g), n, 0.84, 1.12),
            "light_angle": between(next(g), n, 0.0, 360.0),
            "contrast": between(next(g), n, 0.0, 0.3),
            "clutter": np.maximum(np.floor(next(g).random(n) * 6).astype(np.int64) - 2, 0),
            "occluded": next(g).random(n) < 0.1,
            "place_x": between(next(g), n, -1.0, 1.0),
            "place_y": between(next(g), n, -1.0, 1.0),
            "noise": between(next(g), n, 0.0, 0.035),
            "noise_seed": next(g).integers(0, 2**31, n),
        }
    )


def render(
    labels: NDArray[np.int64], instances: pd.DataFrame, views: pd.DataFrame, size: int
) -> NDArray[np.uint8]:
    """Paint, for each row, instance `i` of class `labels[i]` in view `i`.

    Args:
        labels: indices into `CLASSES`, `(n,)`.
        instances: `n` rows as from `sample_instances`.
        views: `n` rows as from `sample_views`.
        size: image side in pixels, at least 16.

    Returns:
        RGB images `(n, size, size, 3)`. The bytes of an image depend on its own rows only.

    Raises:
        ValueError: lengths differ, a label is no class, the size is too small, a name is unknown.
    """
    require_size(size)
    labels = np.asarray(labels)
    require_same_length(labels=len(labels), instances=len(instances), views=len(views))
    if len(labels) and not (labels.min() >= 0 and labels.max() < len(CLASSES)):
        raise ValueError(
            f"labels must lie in 0..{len(CLASSES) - 1}, got {labels.min()}..{labels.max()}"
        )
    images = np.empty((len(labels), size, size, 3), np.uint8)
    # Sorted by class, a chunk holds many images of few classes, and each class is painted at once.
    order = np.argsort(labels, kind="stable")
    step = max(1, CHUNK_PIXELS // (size * size))
    for start in range(0, len(order), step):
        part = order[start : start + step]
        images[part] = _render_chunk(labels[part], instances.iloc[part], views.iloc[part], size)
    return images


def _render_chunk(
    labels: NDArray[np.int64], instances: pd.DataFrame, views: pd.DataFrame, size: int
) -> NDArray[np.uint8]:
    stage = Stage(len(labels), size)
    paint_backdrop(stage, views)
    paint_clutter(stage, views)
    pen, look = _pen(stage, instances, views), looks(instances)
    for label in np.unique(labels):
        chosen = labels == label
        _PAINTERS[CLASSES[label]](pen.only(chosen), look.only(chosen))
    paint_occluder(stage, views)
    stage.pixels *= views["light"].to_numpy(np.float32)[:, None, None, None]
    stage.add_noise(views["noise"].to_numpy(), views["noise_seed"].to_numpy())
    return stage.finish()


def _pen(stage: Stage, instances: pd.DataFrame, views: pd.DataFrame) -> Pen:
    cos, sin = rounded_trig(np.deg2rad(views["light_angle"].to_numpy(np.float64)))
    contrast = views["contrast"].to_numpy(np.float64)
    return Pen(
        stage,
        np.arange(stage.n),
        x=views["shift_x"].to_numpy(np.float64),
        y=views["shift_y"].to_numpy(np.float64),
        scale=views["scale"].to_numpy(np.float64),
        degrees=views["rotation"].to_numpy(np.float64),
        mirrored=views["flip"].to_numpy(np.bool_),
        outline=instances["outline"].to_numpy(np.float64),
        light=(contrast * cos, contrast * sin),
    )
