"""Which images of a large data set are analysed: whole labels by hash, or single images by hash."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from unispace.data.splits import fractions

_FEWEST = 2


def whole_labels(label: Iterable[str], most: int) -> NDArray[np.bool_]:
    """Choose labels with all their images, in the order of a hash, as long as there are at most `most` images.

    Two labels are chosen in any case. Equal labels have equal hashes, so that data sets that show the same
    persons keep the same ones as far as they go.

    Args:
        label: of each image.
        most: images that are wanted at most.

    Returns:
        `(n,)` whether each image is chosen.
    """
    names, index, count = np.unique(
        np.asarray(list(label), str), return_inverse=True, return_counts=True
    )
    order = np.argsort(fractions(names, "analysis"), kind="stable")
    inside = np.cumsum(count[order]) <= most
    inside[:_FEWEST] = True
    chosen = np.zeros(len(names), bool)
    chosen[order[inside]] = True
    return chosen[index]


def some_images(image_id: Iterable[str], most: int) -> NDArray[np.bool_]:
    """Choose at most `most` images by a hash of their ids, `(n,)`."""
    place = fractions(image_id, "analysis")
    chosen = np.zeros(len(place), bool)
    chosen[np.argsort(place, kind="stable")[:most]] = True
    return chosen


def most_pictured(
    identity: Iterable[str], image_id: Iterable[str], people: int, most: int
) -> NDArray[np.intp]:
    """Choose the identities with most images, of equally many the first by a hash, and of each images by a hash.

    Args:
        identity: of each image.
        image_id: of each image, each once.
        people: identities that are wanted at most.
        most: images of each that are wanted at most.

    Returns:
        Rows, identity by identity in the order in which they are chosen: the same images in the same order,
        however the rows come.
    """
    names, index, count = np.unique(
        np.asarray(list(identity), str), return_inverse=True, return_counts=True
    )
    place = fractions(image_id, "analysis")
    rows = []
    for chosen in np.lexsort((fractions(names, "analysis"), -count))[:people]:
        mine = np.flatnonzero(index == chosen)
        rows.append(mine[np.argsort(place[mine], kind="stable")[:most]])
    return np.concatenate(rows) if rows else np.zeros(0, np.intp)
