"""Several processes of this machine that train one network together."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed

from unispace.backbones.devices import CPU, use


@dataclass(frozen=True)
class World:
    """The processes of a training.

    Attributes:
        rank: of this one, from 0; the first is the one that writes.
        size: how many there are.
        device: where this one computes.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = CPU

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by their sums over all processes, the same bits in each."""
        if self.size == 1 or not tensors:
            return
        # One message for all of them.
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        distributed.all_reduce(flat)
        parts = flat.split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))


Work = Callable[..., object]
"""`(world, scratch, *arguments)`: what a helper does; a function that a new process can import."""


@contextmanager
def together(
    devices: Sequence[torch.device], work: Work, arguments: Sequence[Any], scratch: Path
) -> Iterator[World]:
    """This process and its helpers, which do their part until it is done.

    A helper that dies ends the training with the error of a lost connection, and helpers end so with this process.

    Args:
        devices: of each process; one alone starts no other.
        work: of a helper.
        arguments: of `work`.
        scratch: a folder of this training; each helper gets one in it.

    Yields:
        The world as this process, the first, sees it.
    """
    worlds = [World(rank, len(devices), device) for rank, device in enumerate(devices)]
    use(devices[0])
    if len(worlds) == 1:
        yield worlds[0]
        return
    backend = _backend(devices)
    meeting = scratch / "meeting"
    # A fresh interpreter, since threads of torch do not outlive a fork.
    context = multiprocessing.get_context("spawn")
    helpers = [
        context.Process(
            target=_help,
            args=(world, work, tuple(arguments), scratch / f"helper{world.rank}", meeting, backend),
            daemon=True,
        )
        for world in worlds[1:]
    ]
    for helper in helpers:
        helper.start()
    try:
        with _joined(worlds[0], meeting, backend) as world:
            yield world
        for helper in helpers:
            helper.join()
    finally:
        for helper in helpers:
            helper.terminate()
            helper.join()


def _backend(devices: Sequence[torch.device]) -> str:
    """What sums gradients: on graphics processors the library made for them, which wants one for each process."""
    of_its_own = len(set(devices)) == len(devices)
    return "nccl" if of_its_own and devices[0].type == "cuda" else "gloo"


def _help(
    world: World,
    work: Work,
    arguments: tuple[Any, ...],
    scratch: Path,
    meeting: Path,
    backend: str,
) -> None:
    """A helper from its start to its end."""
    # The first process tells how it goes.
    logging.basicConfig(level=logging.WARNING)
    use(world.device)
    with _joined(world, meeting, backend):
        work(world, scratch, *arguments)


@contextmanager
def _joined(world: World, meeting: Path, backend: str) -> Iterator[World]:
    """Wait for all processes at a file, and leave them at the end."""
    distributed.init_process_group(
        backend, init_method=meeting.resolve().as_uri(), rank=world.rank, world_size=world.size
    )
    try:
        yield world
    finally:
        distributed.destroy_process_group()
