"""The general families of the studio: which there are, how their pictures are drawn and rendered.

Conventions are those of `objects`: an instance and a view are rows of tables whose columns are the
factors, and a picture is a pure function of a label and the two rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.data.studio import (
    family_colours,
    family_counts,
    family_glyphs,
    family_orientation,
    family_shapes,
    family_textures,
)
from unispace.data.studio.draws import draw_columns
from unispace.data.studio.family import Family, Labels
from unispace.data.studio.objects_scene import paint_backdrop
from unispace.data.studio.stage import Stage
from unispace.data.studio.swatches import require_count, require_same_length, require_size

FAMILIES: dict[str, Family] = {
    "textures": family_textures.FAMILY,
    "shapes": family_shapes.FAMILY,
    "counts": family_counts.FAMILY,
    "colours": family_colours.FAMILY,
    "orientation": family_orientation.FAMILY,
    "glyphs": family_glyphs.FAMILY,
}
"""By the name that a study gives in `source.family`."""

_CHUNK_PIXELS = 1 << 20  # images are painted in chunks of about this many pixels, to bound memory


def sample(family: str, rng: np.random.Generator, n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw things and views.

    Args:
        family: a name of `FAMILIES`.
        rng: source of randomness; one child generator per factor is spawned from it.
        n: number of images, at least 1. The first rows do not depend on it.

    Returns:
        Instances and views, `n` rows each; `factors.describe(family)` says what the columns are.

    Raises:
        ValueError: `n` is below 1.
    """
    require_count(n)
    of = FAMILIES[family]
    things, views = (
        pd.DataFrame(draw_columns(table, iter(rng.spawn(len(table))), n))
        for table in (of.instance, of.view)
    )
    return things, views


def render(
    family: str,
    labels: NDArray[np.int64],
    instances: pd.DataFrame,
    views: pd.DataFrame,
    size: int,
) -> NDArray[np.uint8]:
    """Paint, for each row, instance `i` of class `labels[i]` in view `i`.

    Args:
        family: a name of `FAMILIES`.
        labels: indices into its classes, `(n,)`.
        instances: `n` rows as from `sample`.
        views: `n` rows as from `sample`.
        size: image side in pixels, at least 16.

    Returns:
        RGB images `(n, size, size, 3)`. The bytes of an image depend on its own rows only.

    Raises:
        ValueError: lengths differ, a label is no class, the size is too small, a name is unknown.
    """
    require_size(size)
    of, labels = FAMILIES[family], np.asarray(labels)
    require_same_length(labels=len(labels), instances=len(instances), views=len(views))
    if len(labels) and not (labels.min() >= 0 and labels.max() < len(of.classes)):
        raise ValueError(
            f"labels must lie in 0..{len(of.classes) - 1}, got {labels.min()}..{labels.max()}"
        )
    images = np.empty((len(labels), size, size, 3), np.uint8)
    for part in _chunks(labels, size):
        stage = Stage(len(part), size)
        seen = views.iloc[part]
        if of.backdrop:
            paint_backdrop(stage, seen)
        of.paint(stage, labels[part], instances.iloc[part], seen)
        stage.pixels *= seen["light"].to_numpy(np.float32)[:, None, None, None]
        stage.add_noise(seen["noise"].to_numpy(), seen["noise_seed"].to_numpy())
        images[part] = stage.finish()
    return images


def _chunks(labels: Labels, size: int) -> Iterator[NDArray[np.intp]]:
    """Split images into parts to be painted together; sorted by class, a chunk holds many of few classes."""
    order = np.argsort(labels, kind="stable")
    step = max(1, _CHUNK_PIXELS // (size * size))
    for start in range(0, len(order), step):
        yield order[start : start + step]
