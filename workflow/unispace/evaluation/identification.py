"""Identification (1:N): whose image is this, among the enrolled ones?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unispace.evaluation import chance
from unispace.evaluation.bootstrap import proportion_intervals, resampled_means
from unispace.evaluation.measure import Measure
from unispace.evaluation.similarity import cosine_blocks

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Ranking:
    """What the search of every probe found.

    Attributes:
        rank: `(n_probe,)` rank of the first correct match, from 1.
        average_precision: `(n_probe,)` in [0, 1], 0 only where it is cut at a depth.
        entries: `(n_probe,)` entries of the gallery that the probe was compared with.
        mates: `(n_probe,)` how many of these are of its identity.
        depth: Rank at which the average precision is cut; None where it is not.
    """

    rank: NDArray[np.int64]
    average_precision: NDArray[np.float64]
    entries: NDArray[np.int64]
    mates: NDArray[np.int64]
    depth: int | None = None


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


def search(
    probe_vectors: NDArray[np.floating],
    gallery_vectors: NDArray[np.floating],
    probe_identity: NDArray[np.integer],
    gallery_identity: NDArray[np.integer],
    block: int = 256,
    *,
    exclude: Indices | None = None,
    camera: tuple[NDArray, NDArray] | None = None,
    depth: int | None = None,
) -> Ranking:
    """Search every probe in the whole gallery by cosine; no rank is cut off at a top k.

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
        camera: `(n_probe,)` cameras of the probes and `(n_gallery,)` of the gallery. Entries of the probe's
            identity and camera are left out of its search, as in person re-identification.
        depth: Average precision over the correct entries up to this rank only, divided by their number, as
            published for compatibility (protocol `paper`); 0 where there is none. None takes all of them.

    Raises:
        ValueError: Shapes differ, a row is zero or not finite, a probe has no correct entry, or depth < 1.
    """
    for name, vectors, names in (
        ("probe", probe_vectors, probe_identity),
        ("gallery", gallery_vectors, gallery_identity),
    ):
        if len(vectors) != len(names) or len(names) == 0:
            raise ValueError(f"{len(vectors)} {name} vectors for {len(names)} identities")
    if exclude is not None and len(exclude) != len(probe_identity):
        raise ValueError(f"exclude names {len(exclude)} rows for {len(probe_identity)} probes")
    if camera is not None and [len(side) for side in camera] != [
        len(probe_identity),
        len(gallery_identity),
    ]:
        raise ValueError(
            f"{len(camera[0])} and {len(camera[1])} cameras for {len(probe_identity)} probes and "
            f"{len(gallery_identity)} entries"
        )
    if depth is not None and depth < 1:
        raise ValueError(f"average precision is cut at rank 1 or later, got {depth}")
    probe_identity, gallery_identity = np.asarray(probe_identity), np.asarray(gallery_identity)
    n = len(probe_identity)
    rank, precision = np.empty(n, np.int64), np.empty(n)
    entries, mates = np.empty(n, np.int64), np.empty(n, np.int64)
    for rows, scores in cosine_blocks(probe_vectors, gallery_vectors, block):
        correct = probe_identity[rows, None] == gallery_identity
        left_out = _left_out(
            correct,
            None if exclude is None else np.asarray(exclude)[rows],
            None if camera is None else (np.asarray(camera[0])[rows], np.asarray(camera[1])),
        )
        # Below every threshold and correct for nobody: as if it were not there.
        scores.flat[left_out] = -np.inf
        correct.flat[left_out] = False
        gone = np.bincount(left_out // correct.shape[1], minlength=len(correct))
        entries[rows] = correct.shape[1] - gone
        mates[rows] = np.count_nonzero(correct, axis=1)
        alone = np.flatnonzero(mates[rows] == 0)
        if len(alone):
            first = rows.start + int(alone[0])
            raise ValueError(
                f"probe {first} of identity {probe_identity[first]} "
                "has no correct entry in the gallery"
            )
        rank[rows], precision[rows] = _ranked(scores, correct, mates[rows], depth)
    return Ranking(rank, precision, entries, mates, depth)


def _left_out(
    correct: NDArray[np.bool_],
    exclude: Indices | None,
    camera: tuple[NDArray, NDArray] | None,
) -> Indices:
    """What is left out of some searches: places in the flattened `(probes, entries)`, each once."""
    places = [np.zeros(0, np.intp)]
    if exclude is not None:
        probe = np.flatnonzero(exclude >= 0)
        places.append(probe * correct.shape[1] + exclude[probe])
    if camera is not None:
        places.append(np.flatnonzero(correct & (camera[0][:, None] == camera[1])))
    return np.unique(np.concatenate(places))


def _ranked(
    scores: NDArray[np.float32],
    correct: NDArray[np.bool_],
    mates: NDArray[np.int64],
    depth: int | None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rank of the first correct entry and average precision of some probes.

    Args:
        scores: `(b, n)`; overwritten.
        correct: `(b, n)`.
        mates: `(b,)` correct entries, from 1.
        depth: As in `search`.
    """
    place = np.flatnonzero(correct)
    found = scores.ravel()[place]
    found = found[np.lexsort((-found, place // scores.shape[1]))]
    # The others alone are counted, in rows that are sorted once.
    scores.flat[place] = -np.inf
    scores.sort(axis=1)
    start = np.cumsum(mates) - mates
    below = [
        row.searchsorted(found[first : first + count])
        for row, first, count in zip(scores, start.tolist(), mates.tolist(), strict=True)
    ]
    hits = np.arange(1, len(found) + 1) - np.repeat(start, mates)
    ranks = hits + scores.shape[1] - np.concatenate(below)
    seen = mates if depth is None else np.add.reduceat(ranks <= depth, start, dtype=np.intp)
    share, precision = hits / ranks, np.zeros(len(mates))
    for count in np.unique(seen[seen > 0]):
        rows = np.flatnonzero(seen == count)
        precision[rows] = np.mean(share[start[rows, None] + np.arange(count)], axis=1)
    return ranks[start], precision


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
    on the number of probe identities. Rank-k is refused where every probe has fewer than k wrong
    entries, because it is then 1 whatever the model does. Chance is the exact expectation for a
    gallery in random order.

    Args:
        ranking: From `search`.
        probe_identity: `(n_probe,)` identity of every probe.
        ranks: k of every Rank-k, from 1.
        max_rank: Last point of the CMC, at most the most entries that a probe was compared with.
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
    size = int(ranking.entries.max(initial=0))
    curve = np.arange(1, min(max_rank, size) + 1)
    wrong = int((ranking.entries - ranking.mates).max(initial=0))
    kept = [k for k in ranks if k <= wrong]
    by_chance = chances(ranking, ranks)
    values = np.column_stack(
        [
            ranking.rank[:, None] <= np.concatenate([curve, np.array(kept, np.int64)]),
            ranking.average_precision,
        ]
    )
    means, samples, people = resampled_means(values, probe_identity, resamples, rng)
    ends = proportion_intervals(means, samples, people)
    column = {f"Rank-{k}": len(curve) + i for i, k in enumerate(kept)} | {"mAP": len(means) - 1}
    measures = []
    for metric in [*(f"Rank-{k}" for k in ranks), "mAP"]:
        if metric in column:
            at = column[metric]
            lower, upper = ends[at].tolist()
            measures.append(
                Measure(
                    metric,
                    float(means[at]),
                    lower,
                    upper,
                    n,
                    "identity",
                    chance=by_chance[metric],
                    samples=samples[:, at],
                )
            )
        else:
            why = f"{metric} is 1 by construction in a gallery of {size}"
            measures.append(Measure.failed(metric, n, "identity", why, by_chance[metric]))
    lower, upper = ends[: len(curve)].T
    return measures, Cmc(curve, means[: len(curve)], lower, upper)


def chances(ranking: Ranking, ranks: Sequence[int]) -> dict[str, float]:
    """What Rank-k and mAP are expected to be where the gallery is in random order for every probe."""
    entries, mates = ranking.entries, ranking.mates
    precision = (
        chance.average_precision(entries, mates)
        if ranking.depth is None
        else chance.average_precision_cut(entries, mates, ranking.depth)
    )
    found = {f"Rank-{k}": float(np.mean(chance.rank_k(k, entries, mates))) for k in ranks}
    return found | {"mAP": float(np.mean(precision))}
