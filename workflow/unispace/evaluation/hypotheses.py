"""P values of a measured number against a threshold or a margin.

Where a number has resamples, the p value of `theta > t` is the share of resamples at or below t, counted with one
more for the data themselves: (1 + #{theta* <= t}) / (B + 1). It is below alpha where the percentile interval of level
1 - 2 alpha lies above t, up to that one resample (B. Efron and R. Tibshirani, "An Introduction to the Bootstrap",
1993, section 15.4). It cannot be smaller than 1 / (B + 1).

Where a number has an interval alone, or its resamples are all alike (a share of exactly 0 or 1, whose interval is
Wilson's), the p value is that of a normal distribution whose standard error is the half of the interval on the side
of the threshold, divided by 1.96 (D. Altman and J. Bland, "How to obtain the P value from a confidence interval",
BMJ 2011).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from unispace.evaluation.bootstrap import LEVEL
from unispace.evaluation.measure import Measure

Side = Literal["greater", "less"]


class NoTest(ValueError):
    """A number has neither resamples that vary nor an interval with a width."""


def one_sided(measure: Measure, threshold: float, side: Side) -> float:
    """P value of the number being `greater` or `less` than a threshold.

    Args:
        measure: with status `ok`.
        threshold: in the unit of the number.
        side: on which side of the threshold it is claimed to be.

    Returns:
        In (0, 1].

    Raises:
        NoTest: the interval has no width.
        ValueError: the measure failed.
    """
    if measure.status != "ok":
        raise ValueError(f"{measure.metric} {measure.status}; there is nothing to test")
    if measure.samples is not None:
        drawn = measure.samples[~np.isnan(measure.samples)]
        if len(drawn) and np.ptp(drawn) > 0:
            beyond = drawn <= threshold if side == "greater" else drawn >= threshold
            return (1 + int(beyond.sum())) / (len(drawn) + 1)
    return from_interval(measure, threshold, side)


def from_interval(measure: Measure, threshold: float, side: Side) -> float:
    """As `one_sided`, from the 95 % interval alone: not bounded by the number of resamples.

    Raises:
        NoTest: the interval has no width.
    """
    from scipy.special import ndtr, ndtri

    below, above = measure.value - measure.lower, measure.upper - measure.value
    # The half towards the threshold; the other one where the number stands at the end of its range.
    half = (below if threshold < measure.value else above) or below or above
    if half <= 0:
        raise NoTest(f"the interval of {measure.metric} has no width: {measure.value:g}")
    error = half / float(ndtri(0.5 + LEVEL / 2))
    z = (measure.value - threshold) / error
    return max(float(ndtr(-z if side == "greater" else z)), float(np.finfo(float).tiny))


def equivalence(measure: Measure, margin: float) -> float:
    """P value of two one-sided tests: a difference lies inside plus or minus the margin.

    The larger of both p values. At alpha 0.05 it rejects where the 90 % interval lies inside the margin. Source:
    D. Schuirmann, "A comparison of the two one-sided tests procedure and the power approach for assessing the
    equivalence of average bioavailability", Journal of Pharmacokinetics and Biopharmaceutics 1987.

    Raises:
        NoTest: the interval has no width.
        ValueError: the margin is not above 0, or the measure failed.
    """
    if not margin > 0:
        raise ValueError(f"a margin of equivalence is above 0, got {margin}")
    return max(one_sided(measure, -margin, "greater"), one_sided(measure, margin, "less"))


def beyond_margin(measure: Measure, margin: float) -> float:
    """P value of the contrary of `equivalence`: a difference lies outside plus or minus the margin.

    Twice the smaller of both one-sided p values, from the interval.

    Raises:
        NoTest: the interval has no width.
    """
    sides = (
        from_interval(measure, margin, "greater"),
        from_interval(measure, -margin, "less"),
    )
    return min(1.0, 2 * min(sides))
