"""The truth behind rendered images: one row an image, one column a latent factor.

Columns are named `person.`, `second.` (of a morph), `thing.`, `view.`, `attack.` or `loss.` and the factor; only
images of the studio have any.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from unispace.records.tables import read_table, write_table

SCHEMA = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),  # as in the manifest
    ]
)


def write_factors(factors: pd.DataFrame, path: Path) -> None:
    """Write the factors of a data set."""
    write_table(factors, SCHEMA, path)


def read_factors(path: Path) -> pd.DataFrame:
    """Read the factors of a data set.

    Raises:
        UserError: where the file is missing, damaged or of another kind.
    """
    return read_table(path, SCHEMA)
