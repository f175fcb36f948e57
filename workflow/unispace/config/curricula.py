"""How a backbone is tuned."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unispace.config.adaptation import Adaptation
from unispace.config.base import Name, Settings
from unispace.config.heads import Head
from unispace.errors import did_you_mean


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


class TrainOn(Settings):
    """One data set in a curriculum."""

    batch_size: Annotated[int, Field(ge=2)] = 32
    """Images of this data set in each cycle."""
    weight: Annotated[float, Field(ge=0)] = 1.0
    """Factor of its loss."""
    head: Head | None = None
    """Its head; left out: softmax for objects, CosFace for identities."""
    share_head_of: Name | None = None
    """Another data set of this curriculum whose head it uses: labels of one name are one class, as for good and bad
    images of the same persons."""

    @model_validator(mode="after")
    def _room_for_the_batch(self) -> TrainOn:
        if self.head is not None and self.share_head_of is not None:
            raise ValueError("`head` and `share_head_of` exclude each other; take one out")
        seen = self.head.classes_per_step if self.head is not None else None
        if seen is not None and seen < self.batch_size:
            raise ValueError(
                f"head.classes_per_step {seen} has no room for the classes of a batch of {self.batch_size}; "
                f"give it at least that many"
            )
        return self


class Curriculum(Optimisation, Adaptation):
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

    @model_validator(mode="after")
    def _shared_heads(self) -> Curriculum:
        owners = tuple(d for d, part in self.train_on.items() if part.share_head_of is None)
        for dataset, part in self.train_on.items():
            owner = part.share_head_of
            if owner is None:
                continue
            where = f"train_on.{dataset}.share_head_of"
            if owner not in self.train_on or owner == dataset:
                others = [name for name in owners if name != dataset]
                raise ValueError(
                    f"{where}: `{owner}` is no other data set of this curriculum; {did_you_mean(owner, others)}"
                )
            if owner not in owners:
                raise ValueError(
                    f"{where}: `{owner}` uses the head of `{self.train_on[owner].share_head_of}` itself; "
                    f"name that one"
                )
            if not (part.weight and self.train_on[owner].weight):
                raise ValueError(
                    f"{where}: a data set of weight 0 is only watched, and its labels would change the head; give "
                    f"both a weight above 0, or a head of their own"
                )
            head = self.train_on[owner].head
            seen = head.classes_per_step if head is not None else None
            if seen is not None and seen < part.batch_size:
                raise ValueError(
                    f"{where}: classes_per_step {seen} of that head has no room for the classes of a batch of "
                    f"{part.batch_size}"
                )
        return self
