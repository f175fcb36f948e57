"""Measures over several draws of what is fitted on: their mean, and how far the draws are apart."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from unispace.evaluation.bootstrap import percentile_interval
from unispace.evaluation.measure import Measure


def over_draws(draws: Sequence[Sequence[Measure]]) -> list[Measure]:
    """Put the measures of several draws together.

    A value is the mean over the draws. Its interval resamples what those of the draws do, all draws by the same
    resamples, so it is about other images that are tested, not about other draws. How far these are apart is
    the metric `<metric>-SD`: the deviation over the draws (divided by draws - 1), n the number of draws, with the
    interval of the deviation of as many normal numbers.

    Args:
        draws: at least two, each with the same metrics in the same order; proportions, with the same resamples.

    Returns:
        For each metric the mean and the deviation; failed where one of the draws is.

    Raises:
        ValueError: there are fewer than two draws, or their metrics differ.
    """
    if len(draws) < 2:
        raise ValueError(f"a deviation over draws takes at least 2, got {len(draws)}")
    measures: list[Measure] = []
    for same in zip(*draws, strict=True):
        first = same[0]
        if any(measure.metric != first.metric for measure in same):
            raise ValueError("the draws have different metrics")
        failed = next((m for m in same if m.status != "ok"), None)
        if failed is not None:
            measures.append(failed)
            continue
        values = np.array([m.value for m in same])
        samples = np.mean([m.samples for m in same if m.samples is not None], axis=0)
        mean = float(values.mean())
        # At exactly 0 or 1 all draws are alike, and so is their interval.
        ends = (first.lower, first.upper) if mean in (0.0, 1.0) else percentile_interval(samples)
        measures.append(
            dataclasses.replace(first, value=mean, lower=ends[0], upper=ends[1], samples=samples)
        )
        measures.append(_deviation(first.metric, values))
    return measures


def _deviation(metric: str, values: np.ndarray) -> Measure:
    from scipy.stats import chi2

    name, n = f"{metric}-SD", len(values)
    deviation = float(values.std(ddof=1))
    if deviation == 0:
        return Measure.failed(name, n, "draw", "all draws have the same value, so their spread has no interval")  # fmt: skip
    lower, upper = deviation * np.sqrt((n - 1) / chi2.ppf([0.975, 0.025], n - 1))
    return Measure(name, deviation, float(lower), float(upper), n, "draw")
