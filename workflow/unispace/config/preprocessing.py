"""How images reach a network."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unispace.config.base import Settings

# Channel statistics of the pretraining that each family was published with; `unit` leaves pixels in [0, 1].
NORMALISATIONS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "clip": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "unit": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}


class Preprocessing(Settings):
    """From a decoded image to the network's input; part of what identifies an embedding."""

    size: Annotated[int, Field(ge=16, le=1024)] = 64
    """Side of the square input in pixels."""
    interpolation: Literal["bilinear", "bicubic"] = "bicubic"
    """How images are resized, with anti-aliasing."""
    aspect: Literal["stretch", "keep"] = "stretch"
    """Images that are no squares: `stretch` squeezes them into one, `keep` resizes their shorter side and cuts off what
    is beyond the square in the middle."""
    resized: Annotated[int, Field(ge=16, le=1024)] | None = None
    """Side that images are resized to before the square of `size` is cut out of their middle, such as 256 for 224;
    left out: `size`, and nothing more is cut off."""
    normalisation: Literal["clip", "imagenet", "half", "unit"] = "clip"
    """Channel mean and standard deviation; `half` takes pixels to [-1, 1], `unit` leaves them in [0, 1]."""
    colour_order: Literal["rgb", "bgr"] = "rgb"
    """Order of the channels that the network was trained with."""

    @model_validator(mode="after")
    def _cut_out_of_more(self) -> Preprocessing:
        if self.resized is not None and self.resized < self.size:
            raise ValueError(
                f"resized: a square of {self.size} cannot be cut out of an image of {self.resized}; write at least "
                f"`resized: {self.size}`, or leave it out"
            )
        return self
