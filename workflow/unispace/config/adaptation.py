"""Which weights of a backbone a curriculum changes, and how much."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from unispace.config.base import Settings


class Lora(Settings):
    """Low-rank updates of the query and value projections of attention; every other weight stays as it is."""

    rank: Annotated[int, Field(ge=1, le=1024)] = 8
    """Rank of the update of each projection."""
    alpha: Annotated[float, Field(gt=0)] = 16.0
    """Factor of the update, divided by the square root of the rank, so that the rank does not change its size."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the values of a token that the update does not see in a step; the weights see all of them."""


class Adaptation(Settings):
    """Which weights are tuned, and how fast; left out: all of them, with one learning rate."""

    lora: Lora | None = None
    """Low-rank updates instead of full tuning; they are merged into the weights at the end."""
    freeze_blocks: Annotated[int, Field(ge=0)] = 0
    """The patch embedding and this many blocks from the input stay as they are; 0 tunes all."""
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Factor of the learning rate from each block to the one before it, the heads having the full rate; 1: one rate."""
    head_learning_rate: Annotated[float, Field(gt=0, le=1)] | None = None
    """Peak learning rate of the heads, on the same schedule; left out: that of the network."""

    @model_validator(mode="after")
    def _one_way(self) -> Adaptation:
        if self.lora is not None and self.freeze_blocks:
            raise ValueError(
                "`lora` leaves the weights of every block as they are; take out either it or `freeze_blocks`"
            )
        return self
