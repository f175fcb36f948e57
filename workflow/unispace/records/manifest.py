"""The image manifest: one row an image, with its labels and where its bytes are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from unispace.errors import UserError
from unispace.records.tables import read_table, write_table

SCHEMA = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),  # unique, stable when images are added
        pa.field("row", pa.int64(), nullable=False),  # index into the image store
        pa.field("domain", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),  # class or identity
        pa.field("identity", pa.string()),  # the label where it is an identity, else empty
        pa.field("split", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
    ]
)


def write_manifest(manifest: pd.DataFrame, path: Path) -> None:
    """Write a manifest; columns beyond the schema (camera, quality, ...) are kept.

    Raises:
        ValueError: where image ids repeat or rows do not count from 0.
    """
    again = manifest["image_id"].duplicated()
    if again.any():
        twice = manifest["image_id"][again.to_numpy()].iloc[0]
        raise ValueError(f"{path}: image_id {twice!r} occurs twice")
    if not np.array_equal(manifest["row"].to_numpy(), np.arange(len(manifest))):
        raise ValueError(f"{path}: rows must count from 0 without gaps")
    write_table(manifest, SCHEMA, path)


def read_manifest(
    path: Path, columns: Sequence[str] = (), further: Sequence[str] = ()
) -> pd.DataFrame:
    """Read and check a manifest; of one of many millions of rows, `columns` spares what is not needed.

    With `columns`, `further` names columns beyond the schema that are read where they exist.

    Raises:
        UserError: where it is missing, damaged or of another kind.
    """
    return read_table(path, SCHEMA, columns, further)


def rows_of_split(manifest: pd.DataFrame, split: str, path: Path) -> pd.DataFrame:
    """The rows of one split, in the order of the manifest.

    Raises:
        UserError: where there are none; the message names the splits that exist.
    """
    rows = manifest[manifest["split"] == split]
    if rows.empty:
        existing = ", ".join(sorted(manifest["split"].unique()))
        raise UserError(f"{path}: no image in split `{split}`; it holds: {existing}")
    return rows.reset_index(drop=True)
