"""Findings of the data audit: one row a check of a data set."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

Severity = Literal["ok", "note", "error"]

SCHEMA = pa.schema(
    [
        pa.field("dataset", pa.string(), nullable=False),  # the tested one where two are compared
        pa.field("check", pa.string(), nullable=False),
        # A split, `dataset/split + dataset/split` where two parts are compared, or a statistic.
        pa.field("subject", pa.string(), nullable=False),
        pa.field("count", pa.int64(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
        pa.field("severity", pa.string(), nullable=False),
    ]
)
