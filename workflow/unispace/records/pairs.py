"""Official pairs of a data set: which images its publisher compares, in which fold."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from unispace.records.tables import read_table, write_table

SCHEMA = pa.schema(
    [
        pa.field("list", pa.string(), nullable=False),  # such as FF; empty where there is one list
        pa.field("first", pa.string(), nullable=False),  # image_id
        pa.field("second", pa.string(), nullable=False),  # image_id
        pa.field("genuine", pa.bool_(), nullable=False),  # same identity
        pa.field("fold", pa.int64(), nullable=False),  # from 1; 0 in a list without folds
    ]
)


def write_pairs(pairs: pd.DataFrame, path: Path) -> None:
    """Write the official pairs of a data set; a table without rows where it has none."""
    write_table(pairs.astype({"genuine": bool, "fold": "int64"}), SCHEMA, path)


def read_pairs(path: Path) -> pd.DataFrame:
    """Read the official pairs of a data set."""
    return read_table(path, SCHEMA)


def no_pairs() -> pd.DataFrame:
    """The table of a data set that has no official pairs."""
    return pd.DataFrame({field.name: [] for field in SCHEMA}).astype(
        {"list": str, "first": str, "second": str, "genuine": bool, "fold": "int64"}
    )
