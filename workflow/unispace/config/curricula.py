"""How a backbone is tuned."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unispace.config.base import Name, Settings


class Optimisation(Settings):
    """The optimiser and its schedule: AdamW, linear warm-up, cosine decay to zero."""

    steps: Annotated[int, Field(ge=1)] = 300
    """Optimiser steps."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-3
    """Peak learning rate."""
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Decoupled weight decay of matrices; biases, norms and embeddings have none."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the steps in which the learning rate rises."""
    clip_norm: Annotated[float, Field(gt=0)] = 5.0
    """Largest norm of the gradient of all weights together."""
    augment: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Strength of flips, shifts, turns and colour changes of training images; 0 turns them off."""


class Head(Settings):
    """The classifier over the labels of a data set; used in training only."""

    loss: Literal["softmax", "cosface", "arcface"]
    """Cosine softmax without margin, CosFace (additive cosine) or ArcFace (additive angle)."""
    scale: Annotated[float, Field(gt=0)] = 16.0
    """Inverse temperature of the cosines; 64 is usual for many thousand identities."""
    margin: Annotated[float, Field(ge=0)] = 0.1
    """Cosine units for CosFace, radians for ArcFace, unused by softmax; 0.3 to 0.5 is usual for many identities."""


class TrainOn(Settings):
    """One data set in a curriculum."""

    batch_size: Annotated[int, Field(ge=2)] = 32
    """Images of this data set in each cycle."""
    weight: Annotated[float, Field(ge=0)] = 1.0
    """Factor of its loss."""
    head: Head | None = None
    """Its head; left out: softmax for objects, CosFace for identities."""


class Curriculum(Optimisation):
    """How a backbone is tuned; `base` has no data sets and leaves it as it is."""

    train_on: dict[Name, TrainOn] = Field(default={})
    """The data sets and their settings."""
    coupling: Literal["accumulate", "alternate"] = "accumulate"
    """`accumulate`: one step on the summed gradients of all data sets; `alternate`: a step for each."""

    @model_validator(mode="after")
    def _weights(self) -> Curriculum:
        if self.train_on and not any(part.weight > 0 for part in self.train_on.values()):
            raise ValueError("at least one data set of train_on needs a weight above 0")
        return self
