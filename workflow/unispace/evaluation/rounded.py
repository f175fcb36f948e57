"""Resamples of verification metrics from scores that are rounded, where pairs are too many to be held.

All scores from the lowest genuine one on are rounded down to the lower ends of at most `BINS` bins, which hold about
equally many genuine pairs. Every point of the ROC of rounded scores is a point of that of the scores themselves, so
that in a resample TMR at an FMR is too low by at most the share of the genuine weight in one bin, EER lies within it
of the true one, and AUC within half of it. What rounding changes in the data themselves, where it is known, is then
taken off every resample. The draws are the same as for pairs that are held.

A bin and a resample take one sum of w_a * w_b over impostor pairs. It is a product of two sparse and dense matrices for
each identity a: how many pairs of its images with those of b lie in each bin, times w_b, and that times w_a. All are
whole numbers, and exact.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unispace.evaluation.bootstrap import VerificationSamples, measure_resamples

Doubles = NDArray[np.float64]

BINS = 512
"""Bins with about equally many genuine pairs."""
CELLS = 2**16
"""Equal parts of the range of genuine scores, which bins are put together from."""
SINGLE = 2**24
"""Whole numbers up to this one are exact in single precision."""
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
        # Where cells are as few as genuine scores are, each is a bin of its own.
        held = np.bincount(self._cell(scores), minlength=CELLS)
        before = np.cumsum(held) - held
        self._bin = np.unique(before * BINS // len(scores), return_inverse=True)[1].astype(np.int32)
        self.bins = int(self._bin[-1]) + 1
        self._size = size
        # The data themselves first, then the resamples.
        self._drawn = np.pad(multiplicity, ((1, 0), (0, 0)), constant_values=1).T.astype(np.float64)
        shape = (self.bins, len(size))
        met = coo_array((np.ones(len(scores)), (self._bin[self._cell(scores)], identity)), shape)
        self._genuine = met.tocsr() @ self._drawn
        most = float(size.max() * (size @ self._drawn).max())
        kind = np.float32 if most <= SINGLE else np.float64
        self._parts = [
            np.ascontiguousarray(self._drawn[:, start : start + TOGETHER], dtype=kind)
            for start in range(0, self._drawn.shape[1], TOGETHER)
        ]
        self._impostor = [np.zeros((self.bins, part.shape[1])) for part in self._parts]

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
        from scipy.sparse import csc_array

        found = self._bin[self._cell(scores.T[kept.T])]
        if not len(found):
            return
        before = np.append(0, np.cumsum(np.count_nonzero(kept, axis=0)))
        shape = (self.bins, len(self._size))
        kind = self._parts[0].dtype
        met = csc_array((np.ones(len(found), kind), found, before[first].astype(np.int32)), shape)
        for part, sums in zip(self._parts, self._impostor, strict=True):
            sums += np.multiply(met @ part, part[who], dtype=np.float64)

    def samples(
        self, fmr_targets: Sequence[float], *, same_space: bool
    ) -> tuple[VerificationSamples, VerificationSamples]:
        """The metrics of the data and those of the resamples, all of rounded scores.

        Args:
            fmr_targets: FMR in [0, 1].
            same_space: Whether every pair was added once, as both orders score alike.
        """
        mine = self._size[:, None] * self._drawn
        impostors = (np.sum(mine, axis=0) ** 2 - np.sum(mine**2, axis=0)) / (2 if same_space else 1)
        falling = [
            np.ascontiguousarray(np.cumsum(weight[::-1], axis=0).T)
            for weight in (self._genuine, np.concatenate(self._impostor, axis=1))
        ]
        accepted, false = falling
        above = np.pad(false[:, :-1], ((0, 0), (1, 0)))
        found = VerificationSamples.empty(len(accepted), len(fmr_targets))
        spare = np.empty(accepted.shape)
        measure_resamples(accepted, false, above, impostors, fmr_targets, found, spare)
        return found.part(slice(0, 1)), found.part(slice(1, None))

    def resolution(self) -> Doubles:
        """`(resamples,)` the largest share of the genuine weight of each resample in one bin; NaN without any."""
        total = np.sum(self._genuine[:, 1:], axis=0)
        share = np.full(len(total), np.nan)
        return np.divide(self._genuine[:, 1:].max(axis=0), total, out=share, where=total > 0)

    def _cell(self, scores: NDArray[np.float32]) -> NDArray[np.int32]:
        """Cells of scores from the lowest genuine one on; rounded, but in the order of the scores."""
        return np.minimum((scores - self._lowest) * self._scale, CELLS - 1).astype(np.int32)
