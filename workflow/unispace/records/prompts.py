"""Embeddings of texts: one vector for each class, and what made them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unispace.errors import UserError
from unispace.records.files import read_json, replacing, write_json


@dataclass(frozen=True)
class Prompts:
    """Row i of `vectors` (c, d), float32, unit length, stands for the class `labels[i]`; `card` has their key."""

    vectors: NDArray[np.float32]
    labels: tuple[str, ...]
    card: dict[str, Any]

    def of_labels(self, labels: Sequence[str]) -> Prompts:
        """The rows of some classes, in the order of `labels`.

        Raises:
            UserError: where a class has no prompt.
        """
        place = {label: row for row, label in enumerate(self.labels)}
        missing = [label for label in labels if label not in place]
        if missing:
            raise UserError(
                f"prompts of {self.card['dataset']}: class {missing[0]!r} has no prompt, and {len(missing) - 1} "
                f"others; run snakemake again to embed them"
            )
        rows = [place[label] for label in labels]
        return Prompts(self.vectors[rows], tuple(labels), self.card)


def write_prompts(prompts: Prompts, folder: Path) -> None:
    """Write vectors.npy and prompts.json.

    Raises:
        ValueError: where vectors and labels differ in number, a label occurs twice, or a vector is not finite or
            not of unit length.
    """
    _require_whole(prompts, folder)
    with replacing(folder / "vectors.npy") as temporary, temporary.open("wb") as stream:
        np.save(stream, prompts.vectors.astype(np.float32, copy=False), allow_pickle=False)
    write_json(folder / "prompts.json", {**prompts.card, "labels": list(prompts.labels)})


def read_prompts(folder: Path) -> Prompts:
    """Read the embeddings of prompts.

    Raises:
        UserError: where they are missing or damaged.
    """
    path = folder / "vectors.npy"
    card = read_json(folder / "prompts.json")
    try:
        found = Prompts(np.load(path, allow_pickle=False), tuple(card.pop("labels")), card)
        _require_whole(found, folder)
    except FileNotFoundError as error:
        raise UserError(f"{path}: not there; run snakemake to make it") from error
    except (ValueError, EOFError, KeyError) as error:
        raise UserError(
            f"{folder}: damaged ({error}); delete it and run snakemake again"
        ) from error
    return found


def _require_whole(prompts: Prompts, folder: Path) -> None:
    vectors, labels = prompts.vectors, prompts.labels
    if vectors.ndim != 2 or len(vectors) != len(labels):
        raise ValueError(f"{folder}: vectors {vectors.shape} for {len(labels)} classes")
    if len(set(labels)) != len(labels):
        raise ValueError(f"{folder}: a class occurs twice")
    # A vector that is not finite has no length near 1 either.
    off = np.flatnonzero(~(np.abs(np.linalg.norm(vectors, axis=1) - 1) < 1e-4))
    if len(off):
        raise ValueError(f"{folder}: the vector of {labels[off[0]]} is not of unit length")
