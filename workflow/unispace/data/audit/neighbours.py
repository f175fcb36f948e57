"""Images that a model finds nearly the same: nearest neighbours that lie much nearer than is usual in their data set.

How near a near copy lies depends on the model and on the data: all portraits are alike to a network that has seen
objects only. So the measure is relative: an image is noted if its nearest neighbour is nearer than a share of the
distance at which the images of its data set usually have their nearest neighbour (the median).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.data.audit.findings import both, finding
from unispace.data.audit.parts import Plan, is_leak, parts_of

_BLOCK = 1024


def nearest(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The nearest other vector of each.

    Args:
        vectors: `(n, d)`, unit length, n at least 2.

    Returns:
        Euclidean distance in [0, 2], `(n,)`, and row of the neighbour, `(n,)`. Compares all with all, a block at a
        time: memory grows with n, time with n squared.
    """
    vectors = np.ascontiguousarray(vectors, np.float32)
    found = np.empty(len(vectors), np.int64)
    for start in range(0, len(vectors), _BLOCK):
        cosine = vectors[start : start + _BLOCK] @ vectors.T
        here = np.arange(len(cosine))
        cosine[here, start + here] = -np.inf
        found[start : start + _BLOCK] = cosine.argmax(axis=1)
    # From the difference and not from the cosine, which has no digits left for near copies.
    apart = vectors.astype(np.float64) - vectors[found]
    return np.sqrt(np.einsum("nd,nd->n", apart, apart)), found


def alike(
    images: pd.DataFrame, vectors: NDArray[np.float32], plan: Plan, model: str, share: float
) -> list[dict[str, Any]]:
    """Notes about images of which a model finds another one nearly the same.

    Args:
        images: dataset, split, image_id of `n` images.
        vectors: their embeddings by the model, `(n, d)`, unit length.
        plan: what the study does with its data sets.
        model: its name.
        share: of the usual distance to the nearest neighbour, below which two images are nearly the same.

    Returns:
        Rows as in `unispace.records.audit`: for each data set how many images were looked at, and for each two
        parts that hold such images how many, with the nearest two.
    """
    parts, part = parts_of(images, plan)
    distance, neighbour = nearest(vectors)
    usual = _usual(images["dataset"].to_numpy(str), vectors)
    name = images["dataset"].to_numpy(str)
    limit = share * np.minimum(
        *(np.array([usual[one] for one in side]) for side in (name, name[neighbour]))
    )
    near = distance < limit
    rows = []
    for dataset in plan.families:
        here = name == dataset
        if here.any():
            detail = f"by {model}; usual distance to the nearest {usual[dataset]:.3g}"
            count = int(np.count_nonzero(near & here))
            rows.append(finding(dataset, "alike-to-a-model", "all", count, detail))
    pairs: dict[tuple[int, int], list[int]] = {}
    for image in np.flatnonzero(near):
        one, other = int(part[neighbour[image]]), int(part[image])
        # Told once, from the side of what is tested if one of the two is, else from the later one.
        swap = is_leak(parts[other], parts[one], plan)
        if swap or (one > other and not is_leak(parts[one], parts[other], plan)):
            one, other = other, one
        pairs.setdefault((one, other), []).append(int(image))
    ids = images["image_id"].to_numpy(str)
    for (one, other), found in sorted(pairs.items()):
        best = min(found, key=lambda image: (distance[image], ids[image]))
        detail = f"by {model}; such as {ids[best]} and {ids[neighbour[best]]}"
        subject = both(parts[one], parts[other])
        count = len(found)
        rows.append(
            finding(parts[other].dataset, "alike-to-a-model", subject, count, detail, "note")
        )
    return rows


def _usual(dataset: NDArray[np.str_], vectors: NDArray[np.float32]) -> Mapping[str, float]:
    """Median distance to the nearest neighbour within each data set; 0 where it has one image."""
    usual = {}
    for name in np.unique(dataset):
        mine = vectors[dataset == name]
        usual[str(name)] = float(np.median(nearest(mine)[0])) if len(mine) > 1 else 0.0
    return usual
