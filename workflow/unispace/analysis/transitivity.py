"""Do maps compose? From X to Y and on to Z against the map from X to Z that was fitted directly.

Where both steps were fitted on the same images, their noise is the same too, and a chain of rotations passes through
a Y that holds nothing of the images: with Z = X R, polar(X'Y) polar(Y'XR) = R. To say of Y that it keeps what X and Z
share, fit the two steps on different images.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from unispace.alignment.maps import Map
from unispace.alignment.space import Floats, unit_rows
from unispace.analysis.map_geometry import core, need_own_coordinates
from unispace.analysis.matching import found_without_own_image
from unispace.evaluation.bootstrap import (
    TooFewClusters,
    percentile_interval,
    proportion_interval,
    resampled_means,
)
from unispace.evaluation.measure import Measure

Doubles = NDArray[np.float64]
Integers = NDArray[np.integer]


def example_triples(family: Mapping[str, str], most: int) -> list[tuple[str, str, str]]:
    """Choose triples X, Y, Z of models to compose maps between, one for each set of families that they can be of.

    Args:
        family: of each model, in the order of the study.
        most: triples at most.

    Returns:
        For each family with three models its first three; for each two families the first model of one, the first of
        the other, and the next of that with several models (the one named first, if both), so that Y is of another
        family than its ends; for each three families their first models. So far as there are any, in this order.
    """
    members: dict[str, list[str]] = {}
    for model, name in family.items():
        members.setdefault(name, []).append(model)
    groups = list(members.values())
    found = [(g[0], g[1], g[2]) for g in groups if len(g) > 2]
    for one, other in itertools.combinations(groups, 2):
        ends, middle = (one, other) if len(one) > 1 else (other, one)
        if len(ends) > 1:
            found.append((ends[0], middle[0], ends[1]))
    found += [(a[0], b[0], c[0]) for a, b, c in itertools.combinations(groups, 3)]
    return found[:most]


def composed(first: Map, second: Map, source: NDArray[np.floating]) -> Floats:
    """Map source vectors by two maps, one after the other.

    What the first gives lies in the centred frame of Y; the mean of Y is added before the second takes its own away,
    so the two may have been fitted on different images. Coordinates that only pad Y are lost.

    Args:
        first: from X to Y.
        second: from Y to Z.
        source: `(n, d_x)`.

    Returns:
        `(n, max(d_y, d_z))` in the centred frame of Z.

    Raises:
        ValueError: The maps do not meet in one space, or the first does not end in Y's own coordinates.
    """
    _meet(first, second)
    need_own_coordinates(first.target)
    middle = first.target.dimension
    return second.transform(first.transform(source)[:, :middle] + first.target.mean)


def composed_matrix(first: Map, second: Map) -> Doubles:
    """Matrix `(d_x, d_z)` of two maps, one after the other, between the centred frames.

    It is all that there is of `composed` where both maps centre Y by the same mean.

    Raises:
        ValueError: The maps do not meet in one space, or are not affine between own coordinates.
    """
    _meet(first, second)
    return core(first) @ core(second)


def matrix_cosine(one: Doubles, other: Doubles) -> float:
    """Cosine of two matrices as vectors, in [-1, 1]: are they the same map up to a factor?

    Raises:
        ValueError: Shapes differ, or a matrix is zero everywhere.
    """
    if one.shape != other.shape:
        raise ValueError(f"matrices of shape {one.shape} and {other.shape} are of different spaces")
    norm = np.linalg.norm(one) * np.linalg.norm(other)
    if not norm > 0:
        raise ValueError("a matrix is zero everywhere; such a map has no direction")
    return float(np.clip(np.sum(one * other) / norm, -1, 1))


def transitivity(
    first: Map,
    second: Map,
    direct: Map,
    source: NDArray[np.floating],
    target: NDArray[np.floating],
    identity: Integers,
    resamples: int,
    rng: np.random.Generator,
) -> list[Measure]:
    """Compare the composed map with the direct one on test images.

    Args:
        first: from X to Y.
        second: from Y to Z.
        direct: from X to Z.
        source: `(n, d_x)` vectors of the images in X.
        target: `(n, d_z)` vectors of them in Z.
        identity: `(n,)` of each image, any integers.
        resamples: of identities, at least 40.
        rng: draws them.

    Returns:
        `Rank-1 direct` and `Rank-1 composed` by protocol `self-excluded`, and their paired difference `composed -
        direct` (n: images whose identity has another); `agreement`: mean cosine of what the two give for an image, in
        the target's own coordinates (n: images). Failed where there are fewer than 2 identities, or no identity has
        two images.

    Raises:
        ValueError: The maps are not of these three spaces, shapes differ, a vector is zero or not finite, or too few
            resamples.
    """
    _meet(first, second)
    if not len(source) == len(target) == len(identity):
        raise ValueError(
            f"{len(source)} source rows, {len(target)} target rows and {len(identity)} identities; "
            "all must be of the same images"
        )
    if (direct.source.dimension, direct.target.dimension) != (
        first.source.dimension,
        second.target.dimension,
    ):
        raise ValueError("the direct map is not between the two ends of the composed one")
    width = second.target.dimension
    ways = direct.transform(source), composed(first, second, source)
    places = direct.place(target), second.place(target)
    near = np.einsum(
        "nd,nd->n", *(unit_rows(way[:, :width], "mapped").astype(np.float64) for way in ways)
    )
    who = np.asarray(identity)
    rows, right = zip(
        *(found_without_own_image(*pair, who) for pair in zip(ways, places, strict=True)),
        strict=True,
    )
    found = np.column_stack([*right, right[1].astype(float) - right[0]])
    names = ("Rank-1 direct", "Rank-1 composed", "composed - direct")
    measures = _means(names, found, who[rows[0]], resamples, rng)
    return measures + _means(("agreement",), near[:, None], who, resamples, rng)


def _means(
    metrics: tuple[str, ...],
    values: Doubles,
    identity: Integers,
    resamples: int,
    rng: np.random.Generator,
) -> list[Measure]:
    n = len(values)
    if n == 0:
        why = "no identity has two images"
        return [Measure.failed(metric, n, "identity", why) for metric in metrics]
    try:
        means, samples, people = resampled_means(values, identity, resamples, rng)
    except TooFewClusters as reason:
        return [Measure.failed(metric, n, "identity", reason) for metric in metrics]
    found = []
    for metric, mean, sample in zip(metrics, means, samples.T, strict=True):
        share = metric.startswith("Rank-1")
        ends = (
            proportion_interval(float(mean), sample, people)
            if share
            else percentile_interval(sample)
        )
        found.append(Measure(metric, float(mean), *ends, n, "identity", samples=sample))
    return found


def _meet(first: Map, second: Map) -> None:
    if first.target.dimension != second.source.dimension:
        raise ValueError(
            f"the first map ends in {first.target.dimension} dimensions and the second starts in "
            f"{second.source.dimension}; they must meet in one space"
        )
