"""Cosine scores of many vectors against many, a block of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from unispace.alignment.space import unit_rows

TILE = 64
"""Rows of one matrix product. The products lie on a fixed grid, so `block` changes no score: BLAS
may round differently for another number of rows."""
STRIP = 2048
"""Columns of one matrix product, on the same grid. So few stay in the cache, and what is not needed
beyond them is not computed."""


class Cosines:
    """The cosines of all probes with all targets, of which a rectangle is computed when it is asked for."""

    def __init__(
        self,
        probe: NDArray[np.floating],
        target: NDArray[np.floating],
        order: NDArray[np.intp] | None = None,
    ) -> None:
        """Normalise the vectors.

        Args:
            probe: `(n_probe, d)`, any length.
            target: `(n_target, d)`, any length.
            order: `(n,)` of both, where they are of the same images and are to be in another order.

        Raises:
            ValueError: Widths differ, or a row is zero or not finite.
        """
        self._left, self._right = unit_rows(probe, "probe"), unit_rows(target, "target")
        if self._left.shape[1] != self._right.shape[1]:
            raise ValueError(
                f"probe has {self._left.shape[1]} columns and target {self._right.shape[1]}; "
                "map them first"
            )
        if order is not None:
            self._left, self._right = self._left[order], self._right[order]
        self.shape = len(self._left), len(self._right)

    def of(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        """Scores `(len(rows), len(columns))` in [-1, 1], the same in whichever rectangle they are asked for.

        Args:
            rows: From a multiple of `TILE` to another one or the end.
            columns: From a multiple of `STRIP` to another one or the end.
        """
        scores = np.empty((rows.stop - rows.start, columns.stop - columns.start), np.float32)
        for strip in range(columns.start, columns.stop, STRIP):
            beyond = min(strip + STRIP, columns.stop)
            right = self._right[strip:beyond].T
            for tile in range(rows.start, rows.stop, TILE):
                end = min(tile + TILE, rows.stop)
                np.matmul(
                    self._left[tile:end],
                    right,
                    out=scores[
                        tile - rows.start : end - rows.start,
                        strip - columns.start : beyond - columns.start,
                    ],
                )
        return np.clip(scores, -1.0, 1.0, out=scores)


def cosine_blocks(
    probe: NDArray[np.floating], target: NDArray[np.floating], block: int
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yield `(rows, scores)` with scores `(len(rows), n_target)` float32 in [-1, 1].

    Args:
        probe: `(n_probe, d)`, any length; normalised here.
        target: `(n_target, d)`, any length; normalised here.
        block: Probe rows at a time, rounded up to a multiple of `TILE`. Memory is
            4 * block * n_target bytes. It changes no score.

    Raises:
        ValueError: Widths differ, a row is zero or not finite, or block < 1.
    """
    if block < 1:
        raise ValueError(f"block must be at least 1, got {block}")
    cosines = Cosines(probe, target)
    probes, targets = cosines.shape
    block = -(-block // TILE) * TILE
    for start in range(0, probes, block):
        rows = slice(start, min(start + block, probes))
        yield rows, cosines.of(rows, slice(0, targets))
