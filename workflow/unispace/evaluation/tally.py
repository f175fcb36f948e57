"""Exact counts behind AUC, EER, TMR and the ROC, of impostor pairs that pass by a block at a time.

Between two genuine scores TMR is constant. So it suffices to know how many impostors score at or above each distinct
genuine score, and how many above it: the genuine scores are held and the impostors are counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HELD = 2**24
"""Impostor scores that are sorted together: 64 MiB, and twice as much while they are sorted."""


@dataclass(frozen=True, eq=False)
class Tally:
    """How many pairs are accepted at each distinct genuine score.

    Attributes:
        threshold: `(k,)` float32, the distinct genuine scores, falling.
        genuine: `(k,)` int64, genuine pairs at or above each.
        impostor: `(k,)` int64, impostor pairs at or above each.
        impostor_above: `(k,)` int64, impostor pairs above each.
        impostors: Number of all impostor pairs.
    """

    threshold: NDArray[np.float32]
    genuine: NDArray[np.int64]
    impostor: NDArray[np.int64]
    impostor_above: NDArray[np.int64]
    impostors: int


class Counter:
    """Counts impostors against genuine scores."""

    def __init__(self, genuine: NDArray[np.float32]) -> None:
        """Take the scores of all genuine pairs, `(n,)`, at least one, in any order."""
        self._rising, self._times = np.unique(genuine, return_counts=True)
        # Of those that score at least as high as the lowest genuine pair; others are counted nowhere.
        self._held, self._used = np.empty(HELD, np.float32), 0
        self._below = np.zeros((2, len(self._rising)), np.int64)
        self._seen = 0

    @property
    def lowest(self) -> np.float32:
        """The lowest genuine score."""
        return self._rising[0]

    @property
    def highest(self) -> np.float32:
        """The highest genuine score."""
        return self._rising[-1]

    def add(self, scores: NDArray[np.float32]) -> None:
        """Count impostor scores `(n,)`, none below `lowest`; those that are may be left out."""
        for start in range(0, len(scores), HELD):
            some = scores[start : start + HELD]
            if self._used + len(some) > HELD:
                self._empty()
            self._held[self._used : self._used + len(some)] = some
            self._used += len(some)

    def tally(self, impostors: int) -> Tally:
        """The counts, where there are so many impostor pairs together with those left out."""
        self._empty()
        at_least, above = (self._seen - below[::-1] for below in self._below)
        genuine = np.cumsum(self._times[::-1], dtype=np.int64)
        return Tally(self._rising[::-1], genuine, at_least, above, impostors)

    def _empty(self) -> None:
        held = self._held[: self._used]
        held.sort()
        for below, side in zip(self._below, ("left", "right"), strict=True):
            below += np.searchsorted(held, self._rising, side=side)
        self._seen, self._used = self._seen + self._used, 0
