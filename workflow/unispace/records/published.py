"""Published numbers of the papers, as data: one row a printed number, with where it was printed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv

from unispace.errors import UserError
from unispace.records.humans import CERTAINTIES

UNITS = {"percent": 100.0, "ratio": 1.0}
"""What a printed number is divided by to become a share or a ratio."""
GENERAL = "general"
"""The task of the general sets; the others are `fr`, `pad`, `mad`, `verification` and `identification`."""
OVER_ALL = "all"
"""The name of a data set in rows over a whole table: its average and its GELO."""

PUBLISHED_SCHEMA = pa.schema(
    [
        pa.field("table", pa.string(), nullable=False),
        pa.field("system", pa.string(), nullable=False),
        pa.field("backbone", pa.string()),
        pa.field("task", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),  # of the data set, as printed; `all`: over a table
        pa.field("dataset", pa.string()),  # its name in the registry, where it has one
        pa.field("torchvision", pa.string()),  # its class in torchvision, where it has one
        pa.field("protocol", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("value", pa.string(), nullable=False),  # digits as printed
        pa.field("unit", pa.string(), nullable=False),
        pa.field("certainty", pa.string(), nullable=False),
        pa.field("note", pa.string()),
    ]
)  # fmt: skip
_KEYS = ["table", "system", "backbone", "name", "protocol", "metric"]


def read_published(path: Path) -> pd.DataFrame:
    """Read and check a table of published numbers; empty cells become None.

    Args:
        path: a CSV file with the columns of `PUBLISHED_SCHEMA`.

    Returns:
        Its rows in their order, and behind them columns `share` (the number as a share of 1 or as a ratio) and
        `digits` (decimals as printed).

    Raises:
        UserError: where it is missing or malformed, a number is none, a unit or certainty is unknown, or one cell
            stands twice.
    """
    types = {field.name: field.type for field in PUBLISHED_SCHEMA}
    options = pacsv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""])
    try:
        table = pacsv.read_csv(path, convert_options=options)
    except (pa.ArrowException, OSError) as error:
        raise UserError(
            f"{path}: cannot be read as a table of published numbers ({error})"
        ) from error
    if table.column_names != PUBLISHED_SCHEMA.names:
        raise UserError(
            f"{path}: the columns must be {', '.join(PUBLISHED_SCHEMA.names)}; got {', '.join(table.column_names)}"
        )
    for field in PUBLISHED_SCHEMA:
        if not field.nullable and table.column(field.name).null_count:
            raise UserError(f"{path}: column `{field.name}` holds empty cells")
    frame = table.to_pandas()
    shares = []
    for line, row in enumerate(frame.to_dict("records"), start=2):
        if row["unit"] not in UNITS:
            raise UserError(
                f"{path}, line {line}: unit must be {' or '.join(UNITS)}, got {row['unit']!r}"
            )
        if row["certainty"] not in CERTAINTIES:
            raise UserError(
                f"{path}, line {line}: certainty must be {' or '.join(CERTAINTIES)}, got {row['certainty']!r}"
            )
        try:
            share = float(row["value"]) / UNITS[row["unit"]]
        except ValueError:
            raise UserError(
                f"{path}, line {line}: value must be a number as printed, got {row['value']!r}"
            ) from None
        if not 0 <= share <= (1 if row["unit"] == "percent" else 10):
            raise UserError(
                f"{path}, line {line}: {row['value']} {row['unit']} is out of range; percents go from 0 to 100"
            )
        shares.append(share)
    twice = frame[frame.duplicated(_KEYS)]
    if len(twice):
        raise UserError(
            f"{path}, line {int(str(twice.index[0])) + 2}: this cell stands twice: "
            f"{', '.join(str(twice.iloc[0][key]) for key in _KEYS)}"
        )
    digits = [len(value.partition(".")[2]) for value in frame["value"]]
    return frame.assign(share=shares, digits=digits)
