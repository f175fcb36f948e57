"""How compatible the models of families are: means over the ordered pairs within a family and between two.

All maps of a data set were tested on the same images and the same resamples of identities, so that the mean over pairs
in every resample gives an interval of the mean: it says what other identities would change, not what other models
would.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.evaluation.bootstrap import TooFewClusters, percentile_interval
from unispace.evaluation.measure import Measure

CELL = ("experiment", "dataset", "fitted_on", "protocol", "metric", "method")
"""What tells one mean from another, beside the two families."""

GAIN = "-gain"
"""Behind the name of a metric: what a method adds to the unaligned baseline, paired."""

Group = tuple[dict[str, str], str, str, Measure]


def family_means(
    pairs: pd.DataFrame, families: Mapping[str, str], reference: str = ""
) -> Iterator[Group]:
    """Mean over the pairs of each two families, and its gain over a reference method.

    Args:
        pairs: tidy rows of maps, as `evaluation.tidy.with_samples` gives them; a metric without any resamples has no
            mean.
        families: family of each model.
        reference: method whose value is subtracted in every pair, for a second measure `<metric>-gain`; none if
            empty or not measured.

    Yields:
        The cell as columns of `CELL`, family of the source, family of the target, and the mean: n is that of the
        pairs, not their number. It fails where a pair failed.
    """
    keys = [*CELL, "source", "target"]
    drawn = pairs[pairs["samples"].notna()]["metric"].unique()
    base: dict[tuple[Any, ...], dict[Any, Any]] = {}
    groups: dict[tuple[str, ...], list[dict[Any, Any]]] = defaultdict(list)
    for row in pairs[pairs["metric"].isin(drawn)].to_dict("records"):
        ends = families[row["source"]], families[row["target"]]
        groups[(*(row[name] for name in CELL), *ends)].append(row)
        if reference and row["method"] == reference:
            base[tuple(row[k] for k in keys if k != "method")] = row
    for (*cell, source, target), found in sorted(groups.items(), key=lambda group: group[0]):
        names: dict[str, str] = dict(zip(CELL, cell, strict=True))
        yield names, source, target, _mean(found, names["metric"])
        others = [base.get(tuple(row[k] for k in keys if k != "method")) for row in found]
        if names["method"] != reference and all(o is not None for o in others):
            gains = _mean(found, names["metric"] + GAIN, [o for o in others if o is not None])
            yield names | {"metric": gains.metric}, source, target, gains


def _mean(
    found: list[dict[Any, Any]], metric: str, others: list[dict[Any, Any]] | None = None
) -> Measure:
    """Mean over pairs, or that of their differences from others."""
    n, unit = min(row["n"] for row in found), found[0]["unit"]
    every = [*found, *(others or [])]
    failed = [row for row in every if row["status"] != "ok"]
    if failed:
        why = failed[0]["status"].removeprefix("failed: ")
        return Measure.failed(metric, n, unit, f"{len(failed)} of {len(every)} maps: {why}")
    value = float(np.mean([row["value"] for row in found]))
    draws = _stacked(found)
    chance = [row["chance"] for row in found]
    if others:
        value -= float(np.mean([row["value"] for row in others]))
        draws = draws - _stacked(others)
    if np.ptp(draws[~np.isnan(draws)]) == 0:
        # Every map is perfect, or useless: only the intervals of the single maps know how sure that is.
        ends = _ends(found, others)
    else:
        try:
            ends = percentile_interval(draws)
        except TooFewClusters as error:
            return Measure.failed(metric, n, unit, error)
    known = not others and bool(np.isfinite(chance).all())
    return Measure(metric, value, *ends, n, unit, chance=float(np.mean(chance)) if known else None)


def _ends(found: list[dict[Any, Any]], others: list[dict[Any, Any]] | None) -> tuple[float, float]:
    """The mean of the pairs' own intervals, which errs on the wide side."""
    lower, upper = (float(np.mean([row[end] for row in found])) for end in ("lower", "upper"))
    if not others:
        return lower, upper
    below, above = (float(np.mean([row[end] for row in others])) for end in ("lower", "upper"))
    return lower - above, upper - below


def _stacked(rows: list[dict[Any, Any]]) -> NDArray[np.float64]:
    """Mean of the pairs in every resample; NaN where one of them has none."""
    return np.mean([np.asarray(row["samples"], np.float64) for row in rows], axis=0)
