"""The objectives of pretraining, each with what it is shown."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unispace.backbones.network import Network
from unispace.backbones.openclip import create_clip, tokenize
from unispace.backbones.pretraining.contrastive import Contrastive
from unispace.backbones.pretraining.masked_features import (
    MaskedFeatures,
    patch_count,
    patch_features,
    standardised,
)
from unispace.backbones.pretraining.self_distillation import SelfDistillation
from unispace.config.backbones import Backbone
from unispace.config.curricula import Head
from unispace.config.pretraining import Pretrain
from unispace.curricula.augment import augment
from unispace.curricula.heads import build_head
from unispace.curricula.pretraining import Inputs
from unispace.curricula.randomness import generator
from unispace.curricula.sources import Source
from unispace.curricula.views import cut_out, hidden_patches
from unispace.errors import UserError


@dataclass(frozen=True)
class Lesson:
    """An objective before its training.

    Attributes:
        objective: what is trained.
        inputs: what it is shown.
        learnt: the network that holds what was learnt, once it was trained.
    """

    objective: nn.Module
    inputs: Inputs
    learnt: Network


class Classification(nn.Module):
    """A network and the classifier over the labels of its data set."""

    def __init__(self, network: Network, labels: int) -> None:
        """Classes are to be told apart, not spread by a margin, so the head has none."""
        super().__init__()
        self.network = network
        self.head = build_head(Head(loss="softmax"), labels, network.dimension)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """The loss, a scalar, of images `(n, 3, size, size)` in [0, 1] and their labels `(n,)`."""
        return self.head(self.network(images), labels)

    def after_step(self, share: float) -> None:
        """Nothing follows a step."""


def lesson(
    network: Network, backbone: Backbone, source: Source, seed: int, teacher: Network | None = None
) -> Lesson:
    """What a backbone's `weights` ask for; heads and towers are drawn from `seed`.

    Args:
        network: the backbone with fresh weights.
        backbone: its settings; `weights` are a `Pretrain`.
        source: what it learns from.
        seed: of everything drawn here.
        teacher: for `masked-features`, in evaluation mode.

    Raises:
        UserError: where the data set, the network or the teacher does not allow the objective.
    """
    settings = backbone.weights
    if not isinstance(settings, Pretrain):
        raise ValueError(f"weights of kind {settings.kind} are not learnt")
    torch.manual_seed(generator(seed, source.name, "head").initial_seed())
    match settings.objective:
        case "classify":
            return _classify(network, source, settings)
        case "contrastive":
            return _contrastive(network, backbone, source, settings)
        case "self-distillation":
            return _self_distillation(network, settings)
        case "masked-features":
            if teacher is None:
                raise ValueError("objective `masked-features` without its teacher")
            return _masked_features(network, teacher, settings)


def _classify(network: Network, source: Source, settings: Pretrain) -> Lesson:
    labels = torch.from_numpy(source.labels)
    count = int(labels.max()) + 1
    if count < 2:
        raise UserError(f"{source.name}: its train split has one label; `classify` needs two")

    def inputs(images: Tensor, rows: NDArray, draws: torch.Generator) -> tuple[object, ...]:
        return augment(images, settings.augment, draws), labels[rows]

    return Lesson(Classification(network, count), inputs, network)


def _contrastive(
    network: Network, backbone: Backbone, source: Source, settings: Pretrain
) -> Lesson:
    clip = create_clip(backbone.architecture, backbone.options)
    network.body = clip.visual
    tokens = tokenize(source.captions, backbone.architecture, backbone.options)

    def inputs(images: Tensor, rows: NDArray, draws: torch.Generator) -> tuple[object, ...]:
        seen = augment(images, settings.augment, draws)
        return network.normalise(seen), tokens[rows]

    return Lesson(Contrastive(clip, tokens), inputs, network)


def _self_distillation(network: Network, settings: Pretrain) -> Lesson:
    how, size = settings.distilling, network.preprocessing.size
    local_size = how.local_size or size
    if how.local_crops and local_size != size:
        _require_size(network, local_size)
    objective = SelfDistillation(network, how)

    def inputs(images: Tensor, rows: NDArray, draws: torch.Generator) -> tuple[object, ...]:
        def views(count: int, area: tuple[float, float], side: int) -> list[Tensor]:
            cut = (cut_out(images, area, side, draws) for _ in range(count))
            return [augment(view, settings.augment, draws) for view in cut]

        return views(2, how.global_area, size), views(how.local_crops, how.local_area, local_size)

    return Lesson(objective, inputs, objective.teacher)


@torch.no_grad()
def _require_size(network: Network, size: int) -> None:
    """Refuse small views that the network cannot take."""
    try:
        network.eval()(torch.zeros(1, 3, size, size))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise UserError(
            f"self_distillation.local_size {size}: the network does not run on images of this size ({error}); leave "
            f"it out, or take an architecture that allows it, such as `vit_small_patch16_dinov3`"
        ) from error


def _masked_features(network: Network, teacher: Network, settings: Pretrain) -> Lesson:
    size = teacher.preprocessing.size

    @torch.no_grad()
    def features(images: Tensor) -> Tensor:
        """What the teacher makes of images as the student takes them."""
        if images.shape[-1] != size:
            images = nn.functional.interpolate(
                images, size=(size, size), mode="bilinear", antialias=True
            )
        found = patch_features(teacher.body, teacher.normalise(images.to(teacher.device)))
        return standardised(found) if settings.masking.standardise else found

    side = network.preprocessing.size
    _, theirs, dimension = features(torch.zeros(1, 3, side, side)).shape
    objective = MaskedFeatures(network, dimension, settings.masking.visible)
    ours = patch_count(network)
    if ours != theirs:
        raise UserError(
            f"objective `masked-features`: the network divides an image into {ours} patches and its teacher into "
            f"{theirs}; choose sizes and patch sizes that give equally many"
        )

    def inputs(images: Tensor, rows: NDArray, draws: torch.Generator) -> tuple[object, ...]:
        seen = augment(images, settings.augment, draws)
        hidden = hidden_patches(len(seen), ours, settings.masking.mask_share, draws)
        return seen, hidden, features(seen)

    return Lesson(objective, inputs, network)
