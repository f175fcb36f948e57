"""Tidy results: one row a number, with interval, n, protocol and origin."""

from __future__ import annotations

import pyarrow as pa

SCHEMA = pa.schema(
    [
        pa.field("study", pa.string(), nullable=False),
        pa.field("experiment", pa.string(), nullable=False),  # verification, identification, ...
        pa.field("model", pa.string()),  # backbone/curriculum/seedN; empty where it is a pair
        pa.field("source", pa.string()),  # of a map
        pa.field("target", pa.string()),  # of a map
        pa.field("method", pa.string()),  # of a map
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("protocol", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("value", pa.float64()),  # empty where the cell failed
        pa.field("lower", pa.float64()),  # 95 % interval
        pa.field("upper", pa.float64()),
        pa.field("chance", pa.float64()),  # what scores without information would give, where known
        pa.field("n", pa.int64(), nullable=False),  # items behind the value
        pa.field("unit", pa.string(), nullable=False),  # what the interval resamples
        pa.field("seed", pa.int64()),
        pa.field("status", pa.string(), nullable=False),  # "ok" or "failed: why"
        pa.field("origin", pa.string(), nullable=False),  # hash of everything it came from
    ]
)

CURVE_SCHEMA = pa.schema(
    [
        pa.field("experiment", pa.string(), nullable=False),
        pa.field("model", pa.string()),
        pa.field("source", pa.string()),
        pa.field("target", pa.string()),
        pa.field("method", pa.string()),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("protocol", pa.string(), nullable=False),
        pa.field("x", pa.float64(), nullable=False),  # FMR of a ROC, rank of a CMC, FPIR
        pa.field("y", pa.float64(), nullable=False),  # TMR, share found, DIR
        pa.field("lower", pa.float64()),
        pa.field("upper", pa.float64()),
    ]
)

SAMPLES_SCHEMA = pa.schema(
    [
        pa.field("experiment", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("protocol", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("resample", pa.int32(), nullable=False),  # the same draw in all models, from 0
        pa.field("value", pa.float64()),  # empty where the metric does not exist in that resample
    ]
)

VIEW_SCHEMA = pa.schema(
    [
        pa.field("model", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("domain", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("x", pa.float64(), nullable=False),
        pa.field("y", pa.float64(), nullable=False),
    ]
)
