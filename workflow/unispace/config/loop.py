"""How a training runs: what is watched, what is averaged, and what saves memory or time."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from unispace.config.base import Settings


class Loop(Settings):
    """What of a training is neither its data nor its optimiser."""

    validate_every: Annotated[int, Field(ge=0)] = 0
    """Steps between two validations on the val split of each data set, and one after the last step; 0: never."""
    conflict_every: Annotated[int, Field(ge=0)] = 0
    """Steps between two comparisons of the data sets' gradients in the shared weights; 0: never."""
    checkpoint_every: Annotated[int, Field(ge=0)] = 0
    """Steps between two saved states, from which a killed training goes on; 0: every half minute."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Arithmetic of the network in training; heads, losses, weights and the optimiser stay in float32."""
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Decay of an average of the weights over the steps, which becomes the model, such as 0.99; 0: none."""
    micro_batches: Annotated[int, Field(ge=1)] = 1
    """Parts that each batch goes through the network in, to save memory; their gradients are those of the whole."""
    checkpointing: bool = False
    """Compute activations a second time instead of keeping them, to save memory."""
    compile: bool = False
    """Compile the network first; pays for long trainings only, and needs a C++ compiler."""
    processes: Annotated[int, Field(ge=1)] = 1
    """Processes that share each batch; their summed gradients are those of one process up to rounding."""
