"""One measured value with its interval, or the reason why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Measure:
    """A value, its interval and what stands behind it.

    Attributes:
        metric: Name, e.g. `AUC`, `TMR@FMR=0.001`, `Rank-1`.
        value: Point estimate from all the data, NaN when it failed.
        lower: Lower end of the 95 % interval, NaN when it failed.
        upper: Upper end of the 95 % interval, NaN when it failed.
        n: Items behind the value: pairs, probes, searches, images or folds.
        unit: What the interval resamples: `identity` or `class`; `fold` where it comes from the spread over folds.
        status: `ok`, or `failed: why`.
        chance: What scores without information would give, where that is known.
        samples: `(resamples,)` the metric of every resample, NaN where it does not exist in one; None where it
            failed or the interval has no resamples. Two models on the same images share their resamples, so that
            the difference of their samples is that of a paired bootstrap.
    """

    metric: str
    value: float
    lower: float
    upper: float
    n: int
    unit: str
    status: str = "ok"
    chance: float | None = None
    samples: NDArray[np.float64] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Keep the promise: finite numbers when ok, NaN when failed."""
        numbers = (self.value, self.lower, self.upper)
        if self.chance is not None and not math.isfinite(self.chance):
            raise ValueError(
                f"{self.metric}: chance is {self.chance}; say None where it is not known"
            )
        if self.status == "ok":
            if not all(math.isfinite(number) for number in numbers):
                raise ValueError(f"{self.metric}: ok, but the numbers are {numbers}")
            if self.lower > self.upper:
                raise ValueError(f"{self.metric}: interval from {self.lower} to {self.upper}")
        elif not self.status.startswith("failed: "):
            raise ValueError(f"{self.metric}: status is 'ok' or 'failed: why', not {self.status!r}")
        elif not all(math.isnan(number) for number in numbers):
            raise ValueError(f"{self.metric}: failed, but the numbers are {numbers}")

    @classmethod
    def failed(
        cls, metric: str, n: int, unit: str, why: str | Exception, chance: float | None = None
    ) -> Measure:
        """A cell that says why it is empty; never a zero and never left out."""
        return cls(metric, math.nan, math.nan, math.nan, n, unit, f"failed: {why}", chance)
