"""Published results of people, and models beside them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv

from unispace.errors import UserError

CERTAINTIES = ("read", "second-hand")
"""`read`: the number was read in the publication; `second-hand`: it is only known from elsewhere."""

HUMAN_SCHEMA = pa.schema(
    [
        pa.field("task", pa.string(), nullable=False),
        pa.field("stimuli", pa.string(), nullable=False),  # what people saw
        pa.field("altered", pa.string()),  # how that differs from the published images, if it does
        pa.field("dataset", pa.string()),  # its name in the registry, where it has one
        # `official...`: that list of pairs; `test-split`: all of it; `own`: one that no protocol here is
        pa.field("protocol", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("lower", pa.float64()),  # 95 % interval, where one is published
        pa.field("upper", pa.float64()),
        pa.field("source", pa.string(), nullable=False),
        pa.field("year", pa.int64(), nullable=False),
        pa.field("certainty", pa.string(), nullable=False),
        pa.field("note", pa.string()),
    ]
)

COMPARISON_SCHEMA = pa.schema(
    [
        pa.field("model", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),  # `all` in the rows over several
        pa.field("protocol", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("value", pa.float64()),  # of the model; empty where nothing can be compared
        pa.field("lower", pa.float64()),
        pa.field("upper", pa.float64()),
        pa.field("chance", pa.float64()),
        pa.field("n", pa.int64()),  # items behind the value; tasks in the rows over several
        pa.field("human", pa.float64()),
        pa.field("source", pa.string()),  # of the human result, with its year
        pa.field("certainty", pa.string()),
        pa.field("above", pa.bool_()),  # whether the model's interval lies above the human result
        # `comparable`, `not comparable: why` or, over several data sets, `not available: why`
        pa.field("status", pa.string(), nullable=False),
    ]
)


def read_humans(path: Path) -> pd.DataFrame:
    """Read and check a table of published human results; empty cells become None or NaN.

    Raises:
        UserError: where it is missing or malformed, a number is no share, or its certainty is not said.
    """
    types = {field.name: field.type for field in HUMAN_SCHEMA}
    options = pacsv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""])
    try:
        table = pacsv.read_csv(path, convert_options=options)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path}: cannot be read as a table of human results ({error})") from error
    if table.column_names != HUMAN_SCHEMA.names:
        raise UserError(
            f"{path}: the columns must be {', '.join(HUMAN_SCHEMA.names)}; got {', '.join(table.column_names)}"
        )
    for field in HUMAN_SCHEMA:
        if not field.nullable and table.column(field.name).null_count:
            raise UserError(f"{path}: column `{field.name}` holds empty cells")
    frame = table.to_pandas()
    for line, row in enumerate(frame.to_dict("records"), start=2):
        if not 0 < row["value"] <= 1:
            raise UserError(
                f"{path}, line {line}: value must be a share above 0, got {row['value']:g}"
            )
        if row["certainty"] not in CERTAINTIES:
            raise UserError(
                f"{path}, line {line}: certainty must be {' or '.join(CERTAINTIES)}, got {row['certainty']!r}"
            )
    return frame
