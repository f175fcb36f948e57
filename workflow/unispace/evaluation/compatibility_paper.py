"""The protocol of the compatibility paper as its code has it, flaws included (arXiv 2604.07282).

- Identification: every test image searches a gallery of all test images, its own among them; average precision is cut
  at rank 50 and divided by what was found there.
- Verification: all genuine pairs i < j and as many random impostor pairs; probe i of the source against j of the
  target, in this direction alone. EER and TMR are read at the nearest point of the ROC, which may exceed the FMR.
- Several random identity splits; mean and population standard deviation over them.

It stands beside the strict protocols of `recognition` and is never their substitute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from unispace.data.protocols.pairs import balanced_pairs
from unispace.evaluation.identification import search
from unispace.evaluation.measure import Measure
from unispace.evaluation.recognition import PAPER_DEPTH
from unispace.evaluation.verification import compare_pairs

MOST = 10_000
"""Pairs of each kind across data sets."""


def published_identification(
    probe: NDArray[np.floating],
    target: NDArray[np.floating],
    identity: NDArray[np.integer],
    ranks: Sequence[int],
) -> dict[str, float]:
    """Identification of one split as published.

    Args:
        probe: `(n, d)` test vectors of the source model after the map.
        target: `(n, d)` those of the same images in the target model.
        identity: `(n,)` identity of every image, any integers.
        ranks: k of every Rank-k.

    Returns:
        `Rank-k` and `mAP` in [0, 1].
    """
    found = search(probe, target, identity, identity, depth=PAPER_DEPTH)
    metrics = {f"Rank-{k}": float(np.mean(found.rank <= k)) for k in ranks}
    return metrics | {"mAP": float(np.mean(found.average_precision))}


def published_verification(
    probe: NDArray[np.floating],
    target: NDArray[np.floating],
    identity: NDArray[np.integer],
    fmr: Sequence[float],
    rng: np.random.Generator,
    most: int | None = None,
) -> dict[str, float]:
    """Verification of one split as published.

    Args:
        probe: `(n, d)` test vectors of the source model after the map.
        target: `(n, d)` those of the same images in the target model.
        identity: `(n,)` identity of every image, any integers.
        fmr: False match rates of every TMR@FMR.
        rng: Draws the pairs.
        most: At most this many pairs of each kind; all genuine ones if None.

    Returns:
        `AUC`, `EER` and `TMR@FMR=x` in [0, 1].

    Raises:
        ValueError: No identity has two images, or there is only one.
    """
    from sklearn.metrics import auc, roc_curve

    drawn = balanced_pairs(identity, rng, most)
    if not len(drawn.first):
        raise ValueError("no genuine or no impostor pair among the test images")
    pairs = compare_pairs(probe, target, identity, drawn.first, drawn.second)
    false, true, _ = roc_curve(pairs.genuine, pairs.scores)
    metrics = {"AUC": float(auc(false, true))}
    metrics["EER"] = float(false[np.argmin(np.abs(1 - true - false))])
    for rate in fmr:
        metrics[f"TMR@FMR={rate:g}"] = float(true[np.argmin(np.abs(false - rate))])
    return metrics


def over_splits(
    found: Sequence[Mapping[str, float]], shares: Sequence[tuple[int, int]], n: int
) -> list[Measure]:
    """Mean of every metric over random splits, with its interval, and its population standard deviation.

    Splits of one data set overlap, so their spread understates the error of their mean. The interval is Student's t
    with the variance corrected for it, s^2 (1 / k + n_test / n_fit). Source: C. Nadeau and Y. Bengio, "Inference for
    the generalization error", Machine Learning 2003. It is cut to [0, 1].

    Args:
        found: metrics of every split, at least 2.
        shares: number of identities fitted on and tested on, of every split. Where splits only draw other pairs of
            the same images, (1, 0).
        n: items behind a value, in the mean.

    Returns:
        Of every metric two measures: itself, and `<metric>-SD`, of which there is no interval but itself.

    Raises:
        ValueError: Fewer than 2 splits, or their metrics differ.
    """
    from scipy.stats import t

    count = len(found)
    if count < 2 or any(split.keys() != found[0].keys() for split in found):
        raise ValueError(
            f"the spread over splits takes at least 2 with the same metrics, got {count}"
        )
    tested = float(np.mean([test / fit for fit, test in shares]))
    reach = float(t.ppf(0.975, count - 1)) * np.sqrt(1 / count + tested)
    measures = []
    for metric in found[0]:
        values = np.array([split[metric] for split in found])
        mean, half = float(values.mean()), reach * float(values.std(ddof=1))
        ends = max(0.0, mean - half), min(1.0, mean + half)
        spread = float(values.std())
        measures.append(Measure(metric, mean, *ends, n, "split"))
        measures.append(Measure(f"{metric}-SD", spread, spread, spread, n, "split"))
    return measures
