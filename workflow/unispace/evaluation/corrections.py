"""P values of several comparisons at once, corrected for their number."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Doubles = NDArray[np.float64]
Correction = Literal["holm", "benjamini-hochberg", "none"]


def holm(p_values: ArrayLike) -> Doubles:
    """Corrected p values; those up to alpha reject with a probability of at most alpha of any wrong rejection.

    The i-th smallest of m is multiplied by m - i + 1 and is never below a smaller one. It holds whatever the
    dependence of the tests. Source: S. Holm, "A simple sequentially rejective multiple test procedure",
    Scandinavian Journal of Statistics 1979.

    Args:
        p_values: `(m,)` in [0, 1].

    Returns:
        `(m,)` in [0, 1], in the order given.

    Raises:
        ValueError: a p value is not in [0, 1], or they are no list.
    """
    values = _checked(p_values)
    order = np.argsort(values, kind="stable")
    raised = values[order] * np.arange(len(values), 0, -1)
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(raised))
    return corrected


def benjamini_hochberg(p_values: ArrayLike) -> Doubles:
    """Corrected p values; of those up to alpha a share of at most alpha is wrong on average.

    It holds for tests that are independent or positively dependent. Source: Y. Benjamini and Y. Hochberg,
    "Controlling the false discovery rate", Journal of the Royal Statistical Society B 1995, by `scipy.stats`.

    Args, returns, raises: as `holm`.
    """
    from scipy.stats import false_discovery_control

    values = _checked(p_values)
    return np.asarray(false_discovery_control(values), np.float64) if len(values) else values


def corrected(p_values: ArrayLike, by: Correction) -> Doubles:
    """P values corrected by one of the above, or as they are.

    Args, returns, raises: as `holm`.
    """
    if by == "holm":
        return holm(p_values)
    return benjamini_hochberg(p_values) if by == "benjamini-hochberg" else _checked(p_values)


def _checked(p_values: ArrayLike) -> Doubles:
    values = np.asarray(p_values, np.float64)
    if values.ndim != 1 or not np.all((values >= 0) & (values <= 1)):
        raise ValueError(f"p values are a list of numbers in [0, 1], got {p_values}")
    return values
