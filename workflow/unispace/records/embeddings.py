"""Embeddings of a model on a data set: vectors, which image each belongs to, and what made them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from unispace.errors import UserError
from unispace.records import manifest as manifest_record
from unispace.records.files import read_json, replacing, write_json
from unispace.records.tables import read_table, write_table

INDEX_SCHEMA = pa.schema([f for f in manifest_record.SCHEMA if f.name != "source"])


@dataclass(frozen=True)
class Embeddings:
    """Row i of `vectors` (n, d), float32, unit length, is the image of row i of `index`."""

    vectors: NDArray[np.float32]
    index: pd.DataFrame
    card: dict[str, Any]

    def of_split(self, split: str) -> Embeddings:
        """The rows of one split.

        Raises:
            UserError: where there are none.
        """
        keep = (self.index["split"] == split).to_numpy()
        if not keep.any():
            existing = ", ".join(sorted(self.index["split"].unique()))
            raise UserError(
                f"embeddings of {self.card['dataset']}: no image in split `{split}`; it holds: {existing}"
            )
        return Embeddings(
            np.ascontiguousarray(self.vectors[keep]),
            self.index[keep].reset_index(drop=True),
            self.card,
        )


def write_embeddings(embeddings: Embeddings, folder: Path) -> None:
    """Write vectors.npy, index.parquet and embedding.json.

    Raises:
        ValueError: where vectors and index differ in length, or a vector is not finite.
    """
    vectors, index = embeddings.vectors, embeddings.index
    if len(vectors) != len(index):
        raise ValueError(f"{folder}: {len(vectors)} vectors for {len(index)} images")
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise ValueError(f"{folder}: vector of {index['image_id'].iloc[bad[0]]} is not finite")
    with replacing(folder / "vectors.npy") as temporary, temporary.open("wb") as stream:
        np.save(stream, vectors.astype(np.float32, copy=False), allow_pickle=False)
    write_table(index, INDEX_SCHEMA, folder / "index.parquet")
    write_json(folder / "embedding.json", embeddings.card)


def read_embeddings(folder: Path) -> Embeddings:
    """Read embeddings; the vectors stay memory-mapped.

    Raises:
        UserError: where they are missing, damaged, or differ in length from their index.
    """
    try:
        vectors = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise UserError(f"{folder / 'vectors.npy'}: not there; run snakemake to make it") from error
    except (ValueError, EOFError) as error:
        raise UserError(
            f"{folder / 'vectors.npy'}: damaged ({error}); delete it and run snakemake again"
        ) from error
    index = read_table(folder / "index.parquet", INDEX_SCHEMA)
    if len(vectors) != len(index):
        raise UserError(
            f"{folder}: {len(vectors)} vectors for {len(index)} images; delete the folder"
        )
    return Embeddings(vectors, index, read_json(folder / "embedding.json"))
