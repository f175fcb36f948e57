"""Random numbers that depend on the step and not on what was drawn before.

A resumed run therefore needs no random state: step 200 draws the same numbers whether or not steps 0 to 199
were made in this process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def generator(*key: int | str) -> torch.Generator:
    """A generator seeded by a key; different keys give unrelated streams."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    made = torch.Generator()
    made.manual_seed(int.from_bytes(digest[:8], "big") >> 1)
    return made


def training_seed(seed: int, model: str) -> int:
    """Seed of the training of a model.

    Models of one backbone share it: what tells their curricula apart is no luck of the draw. Those of two backbones do
    not: classifiers that start from the same weights pull both embedding spaces to the same directions, and models
    would seem compatible that only had a common start.

    Args:
        seed: of the study, and of the model.
        model: backbone/curriculum/seedN.
    """
    return generator(seed, model.split("/")[0], "training").initial_seed()


def seed_layers(*key: int | str) -> None:
    """Seed what dropout and stochastic depth draw from, which is PyTorch's own generator: of the CPU, and of the device in use.

    `torch.manual_seed` would walk the stack for every GPU that there might be, one part in twenty of a small step.
    """
    seed = generator(*key).initial_seed()
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed(seed)


def batch_rows(count: int, batch_size: int, step: int, *key: int | str) -> Tensor:
    """Rows of the batch of one step: every row once per epoch, in an order of its own for each.

    Args:
        count: rows there are.
        batch_size: rows of a batch; may exceed `count`.
        step: from 0.
        key: seed and what else tells this stream from others.

    Returns:
        `(batch_size,)`, int64.
    """
    start = step * batch_size
    rows: list[Tensor] = []
    while batch_size:
        epoch, offset = divmod(start, count)
        part = _epoch(count, *key, "epoch", epoch)[offset : offset + batch_size]
        rows.append(part)
        start += len(part)
        batch_size -= len(part)
    return torch.cat(rows)


def balanced_rows(
    rows_by_label: Sequence[NDArray[np.intp]], batch_size: int, step: int, *key: int | str
) -> Tensor:
    """Rows of the batch of one step, in which labels come in turns.

    A turn holds one row of every label, in an order of its own; a label's rows all come once before any comes again.
    So of k labels the numbers in any row of batches differ by one at most.

    Args:
        rows_by_label: rows of each of the k labels.
        batch_size: rows of a batch.
        step: from 0.
        key: seed and what else tells this stream from others.

    Returns:
        `(batch_size,)`, int64.
    """
    labels = len(rows_by_label)
    rows = []
    for place in range(step * batch_size, (step + 1) * batch_size):
        turn, within = divmod(place, labels)
        label = int(_order(labels, *key, "turn", turn)[within])
        own = rows_by_label[label]
        epoch, offset = divmod(turn, len(own))
        rows.append(int(own[_order(len(own), *key, "label", label, epoch)[offset]]))
    return torch.tensor(rows)


@lru_cache(maxsize=256)
def _order(count: int, *key: int | str) -> Tensor:
    """The numbers below `count` in an order that the key decides."""
    return torch.randperm(count, generator=generator(*key))


@lru_cache(maxsize=4)
def _epoch(count: int, *key: int | str) -> Tensor:
    """As `_order`, of as many rows as a data set has: only what four data sets are in the midst of is kept."""
    return torch.randperm(count, generator=generator(*key))
