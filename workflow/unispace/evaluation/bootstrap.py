"""Intervals that resample clusters: identities or classes, never images or pairs.

A resample draws as many clusters as there are, with replacement. It is written as multiplicities
w, how often each cluster was drawn, so that a metric of a resample is a weighted metric of the
data. A percentile interval is read off the metrics of all resamples.

In verification a genuine pair of identity a weighs w_a and an impostor pair of identities a and b
weighs w_a * w_b: an identity drawn twice is two people who look the same, and the pairs between
those two are left out because they are neither genuine nor impostor. Sources: R. Bolle, N. Ratha
and S. Pankanti, "Error analysis of pattern recognition systems: the subsets bootstrap", CVIU 2004;
A. Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 2007.

A percentile interval has no width where every item is a success or every item is a failure, since
all resamples are alike. There, and only there, a Wilson interval on the number of clusters is
given; it takes each cluster as one trial, which errs on the wide side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unispace.evaluation.impostors import PAIR_BLOCK, Impostors

Doubles = NDArray[np.float64]
Integers = NDArray[np.integer]
Values = NDArray[np.floating | np.bool_]

LEVEL = 0.95
MEMORY = 256 * 2**20
"""Bytes that the arrays of one chunk of resamples may take."""
RESAMPLE_BLOCK = 32
"""Resamples at a time, so few that the arrays of one step stay in the cache."""
DEFINED = 0.95
"""Share of the resamples in which a metric must exist for an interval to be given."""


class TooFewClusters(ValueError):
    """The data hold too few identities or classes for an interval."""


def draw(clusters: int, resamples: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Draw multinomial multiplicities `(resamples, clusters)`; every row sums to `clusters`.

    Raises:
        TooFewClusters: Fewer than 2 clusters.
        ValueError: resamples < 1.
    """
    if clusters < 2:
        raise TooFewClusters(f"an interval needs at least 2 clusters to resample, got {clusters}")
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, got {resamples}")
    multiplicity = np.empty((resamples, clusters), np.int32)
    rows = max(1, MEMORY // (32 * clusters))
    for start in range(0, resamples, rows):
        some = multiplicity[start : start + rows]
        # One call for many resamples: the same numbers in the same order as a call for each.
        chosen = rng.integers(clusters, size=some.shape)
        chosen += clusters * np.arange(len(some))[:, None]
        some[:] = np.bincount(chosen.ravel(), minlength=chosen.size).reshape(some.shape)
    return multiplicity


def percentile_interval(samples: Doubles, level: float = LEVEL) -> tuple[float, float]:
    """Percentile interval of the metrics of all resamples.

    Resamples in which the metric does not exist (NaN: no genuine or no impostor pair was drawn) are
    dropped. When more than 5 % are dropped, the interval would describe something else and is
    refused.

    Args:
        samples: `(resamples,)`.
        level: Coverage in (0, 1).

    Raises:
        TooFewClusters: The metric exists in less than 95 % of the resamples.
        ValueError: Fewer than 2 / (1 - level) resamples, i.e. none beyond an end of the interval.
    """
    tail = _tail(len(samples), level)
    defined = samples[~np.isnan(samples)]
    if len(defined) < DEFINED * len(samples):
        raise TooFewClusters(
            f"only {len(defined)} of {len(samples)} resamples hold genuine and impostor pairs; "
            "there are too few identities for an interval"
        )
    lower, upper = np.quantile(defined, [tail, 1 - tail])
    return float(lower), float(upper)


def _tail(resamples: int, level: float) -> float:
    """The share beyond each end of an interval; refused where less than one resample lies there."""
    tail = (1 - level) / 2
    required = round(1 / tail)
    if resamples < required:
        raise ValueError(
            f"a {level:.0%} interval needs at least {required} resamples, got {resamples}"
        )
    return tail


def wilson_interval(value: float, clusters: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson score interval of a proportion `value` seen on `clusters` independent clusters.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    JASA 1927.
    """
    from scipy.special import ndtri

    z2 = float(ndtri(0.5 + level / 2)) ** 2
    centre = (value + z2 / (2 * clusters)) / (1 + z2 / clusters)
    spread = value * (1 - value) / clusters + z2 / (4 * clusters**2)
    half = float(np.sqrt(z2 * spread)) / (1 + z2 / clusters)
    lower = 0.0 if value == 0 else max(0.0, centre - half)
    upper = 1.0 if value == 1 else min(1.0, centre + half)
    return lower, upper


def proportion_interval(
    value: float, samples: Doubles, clusters: int, level: float = LEVEL
) -> tuple[float, float]:
    """Percentile interval of a metric in [0, 1], or Wilson where `value` is exactly 0 or 1.

    Used for everything that is an average of values in [0, 1]: rates, ranks, AP, AUC, and EER.

    Raises:
        TooFewClusters: See `percentile_interval`.
        ValueError: See `percentile_interval`.
    """
    lower, upper = percentile_interval(samples, level)
    return wilson_interval(value, clusters, level) if value in (0.0, 1.0) else (lower, upper)


def proportion_intervals(
    values: Doubles, samples: Doubles, clusters: int, level: float = LEVEL
) -> Doubles:
    """`proportion_interval` of many metrics at once, each of which exists in every resample.

    Args:
        values: `(m,)` in [0, 1].
        samples: `(resamples, m)`, finite.
        clusters: As in `wilson_interval`.
        level: Coverage in (0, 1).

    Returns:
        `(m, 2)` lower and upper ends.

    Raises:
        ValueError: See `percentile_interval`.
    """
    tail = _tail(len(samples), level)
    ends = np.quantile(samples, [tail, 1 - tail], axis=0).T
    for whole in (0.0, 1.0):
        ends[values == whole] = wilson_interval(whole, clusters, level)
    return ends


def resampled_means(
    values: Values,
    cluster: Integers,
    resamples: int,
    rng: np.random.Generator,
) -> tuple[Doubles, Doubles, int]:
    """Mean of every column, in the data and in every resample of clusters.

    The mean of a resample is the ratio sum_c w_c S_c / sum_c w_c N_c, with S_c the sum and N_c the
    number of items of cluster c.

    Args:
        values: `(n, m)`.
        cluster: `(n,)` cluster of every row, any integers.
        resamples: Number of resamples B.
        rng: Source of randomness.

    Returns:
        Means `(m,)`, means of the resamples `(B, m)`, number of clusters.

    Raises:
        TooFewClusters: Fewer than 2 clusters.
        ValueError: Shapes differ, or a value is not finite.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or len(values) != len(cluster):
        raise ValueError(f"values {values.shape} and cluster {np.shape(cluster)} do not belong")
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        raise ValueError(f"value {int(np.argmin(finite))} is not finite")
    number, index = _indexed(cluster)
    order = np.argsort(index, kind="stable")
    size = np.bincount(index, minlength=number)
    if number < 2:
        raise TooFewClusters(f"an interval needs at least 2 clusters to resample, got {number}")
    sums = np.add.reduceat(values[order], np.cumsum(size) - size, axis=0)
    samples = np.empty((resamples, values.shape[1]))
    rows = max(1, MEMORY // (12 * number))
    for start in range(0, resamples, rows):
        weight = draw(number, min(rows, resamples - start), rng).astype(np.float64)
        samples[start : start + rows] = (weight @ sums) / (weight @ size)[:, None]
    return sums.sum(axis=0) / len(values), samples, number


def cluster_mean(
    values: Values,
    cluster: Integers,
    resamples: int,
    rng: np.random.Generator,
    level: float = LEVEL,
    *,
    proportion: bool = False,
) -> tuple[float, float, float]:
    """Mean over items with a percentile interval that resamples clusters.

    Args:
        values: `(n,)`, one per item.
        cluster: `(n,)` identity or class of every item, any integers.
        resamples: Number of resamples.
        rng: Source of randomness.
        level: Coverage in (0, 1).
        proportion: The values lie in [0, 1]; at a mean of exactly 0 or 1 give a Wilson interval.

    Returns:
        `(value, lower, upper)`, all finite.

    Raises:
        TooFewClusters: Fewer than 2 clusters.
        ValueError: Shapes differ, a value is not finite, or there are too few resamples.
    """
    column = np.asarray(values)[:, None]
    means, samples, clusters = resampled_means(column, cluster, resamples, rng)
    value = float(means[0])
    if proportion:
        return value, *proportion_interval(value, samples[:, 0], clusters, level)
    return value, *percentile_interval(samples[:, 0], level)


@dataclass(frozen=True, eq=False)
class VerificationSamples:
    """Metrics of every resample; NaN where it holds no genuine or no impostor pair.

    Attributes:
        auc: `(resamples,)`.
        eer: `(resamples,)`.
        tmr: `(resamples, len(fmr_targets))`, TMR at every target FMR.
    """

    auc: Doubles
    eer: Doubles
    tmr: Doubles

    @classmethod
    def empty(cls, resamples: int, targets: int) -> VerificationSamples:
        """Room for the metrics of as many resamples."""
        return cls(np.empty(resamples), np.empty(resamples), np.empty((resamples, targets)))

    def part(self, chunk: slice) -> VerificationSamples:
        """Some of the resamples, to fill."""
        return VerificationSamples(self.auc[chunk], self.eer[chunk], self.tmr[chunk])

    def shifted(
        self, whole: VerificationSamples, exact: VerificationSamples
    ) -> VerificationSamples:
        """The resamples, less what approximation changes in the data themselves.

        Args:
            whole: The data, approximated as the resamples are; one resample.
            exact: The data; one resample.
        """
        return VerificationSamples(
            *(
                np.clip(mine + (true - rough), 0, 1)
                for mine, true, rough in (
                    (self.auc, exact.auc, whole.auc),
                    (self.eer, exact.eer, whole.eer),
                    (self.tmr, exact.tmr, whole.tmr),
                )
            )
        )


def verification_samples(
    scores: NDArray[np.floating],
    genuine: NDArray[np.bool_],
    first: Integers,
    second: Integers,
    multiplicity: Integers,
    fmr_targets: Sequence[float] = (),
) -> VerificationSamples:
    """AUC, EER and TMR@FMR of every resample, from pairs that are sorted once.

    All three need the ROC at the distinct genuine scores only: between two of them TMR is constant.
    At each one the impostors with a score at least as high, and those with a higher one, are
    weighed by cumulative sums of integers, which are exact. Definitions as in `verification`.

    Args:
        scores: `(n,)` score of every pair.
        genuine: `(n,)` whether both images show the same identity.
        first: `(n,)` identity of the first image, an index below `multiplicity.shape[1]`.
        second: `(n,)` identity of the second image.
        multiplicity: `(resamples, n_ids)` from `draw`.
        fmr_targets: FMR in [0, 1].

    Returns:
        The metrics of every resample. Working memory is about `MEMORY` for any number of pairs.

    Raises:
        ValueError: There is no genuine or no impostor pair at all.
    """
    if genuine.all() or not genuine.any():
        raise ValueError("a resample needs genuine and impostor pairs")
    order = falling_order(scores)
    scores, genuine = scores[order], genuine[order]
    first, second = np.asarray(first)[order], np.asarray(second)[order]
    genuine_scores, genuine_identity = scores[genuine], first[genuine]
    ends = np.append(np.flatnonzero(np.diff(genuine_scores)), len(genuine_scores) - 1)
    steps = genuine_scores[ends]

    impostor_scores = scores[~genuine]
    at_least = np.searchsorted(-impostor_scores, -steps, side="right")
    above = np.searchsorted(-impostor_scores, -steps, side="left")
    wanted, where = np.unique(
        np.concatenate([at_least, above, [len(impostor_scores)]]), return_inverse=True
    )
    at_least, above = where[: len(steps)], where[len(steps) : -1]
    tied = not np.array_equal(at_least, above)
    each_alone = len(ends) == len(genuine_scores)
    impostors = Impostors(first[~genuine], second[~genuine], wanted, multiplicity.shape[1])

    resamples = len(multiplicity)
    samples = VerificationSamples.empty(resamples, len(fmr_targets))
    per_resample = 8 * (2 * PAIR_BLOCK + 2 * len(genuine_scores) + len(wanted) + 12 * len(steps))
    rows = max(1, min(resamples, RESAMPLE_BLOCK, MEMORY // per_resample))
    # The same memory serves all chunks: to ask for new pages takes longer than the sums. These are of integers, which
    # are added seven times as fast as floating-point numbers, each of which waits for the one before.
    drawn = np.empty((rows, len(genuine_scores)), np.int64)
    weights = np.empty((rows, len(wanted)))
    accepted, false, false_above, spare = np.empty((4, rows, len(steps)))
    for start in range(0, resamples, rows):
        chunk = slice(start, start + rows)
        weight = np.ascontiguousarray(multiplicity[chunk], dtype=np.int64)
        some = slice(len(weight))
        np.take(weight, genuine_identity, axis=1, out=drawn[some], mode="clip")
        np.cumsum(drawn[some], axis=1, out=drawn[some])
        accepted[some] = drawn[some] if each_alone else drawn[some, ends]
        impostors.weights(weight, weights[some])
        np.take(weights[some], at_least, axis=1, out=false[some], mode="clip")
        if tied:
            np.take(weights[some], above, axis=1, out=false_above[some], mode="clip")
        measure_resamples(
            accepted[some],
            false[some],
            false_above[some] if tied else None,
            weights[some, -1],
            fmr_targets,
            samples.part(chunk),
            spare[some],
        )
    return samples


def falling_order(scores: NDArray[np.floating]) -> slice | NDArray[np.intp]:
    """What puts scores in falling order; all of them as they are where they are in it already.

    Equal scores come in any order.
    """
    if (scores[1:] <= scores[:-1]).all():
        return slice(None)
    return np.argsort(-scores)


def measure_resamples(
    accepted: Doubles,
    false: Doubles,
    false_above: Doubles | None,
    impostors: Doubles,
    fmr_targets: Sequence[float],
    samples: VerificationSamples,
    spare: Doubles,
) -> None:
    """Fill in the metrics of some resamples. All weights are whole numbers below 2**53.

    Args:
        accepted: `(b, k)` genuine weight at or above each distinct genuine score, falling scores;
            overwritten, as the next two are.
        false: `(b, k)` impostor weight at or above it.
        false_above: `(b, k)` impostor weight strictly above it; None where no impostor has a genuine score,
            so that it is the same.
        impostors: `(b,)` weight of all impostor pairs.
        fmr_targets: FMR in [0, 1].
        samples: Of these b resamples, to fill.
        spare: `(b, k)` overwritten.
    """
    defined = (accepted[:, -1] > 0) & (impostors > 0)
    genuines = np.where(defined, accepted[:, -1], 1)[:, None]
    total = np.where(defined, impostors, 1)[:, None]
    tmr = np.divide(accepted, genuines, out=accepted)
    fmr = np.divide(false, total, out=false)
    fmr_above = fmr if false_above is None else np.divide(false_above, total, out=false_above)
    row = np.arange(len(tmr))

    def before(step: NDArray[np.intp]) -> Doubles:
        """TMR above a step of each resample: 0 above the first."""
        return np.where(step > 0, tmr[row, step - 1], 0.0)

    for column, exceeded in enumerate(
        np.array([rising.searchsorted(fmr_targets, side="right") for rising in fmr]).T
    ):
        samples.tmr[:, column] = before(exceeded)

    # The first distinct genuine score at which FMR >= FNMR. Up to just above it, FNMR stays as it
    # was, so a crossing on the way is at that FNMR; otherwise it is on the step itself. Both rates
    # are monotonic, so it is found by bisection; at the last step FNMR is 0, so there is one.
    steps = tmr.shape[1]
    step, after = np.zeros(len(tmr), np.intp), np.full(len(tmr), steps - 1)
    for _ in range(steps.bit_length()):
        middle = (step + after) // 2
        crossed = fmr[row, middle] >= 1 - tmr[row, middle]
        after = np.where(crossed, middle, after)
        step = np.where(crossed, step, np.minimum(middle + 1, after))
    fnmr = 1 - before(step)
    left, right = fmr_above[row, step], fmr[row, step]
    gap = np.maximum(fnmr - left, 0)
    rise = gap + right - (1 - tmr[row, step])
    share = np.divide(gap, rise, out=np.zeros_like(gap), where=rise > 0)
    samples.eer[:] = np.where(left >= fnmr, fnmr, left + share * (right - left))

    area = spare
    np.subtract(tmr[:, 1:], tmr[:, :-1], out=area[:, 1:])
    area[:, 0] = tmr[:, 0]
    area *= np.add(fmr, fmr_above, out=fmr)
    samples.auc[:] = np.clip(1 - np.sum(area, axis=1) / 2, 0, 1)
    for metric in (samples.auc, samples.eer, samples.tmr):
        metric[~defined] = np.nan


def _indexed(cluster: Integers) -> tuple[int, NDArray[np.intp]]:
    """Number the clusters from 0: their count and the index of every item."""
    names, index = np.unique(cluster, return_inverse=True)
    return len(names), index
