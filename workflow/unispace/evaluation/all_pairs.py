"""All pairs of different images, too many to be held: they are scored a block at a time whenever they are needed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from unispace.evaluation.similarity import STRIP, TILE, Cosines

BLOCK = 4 * TILE
"""Rows of a block."""
LEFT_OUT = -2.0
"""The score of what is no impostor pair in a block: below every cosine."""


class AllPairs:
    """All pairs of different images; a pair's score is that of `verification.compare`.

    Images are sorted by identity, so that the genuine pairs lie near the diagonal of the scores. Where they come
    sorted, scores are the same to the bit as when all pairs are held.

    Attributes:
        same_space: Whether every pair is taken once, as both orders score alike.
        start: `(identities + 1,)` where the images of each identity begin, after sorting.
        identities: Number of identities.
        genuine: Number of genuine pairs.
        impostor: Number of impostor pairs.
    """

    def __init__(
        self,
        probe: NDArray[np.floating],
        target: NDArray[np.floating],
        identity: NDArray[np.integer],
        *,
        same_space: bool,
    ) -> None:
        """Take the images; arguments and errors as in `verification.compare`."""
        order = np.argsort(identity, kind="stable")
        _, index, size = np.unique(identity, return_inverse=True, return_counts=True)
        self._identity = index[order]
        self._cosines = Cosines(probe, target, order)
        self.same_space = same_space
        self.start = np.append(0, np.cumsum(size))
        self.identities = len(size)
        n, share = len(index), 2 if same_space else 1
        self.genuine = int(np.sum(size * (size - 1))) // share
        self.impostor = n * (n - 1) // share - self.genuine

    def __len__(self) -> int:
        """Number of pairs."""
        return self.genuine + self.impostor

    @property
    def mated(self) -> int:
        """Number of identities with genuine pairs."""
        return int(np.count_nonzero(np.diff(self.start) > 1))

    def genuine_scores(self) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
        """Scores of the genuine pairs and the identity of each, an index 0 .. identities - 1; both `(genuine,)`.

        Only the part of the matrix around the diagonal is computed.
        """
        scores, identity = [np.zeros(0, np.float32)], [np.zeros(0, np.intp)]
        for rows, people in self._parts():
            first, last = people[0][0], people[-1][0]
            columns = self._strips(self.start[first], self.start[last + 1])
            block = self._cosines.of(rows, columns)
            for who, mine in people:
                if self.start[who + 1] - self.start[who] < 2:
                    continue
                own = np.arange(self.start[who], self.start[who + 1])
                row = np.arange(mine.start, mine.stop)[:, None]
                kept = own > row if self.same_space else own != row
                here = block[mine.start - rows.start : mine.stop - rows.start, own - columns.start]
                scores.append(here[kept])
                identity.append(np.full(len(scores[-1]), who))
        return np.concatenate(scores), np.concatenate(identity)

    def impostor_blocks(
        self,
    ) -> Iterator[tuple[NDArray[np.float32], slice, list[tuple[int, slice]]]]:
        """The scores of all impostor pairs, a block at a time.

        Yields:
            Scores `(rows, columns)` of consecutive images, `LEFT_OUT` for what is no impostor pair or comes in
            another place; the columns, of all images; and each identity of the rows with its rows in the block.
        """
        images = int(self.start[-1])
        for rows, people in self._parts():
            begin = self.start[people[0][0]] if self.same_space else 0
            columns = self._strips(begin, images)
            block = self._cosines.of(rows, columns)
            inside = []
            for who, mine in people:
                here = slice(mine.start - rows.start, mine.stop - rows.start)
                begin = columns.start if self.same_space else self.start[who]
                block[here, begin - columns.start : self.start[who + 1] - columns.start] = LEFT_OUT
                inside.append((who, here))
            yield block, columns, inside

    def _parts(self) -> Iterator[tuple[slice, list[tuple[int, slice]]]]:
        """Rows of each block, and each identity in them with its rows there."""
        images = int(self.start[-1])
        for begin in range(0, images, BLOCK):
            rows = slice(begin, min(begin + BLOCK, images))
            first, last = self._identity[rows.start], self._identity[rows.stop - 1]
            yield (
                rows,
                [
                    (
                        who,
                        slice(
                            max(rows.start, self.start[who]), min(rows.stop, self.start[who + 1])
                        ),
                    )
                    for who in range(first, last + 1)
                ],
            )

    def _strips(self, begin: int, end: int) -> slice:
        """The columns of the fewest strips that hold the columns from `begin` to `end`."""
        images = int(self.start[-1])
        return slice(int(begin) // STRIP * STRIP, min(-(-int(end) // STRIP) * STRIP, images))
