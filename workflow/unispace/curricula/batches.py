"""Batches of a data set, drawn by the number of the visit."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from unispace.backbones.network import to_unit
from unispace.config.optimisation import Augmentation
from unispace.curricula.augment import augment
from unispace.curricula.augment_recipes import augment_as
from unispace.curricula.randomness import balanced_rows, batch_rows, generator
from unispace.curricula.tasks import Task


def parts_of(batch_size: int, parts: int) -> list[slice]:
    """A batch cut into parts whose sizes differ by one at most."""
    ends = [batch_size * part // parts for part in range(parts + 1)]
    return [slice(start, end) for start, end in pairwise(ends)]


def draw(
    task: Task,
    number: int,
    strength: float,
    seed: int,
    part: slice,
    augmentation: Augmentation = "strength",
) -> tuple[Tensor, Tensor]:
    """Some images of a batch with their labels.

    The parts of a batch together are the batch: an image and its changes do not depend on how it is cut.

    Args:
        task: the data set.
        number: of the batch, from 0.
        strength: of augmentation.
        seed: of the training.
        part: which of the batch.
        augmentation: how images are changed; only `strength` knows a strength.

    Returns:
        `(n, 3, size, size)` in [0, 1] and `(n,)`, int64.
    """
    if task.sampling == "balanced":
        rows = balanced_rows(task.rows_by_label, task.batch_size, number, seed, task.name)
    else:
        rows = batch_rows(len(task.labels), task.batch_size, number, seed, task.name)
    # Sorted reads go forward through a memory-mapped file; the order within a batch does not matter.
    rows = rows.sort().values[part].numpy()
    images = to_unit(torch.from_numpy(np.asarray(task.images[rows])))
    source = generator(seed, task.name, "augment", number)
    if augmentation == "strength":
        images = augment(images, strength, source, before=part.start, whole=task.batch_size)
    else:
        images = augment_as(augmentation, images, source, part.start, task.batch_size)
    return images, torch.from_numpy(task.labels[rows])
