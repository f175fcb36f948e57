"""A network that learns to predict its own moving average from other views of an image, as DINO does."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Sequence

import torch
from lightly.loss.dino_loss import DINOLoss
from lightly.loss.koleo_loss import KoLeoLoss
from lightly.models.modules.heads import DINOProjectionHead
from torch import Tensor, nn

from unispace.backbones.network import Network
from unispace.config.pretraining import SelfDistillation as Settings


class SelfDistillation(nn.Module):
    """Student and teacher of DINO (arXiv 2104.14294), with the spreading term of DINOv2 (arXiv 2304.07193).

    The teacher is the moving average of the student and gets no gradient. Its outputs are centred and sharpened,
    so that neither one output nor all of them equally is an answer to everything.

    Attributes:
        student: what is trained.
        teacher: its moving average, which is what is kept.
        student_head: from embeddings to `settings.outputs` prototypes; the teacher has its own average of it.
    """

    def __init__(self, network: Network, settings: Settings) -> None:
        """Learn `network` in place, as the student.

        Heads draw fresh weights from the global random state.
        """
        super().__init__()
        self.settings = settings
        self.student = network
        self.teacher = copy.deepcopy(network)
        self.student_head = _head(network.dimension, settings)
        self.teacher_head = _head(network.dimension, settings)
        self.teacher_head.load_state_dict(self.student_head.state_dict())
        for module in (self.teacher, self.teacher_head):
            module.requires_grad_(False)
        self.loss = DINOLoss(
            settings.outputs,
            teacher_temp=settings.teacher_temperature,
            student_temp=settings.student_temperature,
            center_momentum=settings.centre_momentum,
        )
        self.spread = KoLeoLoss()
        self.train()

    def train(self, mode: bool = True) -> SelfDistillation:
        """The teacher stays in evaluation mode: it has no dropout and follows the student's statistics."""
        super().train(mode)
        self.teacher.eval()
        self.teacher_head.eval()
        return self

    def forward(self, whole: Sequence[Tensor], parts: Sequence[Tensor]) -> Tensor:
        """The loss of a batch; moves the centre.

        Args:
            whole: two large views of the same images, each `(n, 3, size, size)` in [0, 1].
            parts: any number of small views of them, each `(n, 3, local_size, local_size)`.

        Returns:
            A scalar: the mean cross-entropy of every view of the student with every other large view of the
            teacher, and `koleo` times the spreading term of the large views.
        """
        with torch.no_grad():
            targets = self.teacher_head(self._embed(self.teacher, torch.cat(list(whole))))
        seen = self._embed(self.student, torch.cat(list(whole)))
        outputs = list(self.student_head(seen).chunk(len(whole)))
        if parts:
            outputs += self.student_head(self._embed(self.student, torch.cat(list(parts)))).chunk(
                len(parts)
            )
        loss = self.loss(list(targets.chunk(len(whole))), outputs)
        if self.settings.koleo:
            spreads = [self.spread(view) for view in seen.chunk(len(whole))]
            loss = loss + self.settings.koleo * torch.stack(spreads).mean()
        return loss

    @staticmethod
    def _embed(network: Network, images: Tensor) -> Tensor:
        """Embeddings before they are brought to unit length, as in the publication."""
        return network.body(network.normalise(images))

    @torch.no_grad()
    def after_step(self, share: float) -> None:
        """Let the teacher follow the student.

        Args:
            share: of the training that is done, 0 to 1: the momentum rises along a half cosine to 1.
        """
        momentum = momentum_at(share, self.settings.momentum)
        for student, teacher in (
            (self.student, self.teacher),
            (self.student_head, self.teacher_head),
        ):
            for new, kept in zip(student.parameters(), teacher.parameters(), strict=True):
                kept.lerp_(new, 1 - momentum)
            for new, kept in zip(student.buffers(), teacher.buffers(), strict=True):
                kept.copy_(new)


def momentum_at(share: float, first: float) -> float:
    """The share of itself that the teacher keeps in a step: from `first` along a half cosine to 1."""
    return 1 - (1 - first) * 0.5 * (1 + math.cos(math.pi * share))


def _head(dimension: int, settings: Settings) -> DINOProjectionHead:
    with warnings.catch_warnings():
        # Of lightly's way to normalise the last layer, which torch wants written otherwise.
        warnings.simplefilter("ignore", FutureWarning)
        return DINOProjectionHead(
            dimension, settings.hidden, settings.bottleneck, settings.outputs, batch_norm=False
        )
