"""Where identities lie in two spaces: their centroids, and how they scatter about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unispace.alignment.space import unit_rows
from unispace.evaluation.bootstrap import TooFewClusters, draw, percentile_interval
from unispace.evaluation.measure import Measure

Doubles = NDArray[np.float64]
Integers = NDArray[np.integer]
_ROUNDING = 1e-6
"""Length of a mean of unit vectors below which its direction is rounding."""


def centroid_geometry(
    mapped: NDArray[np.floating],
    target: NDArray[np.floating],
    identity: Integers,
    resamples: int,
    rng: np.random.Generator,
) -> list[Measure]:
    """Centroids of identities, those of mapped sources beside those of the target, and the scatter about them.

    Vectors are made unit length, then averaged by identity. Call it with the vectors before a map (`Frame.place` of
    either model) and after it (`Map.transform`, `Map.place`), and with the same random numbers for both.

    Args:
        mapped: `(n, D)` source vectors in the target's frame.
        target: `(n, D)` of the same images.
        identity: `(n,)` of each image, any integers.
        resamples: of identities, at least 40; a pair of different identities weighs w_a w_b in one.
        rng: draws them.

    Returns:
        `own`: mean cosine of the two centroids of an identity; `others`: with the target's centroids of all other
        identities (n: identities; ordered pairs); `own - others`; `scatter source` and `scatter target`: mean square
        within identities over that between them, each by its degrees of freedom: the inverse of an F ratio, 1 where
        identity says nothing (n: images). Failed where there are fewer than 2 identities, where a centroid has no
        direction, and, of scatter, where no identity has two images or all centroids are equal.

    Raises:
        ValueError: Shapes differ, a row is zero or not finite, or too few resamples.
    """
    n = len(identity)
    if np.shape(mapped) != np.shape(target) or len(mapped) != n:
        raise ValueError(
            f"mapped {np.shape(mapped)}, target {np.shape(target)} and {n} identities; "
            "all must be of the same images in one frame"
        )
    names, index = np.unique(identity, return_inverse=True)
    people = len(names)
    clouds = [
        _Cloud.of(unit_rows(side, name).astype(np.float64), index, people)
        for side, name in ((mapped, "mapped"), (target, "target"))
    ]
    items = {"own": people, "others": people * (people - 1), "own - others": people}
    items |= {"scatter source": n, "scatter target": n}
    chance = {"own - others": 0.0, "scatter source": 1.0, "scatter target": 1.0}
    # The first row are the data, the others the resamples.
    try:
        weight = np.vstack([np.ones(people), draw(people, resamples, rng)]).astype(np.float64)
        why_near, near = _nearness(clouds, weight)
        values = near | {
            f"scatter {name}": cloud.scatter(weight)
            for name, cloud in zip(("source", "target"), clouds, strict=True)
        }
    except TooFewClusters as reason:
        return [Measure.failed(m, items[m], "identity", reason, chance.get(m)) for m in items]
    why_scatter = (
        "no identity has two images" if n == people else "the centroids of all identities are equal"
    )
    return [
        _resampled(m, values[m], items[m], chance.get(m), why_near if m in near else why_scatter)
        for m in items
    ]


@dataclass(frozen=True, eq=False)
class _Cloud:
    """The identities of one side.

    Attributes:
        size: `(identities,)` images of each.
        centroid: `(identities, D)`.
        within: `(identities,)` sum of squares about the centroid.
    """

    size: Integers
    centroid: Doubles
    within: Doubles

    @classmethod
    def of(cls, unit: Doubles, index: Integers, people: int) -> _Cloud:
        size = np.bincount(index, minlength=people)
        order = np.argsort(index, kind="stable")
        centroid = np.add.reduceat(unit[order], np.cumsum(size) - size, axis=0) / size[:, None]
        moved = unit - centroid[index]
        within = np.bincount(index, np.einsum("nd,nd->n", moved, moved), people)
        return cls(size, centroid, within.astype(np.float64))

    def scatter(self, weight: Doubles) -> Doubles:
        """Within over between, `(rows,)` from multiplicities `(rows, identities)`; NaN where it does not exist."""
        images, people = weight @ self.size, weight.sum(axis=1)
        about = self.centroid - self.centroid.mean(axis=0)
        squares = (weight * self.size) @ np.einsum("gd,gd->g", about, about)
        mean = (weight * self.size) @ about
        between = (squares - np.einsum("rd,rd->r", mean, mean) / images) / (people - 1)
        free = images - people
        within = np.divide(
            weight @ self.within, free, out=np.full(len(free), np.nan), where=free > 0
        )
        spread = between > _ROUNDING**2
        return np.divide(within, between, out=np.full(len(free), np.nan), where=spread)


def _nearness(clouds: list[_Cloud], weight: Doubles) -> tuple[str, dict[str, Doubles]]:
    """Cosines of centroids for multiplicities `(rows, identities)`, and why there are none where there are none."""
    length = [np.linalg.norm(cloud.centroid, axis=1) for cloud in clouds]
    if min(side.min() for side in length) < _ROUNDING:
        nothing = np.full(len(weight), np.nan)
        none = {"own": nothing, "others": nothing, "own - others": nothing}
        return "the vectors of an identity cancel, so its centroid has no direction", none
    ours, theirs = (
        cloud.centroid / side[:, None] for cloud, side in zip(clouds, length, strict=True)
    )
    cosine = ours @ theirs.T
    same = np.diagonal(cosine)
    people = weight.sum(axis=1)
    own = weight @ same / people
    pairs = people**2 - np.sum(weight**2, axis=1)
    sums = np.einsum("ra,ra->r", weight @ cosine, weight) - weight**2 @ same
    others = np.divide(sums, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    return "", {"own": own, "others": others, "own - others": own - others}


def _resampled(metric: str, values: Doubles, n: int, chance: float | None, why: str) -> Measure:
    if np.isnan(values[0]):
        return Measure.failed(metric, n, "identity", why, chance)
    try:
        ends = percentile_interval(values[1:])
    except TooFewClusters as reason:
        return Measure.failed(metric, n, "identity", reason, chance)
    return Measure(
        metric, float(values[0]), *ends, n, "identity", chance=chance, samples=values[1:]
    )
