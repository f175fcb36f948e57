"""Things of everyday life: classes, appearance within a class, views, pictures, captions.

An instance and a view are rows of tables whose columns are the factors; a picture is a pure function
of a label and the two rows. The classes are painted in `objects_vehicles`, `objects_nature`,
`objects_food`, `objects_house` and `objects_leisure`, their surroundings in `objects_scene`. Besides
photos there are the styles of `objects_styles`; `objects_captions` says in words what is shown.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from unispace.data.studio import objects_styles
from unispace.data.studio.draws import draw_columns
from unispace.data.studio.objects_captions import TEMPLATES, captions
from unispace.data.studio.objects_classes import CLASS_NAMES, CLASSES, paint_objects
from unispace.data.studio.objects_factors import INSTANCE, VIEW
from unispace.data.studio.objects_look import looks
from unispace.data.studio.objects_scene import paint_backdrop, paint_clutter, paint_occluder
from unispace.data.studio.objects_styles import STYLES, texture_labels
from unispace.data.studio.pen import Pen
from unispace.data.studio.stage import Stage
from unispace.data.studio.swatches import codes, require_count, require_same_length, require_size

__all__ = [
    "CLASSES",
    "CLASS_NAMES",
    "STYLES",
    "TEMPLATES",
    "captions",
    "masks",
    "render",
    "sample_instances",
    "sample_views",
    "texture_labels",
]

CHUNK_PIXELS = 1 << 20  # images are painted in chunks of about this many pixels, to bound memory


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
    return pd.DataFrame(draw_columns(INSTANCE, iter(rng.spawn(len(INSTANCE))), n))


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
    return pd.DataFrame(draw_columns(VIEW, iter(rng.spawn(len(VIEW))), n))


def render(
    labels: NDArray[np.int64],
    instances: pd.DataFrame,
    views: pd.DataFrame,
    size: int,
    styles: Sequence[str] | NDArray[np.object_] | None = None,
    textures: NDArray[np.int64] | None = None,
) -> NDArray[np.uint8]:
    """Paint, for each row, instance `i` of class `labels[i]` in view `i`.

    Args:
        labels: indices into `CLASSES`, `(n,)`.
        instances: `n` rows as from `sample_instances`.
        views: `n` rows as from `sample_views`.
        size: image side in pixels, at least 16.
        styles: names from `STYLES`, `(n,)`; None paints photos. `sketch` and `silhouette` show the
            object alone: backdrop, clutter, occluder, light and noise are left out.
        textures: classes whose texture fills the objects of style `texture_swap`, `(n,)` indices
            into `CLASSES`, not looked at elsewhere; None takes `texture_labels(labels, views)`.

    Returns:
        RGB images `(n, size, size, 3)`. The bytes of an image depend on its own rows only.

    Raises:
        ValueError: lengths differ, a label is no class, the size is too small, a name is unknown.
    """
    labels = _checked(labels, instances, views, size)
    if styles is None:
        kinds = np.zeros(len(labels), np.intp)
    else:
        require_same_length(labels=len(labels), styles=len(styles))
        kinds = codes(pd.Series(styles, name="styles", dtype=object), STYLES)
    if textures is None:
        textures = texture_labels(labels, views)
    require_same_length(labels=len(labels), textures=len(textures))
    swapped = kinds == STYLES.index("texture_swap")
    require_classes("textures", textures[swapped])
    images = np.empty((len(labels), size, size, 3), np.uint8)
    for kind in np.unique(kinds):
        chosen = np.flatnonzero(kinds == kind)
        for part in _chunks(labels, chosen, size):
            rows = labels[part], instances.iloc[part], views.iloc[part]
            images[part] = _render_chunk(STYLES[kind], *rows, textures[part], size)
    return images


def masks(
    labels: NDArray[np.int64], instances: pd.DataFrame, views: pd.DataFrame, size: int
) -> NDArray[np.uint8]:
    """Where the objects are, with their outlines, as if nothing stood before them.

    Args:
        labels: indices into `CLASSES`, `(n,)`.
        instances: `n` rows as from `sample_instances`.
        views: `n` rows as from `sample_views`.
        size: image side in pixels, at least 16.

    Returns:
        `(n, size, size)`: 255 on the object, 0 beside it, shades along its edge.

    Raises:
        ValueError: as `render`.
    """
    labels = _checked(labels, instances, views, size)
    found = np.empty((len(labels), size, size), np.uint8)
    for part in _chunks(labels, np.arange(len(labels)), size):
        cover = objects_styles.coverage(labels[part], instances.iloc[part], views.iloc[part], size)
        found[part] = (cover * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    return found


def require_classes(name: str, labels: NDArray[np.int64]) -> None:
    """Raise ValueError unless all labels are indices into `CLASSES`."""
    if len(labels) and not (labels.min() >= 0 and labels.max() < len(CLASSES)):
        raise ValueError(
            f"{name} must lie in 0..{len(CLASSES) - 1}, got {labels.min()}..{labels.max()}"
        )


def _checked(
    labels: ArrayLike, instances: pd.DataFrame, views: pd.DataFrame, size: int
) -> NDArray[np.int64]:
    require_size(size)
    labels = np.asarray(labels)
    require_same_length(labels=len(labels), instances=len(instances), views=len(views))
    require_classes("labels", labels)
    return labels


def _chunks(
    labels: NDArray[np.int64], among: NDArray[np.intp], size: int
) -> list[NDArray[np.intp]]:
    """Split images into parts to be painted together.

    Sorted by class, a chunk holds many images of few classes, and each class is painted at once.
    """
    order = among[np.argsort(labels[among], kind="stable")]
    step = max(1, CHUNK_PIXELS // (size * size))
    return [order[start : start + step] for start in range(0, len(order), step)]


def _render_chunk(
    style: str,
    labels: NDArray[np.int64],
    instances: pd.DataFrame,
    views: pd.DataFrame,
    textures: NDArray[np.int64],
    size: int,
) -> NDArray[np.uint8]:
    if style == "sketch":
        return objects_styles.sketches(labels, instances, views, size).finish()
    if style == "silhouette":
        return objects_styles.silhouettes(labels, instances, views, size).finish()
    if style == "texture_swap":
        stage = objects_styles.swapped(labels, textures, instances, views, size)
    else:
        stage = Stage(len(labels), size)
        paint_backdrop(stage, views)
        paint_clutter(stage, views)
        pen = objects_styles.object_pen(Pen, stage, instances, views)
        paint_objects(pen, looks(instances), labels)
    paint_occluder(stage, views)
    stage.pixels *= views["light"].to_numpy(np.float32)[:, None, None, None]
    stage.add_noise(views["noise"].to_numpy(), views["noise_seed"].to_numpy())
    return stage.finish()
