"""The optimiser, its schedule, and how training images are changed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unispace.config.base import Settings

Augmentation = Literal["strength", "flip", "froundation", "foundpad"]


class Optimisation(Settings):
    """The optimiser and its schedule: AdamW, linear warm-up, cosine decay to zero unless `schedule` says otherwise."""

    steps: Annotated[int, Field(ge=1)] = 300
    """Cycles of training; each takes one optimiser step, with `coupling: alternate` one for each data set."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-3
    """Peak learning rate."""
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Decoupled weight decay of matrices; biases, norms and embeddings have none."""
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (
        0.9,
        0.999,
    )
    """Decays of AdamW's running means of the gradient and of its square."""
    schedule: Literal["cosine", "constant", "restarts"] = "cosine"
    """What follows the warm-up: `cosine` falls to `floor` by the last step, `constant` stays at the peak, `restarts`
    falls to `floor` again and again (SGDR: Loshchilov and Hutter 2017, arXiv 1608.03983)."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the steps in which the learning rate rises."""
    hold: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the steps after the warm-up in which the learning rate stays at its peak."""
    floor: Annotated[float, Field(ge=0)] = 0.0
    """Lowest learning rate of `cosine` and `restarts`."""
    period: Annotated[float, Field(gt=0, le=1)] = 0.125
    """With `restarts`: share of the steps from the first peak to the next."""
    period_growth: Annotated[int, Field(ge=1)] = 1
    """With `restarts`: how many times longer each period is than the one before."""
    clip_norm: Annotated[float, Field(gt=0)] = 5.0
    """Largest norm of the gradient of all weights together."""
    augment: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Strength of flips, shifts, turns and colour changes of training images; 0 turns them off."""

    @model_validator(mode="after")
    def _rates(self) -> Optimisation:
        if self.floor > self.learning_rate:
            raise ValueError(
                f"floor {self.floor:g} lies above learning_rate {self.learning_rate:g}; lower it, or write "
                f"`schedule: constant`"
            )
        if self.warmup + self.hold >= 1:
            raise ValueError(
                f"warmup {self.warmup:g} and hold {self.hold:g} are shares of the steps and leave none; lower one"
            )
        return self
