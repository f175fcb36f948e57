"""Cosine scores of many vectors against many, a block of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from unispace.alignment.space import unit_rows

TILE = 64
"""Rows of one matrix product. The products lie on a fixed grid, so `block` changes no score: BLAS
may round differently for another number of rows."""


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
    left, right = unit_rows(probe, "probe"), unit_rows(target, "target")
    if left.shape[1] != right.shape[1]:
        raise ValueError(
            f"probe has {left.shape[1]} columns and target {right.shape[1]}; map them first"
        )
    block = -(-block // TILE) * TILE
    for start in range(0, len(left), block):
        rows = slice(start, min(start + block, len(left)))
        scores = np.empty((rows.stop - start, len(right)), np.float32)
        for tile in range(start, rows.stop, TILE):
            end = min(tile + TILE, rows.stop)
            np.matmul(left[tile:end], right.T, out=scores[tile - start : end - start])
        yield rows, np.clip(scores, -1.0, 1.0, out=scores)
