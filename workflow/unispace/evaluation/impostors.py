"""The weight of the most alike impostor pairs in every resample of identities.

An impostor pair of identities a and b weighs w_a * w_b. What is wanted is the weight of the first k pairs, in falling
order of their scores, for many k and every resample. All sums are of whole numbers below 2**53, so both ways below
are exact and give the same.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Integers = NDArray[np.integer]

MEMORY = 256 * 2**20
"""Bytes that the weights of all pairs of identities may take; a thousand identities in 32 resamples do."""
SINGLE = 2**24
"""Whole numbers up to this one are exact in single precision, which takes half as long."""
PAIR_BLOCK = 2**14
"""Pairs at a time, so few that the arrays of one step stay in the cache."""


class Impostors:
    """Impostor pairs in falling order of their scores."""

    def __init__(
        self, first: Integers, second: Integers, wanted: Integers, identities: int
    ) -> None:
        """Take the pairs.

        Args:
            first: `(n,)` identity of the first image.
            second: `(n,)` identity of the second image.
            wanted: `(k,)` numbers of first pairs, ascending and distinct; the last is n.
            identities: how many there are.
        """
        self.first, self.second, self.wanted = first, second, wanted
        self.identities = identities

    def weights(self, multiplicity: NDArray[np.int64], out: NDArray[np.float64]) -> None:
        """Weight of the first pairs.

        Where there are many pairs of images for each two identities, the weight of those two is computed once, and a
        sparse matrix counts how often they meet between one wanted number and the next.

        Args:
            multiplicity: `(b, identities)`, how often each was drawn.
            out: `(b, k)`, to fill.
        """
        kinds = self.identities**2
        if len(self.first) < kinds or 8 * kinds * len(multiplicity) > MEMORY:
            self._one_by_one(multiplicity, out)
        else:
            self._by_identities(multiplicity, out)

    def _by_identities(self, multiplicity: NDArray[np.int64], out: NDArray[np.float64]) -> None:
        kind = np.float32 if self._most * int(multiplicity.max()) ** 2 <= SINGLE else np.float64
        drawn = multiplicity.T.astype(kind)
        products = (drawn[:, None] * drawn[None]).reshape(self.identities**2, len(multiplicity))
        between = self._met.astype(kind, copy=False) @ products
        # Integers are added several times as fast as floating-point numbers.
        counted = between.T.astype(np.int64, order="C")
        out[:] = np.cumsum(counted, axis=1, out=counted)

    @cached_property
    def _most(self) -> int:
        """Most pairs between one wanted number and the next."""
        return int(np.diff(self.wanted, prepend=0).max())

    @cached_property
    def _met(self) -> csr_array:
        """How often each two identities meet between one wanted number and the next, `(k, identities ** 2)`."""
        from scipy.sparse import csr_array

        both = self.first.astype(np.int64) * self.identities + self.second
        shape = (len(self.wanted), self.identities**2)
        ones = np.ones(len(both), np.float32)
        return csr_array((ones, both, np.append(0, self.wanted)), shape=shape)

    def _one_by_one(self, multiplicity: NDArray[np.int64], out: NDArray[np.float64]) -> None:
        out[:] = 0
        carry = np.zeros((len(multiplicity), 1), np.int64)
        for start in range(0, len(self.first), PAIR_BLOCK):
            block = slice(start, start + PAIR_BLOCK)
            product = np.take(multiplicity, self.first[block], axis=1)
            product *= np.take(multiplicity, self.second[block], axis=1)
            running = np.cumsum(product, axis=1, dtype=np.int64)
            running += carry
            ends = [start + 1, start + running.shape[1] + 1]
            here = slice(*np.searchsorted(self.wanted, ends))
            out[:, here] = running[:, self.wanted[here] - start - 1]
            carry = running[:, -1:]
