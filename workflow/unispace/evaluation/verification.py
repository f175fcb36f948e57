"""Verification (1:1): do two images show the same identity?

A pair is accepted when its score is at or above the threshold. FMR is the share of impostor pairs
accepted, TMR the share of genuine pairs accepted, FNMR = 1 - TMR. Terms follow ISO/IEC 19795-1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from unispace.alignment.space import unit_rows
from unispace.evaluation.all_pairs import AllPairs
from unispace.evaluation.bootstrap import (
    TooFewClusters,
    VerificationSamples,
    draw,
    falling_order,
    proportion_interval,
    verification_samples,
)
from unispace.evaluation.measure import Measure
from unispace.evaluation.rounded import RoundedSamples
from unispace.evaluation.similarity import cosine_blocks
from unispace.evaluation.tally import Counter, Tally

FALSE_MATCHES = 10
"""Expected false matches that an operating point must rest on."""
PAIRS_HELD = 2**22
"""All pairs that are scored and sorted at once; 2,897 images within one space, 2,048 across two."""


class UnsupportedOperatingPoint(ValueError):
    """An FMR finer than the number of impostor comparisons supports."""


@dataclass(frozen=True, eq=False)
class PairScores:
    """Scores of pairs of different images; 13 bytes a pair.

    Attributes:
        scores: `(n_pairs,)` float32 cosine in [-1, 1].
        genuine: `(n_pairs,)` bool, same identity.
        first: `(n_pairs,)` int32, identity of the first image as an index 0 .. identities - 1.
        second: `(n_pairs,)` int32, identity of the second image, likewise.
        identities: Number of identities among the images.
    """

    scores: NDArray[np.float32]
    genuine: NDArray[np.bool_]
    first: NDArray[np.int32]
    second: NDArray[np.int32]
    identities: int

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.scores)


@dataclass(frozen=True, eq=False)
class Roc:
    """ROC: rates of acceptance for falling thresholds, from (0, 0) to (1, 1).

    Attributes:
        threshold: `(k,)` float64, falling, the first one +inf.
        fmr: `(k,)` float64 in [0, 1], rising.
        tmr: `(k,)` float64 in [0, 1], rising.
    """

    threshold: NDArray[np.float64]
    fmr: NDArray[np.float64]
    tmr: NDArray[np.float64]


def compare(
    probe: NDArray[np.floating],
    target: NDArray[np.floating],
    identity: NDArray[np.integer],
    *,
    same_space: bool,
    block: int = 1024,
) -> PairScores:
    """Score all pairs of different images by cosine.

    Args:
        probe: `(n, d)`; across models, the source vectors after the map.
        target: `(n, d)`, the same images in the target space.
        identity: `(n,)` identity of every image, any integers.
        same_space: True takes every pair i < j once, because both orders score alike. False takes
            all ordered pairs i != j, probe i against target j.
        block: Probe rows at a time; changes the memory (about 9 * block * n bytes beside the
            result), never a score.

    Raises:
        ValueError: Shapes differ, fewer than two images, a row is zero or not finite, or
            same_space with two different sets of vectors.
    """
    _check_images(probe, target, identity, same_space=same_space)
    n = len(identity)
    names, index = np.unique(identity, return_inverse=True)
    index = index.astype(np.int32)
    pairs = n * (n - 1) // (2 if same_space else 1)
    scores = np.empty(pairs, np.float32)
    first, second = np.empty(pairs, np.int32), np.empty(pairs, np.int32)
    column = np.arange(n)
    done = 0
    for rows, values in cosine_blocks(probe, target, block):
        row = column[rows, None]
        kept = column > row if same_space else column != row
        here = slice(done, done + int(np.count_nonzero(kept)))
        scores[here] = values[kept]
        first[here] = np.broadcast_to(index[rows, None], kept.shape)[kept]
        second[here] = np.broadcast_to(index, kept.shape)[kept]
        done = here.stop
    return PairScores(scores, first == second, first, second, len(names))


def compare_all(
    probe: NDArray[np.floating],
    target: NDArray[np.floating],
    identity: NDArray[np.integer],
    *,
    same_space: bool,
) -> PairScores | AllPairs:
    """All pairs of different images: held where they are at most `PAIRS_HELD`, otherwise scored when they are needed.

    Arguments and errors as in `compare`.
    """
    n = len(identity)
    if n * (n - 1) // (2 if same_space else 1) <= PAIRS_HELD:
        return compare(probe, target, identity, same_space=same_space)
    _check_images(probe, target, identity, same_space=same_space)
    return AllPairs(probe, target, identity, same_space=same_space)


def _check_images(
    probe: NDArray[np.floating],
    target: NDArray[np.floating],
    identity: NDArray[np.integer],
    *,
    same_space: bool,
) -> None:
    n = len(identity)
    if len(probe) != n or len(target) != n:
        raise ValueError(
            f"{len(probe)} probe rows, {len(target)} target rows and {n} identities; "
            "all three must be of the same images"
        )
    if n < 2:
        raise ValueError(f"pairs need at least 2 images, got {n}")
    if same_space and probe is not target and not np.array_equal(probe, target):
        raise ValueError("same_space takes the same vectors as probe and target")


def compare_pairs(
    probe: NDArray[np.floating],
    target: NDArray[np.floating],
    identity: NDArray[np.integer],
    first: NDArray[np.integer],
    second: NDArray[np.integer],
    *,
    block: int = 2**16,
) -> PairScores:
    """Score a list of pairs by cosine: the first image as probe, the second as target.

    Args:
        probe: `(n, d)`; across models, the source vectors after the map.
        target: `(n, d)`, the same images in the target space.
        identity: `(n,)` identity of every image, any integers.
        first: `(n_pairs,)` row of the first image of every pair.
        second: `(n_pairs,)` row of the second image.
        block: Pairs at a time; changes the memory (about 8 * block * d bytes beside the result), never a score.

    Raises:
        ValueError: Shapes differ, a row is zero or not finite, or a pair compares an image with itself.
    """
    n = len(identity)
    if len(probe) != n or len(target) != n or len(first) != len(second):
        raise ValueError(
            f"{len(probe)} probe rows, {len(target)} target rows and {n} identities, "
            f"{len(first)} first and {len(second)} second images; they must belong together"
        )
    itself = np.flatnonzero(np.asarray(first) == np.asarray(second))
    if len(itself):
        raise ValueError(f"pair {itself[0]} compares image {first[itself[0]]} with itself")
    left, right = unit_rows(probe, "probe"), unit_rows(target, "target")
    if left.shape[1] != right.shape[1]:
        raise ValueError(
            f"probe has {left.shape[1]} columns and target {right.shape[1]}; map them first"
        )
    scores = np.empty(len(first), np.float32)
    for start in range(0, len(first), block):
        here = slice(start, start + block)
        np.einsum("ij,ij->i", left[first[here]], right[second[here]], out=scores[here])
    names, index = np.unique(identity, return_inverse=True)
    index = index.astype(np.int32)
    one, other = index[first], index[second]
    return PairScores(np.clip(scores, -1.0, 1.0), one == other, one, other, len(names))


def roc(
    scores: NDArray[np.floating],
    genuine: NDArray[np.bool_],
    weights: NDArray[np.floating] | NDArray[np.integer] | None = None,
) -> Roc:
    """Exact ROC: one point per distinct score, so that tied pairs are accepted together.

    Args:
        scores: `(n,)`, higher is more alike.
        genuine: `(n,)` bool.
        weights: `(n,)` >= 0, how often each pair counts; once by default.

    Raises:
        ValueError: Shapes differ, a score is NaN, a weight is negative or not finite, or there is
            no (weight of) genuine or impostor pairs.
    """
    scores, genuine = np.asarray(scores), np.asarray(genuine, dtype=bool)
    weight = np.ones(scores.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if not scores.shape == genuine.shape == weight.shape or scores.ndim != 1:
        raise ValueError(
            f"scores {scores.shape}, genuine {genuine.shape} and weights {weight.shape} "
            "must be (n,)"
        )
    if np.isnan(scores).any():
        raise ValueError(f"score {int(np.argmax(np.isnan(scores)))} is NaN")
    if not (np.isfinite(weight) & (weight >= 0)).all():
        raise ValueError("weights must be finite and not negative")
    order = falling_order(scores)
    falling, genuine, weight = scores[order], genuine[order], weight[order]
    ends = np.append(np.flatnonzero(falling[1:] != falling[:-1]), len(falling) - 1)
    accepted = np.cumsum(np.where(genuine, weight, 0.0))
    false = np.cumsum(np.where(genuine, 0.0, weight))
    for kind, total in (("genuine", accepted), ("impostor", false)):
        if len(total) == 0 or total[-1] == 0:
            raise ValueError(f"a ROC needs {kind} pairs, and there are none")
    return Roc(
        threshold=np.append(np.inf, falling[ends].astype(np.float64)),
        fmr=np.append(0.0, false[ends] / false[-1]),
        tmr=np.append(0.0, accepted[ends] / accepted[-1]),
    )


def roc_of_all(pairs: AllPairs) -> Roc:
    """Exact ROC of all pairs of many images, without intervals: see `roc_of`.

    Raises:
        ValueError: There are no genuine or no impostor pairs.
    """
    _check_kinds(pairs)
    return roc_of(_counted(pairs, pairs.genuine_scores()[0], None))


def roc_of(tally: Tally) -> Roc:
    """Exact ROC at the distinct genuine scores and right above each; straight, and level, between the two.

    AUC, EER and TMR at every FMR are those of the ROC at all scores. There is at least one impostor pair.
    """
    threshold = tally.threshold.astype(np.float64)
    steps = np.column_stack([np.nextafter(tally.threshold, np.float32(2)), threshold])
    false = np.column_stack([tally.impostor_above, tally.impostor])
    accepted = np.column_stack([np.append(0, tally.genuine[:-1]), tally.genuine])
    # Right above a score nothing changes where no impostor lies on the way there.
    changed = np.ones(steps.shape, bool)
    changed[:, 0] = np.diff(tally.impostor, prepend=0) > tally.impostor - tally.impostor_above
    curve = [steps[changed], false[changed], accepted[changed]]
    if tally.impostor[-1] < tally.impostors:
        # No cosine is below -1.
        rest = (-1.0, tally.impostors, tally.genuine[-1])
        curve = [np.append(column, last) for column, last in zip(curve, rest, strict=True)]
    return Roc(
        threshold=np.append(np.inf, curve[0]),
        fmr=np.append(0.0, curve[1] / tally.impostors),
        tmr=np.append(0.0, curve[2] / tally.genuine[-1]),
    )


def auc(curve: Roc) -> float:
    """Area under the ROC in [0, 1], by trapezoids, which is exact for a ROC of steps.

    Equals the probability that a genuine pair scores higher than an impostor pair, ties counted as
    one half (Mann-Whitney). Source: J. Hanley and B. McNeil, Radiology 1982.
    """
    below = float(np.sum(np.diff(curve.fmr) * (curve.tmr[1:] + curve.tmr[:-1]) / 2))
    if below < 0.5:
        return below
    # Summed from the other side, so that perfect separation is exactly 1.
    return 1 - float(np.sum(np.diff(curve.tmr) * (curve.fmr[1:] + curve.fmr[:-1]) / 2))


def eer(curve: Roc) -> float:
    """Equal error rate in [0, 1]: where FMR = FNMR on the ROC.

    The two ROC points on either side of FMR = FNMR are joined by a straight line. Neither the
    nearest point nor the convex hull is taken.
    """
    fnmr = 1 - curve.tmr
    after = int(np.argmax(curve.fmr >= fnmr))
    gap = fnmr[after - 1] - curve.fmr[after - 1]
    share = gap / (gap + curve.fmr[after] - fnmr[after])
    return float(curve.fmr[after - 1] + share * (curve.fmr[after] - curve.fmr[after - 1]))


def required_impostors(target: float) -> int:
    """Impostor comparisons that an FMR in (0, 1) needs: enough for 10 expected false matches.

    Raises:
        ValueError: The target is not in (0, 1).
    """
    if not 0 < target < 1:
        raise ValueError(f"a target FMR lies between 0 and 1, got {target}")
    return math.ceil(FALSE_MATCHES / Fraction(str(float(target))))


def tmr_at_fmr(curve: Roc, target: float, n_impostor: int) -> float:
    """TMR in [0, 1] at the smallest threshold whose FMR does not exceed the target.

    The rule is strict: never the nearest point, no interpolation, so the FMR that goes with the
    result is at most the target.

    Args:
        curve: ROC of all the pairs.
        target: FMR in (0, 1).
        n_impostor: Impostor comparisons behind the ROC.

    Raises:
        UnsupportedOperatingPoint: Fewer than 10 false matches are expected at this FMR.
        ValueError: The target is not in (0, 1).
    """
    required = required_impostors(target)
    if n_impostor < required:
        raise UnsupportedOperatingPoint(
            f"FMR {target:g} needs at least {required:,} impostor comparisons for "
            f"{FALSE_MATCHES} expected false matches, there are {n_impostor:,}"
        )
    return _tmr(curve, target)


def _tmr(curve: Roc, target: float) -> float:
    return float(curve.tmr[np.searchsorted(curve.fmr, target, side="right") - 1])


def verify(
    pairs: PairScores | AllPairs,
    fmr_targets: Sequence[float],
    resamples: int,
    rng: np.random.Generator,
) -> tuple[list[Measure], Roc]:
    """AUC, EER and TMR at every target FMR, with intervals that resample identities.

    An operating point that the data do not support, or an interval that they do not support, is a
    failed measure. A metric of exactly 0 or 1 gets a Wilson interval on the number of identities
    with genuine pairs. By chance AUC and EER are one half, and TMR is the FMR.

    Values are exact for any number of pairs. Of pairs that are held, so are the metrics of the resamples; of
    `AllPairs` they come from rounded scores, within the share of the genuine pairs in one of 512 bins: see `rounded`.

    Args:
        pairs: Scores of the pairs, or all pairs of many images.
        fmr_targets: FMR in (0, 1), e.g. `[0.01, 0.001]`.
        resamples: Number of resamples, at least 40.
        rng: Source of randomness.

    Returns:
        Measures `AUC`, `EER` (n: all pairs), `TMR@FMR=0.01` ... (n: genuine pairs), and the ROC.

    Raises:
        ValueError: There are no genuine or no impostor pairs, or too few resamples.
    """
    if isinstance(pairs, AllPairs):
        curve, samples = _passing(pairs, fmr_targets, resamples, rng)
        n_genuine, people = pairs.genuine, pairs.mated
    else:
        curve, samples = _held(pairs, fmr_targets, resamples, rng)
        n_genuine = int(np.count_nonzero(pairs.genuine))
        people = len(np.unique(pairs.first[pairs.genuine]))
    n = len(pairs)

    def measure(
        metric: str, value: float, values: NDArray[np.float64], count: int, chance: float
    ) -> Measure:
        try:
            ends = proportion_interval(value, values, people)
        except TooFewClusters as reason:
            return Measure.failed(metric, count, "identity", reason, chance)
        return Measure(metric, value, *ends, count, "identity", chance=chance, samples=values)

    measures = [
        measure("AUC", auc(curve), samples.auc, n, 0.5),
        measure("EER", eer(curve), samples.eer, n, 0.5),
    ]
    for column, target in enumerate(fmr_targets):
        metric = f"TMR@FMR={target:g}"
        try:
            value = tmr_at_fmr(curve, target, n - n_genuine)
        except UnsupportedOperatingPoint as reason:
            measures.append(Measure.failed(metric, n_genuine, "identity", reason, target))
        else:
            measures.append(measure(metric, value, samples.tmr[:, column], n_genuine, target))
    return measures, curve


def _held(
    pairs: PairScores, fmr_targets: Sequence[float], resamples: int, rng: np.random.Generator
) -> tuple[Roc, VerificationSamples]:
    """ROC and metrics of resamples of pairs that are held, which are sorted once for both."""
    order = falling_order(pairs.scores)
    scores, genuine = pairs.scores[order], pairs.genuine[order]
    first, second = pairs.first[order], pairs.second[order]
    curve = roc(scores, genuine)
    drawn = draw(pairs.identities, resamples, rng)
    return curve, verification_samples(scores, genuine, first, second, drawn, fmr_targets)


def _passing(
    pairs: AllPairs, fmr_targets: Sequence[float], resamples: int, rng: np.random.Generator
) -> tuple[Roc, VerificationSamples]:
    """ROC and metrics of resamples of pairs that pass by a block at a time."""
    _check_kinds(pairs)
    drawn = draw(pairs.identities, resamples, rng)
    scores, identity = pairs.genuine_scores()
    rounded = RoundedSamples(scores, identity, np.diff(pairs.start), drawn)
    curve = roc_of(_counted(pairs, scores, rounded))
    whole, samples = rounded.samples(fmr_targets, same_space=pairs.same_space)
    exact = VerificationSamples(
        np.array([auc(curve)]),
        np.array([eer(curve)]),
        np.array([[_tmr(curve, target) for target in fmr_targets]]),
    )
    return curve, samples.shifted(whole, exact)


def _check_kinds(pairs: AllPairs) -> None:
    for kind, number in (("genuine", pairs.genuine), ("impostor", pairs.impostor)):
        if number == 0:
            raise ValueError(f"a ROC needs {kind} pairs, and there are none")


def _counted(pairs: AllPairs, scores: NDArray[np.float32], rounded: RoundedSamples | None) -> Tally:
    """Count all impostor pairs at the genuine scores, and weigh them in resamples on the way where that is asked for."""
    counter = Counter(scores)
    for block, columns, people in pairs.impostor_blocks():
        kept = block >= counter.lowest
        counter.add(block[kept])
        if rounded is None:
            continue
        first = np.clip(pairs.start - columns.start, 0, block.shape[1])
        for who, rows in people:
            rounded.add(who, block[rows], kept[rows], first)
    return counter.tally(pairs.impostor)


def thin(curve: Roc, points: int = 400) -> Roc:
    """Keep at most `points` points of a ROC for drawing it over a logarithmic FMR axis.

    Kept are both ends, the last point without a false match, and, for FMR spaced evenly in log from
    the smallest positive one to 1, the last point that does not exceed it. No point is invented.

    Raises:
        ValueError: points < 3.
    """
    if points < 3:
        raise ValueError(f"a thinned ROC needs at least 3 points, got {points}")
    if len(curve.fmr) <= points:
        return curve
    smallest = curve.fmr[np.searchsorted(curve.fmr, 0.0, side="right")]
    spaced = np.append(np.geomspace(smallest, 1.0, points - 2)[:-1], 1.0)
    last = np.searchsorted(curve.fmr, np.append(0.0, spaced), side="right") - 1
    kept = np.unique(np.append(0, last))
    return Roc(curve.threshold[kept], curve.fmr[kept], curve.tmr[kept])
