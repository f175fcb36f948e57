"""What is drawn for an attack: named numbers from an image's own seed, the same on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unispace.data.studio.stage import Doubles, hash01

WORD = 2**32


@dataclass(frozen=True)
class Spread:
    """A number even over [low, high], or with probability `1 - chance` exactly `otherwise`."""

    low: float
    high: float
    chance: float = 1.0
    otherwise: float = 0.0


def check_seeds(seeds: NDArray[np.integer], n: int) -> NDArray[np.int64]:
    """The seeds of `n` images as `(n,)` whole numbers in [0, 2**63).

    Raises:
        ValueError: if there are not `n`, or one is no whole number of 0 or more.
    """
    seeds = np.asarray(seeds)
    if seeds.shape != (n,):
        raise ValueError(f"{n} images need as many seeds, not shape {seeds.shape}")
    if not np.issubdtype(seeds.dtype, np.integer) or (seeds < 0).any():
        raise ValueError("seeds must be integers of 0 or more")
    return seeds.astype(np.int64)


def uniform(seeds: NDArray[np.int64], name: str) -> Doubles:
    """One number in [0, 1) per seed for a name: multiples of 2**-24, `(n,)`."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    return hash01(seeds % WORD, seeds // WORD, key).astype(np.float64)


def draw(
    seeds: NDArray[np.int64], spreads: Mapping[str, Spread], prefix: str
) -> dict[str, Doubles]:
    """A number per seed and name, `(n,)` each.

    A number depends on its seed, `prefix` and name: not on the other names, so that a new one changes
    none before it.
    """
    values = {}
    for name, spread in spreads.items():
        value = spread.low + (spread.high - spread.low) * uniform(seeds, f"{prefix}_{name}")
        there = uniform(seeds, f"{prefix}_{name}?") < spread.chance
        values[name] = np.round(np.where(there, value, spread.otherwise), 6)
    return values
