"""The classes of objects: their order, what people call them, and who paints them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unispace.data.studio import (
    objects_food,
    objects_house,
    objects_leisure,
    objects_nature,
    objects_vehicles,
)
from unispace.data.studio.objects_look import Look, Painter
from unispace.data.studio.pen import Pen

# Neighbours come from different groups, so that the first k classes are a varied choice for any k.
CLASSES: tuple[str, ...] = (
    "car", "tree", "cup", "fish", "guitar", "apple", "house", "chair", "airplane", "star",
    "umbrella", "cat", "key", "banana", "clock", "boat", "flower", "shirt", "bus", "bird",
    "lamp", "mushroom", "hammer", "bicycle", "ice_cream", "book", "snail", "drum", "wine_glass", "moon",
    "teapot", "rocket", "rabbit", "phone", "cloud", "shoe", "pear", "lock", "cactus", "table",
    "ball", "candle", "sun", "camera", "butterfly", "bottle", "snowman", "scissors", "kite", "television",
    "carrot", "hat", "envelope", "balloon",
)  # fmt: skip

# Words for a text; where a class name would mislead, the words say what is painted.
CLASS_NAMES: dict[str, str] = {name: name.replace("_", " ") for name in CLASSES} | {
    "balloon": "hot air balloon",
    "scissors": "pair of scissors",
    "lock": "padlock",
}

PAINTERS: dict[str, Painter] = {
    **objects_vehicles.PAINTERS,
    **objects_nature.PAINTERS,
    **objects_food.PAINTERS,
    **objects_house.PAINTERS,
    **objects_leisure.PAINTERS,
}


def paint_objects(pen: Pen, look: Look, labels: NDArray[np.int64]) -> None:
    """Paint the object of class `labels[i]` on the pen's image `i`, each class at once."""
    for label in np.unique(labels):
        chosen = labels == label
        PAINTERS[CLASSES[label]](pen.only(chosen), look.only(chosen))
