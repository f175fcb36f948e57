"""Curves of several seeds as one with a band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.analysis.compatibility import student


def bands(curve: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Mean over seeds with its 95 % interval, for each point of a curve.

    The interval is Student's for the mean of the seeds, within [0, 1]. It tells how much the draw of a seed matters.
    Seeds share the identities that they draw from, so it is no interval for other identities.

    Args:
        curve: columns `by`, seed, value, status, varies (what the seeds draw) and, where there is one, chance.
        by: columns that name a point.

    Returns:
        A row for each point, in the order of their first rows: `by`, mean, std (of the population of seeds, as the
        compatibility paper draws its bands), lower, upper, chance (mean of the seeds), seeds (how many), varies,
        status. A point of which a seed failed is failed and not averaged; so is one with a single seed.

    Raises:
        ValueError: A point has two values of one seed, or its seeds draw different things.
    """
    twice = curve.duplicated([*by, "seed"])
    if twice.any():
        row = curve[twice].iloc[0]
        raise ValueError(
            f"seed {row['seed']} has two values at {dict(row[list(by)])}; `by` must name the point"
        )
    rows = []
    # Column by column: a frame for each of hundreds of points takes ten times as long.
    cells = {name: curve[name].to_numpy(dtype=object) for name in curve.columns}
    number = curve.groupby(list(by), sort=False, dropna=False).ngroup().to_numpy()
    order = np.argsort(number, kind="stable")
    for places in np.split(order, np.flatnonzero(np.diff(number[order])) + 1) if len(order) else ():
        values = {name: column[places] for name, column in cells.items()}
        point = {name: values[name][0] for name in by}
        if len(set(values["varies"])) != 1:
            raise ValueError(f"the seeds of {point} draw different things and make no band")
        rows.append(point | _band(values))
    columns = ["mean", "std", "lower", "upper", "chance", "seeds", "varies", "status"]
    return pd.DataFrame(rows, columns=[*by, *columns])


def interval_of_mean(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Mean of `(seeds,)` values, 2 or more, and the ends of Student's 95 % interval for it."""
    seeds = len(values)
    mean = float(values.mean())
    half = student(seeds - 1) * float(values.std(ddof=1)) / np.sqrt(seeds)
    return mean, mean - half, mean + half


def _band(values: Mapping[str, NDArray[np.object_]]) -> dict[str, object]:
    """The band at a point, from the cells of its seeds."""
    seeds = len(values["seed"])
    band: dict[str, object] = {
        "mean": np.nan,
        "std": np.nan,
        "lower": np.nan,
        "upper": np.nan,
        "chance": _mean(values["chance"].astype(np.float64)) if "chance" in values else np.nan,
        "seeds": seeds,
        "varies": values["varies"][0],
    }
    failed = np.flatnonzero(values["status"] != "ok")
    if len(failed):
        why = str(values["status"][failed[0]]).removeprefix("failed: ")
        return band | {"status": f"failed: seed {values['seed'][failed[0]]}: {why}"}
    if seeds < 2:
        return band | {"status": "failed: a band needs at least 2 seeds, got 1"}
    numbers = values["value"].astype(np.float64)
    mean, lower, upper = interval_of_mean(numbers)
    ends = {"lower": max(0.0, lower), "upper": min(1.0, upper)}
    return band | {"mean": mean, "std": float(numbers.std()), "status": "ok"} | ends


def _mean(values: NDArray[np.float64]) -> float:
    """Of those that are there; NaN where none is."""
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else np.nan
