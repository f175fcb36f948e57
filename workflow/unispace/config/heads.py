"""The classifiers that networks are tuned with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from unispace.config.base import Settings

ALL_CLASSES = 100_000
"""Up to this many labels every step sees all classes where `classes_per_step` is left out; beyond, a tenth of them."""


class Head(Settings):
    """The classifier over the labels of a data set; used in training only."""

    loss: Literal["softmax", "cosface", "arcface", "adaface", "binary"]
    """Cosine softmax without margin, CosFace (additive cosine), ArcFace (additive angle), AdaFace (a margin that
    follows the norm of the embedding, which tells the quality of the image), or `binary`: bona fide against all kinds
    of attack, by a linear layer with two outputs."""
    outputs: Literal["sigmoid", "softmax"] = "sigmoid"
    """Of `binary`: each output by itself (binary cross-entropy on one-hot targets, as MADation and FoundPAD have it),
    or both against each other (cross-entropy)."""
    scale: Annotated[float, Field(gt=0)] = 16.0
    """Inverse temperature of the cosines; 64 is usual for many thousand identities. Unused by `binary`."""
    margin: Annotated[float, Field(ge=0)] = 0.1
    """Cosine units for CosFace, radians for ArcFace, both for AdaFace, unused by softmax and `binary`; 0.3 to 0.5 is usual for
    many identities."""
    classes_per_step: Annotated[int, Field(ge=2)] | None = None
    """Classes that a step sees: those of its batch and a random sample of the others (Partial FC); left out: all up
    to 100 000 labels, a tenth of them beyond."""

    def classes_seen(self, labels: int) -> int:
        """Classes that a step sees where there are this many labels."""
        if self.classes_per_step is not None:
            return min(labels, self.classes_per_step)
        return labels if labels <= ALL_CLASSES else labels // 10
