"""Arrays of embeddings that were made elsewhere, a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.errors import UserError

# Rows that are in memory as float64 at one time.
_ROWS = 8192
_TYPES = ("float16", "float32", "float64")

Vectors = NDArray[np.floating]


@dataclass(frozen=True)
class Lengths:
    """Euclidean lengths of the rows of an array, before they are made unit length."""

    least: float
    most: float


def open_vectors(file: Path, where: str) -> Vectors:
    """Open an array, memory-mapped; nothing of it is read yet but its head.

    Args:
        file: a .npy file.
        where: the place in the study, for errors.

    Returns:
        `(n, d)`, float16, float32 or float64.

    Raises:
        UserError: where it is no such array; pickles are never opened.
    """
    remedy = 'np.save("FILE.npy", vectors)'
    if file.suffix.lower() != ".npy":
        raise UserError(f"{where}: {file} is no .npy file; write the array by `{remedy}`")
    try:
        vectors: Any = np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise UserError(
            f"{where}: {file} cannot be read as an array of numbers ({error}). Arrays of objects and pickles are "
            f"never opened, as they can run code; write the numbers by `{remedy}`"
        ) from error
    if vectors.ndim != 2:
        raise UserError(
            f"{where}: {file} has the shape {vectors.shape}; needs (images, dimension), one row for each image"
        )
    if vectors.dtype.name not in _TYPES:
        raise UserError(
            f"{where}: {file} holds {vectors.dtype.name}; embeddings are {', '.join(_TYPES)}: "
            f"`vectors.astype(np.float32)`"
        )
    return vectors


def check_vectors(vectors: Vectors, image_ids: pd.Series, where: str) -> None:
    """Refuse arrays that do not fit their index, or that no direction can be taken of.

    Args:
        vectors: `(n, d)`.
        image_ids: the image of each row.
        where: the place in the study, for errors.

    Raises:
        UserError: where there are more or fewer rows than images, or rows hold NaN or infinity, or are all zero; the
            message counts them and names the first image.
    """
    if len(vectors) != len(image_ids):
        raise UserError(
            f"{where}: {len(vectors)} rows of vectors and {len(image_ids)} images in the index; "
            f"row i of the one must be image i of the other"
        )
    if not vectors.shape[1]:
        raise UserError(f"{where}: the vectors have no numbers, their shape is {vectors.shape}")
    wrong = {"hold NaN or infinity": [], "are zero and have no direction": []}
    for start, part in _parts(vectors, np.arange(len(vectors))):
        broken = ~np.isfinite(part).all(axis=1)
        bad = (broken, ~part.any(axis=1))
        for rows, found in zip(wrong.values(), bad, strict=True):
            rows.extend(start + np.flatnonzero(found))
    said = [
        f"{len(rows)} of {len(vectors)} rows {what}, the first is row {rows[0]} "
        f"(image {image_ids.iloc[rows[0]]!r})"
        for what, rows in wrong.items()
        if rows
    ]
    if said:
        raise UserError(
            f"{where}: {'; '.join(said)}. Embed these images again, or leave them out of the array and the index"
        )


def unit_vectors(vectors: Vectors, rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], Lengths]:
    """Some rows of an array as the store keeps them, and how long they were.

    Args:
        vectors: `(n, d)`, finite, none of them zero.
        rows: `(m,)` which rows, in the order that is wanted.

    Returns:
        `(m, d)`, unit length (computed in float64), and the range of their lengths.
    """
    unit = np.empty((len(rows), vectors.shape[1]), np.float32)
    least, most = np.inf, 0.0
    for start, part in _parts(vectors, rows):
        # Squares of very large or small numbers leave the range of float64; those of numbers around 1 do not.
        peak = np.abs(part).max(axis=1, keepdims=True)
        scaled = part / peak
        length = np.linalg.norm(scaled, axis=1, keepdims=True)
        unit[start : start + len(part)] = scaled / length
        with np.errstate(over="ignore"):
            least = min(least, float((peak * length).min()))
            most = max(most, float((peak * length).max()))
    return unit, Lengths(least, most)


def _parts(vectors: Vectors, rows: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Rows as float64, with the place of the first of each piece."""
    for start in range(0, len(rows), _ROWS):
        yield start, vectors[rows[start : start + _ROWS]].astype(np.float64)
