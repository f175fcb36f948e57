"""What curves over seeds come to: how much is enough, and how deep they dip."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from unispace.analysis.bands import interval_of_mean
from unispace.analysis.smallest import Smallest, smallest
from unispace.evaluation.measure import Measure

UNIT = "seed"


def enough_to_fit_on(curve: pd.DataFrame, share: float) -> Measure:
    """The fewest training identities from which on a metric keeps a share of its value at the largest size.

    Its interval are the ends of the single seeds, see `smallest`.

    Args:
        curve: rows of `data_efficiency.efficiency_curve` by identities, of one method, protocol and metric.
        share: of the value at the largest size, in (0, 1].

    Returns:
        `Identities@<metric>=<share>%`, in identities. Failed where a fit failed, or where the metric is not above
        chance even at the largest size, since then nothing was learnt that could be kept.
    """
    metric, last = str(curve["metric"].iloc[0]), curve["identities"].max()
    name = f"Identities@{metric}={100 * share:g}%"
    whole = curve[curve["identities"] == last]
    if (curve["status"] == "ok").all() and len(whole) > 1:
        lower = interval_of_mean(whole["value"].to_numpy(np.float64))[1]
        if lower <= whole["chance"].mean():
            why = f"with all {last} identities {metric} is not above chance for sure"
            return Measure.failed(name, int(curve["n"].min()), UNIT, why)
    found = smallest(curve, "identities", "identities", share, of_last=True)
    return needed(name, found, "identities", int(curve["n"].min()))


def dip(curve: pd.DataFrame, dimension: int) -> Measure:
    """How far a curve falls at the dimension of the source: its lower shoulder, at half and at twice d, minus its value.

    Centring takes one image's worth, so that least squares interpolates at d + 1 images. Of each seed the mean is
    taken, with Student's 95 % interval. A curve that rises throughout has a depth below 0.

    Args:
        curve: rows of `data_efficiency.efficiency_curve` by images, of one method, protocol and metric.
        dimension: d.

    Returns:
        `<metric>-dip`, a difference of two shares. Failed where these sizes were not measured or a fit failed there.
    """
    metric = str(curve["metric"].iloc[0])
    name, n = f"{metric}-dip", int(curve["n"].min())
    before, bottom, after = round(dimension / 2), dimension + 1, 2 * dimension
    missing = [k for k in (before, bottom, after) if k not in set(curve["images"])]
    if missing:
        return Measure.failed(name, n, UNIT, f"no map was fitted on {missing[0]} images")
    here = curve[curve["images"].isin([before, bottom, after])]
    failed = here[here["status"] != "ok"]
    if len(failed):
        cell = failed.iloc[0]
        why = str(cell["status"]).removeprefix("failed: ")
        return Measure.failed(name, n, UNIT, f"{cell['images']} images, seed {cell['seed']}: {why}")
    table = here.pivot(index="seed", columns="images", values="value")
    left, at, right = (table[k].to_numpy(np.float64) for k in (before, bottom, after))
    return Measure(name, *interval_of_mean(np.minimum(left, right) - at), n, UNIT)


def needed(name: str, found: Smallest, unit: str, n: int) -> Measure:
    """A smallest size as a number with its interval; failed too where a single seed does not reach the level.

    Args:
        name: of the metric.
        found: what was found.
        unit: what sizes count.
        n: items behind a value of the curve.
    """
    if found.status != "ok":
        return Measure.failed(name, n, UNIT, found.status.removeprefix("failed: "))
    if math.isnan(found.upper):
        why = (
            f"the mean reaches it from {found.size:.0f} {unit} on, {found.reached} of "
            f"{found.seeds} seeds do"
        )
        return Measure.failed(name, n, UNIT, why)
    return Measure(name, found.size, found.lower, found.upper, n, UNIT)
