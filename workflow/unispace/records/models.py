"""A model on disk: weights, history of its training, and a card that says what it is."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

HISTORY_SCHEMA = pa.schema(
    [
        pa.field("step", pa.int64(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("loss", pa.float64(), nullable=False),
        pa.field("learning_rate", pa.float64(), nullable=False),
    ]
)

# What of a card decides the embeddings, beside the images.
DECISIVE = ("architecture", "options", "pooling", "preprocessing", "precision", "weights_sha256")

# Where the network is made by the user's own code, that code too.
_OWN_CODE = "code_sha256"


def decisive(card: dict[str, Any]) -> dict[str, Any]:
    """The part of a model's card that decides its embeddings.

    Raises:
        KeyError: where the card lacks an entry.
    """
    own = (_OWN_CODE,) if _OWN_CODE in card else ()
    return {key: card[key] for key in (*DECISIVE, *own)}
