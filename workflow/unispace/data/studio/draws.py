"""How the factors of bodies and objects are drawn: from a generator, or from uniform numbers.

All but the seeds are functions of uniform numbers, a fixed count per value. So a longer draw starts
with a shorter one, and a value can be tied to a seed of its own instead of its place in a table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Doubles: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Span:
    """A number in [low, high): the mean of `peak` uniform ones (1 flat, 2 mostly near the middle)."""

    low: float
    high: float
    peak: int = 1

    @property
    def units(self) -> int:
        """Uniform numbers that one value takes."""
        return self.peak

    def of(self, units: Doubles) -> Doubles:
        """Values `(n,)` for uniform numbers `(n, units)` in [0, 1)."""
        return self.low + (self.high - self.low) * units.mean(axis=1)

    def draw(self, rng: np.random.Generator, n: int) -> Doubles:
        """Draw `n` values."""
        return self.of(rng.random((n, self.units)))


@dataclass(frozen=True)
class Names:
    """One of several names, equally likely or by `weights`."""

    names: tuple[str, ...]
    weights: tuple[float, ...] | None = None
    units: int = 1

    def of(self, units: Doubles) -> list[str]:
        """`n` names for uniform numbers `(n, 1)` in [0, 1)."""
        weights = (1,) * len(self.names) if self.weights is None else self.weights
        shares = np.asarray(weights, dtype=np.float64)
        # The last step is left open: rounding must not let a number next to 1 fall off the end.
        steps = np.cumsum(shares / shares.sum())[:-1]
        return [self.names[int(i)] for i in np.searchsorted(steps, units[:, 0], side="right")]

    def draw(self, rng: np.random.Generator, n: int) -> list[str]:
        """Draw `n` names."""
        return self.of(rng.random((n, self.units)))


@dataclass(frozen=True)
class Chance:
    """Yes with probability `share`."""

    share: float
    units: int = 1

    def of(self, units: Doubles) -> NDArray[np.bool_]:
        """Answers `(n,)` for uniform numbers `(n, 1)` in [0, 1)."""
        return units[:, 0] < self.share

    def draw(self, rng: np.random.Generator, n: int) -> NDArray[np.bool_]:
        """Draw `n` answers."""
        return self.of(rng.random((n, self.units)))


@dataclass(frozen=True)
class Whole:
    """A whole number in [0, count), equally likely but for 0, which has `extra` shares more."""

    count: int
    extra: int = 0
    units: int = 1

    def of(self, units: Doubles) -> NDArray[np.int64]:
        """Whole numbers `(n,)` for uniform numbers `(n, 1)` in [0, 1)."""
        steps = np.floor(units[:, 0] * (self.count + self.extra)).astype(np.int64)
        return np.maximum(steps - self.extra, 0)

    def draw(self, rng: np.random.Generator, n: int) -> NDArray[np.int64]:
        """Draw `n` whole numbers."""
        return self.of(rng.random((n, self.units)))


@dataclass(frozen=True)
class Seed:
    """A whole number in [0, 2**31)."""

    def draw(self, rng: np.random.Generator, n: int) -> NDArray[np.int64]:
        """Draw `n` seeds."""
        return rng.integers(0, 2**31, n)


Direct: TypeAlias = Span | Names | Chance | Whole  # functions of uniform numbers
Factor: TypeAlias = Direct | Seed
Drawn: TypeAlias = NDArray[np.float64] | NDArray[np.int64] | NDArray[np.bool_] | list[str]


def draw_columns(
    factors: Mapping[str, Factor], generators: Iterator[np.random.Generator], n: int
) -> dict[str, Drawn]:
    """Draw `n` values of each factor, each from the next generator."""
    return {name: factor.draw(next(generators), n) for name, factor in factors.items()}
