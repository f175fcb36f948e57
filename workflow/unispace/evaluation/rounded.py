"""Resamples of verification metrics from scores that are rounded, where pairs are too many to be held.

All scores from the lowest genuine one on are rounded down to the lower ends of bins. A bin holds about one in `BINS`
of the genuine pairs and towards both ends about one in `TAIL` of those beyond it, so that TMR and FNMR keep two figures
however small they are. Every point of the ROC of rounded scores is a point of that of the scores themselves. So in
a resample TMR at an FMR is too low by at most the share of the genuine weight that is in one bin, EER lies within that of
the true one, and AUC within half of it. What rounding changes in the data themselves, where it is known, is then taken
off every resample. The draws are the same as for pairs that are held.

A bin and a resample take one sum of w_a * w_b over impostor pairs. For each identity a it is a product of two matrices:
how many pairs of its images with those of b lie in each bin, which is sparse, times w_b; and that times w_a. All are
whole numbers, and exact.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unispace.evaluation.bootstrap import VerificationSamples, measure_resamples
from unispace.evaluation.impostors import SINGLE

Doubles = NDArray[np.float64]

BINS = 512
"""One bin holds at most about one in so many genuine pairs."""
TAIL = 32
"""One bin holds at most about one in so many of the genuine pairs below it, and of those above it."""
CELLS = 2**16
"""Equal parts of the range of genuine scores, which bins are put together from."""
TOGETHER = 128
"""Resamples at a time, so few that the weights of all identities stay in the cache."""


class RoundedSamples:
    """Weights of impostor pairs in bins of scores and in resamples."""

    def __init__(
        self,
        scores: NDArray[np.float32],
        identity: NDArray[np.integer],
        size: NDArray[np.integer],
        multiplicity: NDArray[np.integer],
    ) -> None:
        """Divide the range of the genuine scores into bins.

        Args:
            scores: `(n,)` of the genuine pairs, at least one.
            identity: `(n,)` of each genuine pair, an index of `size`.
            size: `(identities,)` images of each identity.
            multiplicity: `(resamples, identities)` from `draw`.
        """
        from scipy.sparse import coo_array

        self._lowest = scores.min()
        span = scores.max() - self._lowest
        self._scale = np.float32((CELLS - 1) / span if span > 0 else 0)
        cell = self._cell(scores)
        held = np.bincount(cell, minlength=CELLS)
        self._bin = _bins(held)
        self.bins = int(self._bin[-1]) + 1
        self._size = size
        met = coo_array(
            (np.ones(len(scores)), (self._bin[cell], identity)), (self.bins, len(size))
        ).tocsr()
        # The data themselves first, then the resamples.
        parts = np.array_split(
            np.pad(multiplicity, ((1, 0), (0, 0)), constant_values=1),
            range(TOGETHER, len(multiplicity) + 1, TOGETHER),
        )
        # The most that one image can weigh in a bin, and how many images at a time are exact.
        heaviest = max(int((part @ size).max()) * int(part.max()) for part in parts)
        kind, exact = (np.float32, SINGLE) if heaviest <= SINGLE else (np.float64, 2**53)
        self._rows = exact // heaviest
        self._parts = [np.ascontiguousarray(part.T, dtype=kind) for part in parts]
        self._genuine = [met @ part.astype(np.float64) for part in self._parts]
        self._impostor = [np.zeros(sums.shape) for sums in self._genuine]

    def add(
        self,
        who: int,
        scores: NDArray[np.float32],
        kept: NDArray[np.bool_],
        first: NDArray[np.integer],
    ) -> None:
        """Add the impostor pairs of some images of one identity.

        Args:
            who: The identity.
            scores: `(images, n)` with the images of others, those of one identity side by side.
            kept: `(images, n)` which of them are impostor pairs and not below the lowest genuine score.
            first: `(identities + 1,)` column from which on each identity's images come, 0 .. n.
        """
        for start in range(0, len(scores), self._rows):
            some = slice(start, start + self._rows)
            self._add(who, scores[some], kept[some], first)

    def _add(
        self,
        who: int,
        scores: NDArray[np.float32],
        kept: NDArray[np.bool_],
        first: NDArray[np.integer],
    ) -> None:
        from scipy.sparse import csc_array

        found = self._bin[self._cell(scores.T[kept.T])]
        if not len(found):
            return
        before = np.append(0, np.cumsum(np.sum(kept, axis=0, dtype=np.int32), dtype=np.int32))
        # Few impostors score so high as to reach the bins that most genuine pairs are in.
        reached = int(found.max()) + 1
        one = np.ones(len(found), self._parts[0].dtype)
        met = csc_array((one, found, before[first]), (reached, len(self._size)))
        for part, sums in zip(self._parts, self._impostor, strict=True):
            weight = met @ part
            weight *= part[who]
            sums[:reached] += weight

    def samples(
        self, fmr_targets: Sequence[float], *, same_space: bool
    ) -> tuple[VerificationSamples, VerificationSamples]:
        """The metrics of the data and those of the resamples, all of rounded scores.

        Args:
            fmr_targets: FMR in [0, 1].
            same_space: Whether every pair was added once, as both orders score alike.
        """
        resamples = sum(part.shape[1] for part in self._parts)
        found = VerificationSamples.empty(resamples, len(fmr_targets))
        parts = zip(self._parts, self._genuine, self._impostor, strict=True)
        for number, (drawn, genuine, impostor) in enumerate(parts):
            mine = self._size[:, None] * drawn.astype(np.float64)
            every = np.sum(mine, axis=0) ** 2 - np.sum(mine**2, axis=0)
            accepted, false = (
                np.ascontiguousarray(np.cumsum(weight[::-1], axis=0).T)
                for weight in (genuine, impostor)
            )
            measure_resamples(
                accepted,
                false,
                np.pad(false[:, :-1], ((0, 0), (1, 0))),
                every / (2 if same_space else 1),
                fmr_targets,
                found.part(slice(number * TOGETHER, (number + 1) * TOGETHER)),
                np.empty(accepted.shape),
            )
        return found.part(slice(0, 1)), found.part(slice(1, None))

    def resolution(self) -> Doubles:
        """`(1 + resamples,)` the largest share of the genuine weight in one bin; NaN where there is no weight.

        The first is that of the data themselves.
        """
        genuine = np.concatenate(self._genuine, axis=1)
        total = np.sum(genuine, axis=0)
        share = np.full(len(total), np.nan)
        return np.divide(genuine.max(axis=0), total, out=share, where=total > 0)

    def _cell(self, scores: NDArray[np.float32]) -> NDArray[np.int32]:
        """Cells of scores from the lowest genuine one on; rounded, but in the order of the scores."""
        return np.minimum((scores - self._lowest) * self._scale, CELLS - 1).astype(np.int32)


def _bins(held: NDArray[np.integer]) -> NDArray[np.int32]:
    """The bin of each cell, from 0, by the genuine pairs that cells hold; some in the first and in the last."""
    pairs = np.sum(held)
    # At either end there may be a cell without a pair, and half a pair at least is beyond each.
    below = np.clip(np.cumsum(held) - held / 2, 0.5, pairs - 0.5) / pairs
    # The slope is BINS in the middle and TAIL / below or TAIL / above towards the ends, where that is more.
    end = min(TAIL / BINS, 0.5)
    low = np.log(np.minimum(below, end) / end)
    high = np.log(np.minimum(1 - below, end) / end)
    place = BINS * np.clip(below, end, 1 - end) + TAIL * (low - high)
    return np.unique(np.floor(place), return_inverse=True)[1].astype(np.int32)
