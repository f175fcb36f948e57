"""Open-set identification (1:N+): some of the persons that are searched for are not enrolled.

A search returns the best entry where its score is at or above the threshold. FPIR is the share of searches
without a mate that return anything. A search with a mate is detected where the mate is first and at or above the
threshold (DIR), and missed where the mate is below the threshold, whatever its rank (FNIR). Terms follow ISO/IEC
19795-1; DIR is that of P. Grother and P. J. Phillips, "Models of large population recognition performance", CVPR
2004.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unispace.evaluation import chance
from unispace.evaluation.bootstrap import (
    TooFewClusters,
    draw,
    proportion_interval,
    verification_samples,
)
from unispace.evaluation.measure import Measure
from unispace.evaluation.similarity import cosine_blocks
from unispace.evaluation.verification import (
    FALSE_MATCHES,
    Roc,
    required_impostors,
    roc,
    tmr_at_fmr,
)

_NEVER = -2.0
"""The score of a mate that is not first: below every cosine, so that no threshold accepts it."""


@dataclass(frozen=True, eq=False)
class OpenSearch:
    """What was found in a gallery with one entry for each known identity.

    Attributes:
        mate: `(n_mated,)` float32 score of the right entry.
        first: `(n_mated,)` bool, whether it scores higher than all other entries.
        best: `(n_unmated,)` float32 highest score of a search without a mate.
        entries: Entries in the gallery.
    """

    mate: NDArray[np.float32]
    first: NDArray[np.bool_]
    best: NDArray[np.float32]
    entries: int


def search_open(
    mated_vectors: NDArray[np.floating],
    unmated_vectors: NDArray[np.floating],
    gallery_vectors: NDArray[np.floating],
    mated_identity: NDArray[np.integer],
    gallery_identity: NDArray[np.integer],
    block: int = 256,
) -> OpenSearch:
    """Search with and without a mate in a gallery, by cosine.

    Ties count against us: a mate that scores like another entry is not first.

    Args:
        mated_vectors: `(n_mated, d)`; across models, after the map.
        unmated_vectors: `(n_unmated, d)`, likewise.
        gallery_vectors: `(n_gallery, d)`.
        mated_identity: `(n_mated,)` any integers.
        gallery_identity: `(n_gallery,)` any integers, all different.
        block: Probes at a time; changes the memory (about 10 * block * n_gallery bytes), never a score.

    Raises:
        ValueError: Shapes differ, a row is zero or not finite, an identity is enrolled twice, or a mated probe
            has no entry.
    """
    gallery_identity = np.asarray(gallery_identity)
    for name, vectors, names in (
        ("mated", mated_vectors, mated_identity),
        ("gallery", gallery_vectors, gallery_identity),
    ):
        if len(vectors) != len(names) or len(names) == 0:
            raise ValueError(f"{len(vectors)} {name} vectors for {len(names)} identities")
    order = np.argsort(gallery_identity, kind="stable")
    rising = gallery_identity[order]
    if (rising[1:] == rising[:-1]).any():
        raise ValueError("an identity is enrolled twice")
    place = np.minimum(np.searchsorted(rising, mated_identity), len(rising) - 1)
    absent = np.flatnonzero(rising[place] != mated_identity)
    if len(absent):
        raise ValueError(f"mated probe {absent[0]} has no entry in the gallery")
    entry = order[place]
    mate = np.empty(len(entry), np.float32)
    first = np.empty(len(entry), bool)
    for rows, scores in cosine_blocks(mated_vectors, gallery_vectors, block):
        probe = np.arange(len(scores))
        mate[rows] = scores[probe, entry[rows]]
        scores[probe, entry[rows]] = -np.inf
        first[rows] = scores.max(axis=1) < mate[rows]
    best = np.empty(len(unmated_vectors), np.float32)
    if len(best):
        for rows, scores in cosine_blocks(unmated_vectors, gallery_vectors, block):
            best[rows] = scores.max(axis=1)
    return OpenSearch(mate, first, best, len(gallery_identity))


def detections(found: OpenSearch) -> Roc:
    """DIR over FPIR for falling thresholds, as a ROC with `fmr` for FPIR and `tmr` for DIR.

    It ends at FPIR 1 with the share of mated searches whose mate is first: what no threshold can mend.

    Raises:
        ValueError: There is no search without a mate.
    """
    curve = roc(*_events(found, np.where(found.first, found.mate, _NEVER)))
    kept = curve.threshold > _NEVER
    return Roc(curve.threshold[kept], curve.fmr[kept], curve.tmr[kept])


def _events(
    found: OpenSearch, accepted: NDArray[np.floating]
) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """Scores of all searches and whether each has a mate: accepted is right with one and wrong without."""
    with_mate = np.repeat([True, False], [len(accepted), len(found.best)])
    return np.concatenate([accepted, found.best]), with_mate


def measure_open(
    found: OpenSearch,
    mated_identity: NDArray[np.integer],
    unmated_identity: NDArray[np.integer],
    fpir_targets: Sequence[float],
    resamples: int,
    rng: np.random.Generator,
) -> list[Measure]:
    """DIR and FNIR at every target FPIR, with intervals that resample the identities searched for.

    The threshold accepts as many searches as it can without FPIR exceeding the target, in the data and anew in
    every resample; the gallery stays as it is. A target finer than the searches without a mate support is a
    failed measure. A value of exactly 0 or 1 gets a Wilson interval on the number of mated identities.

    Args:
        found: From `search_open`.
        mated_identity: `(n_mated,)` identity of every probe with a mate, any integers.
        unmated_identity: `(n_unmated,)` identity of every probe without; none of the former.
        fpir_targets: FPIR in (0, 1).
        resamples: Number of resamples, at least 40.
        rng: Source of randomness.

    Returns:
        Measures `DIR@FPIR=0.01` and `FNIR@FPIR=0.01` ... (n: searches with a mate).

    Raises:
        TooFewClusters: There is no search without a mate, or fewer than two identities.
        ValueError: Shapes differ, identities overlap, or there are too few resamples.
    """
    n, unmated = len(found.mate), len(found.best)
    if (len(mated_identity), len(unmated_identity)) != (n, unmated):
        raise ValueError(
            f"{len(mated_identity)} and {len(unmated_identity)} identities for {n} searches with "
            f"and {unmated} without a mate"
        )
    if np.isin(unmated_identity, mated_identity).any():
        raise ValueError("an identity has searches with and without a mate")
    if unmated == 0:
        raise TooFewClusters(
            "no identity is left unknown, so there is nobody to search for in vain"
        )
    names, index = np.unique(
        np.concatenate([mated_identity, unmated_identity]), return_inverse=True
    )
    # An impostor pair weighs the product of two multiplicities; a search has one identity, so the other is 1.
    multiplicity = np.pad(draw(len(names), resamples, rng), ((0, 0), (0, 1)), constant_values=1)
    partner = np.full(len(index), len(names))
    people = len(np.unique(mated_identity))
    measures = []
    for metric, accepted, by_chance in (
        ("DIR", np.where(found.first, found.mate, _NEVER), chance.detected_first),
        ("FNIR", found.mate, chance.below_threshold),
    ):
        scores, with_mate = _events(found, accepted)
        curve = roc(scores, with_mate)
        samples = verification_samples(
            scores, with_mate, index, partner, multiplicity, fpir_targets
        ).tmr
        for column, target in enumerate(fpir_targets):
            name, expected = f"{metric}@FPIR={target:g}", by_chance(target, found.entries)
            required = required_impostors(target)
            if unmated < required:
                why = (
                    f"FPIR {target:g} needs at least {required:,} searches without a mate for "
                    f"{FALSE_MATCHES} expected false positives, there are {unmated:,}"
                )
                measures.append(Measure.failed(name, n, "identity", why, expected))
                continue
            value, values = tmr_at_fmr(curve, target, unmated), samples[:, column]
            if metric == "FNIR":
                value, values = 1 - value, 1 - values
            try:
                ends = proportion_interval(value, values, people)
            except TooFewClusters as reason:
                measures.append(Measure.failed(name, n, "identity", reason, expected))
            else:
                measures.append(Measure(name, value, *ends, n, "identity", chance=expected))
    return measures
