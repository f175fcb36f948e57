"""Verdicts on claims, and the parts that they rest on."""

from __future__ import annotations

import pyarrow as pa

SUPPORTED = "supported"
NOT_SUPPORTED = "not supported"
INCONCLUSIVE = "inconclusive"
NOT_TESTABLE = "not testable"
VERDICTS = (SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE, NOT_TESTABLE)

ABOUT = (
    "model", "against", "source", "target", "method", "fitted_on", "dataset", "protocol", "metric",
)  # fmt: skip
"""What a part is of; empty where it has no such name."""

CLAIMS_SCHEMA = pa.schema(
    [
        pa.field("claim", pa.string(), nullable=False),
        pa.field(
            "variant", pa.string(), nullable=False
        ),  # such as imic-a; empty where there is one
        pa.field("statement", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("ours", pa.string(), nullable=False),  # what of the test is not the source's
        pa.field("family", pa.string(), nullable=False),
        pa.field("verdict", pa.string(), nullable=False),
        pa.field("why", pa.string(), nullable=False),  # of a claim that cannot be tested
        # The part that decides: the weakest of a claim that holds, else the one that speaks most against it.
        pa.field("about", pa.string(), nullable=False),
        pa.field("test", pa.string(), nullable=False),  # what is said of it, such as `above 0.95`
        pa.field("metric", pa.string(), nullable=False),
        pa.field("effect", pa.float64()),
        pa.field("lower", pa.float64()),  # 95 % interval
        pa.field("upper", pa.float64()),
        pa.field("n", pa.int64(), nullable=False),  # items behind it
        pa.field("unit", pa.string(), nullable=False),  # what its interval resamples
        # Of all parts at once, and of any part's contrary; then corrected over the family.
        pa.field("p_value", pa.float64()),
        pa.field("p_corrected", pa.float64()),
        pa.field("p_contrary", pa.float64()),
        pa.field("p_contrary_corrected", pa.float64()),
        pa.field("alpha", pa.float64(), nullable=False),
        pa.field("correction", pa.string(), nullable=False),
        pa.field("parts", pa.int64(), nullable=False),
        pa.field("met", pa.int64(), nullable=False),  # parts that hold at alpha, each by itself
        pa.field("rows", pa.int64(), nullable=False),  # tidy rows that all parts are made of
        pa.field("seeds", pa.int64(), nullable=False),  # of the models, of the part that decides
        pa.field("seed_deviation", pa.float64()),  # of the effect over seeds; empty with one
        pa.field("p_seeds", pa.float64()),  # Wilcoxon over seeds; empty with fewer than 5
        pa.field("figure", pa.string(), nullable=False),
    ]
)

PARTS_SCHEMA = pa.schema(
    [
        pa.field("claim", pa.string(), nullable=False),
        pa.field("variant", pa.string(), nullable=False),
        pa.field("about", pa.string(), nullable=False),
        pa.field("test", pa.string(), nullable=False),
        *(pa.field(name, pa.string()) for name in ABOUT),
        pa.field("value", pa.float64()),
        pa.field("lower", pa.float64()),
        pa.field("upper", pa.float64()),
        pa.field("n", pa.int64(), nullable=False),
        pa.field("unit", pa.string(), nullable=False),
        pa.field("p_value", pa.float64()),
        pa.field("p_contrary", pa.float64()),
        pa.field("rows", pa.int64(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
    ]
)
