"""How training images are normalised where that is not the backbone's way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from unispace.config.base import Settings
from unispace.config.preprocessing import Preprocessing

if TYPE_CHECKING:
    from unispace.config.backbones import Backbone


class TrainingInput(Settings):
    """Another normalisation than the backbone's; what is left out is the backbone's."""

    normalisation: Literal["clip", "imagenet", "half", "unit"] | None = None
    """Channel mean and standard deviation in training."""
    colour_order: Literal["rgb", "bgr"] | None = None
    """Order of the channels in training."""
    embed_as: Literal["backbone", "training"] = "backbone"
    """How the tuned model is given images afterwards: as the backbone before tuning, or as in training. It is part of
    the model's card, and so of what decides its embeddings. A model between it and the base is always embedded as the
    backbone."""

    @model_validator(mode="after")
    def _says_something(self) -> TrainingInput:
        if self.normalisation is None and self.colour_order is None:
            raise ValueError("give `normalisation` or `colour_order`, or leave `input` out")
        return self

    def training(self, preprocessing: Preprocessing) -> Preprocessing:
        """How images reach a network in training, that of a backbone being `preprocessing`."""
        stated = {"normalisation": self.normalisation, "colour_order": self.colour_order}
        return preprocessing.model_copy(
            update={key: value for key, value in stated.items() if value is not None}
        )


def embedded_as(backbone: Backbone, own: TrainingInput | None) -> Backbone:
    """A backbone with the preprocessing that a model tuned from it is embedded with."""
    if own is None or own.embed_as == "backbone":
        return backbone
    return backbone.model_copy(update={"preprocessing": own.training(backbone.preprocessing)})
