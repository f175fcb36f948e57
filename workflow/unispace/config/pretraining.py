"""How a backbone learns to see before it is tuned."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from unispace.config.base import Distinct, Name, Settings
from unispace.config.optimisation import Optimisation

Objective = Literal["classify", "contrastive", "self-distillation", "masked-features"]


def _one_or_several(value: Any) -> str:
    return "several" if isinstance(value, list | tuple) else "one"


Names = Annotated[
    Annotated[Name, Tag("one")] | Annotated[Distinct[Name], Field(min_length=2), Tag("several")],
    Discriminator(_one_or_several),
]
"""One data set, or several."""


class SelfDistillation(Settings):
    """Settings of the objective `self-distillation` (DINO, arXiv 2104.14294)."""

    outputs: Annotated[int, Field(ge=2)] = 1024
    """Prototypes that views are matched by; 65536 as published, for a million images."""
    hidden: Annotated[int, Field(ge=1)] = 256
    """Width of the head; 2048 as published."""
    bottleneck: Annotated[int, Field(ge=1)] = 64
    """Width of the head before the prototypes; 256 as published."""
    student_temperature: Annotated[float, Field(gt=0)] = 0.1
    """Temperature of the student's outputs."""
    teacher_temperature: Annotated[float, Field(gt=0)] = 0.04
    """Temperature of the teacher's outputs, below the student's."""
    centre_momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Share of itself that the centre of the teacher's outputs keeps in a step."""
    momentum: Annotated[float, Field(ge=0, le=1)] = 0.99
    """Share of itself that the teacher keeps in a step, at first; it rises along a half cosine to 1."""
    global_area: tuple[Annotated[float, Field(gt=0, le=1)], Annotated[float, Field(gt=0, le=1)]] = (
        0.4,
        1.0,
    )
    """Smallest and largest share of the image in each of the two large views."""
    local_area: tuple[Annotated[float, Field(gt=0, le=1)], Annotated[float, Field(gt=0, le=1)]] = (
        0.1,
        0.4,
    )
    """Smallest and largest share of the image in a small view."""
    local_crops: Annotated[int, Field(ge=0)] = 4
    """Small views of each image, which the student sees alone."""
    local_size: Annotated[int, Field(ge=8, le=1024)] | None = None
    """Side of a small view in pixels, for networks that take images of any size; left out: that of the input."""
    koleo: Annotated[float, Field(ge=0)] = 0.0
    """Factor of the loss that spreads embeddings (KoLeo, 0.1 in DINOv2)."""

    @model_validator(mode="after")
    def _order(self) -> SelfDistillation:
        for key in ("global_area", "local_area"):
            low, high = getattr(self, key)
            if low > high:
                raise ValueError(f"{key}: {low} is more than {high}; give the smaller share first")
        if self.teacher_temperature > self.student_temperature:
            raise ValueError(
                f"teacher_temperature {self.teacher_temperature} is above student_temperature "
                f"{self.student_temperature}; a teacher is the sharper one"
            )
        return self


class MaskedFeatures(Settings):
    """Settings of the objective `masked-features` (EVA-02, arXiv 2303.11331)."""

    mask_share: Annotated[float, Field(gt=0, lt=1)] = 0.4
    """Share of the patches that are hidden."""
    visible: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Weight of the patches that are seen, beside 1 of the hidden ones; 0 as published. An embedding that is the mean
    over patches is made of seen ones, and needs them in a short training."""
    standardise: bool = False
    """Whether each value of the teacher's features is brought to mean 0 and deviation 1 over the batch."""


class Pretrain(Optimisation):
    """Weights made inside the pipeline."""

    kind: Literal["pretrain"]
    """`pretrain`"""
    dataset: Names
    """Data set whose train split is learnt, or a list of several: each step is a batch of all of them, which an image
    comes into as often as any other. In `classify`, a class of objects that two of them have is one class."""
    objective: Objective = "classify"
    """`classify`: cosine softmax over the labels of the data set; `contrastive`: images and their captions (CLIP);
    `self-distillation`: views of an image (DINO); `masked-features`: the features of a teacher (EVA)."""
    batch_size: Annotated[int, Field(ge=2)] = 64
    """Images of a step."""
    teacher: Name | None = None
    """For `masked-features`: the backbone of this study, of open_clip, whose features are predicted."""
    self_distillation: SelfDistillation | None = None
    """For `self-distillation`: its settings; left out: their defaults."""
    masked_features: MaskedFeatures | None = None
    """For `masked-features`: its settings; left out: their defaults."""

    @model_validator(mode="after")
    def _of_the_objective(self) -> Pretrain:
        problems = []
        for key, objective in (
            ("teacher", "masked-features"),
            ("self_distillation", "self-distillation"),
            ("masked_features", "masked-features"),
        ):
            if getattr(self, key) is not None and self.objective != objective:
                problems.append(
                    f"`{key}` is for objective `{objective}`, and this is `{self.objective}`; leave it out"
                )
        if self.objective == "masked-features" and self.teacher is None:
            problems.append(
                "objective `masked-features` needs a `teacher`: a backbone of open_clip in this study"
            )
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets that are learnt from, in their order."""
        return (self.dataset,) if isinstance(self.dataset, str) else self.dataset

    @property
    def distilling(self) -> SelfDistillation:
        """The settings of self-distillation, given or default."""
        return self.self_distillation or SelfDistillation()

    @property
    def masking(self) -> MaskedFeatures:
        """The settings of masked features, given or default."""
        return self.masked_features or MaskedFeatures()
