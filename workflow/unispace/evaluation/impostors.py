"""The weight of the most alike impostor pairs in every resample of identities.

An impostor pair of identities a and b weighs w_a * w_b. What is wanted is the weight of the first k pairs, in falling
order of their scores, for many k and every resample. All sums are of whole numbers below 2**53, so both ways below
are exact and give the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.integer]

MEMORY = 256 * 2**20
"""Bytes that the weights of all pairs of identities may take, for one chunk of resamples."""
PAIR_BLOCK = 2**14
"""Pairs at a time, so few that the arrays of one step stay in the cache."""


class Impostors:
    """Impostor pairs in falling order of their scores."""

    def __init__(self, first: Integers, second: Integers, wanted: Integers) -> None:
        """Take the pairs.

        Args:
            first: `(n,)` identity of the first image.
            second: `(n,)` identity of the second image.
            wanted: `(k,)` numbers of first pairs, ascending and distinct; the last is n.
        """
        self.first, self.second, self.wanted = first, second, wanted
        low, high = np.minimum(first, second), np.maximum(first, second)
        count = int(high.max()) + 1 if len(high) else 0
        met, self.kind = np.unique(low.astype(np.int64) * count + high, return_inverse=True)
        self.low, self.high = met // max(count, 1), met % max(count, 1)

    def weights(self, multiplicity: NDArray[np.int32]) -> NDArray[np.int64]:
        """Weight of the first pairs.

        Many pairs of images are of the same two identities: then the weight of those two is computed once, and a
        sparse matrix counts how often they meet between one wanted number and the next.

        Args:
            multiplicity: `(b, identities)`, how often each was drawn.

        Returns:
            `(b, k)`.
        """
        seldom = len(self.first) < 2 * len(self.low)
        if seldom or 8 * len(self.low) * len(multiplicity) > MEMORY:
            return self._one_by_one(multiplicity)
        return self._by_identities(multiplicity)

    def _by_identities(self, multiplicity: NDArray[np.int32]) -> NDArray[np.int64]:
        from scipy.sparse import csr_array

        ones = np.ones(len(self.kind))
        shape = (len(self.wanted), len(self.low))
        met = csr_array((ones, self.kind, np.append(0, self.wanted)), shape=shape)
        by_identity = np.ascontiguousarray(multiplicity.T, dtype=np.float64)
        added = met @ (by_identity[self.low] * by_identity[self.high])
        return np.ascontiguousarray(np.cumsum(added, axis=0).T.astype(np.int64))

    def _one_by_one(self, multiplicity: NDArray[np.int32]) -> NDArray[np.int64]:
        found = np.zeros((len(multiplicity), len(self.wanted)), np.int64)
        carry = np.zeros((len(multiplicity), 1), np.int64)
        for start in range(0, len(self.first), PAIR_BLOCK):
            block = slice(start, start + PAIR_BLOCK)
            product = np.take(multiplicity, self.first[block], axis=1)
            product *= np.take(multiplicity, self.second[block], axis=1)
            running = np.cumsum(product, axis=1, dtype=np.int64)
            running += carry
            ends = [start + 1, start + running.shape[1] + 1]
            here = slice(*np.searchsorted(self.wanted, ends))
            found[:, here] = running[:, self.wanted[here] - start - 1]
            carry = running[:, -1:]
        return found
