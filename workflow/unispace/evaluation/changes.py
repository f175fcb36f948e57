"""What tuning changed: paired differences of two models, and whether they matter.

Both models saw the same images, and the resamples behind their intervals are the same draws of identities or classes.
The difference of the two metrics in every resample is thus a paired bootstrap of the change (B. Efron and
R. Tibshirani, "An Introduction to the Bootstrap", 1993), and what both models find hard cancels out.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from unispace.evaluation.bootstrap import TooFewClusters, percentile_interval
from unispace.evaluation.measure import Measure

Verdict = Literal["equivalent", "not inferior", "inferior", "undecided"]


def change(model: Measure, reference: Measure) -> Measure:
    """A model's metric minus that of a reference, with a paired interval.

    Where neither metric varies over the resamples (both exactly 0 or 1), nor does their difference, although the data
    could not show a small one. There, and only there, the interval is put together from the two published ones
    (R. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine
    1998, method 10), which errs on the wide side.

    Args:
        model: its measure, with samples.
        reference: the same metric of the other model on the same images, with the same resamples.

    Returns:
        The change in [-1, 1]; failed where one of the two is, or where too few resamples hold the metric.

    Raises:
        ValueError: The measures are of different metrics, images or resamples.
    """
    metric = model.metric
    about, other = ((m.metric, m.n, m.unit) for m in (model, reference))
    if about != other:
        raise ValueError(
            f"{about} and {other} do not belong together: not one metric of the same images"
        )
    for name, measure in (("model", model), ("reference", reference)):
        if measure.status != "ok":
            return Measure.failed(
                metric, model.n, model.unit, f"{name} {measure.status.removeprefix('failed: ')}"
            )
    if model.samples is None or reference.samples is None:
        raise ValueError(f"{metric}: a paired change takes the samples of both models")
    if len(model.samples) != len(reference.samples):
        raise ValueError(
            f"{metric}: {len(model.samples)} and {len(reference.samples)} resamples cannot be paired"
        )
    value = model.value - reference.value
    if _still(model) and _still(reference):
        ends = _from_two(model, reference)
    else:
        samples = model.samples - reference.samples
        try:
            ends = percentile_interval(samples)
        except TooFewClusters as reason:
            return Measure.failed(metric, model.n, model.unit, reason)
    return Measure(metric, value, *ends, model.n, model.unit)


def unpaired_change(model: Measure, reference: Measure) -> Measure:
    """As `change`, of metrics without resamples, such as the accuracy over folds.

    The interval is put together from the two published ones and, since what both find hard does not cancel out, errs
    on the wide side.

    Raises:
        ValueError: The measures are of different metrics or images.
    """
    about, other = ((m.metric, m.n, m.unit) for m in (model, reference))
    if about != other:
        raise ValueError(
            f"{about} and {other} do not belong together: not one metric of the same images"
        )
    for name, measure in (("model", model), ("reference", reference)):
        if measure.status != "ok":
            why = f"{name} {measure.status.removeprefix('failed: ')}"
            return Measure.failed(model.metric, model.n, model.unit, why)
    value = model.value - reference.value
    return Measure(model.metric, value, *_from_two(model, reference), model.n, model.unit)


def _from_two(model: Measure, reference: Measure) -> tuple[float, float]:
    """The interval of a difference from those of its two ends (Newcombe 1998, method 10), within [-1, 1]."""
    value = model.value - reference.value
    below = float(np.hypot(model.value - model.lower, reference.upper - reference.value))
    above = float(np.hypot(model.upper - model.value, reference.value - reference.lower))
    return max(-1.0, value - below), min(1.0, value + above)


def _still(measure: Measure) -> bool:
    """Whether a metric at an end of its range is the same in every resample."""
    if measure.samples is None or measure.value not in (0.0, 1.0):
        return False
    defined = measure.samples[~np.isnan(measure.samples)]
    return len(defined) > 0 and np.ptp(defined) == 0


def verdict(lower: float, upper: float, margin: float) -> Verdict:
    """What an interval of a change says about a margin.

    `equivalent`: it lies inside plus or minus the margin; `not inferior`: above minus the margin, but beyond the
    margin at its upper end; `inferior`: all of it at or below minus the margin; `undecided`: anything else.

    Raises:
        ValueError: lower > upper, or the margin is not above 0.
    """
    if not lower <= upper or not margin > 0:
        raise ValueError(f"no interval or no margin: {lower} to {upper}, margin {margin}")
    if lower > -margin:
        return "equivalent" if upper < margin else "not inferior"
    return "inferior" if upper <= -margin else "undecided"
