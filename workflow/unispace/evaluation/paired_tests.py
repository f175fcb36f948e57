"""Tests of two models on the same items, sets or seeds."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Alternative = Literal["greater", "less", "two-sided"]
_EXACT = 16
"""Units up to which all 2^n assignments of signs are compared."""
_ROWS = 4096
"""Assignments that are compared at a time."""


def sign_flip(
    differences: ArrayLike,
    alternative: Alternative = "two-sided",
    flips: int = 9_999,
    rng: np.random.Generator | None = None,
) -> float:
    """P value of a mean paired difference by flipping signs.

    Under the null hypothesis the two models could change places in every unit, so that the difference of each is
    symmetric around 0. Up to 16 units all assignments of signs are compared, so the smallest p value is
    1 / 2^n; of more units as many random ones as asked for, with (hits + 1) / (flips + 1). Sources: R. Fisher, "The
    Design of Experiments", 1935; B. Phipson and G. Smyth, "Permutation p-values should never be zero", Statistical
    Applications in Genetics and Molecular Biology 2010.

    Args:
        differences: `(n,)` difference of each independent unit: an identity, a data set or a seed, never a pair.
        alternative: of the mean difference.
        flips: random assignments, where there are too many for all.
        rng: draws them; needed above 16 units.

    Returns:
        In (0, 1].

    Raises:
        ValueError: no unit, a difference is not finite, or `rng` is missing.
    """
    values = np.asarray(differences, np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(f"sign flips take finite differences of one unit or more, got {values}")
    n, observed = len(values), _extreme(np.array([values.sum()]), alternative)[0]
    # What is equal on paper may differ by the rounding of sums in another order.
    bound = observed - 1e-12 * np.abs(values).sum()
    if n <= _EXACT:
        hits = 0
        for start in range(0, 2**n, _ROWS):
            number = np.arange(start, min(start + _ROWS, 2**n))
            signs = 1.0 - 2.0 * ((number[:, None] >> np.arange(n)) & 1)
            hits += int((_extreme(signs @ values, alternative) >= bound).sum())
        return hits / 2**n
    if rng is None:
        raise ValueError(f"{n} units have too many signs to try all; give `rng`")
    hits = 0
    for start in range(0, flips, _ROWS):
        rows = min(_ROWS, flips - start)
        signs = 1.0 - 2.0 * rng.integers(0, 2, size=(rows, n))
        hits += int((_extreme(signs @ values, alternative) >= bound).sum())
    return (hits + 1) / (flips + 1)


def _extreme(sums: NDArray[np.float64], alternative: Alternative) -> NDArray[np.float64]:
    """The larger, the further from the null hypothesis."""
    if alternative == "two-sided":
        return np.abs(sums)
    return sums if alternative == "greater" else -sums


def wilcoxon(differences: ArrayLike, alternative: Alternative = "two-sided") -> float:
    """P value of Wilcoxon's signed-rank test, e.g. over seeds.

    Exact up to 50 differences without ties; else by the normal distribution, as `scipy.stats.wilcoxon` has it.
    Differences of 0 are left out. Source: F. Wilcoxon, "Individual comparisons by ranking methods", Biometrics
    Bulletin 1945.

    Args:
        differences: `(n,)` difference of each seed.
        alternative: of the middle of the differences.

    Returns:
        In (0, 1]; 1 where no difference is other than 0.

    Raises:
        ValueError: no difference, or one is not finite.
    """
    from scipy.stats import wilcoxon as signed_rank

    values = np.asarray(differences, np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(f"Wilcoxon's test takes finite differences, got {values}")
    if not values.any():
        return 1.0
    # The type of its answer is not declared.
    return float(signed_rank(values[values != 0], alternative=alternative).pvalue)  # pyright: ignore
