"""A model on disk: weights, history of its training, and a card that says what it is."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

# A training step by step, in the long form; the same bytes from run to run.
HISTORY_SCHEMA = pa.schema(
    [
        # From 1; 0 is before the first.
        pa.field("step", pa.int64(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        # The other data set of a measure of two.
        pa.field("other", pa.string()),
        pa.field("measure", pa.string(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
    ]
)

# `loss` (without its weight), `learning_rate` and `weight` of each visit; `val_rank-1`: share of the validation
# images whose nearest other one has their label; `gradient_norm` of the weighted gradient in the shared weights,
# and `conflict`: cosine between those of two data sets.
MEASURES = ("loss", "learning_rate", "weight", "val_rank-1", "gradient_norm", "conflict")

# How fast it went: seconds since the (re)start at a step, images a second since the row before. No two runs agree.
TIMING_SCHEMA = pa.schema(
    [
        pa.field("step", pa.int64(), nullable=False),
        pa.field("seconds", pa.float64(), nullable=False),
        pa.field("images_per_second", pa.float64(), nullable=False),
    ]
)

# What of a card decides the embeddings, beside the images.
DECISIVE = ("architecture", "options", "pooling", "preprocessing", "precision", "weights_sha256")


def decisive(card: dict[str, Any]) -> dict[str, Any]:
    """The part of a model's card that decides its embeddings.

    Raises:
        KeyError: where the card lacks an entry.
    """
    return {key: card[key] for key in DECISIVE}
