"""Objects in other styles than a photo: pencil sketch, silhouette, and the texture of another class.

These take the shape of a thing apart from its surface, in the manner of Geirhos et al. (2019). An
object is painted on planes of its own, from which the picture is put together: its colours, its
coverage (its shape), and the pencil lines around its parts.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from unispace.data.studio.canvas import Floats, column
from unispace.data.studio.objects_classes import CLASSES, paint_objects
from unispace.data.studio.objects_look import looks
from unispace.data.studio.objects_scene import paint_backdrop, paint_clutter
from unispace.data.studio.pen import Patch, Pen
from unispace.data.studio.stage import Stage, hash01, rounded_trig
from unispace.data.studio.swatches import tinted

STYLES = ("photo", "sketch", "silhouette", "texture_swap")

GRAPHITE = np.float32(0.16)
DARK = np.asarray((0.11, 0.11, 0.13), np.float32)  # of silhouettes
TILE = 0.44  # side of the square that a texture repeats, in image sides
PIECE = 0.76  # size of the things in it, in half sides of the square
_TEXTURE, _TURN, _GRAIN = range(701, 704)  # keys of what is hashed from a seed


class MaskPen(Pen):
    """A pen that leaves the coverage of what is painted, on a stage of one plane."""

    def fill(
        self,
        patch: Patch,
        distance: Floats,
        colour: ArrayLike,
        opacity: ArrayLike = 1.0,
        outlined: bool = True,
    ) -> None:
        """Cover a shape and its outline; see `Pen.fill`."""
        del colour
        if not self.n:
            return
        alpha, _ = self.covered(distance, outlined)
        self.composite(patch, alpha * column(opacity), (1.0,))


class LayerPen(Pen):
    """A pen for a stage of five planes: colours without light or outlines, coverage, outlines.

    The colours are those of the layer over black, so that they can be laid over anything.
    """

    def fill(
        self,
        patch: Patch,
        distance: Floats,
        colour: ArrayLike,
        opacity: ArrayLike = 1.0,
        outlined: bool = True,
    ) -> None:
        """Paint a shape, hiding lines it covers, and draw its outline; see `Pen.fill`."""
        if not self.n:
            return
        alpha, inner = self.covered(distance, outlined)
        tint = np.asarray(colour, dtype=np.float32)
        if tint.ndim < 4:
            tint = tint[..., :, None, None]
        planes = np.empty((self.n, 5, *alpha.shape[1:]), np.float32)
        planes[:, :3] = tint
        planes[:, 3] = 1
        planes[:, 4] = 1 - inner if outlined else 0
        self.composite(patch, alpha * column(opacity), planes)


def texture_labels(
    labels: NDArray[np.integer], views: pd.DataFrame, classes: int = len(CLASSES)
) -> NDArray[np.int64]:
    """Choose the class whose texture each image takes, never its own.

    Args:
        labels: indices into `CLASSES`, `(n,)`, each below `classes`.
        views: `n` rows as from `objects.sample_views`; an image's choice follows from its noise seed.
        classes: the first so many classes are chosen from, at least 2.

    Returns:
        Indices into `CLASSES`, `(n,)`.

    Raises:
        ValueError: there is no other class, or a label is not among them.
    """
    labels = np.asarray(labels)
    if not 2 <= classes <= len(CLASSES):
        raise ValueError(f"classes must lie in 2..{len(CLASSES)}, got {classes}")
    if len(labels) and not (labels.min() >= 0 and labels.max() < classes):
        raise ValueError(f"labels must lie in 0..{classes - 1}, got {labels.min()}..{labels.max()}")
    place = hash01(views["noise_seed"].to_numpy(np.int64), _TEXTURE).astype(np.float64)
    step = 1 + np.floor(place * (classes - 1)).astype(np.int64)
    return ((labels + step) % classes).astype(np.int64)


def object_pen(kind: type[Pen], stage: Stage, instances: pd.DataFrame, views: pd.DataFrame) -> Pen:
    """A pen of a kind in the frame of each image's object."""
    cos, sin = rounded_trig(np.deg2rad(views["light_angle"].to_numpy(np.float64)))
    contrast = views["contrast"].to_numpy(np.float64)
    return kind(
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


def coverage(
    labels: NDArray[np.int64], instances: pd.DataFrame, views: pd.DataFrame, size: int
) -> Floats:
    """Opacity of the objects alone, `(n, size, size)` in [0, 1], as if nothing stood before them."""
    stage = Stage(len(labels), size, planes=1)
    paint_objects(object_pen(MaskPen, stage, instances, views), looks(instances), labels)
    return stage.pixels[:, 0]


def silhouettes(
    labels: NDArray[np.int64], instances: pd.DataFrame, views: pd.DataFrame, size: int
) -> Stage:
    """Paint the objects' shapes in one dark tone on a plain ground, the backdrop's colour made pale."""
    cover = coverage(labels, instances, views, size)[:, None]
    ground = tinted(views["back_colour"], np.full(len(views), 0.82))[:, :, None, None]
    stage = Stage(len(labels), size)
    stage.pixels = ground + cover * (DARK[None, :, None, None] - ground)
    return stage


def sketches(
    labels: NDArray[np.int64], instances: pd.DataFrame, views: pd.DataFrame, size: int
) -> Stage:
    """Draw the objects' outlines and inner edges with a soft pencil on pale grey paper."""
    stage = Stage(len(labels), size)
    line = _lines(_layer(labels, instances, views, size))
    paper = column(0.86 + 0.13 * views["back_tone"].to_numpy(np.float64))
    # Graphite catches on the grain of the paper.
    where = np.arange(size * size).reshape(1, size, size)
    grain = hash01(views["noise_seed"].to_numpy(np.int64).reshape(-1, 1, 1), where, _GRAIN)
    drawn = line * (np.float32(0.72) + np.float32(0.28) * grain)
    paper = paper - np.float32(0.03) * grain
    stage.pixels[:] = (paper + drawn * (GRAPHITE - paper))[:, None]
    return stage


def swapped(
    labels: NDArray[np.int64],
    textures: NDArray[np.int64],
    instances: pd.DataFrame,
    views: pd.DataFrame,
    size: int,
) -> Stage:
    """Paint the objects' shapes and edges, filled with the texture of another class, in their scene."""
    stage = Stage(len(labels), size)
    paint_backdrop(stage, views)
    paint_clutter(stage, views)
    layer = _layer(labels, instances, views, size)
    cover, line = layer[:, 3:4], _lines(layer)[:, None]
    surface = _texture(textures, instances, views, size)
    surface *= np.float32(1) - np.float32(0.88) * line
    stage.pixels += cover * (surface - stage.pixels)
    return stage


def _layer(
    labels: NDArray[np.int64], instances: pd.DataFrame, views: pd.DataFrame, size: int
) -> Floats:
    """The planes of `LayerPen`, `(n, 5, size, size)`."""
    stage = Stage(len(labels), size, planes=5)
    paint_objects(object_pen(LayerPen, stage, instances, views), looks(instances), labels)
    return stage.pixels


def _lines(layer: Floats) -> Floats:
    """Darkness of the lines of a layer, `(n, size, size)`: outlines, and where the colour changes."""
    planes = layer[:, :4]
    across, down = np.zeros_like(planes[:, 0]), np.zeros_like(planes[:, 0])
    across[:, :, 1:] = np.abs(planes[:, :, :, 1:] - planes[:, :, :, :-1]).max(axis=1)
    down[:, 1:] = np.abs(planes[:, :, 1:] - planes[:, :, :-1]).max(axis=1)
    edge = np.clip(np.maximum(across, down) * np.float32(3.2) - np.float32(0.12), 0, 1)
    return np.maximum(layer[:, 4], edge)


def _texture(
    textures: NDArray[np.int64], instances: pd.DataFrame, views: pd.DataFrame, size: int
) -> Floats:
    """Images `(n, 3, size, size)` covered by many small things of a class, turned at random.

    The small things have the appearance of the row's instance; what shows between them is their
    mean colour, paler.
    """
    n, side = len(textures), max(2 * round(TILE * size / 2), 8)
    seeds = views["noise_seed"].to_numpy(np.int64)
    stage = Stage(n, side, planes=5)
    pen = LayerPen(
        stage,
        np.arange(n),
        scale=PIECE,
        degrees=360 * hash01(seeds, _TURN).astype(np.float64),
        outline=instances["outline"].to_numpy(np.float64),
    )
    paint_objects(pen, looks(instances), textures)
    thing, cover, line = stage.pixels[:, :3], stage.pixels[:, 3:4], stage.pixels[:, 4:]
    mean = thing.sum(axis=(2, 3), keepdims=True) / cover.sum(axis=(2, 3), keepdims=True)
    thing = thing * (np.float32(1) - np.float32(0.65) * line)
    # The same things again between the first, half a square aside, for a closer cover.
    ground = np.float32(0.6) * mean + np.float32(0.4)
    tile = ground + np.roll(thing - ground * cover, (side // 2, side // 2), axis=(2, 3))
    tile = tile * (1 - cover) + thing
    times = -(-size // side)
    return np.tile(tile, (1, 1, times, times))[:, :, :size, :size]
