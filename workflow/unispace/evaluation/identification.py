"""Identification (1:N): whose image is this, among the enrolled ones?"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unispace.evaluation.bootstrap import proportion_interval, resampled_means
from unispace.evaluation.measure import Measure
from unispace.evaluation.similarity import cosine_blocks

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Enrolment:
    """Which images are enrolled and which are searched for.

    Attributes:
        gallery: `(n_identities,)` row of the one enrolled image of every identity, rising.
        probe: `(n_probe,)` rows of the probes, rising; every probe has its identity enrolled.
        single_image_identities: Identities with one image. They are enrolled, have no probe and
            act as distractors.
        single_camera_identities: Identities with several images, none from another camera than
            the enrolled one. Distractors too; 0 without cameras.
    """

    gallery: Indices
    probe: Indices
    single_image_identities: int
    single_camera_identities: int


@dataclass(frozen=True, eq=False)
class Ranking:
    """What the search of every probe found.

    Attributes:
        rank: `(n_probe,)` rank of the first correct match, from 1.
        average_precision: `(n_probe,)` in (0, 1].
        gallery_size: Entries in the gallery.
    """

    rank: NDArray[np.int64]
    average_precision: NDArray[np.float64]
    gallery_size: int


@dataclass(frozen=True, eq=False)
class Cmc:
    """CMC: share of the probes found within the first k ranks, with a pointwise interval.

    Attributes:
        rank: `(k,)` 1, 2, ... k.
        value: `(k,)` in [0, 1], rising.
        lower: `(k,)` lower end of the 95 % interval of each point.
        upper: `(k,)` upper end.
    """

    rank: NDArray[np.int64]
    value: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]


def enrol_probe(
    identity: NDArray[np.integer], key: Sequence[str], camera: NDArray | None = None
) -> Enrolment:
    """Enrol one image of every identity and search for the others.

    The enrolled image is the one whose key has the smallest SHA-256. That depends on the images of
    this identity alone, so images added elsewhere change nothing.

    Args:
        identity: `(n,)` identity of every image, any integers.
        key: `(n,)` image ids, all different.
        camera: `(n,)` camera of every image. When given, probes come only from other cameras than
            the enrolled image, as in person re-identification.

    Raises:
        ValueError: Lengths differ, there is no image, or a key occurs twice.
    """
    n = len(identity)
    if len(key) != n or (camera is not None and len(camera) != n):
        raise ValueError(
            f"{n} identities, {len(key)} keys"
            + ("" if camera is None else f", {len(camera)} cameras")
            + "; all must be of the same images"
        )
    if n == 0:
        raise ValueError("there is no image to enrol")
    if len(set(key)) != n:
        seen: set[str] = set()
        twice = next(name for name in key if name in seen or seen.add(name))
        raise ValueError(f"image id {twice!r} occurs more than once")
    digest = np.array([hashlib.sha256(name.encode()).digest() for name in key], dtype="S32")
    names, index = np.unique(identity, return_inverse=True)
    order = np.lexsort((digest, index))
    enrolled = order[np.searchsorted(index[order], np.arange(len(names)))]

    searched = np.ones(n, bool)
    searched[enrolled] = False
    if camera is not None:
        camera = np.asarray(camera)
        searched &= camera != camera[enrolled[index]]
    images = np.bincount(index, minlength=len(names))
    probes = np.bincount(index[searched], minlength=len(names))
    return Enrolment(
        gallery=np.sort(enrolled),
        probe=np.flatnonzero(searched),
        single_image_identities=int(np.sum(images == 1)),
        single_camera_identities=int(np.sum((images > 1) & (probes == 0))),
    )


def search(
    probe_vectors: NDArray[np.floating],
    gallery_vectors: NDArray[np.floating],
    probe_identity: NDArray[np.integer],
    gallery_identity: NDArray[np.integer],
    block: int = 256,
    *,
    exclude: Indices | None = None,
) -> Ranking:
    """Search every probe in the whole gallery by cosine; nothing is cut off at a top k.

    Ties count against us: a correct entry comes after all entries of other identities with the same
    score. Its rank is thus the number of correct entries up to it plus the number of others scoring
    at least as high. Average precision is the mean, over all correct entries, of (correct entries
    up to it) / rank.

    Args:
        probe_vectors: `(n_probe, d)`; across models, after the map.
        gallery_vectors: `(n_gallery, d)`.
        probe_identity: `(n_probe,)` any integers.
        gallery_identity: `(n_gallery,)` any integers.
        block: Probes at a time; changes the memory (about 5 * block * n_gallery bytes), never a
            score.
        exclude: `(n_probe,)` gallery row that is left out of the search of each probe, -1 for none;
            e.g. the probe's own image where every image is enrolled.

    Raises:
        ValueError: Shapes differ, a row is zero or not finite, or a probe has no correct entry.
    """
    for name, vectors, names in (
        ("probe", probe_vectors, probe_identity),
        ("gallery", gallery_vectors, gallery_identity),
    ):
        if len(vectors) != len(names) or len(names) == 0:
            raise ValueError(f"{len(vectors)} {name} vectors for {len(names)} identities")
    if exclude is not None and len(exclude) != len(probe_identity):
        raise ValueError(f"exclude names {len(exclude)} rows for {len(probe_identity)} probes")
    probe_identity, gallery_identity = np.asarray(probe_identity), np.asarray(gallery_identity)
    n = len(probe_identity)
    rank, precision = np.empty(n, np.int64), np.empty(n)
    for rows, scores in cosine_blocks(probe_vectors, gallery_vectors, block):
        correct = probe_identity[rows, None] == gallery_identity
        if exclude is not None:
            probe, entry = np.arange(len(scores)), np.asarray(exclude)[rows]
            probe, entry = probe[entry >= 0], entry[entry >= 0]
            scores[probe, entry] = -np.inf
            correct[probe, entry] = False
        for row, mine in enumerate(correct):
            found = np.sort(scores[row, mine])[::-1]
            if not len(found):
                raise ValueError(
                    f"probe {rows.start + row} of identity {probe_identity[rows.start + row]} "
                    "has no correct entry in the gallery"
                )
            others = np.sort(scores[row, ~mine])
            hits = np.arange(1, len(found) + 1)
            ranks = hits + len(others) - np.searchsorted(others, found, side="left")
            rank[rows.start + row] = ranks[0]
            precision[rows.start + row] = np.mean(hits / ranks)
    return Ranking(rank, precision, len(gallery_identity))


def identify(
    ranking: Ranking,
    probe_identity: NDArray[np.integer],
    ranks: Sequence[int] = (1, 5, 10),
    max_rank: int = 50,
    *,
    resamples: int,
    rng: np.random.Generator,
) -> tuple[list[Measure], Cmc]:
    """Rank-k, mAP and CMC with intervals that resample the identities of the probes.

    The gallery stays as it is in every resample. A value of exactly 0 or 1 gets a Wilson interval
    on the number of probe identities. Rank-k is refused where k reaches the gallery size, because
    it is then 1 whatever the model does.

    Args:
        ranking: From `search`.
        probe_identity: `(n_probe,)` identity of every probe.
        ranks: k of every Rank-k, from 1.
        max_rank: Last point of the CMC, at most the gallery size.
        resamples: Number of resamples, at least 40.
        rng: Source of randomness.

    Returns:
        Measures `Rank-1`, ... `mAP` (n: probes), and the CMC.

    Raises:
        TooFewClusters: Fewer than 2 probe identities, so that not even the CMC has an interval.
        ValueError: Lengths differ, a rank is below 1, or there are too few resamples.
    """
    n = len(ranking.rank)
    if len(probe_identity) != n:
        raise ValueError(f"{len(probe_identity)} identities for {n} probes")
    if min([*ranks, max_rank]) < 1:
        raise ValueError("ranks start at 1")
    curve = np.arange(1, min(max_rank, ranking.gallery_size) + 1)
    kept = [k for k in ranks if k < ranking.gallery_size]
    values = np.column_stack(
        [
            ranking.rank[:, None] <= np.concatenate([curve, np.array(kept, np.int64)]),
            ranking.average_precision,
        ]
    )
    means, samples, people = resampled_means(values, probe_identity, resamples, rng)
    ends = [
        proportion_interval(float(mean), sample, people)
        for mean, sample in zip(means, samples.T, strict=True)
    ]
    column = {f"Rank-{k}": len(curve) + i for i, k in enumerate(kept)} | {"mAP": len(means) - 1}
    measures = []
    for metric in [*(f"Rank-{k}" for k in ranks), "mAP"]:
        if metric in column:
            at = column[metric]
            measures.append(Measure(metric, float(means[at]), *ends[at], n, "identity"))
        else:
            why = f"{metric} is 1 by construction in a gallery of {ranking.gallery_size}"
            measures.append(Measure.failed(metric, n, "identity", why))
    lower, upper = np.array(ends[: len(curve)]).T
    return measures, Cmc(curve, means[: len(curve)], lower, upper)
