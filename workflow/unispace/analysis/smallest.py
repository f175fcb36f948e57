"""How much does it take until a level is reached, and stays so?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class Smallest:
    """The smallest size from which on a level is reached.

    Attributes:
        size: by the mean over seeds; NaN where it failed.
        lower: least number of the single seeds that reach it; NaN where none does.
        upper: largest number of the single seeds; NaN where one does not reach it.
        reached: how many seeds reach it.
        seeds: how many there are.
        status: `ok`, or `failed: why`.
    """

    size: float
    lower: float
    upper: float
    reached: int
    seeds: int
    status: str


def smallest(
    curve: pd.DataFrame, column: str, unit: str, level: float, *, of_last: bool = False
) -> Smallest:
    """The smallest of the measured sizes from which on all larger ones reach a level too.

    `size` is that of the mean over seeds, `lower` and `upper` are the ends of the single seeds. Drawn independently,
    five seeds have the median of all possible ones between their ends in 94 of 100 cases (1 - 2 / 2^5), six in 97.

    Args:
        curve: columns seed, `column`, value and status; one row for each seed and size.
        column: what holds the sizes.
        unit: what sizes count, for messages.
        level: of the value, as stated beforehand.
        of_last: whether the level is a share of the value at the largest size, of each seed its own.
    """
    table = curve.pivot(index="seed", columns=column, values="value").sort_index(axis=1)
    failed = curve[curve["status"] != "ok"]
    if len(failed):
        cell = failed.iloc[0]
        why = str(cell["status"]).removeprefix("failed: ")
        told = f"failed: {cell[column]} {unit}, seed {cell['seed']}: {why}"
        return Smallest(np.nan, np.nan, np.nan, 0, len(table), told)
    sizes = table.columns.to_numpy(np.float64)
    values = table.to_numpy(np.float64)

    def first(line: NDArray[np.float64]) -> float:
        return _first_to_stay(line >= (level * line[-1] if of_last else level), sizes)

    of_seeds = np.array([first(line) for line in values])
    reached = of_seeds[~np.isnan(of_seeds)]
    lower = float(reached.min()) if len(reached) else np.nan
    upper = float(reached.max()) if len(reached) == len(of_seeds) else np.nan
    mean = values.mean(axis=0)
    size, status = first(mean), "ok"
    if np.isnan(size):
        told = f"not reached with up to {sizes[-1]:.0f} {unit}, where the mean is {mean[-1]:.3f}"
        status = f"failed: {told}"
    return Smallest(size, lower, upper, len(reached), len(table), status)


def _first_to_stay(enough: NDArray[np.bool_], sizes: NDArray[np.float64]) -> float:
    """The first size from which on all are enough, NaN where the last is not."""
    short = np.flatnonzero(~enough)
    after = short[-1] + 1 if len(short) else 0
    return float(sizes[after]) if after < len(sizes) else np.nan
