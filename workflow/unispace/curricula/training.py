"""The training loop: domains in turn, coupled or not, with resume."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unispace.backbones.network import Network, to_unit
from unispace.config.curricula import Optimisation
from unispace.config.heads import Head
from unispace.curricula.augment import augment
from unispace.curricula.heads import build_head, check_memory
from unispace.curricula.randomness import batch_rows, generator
from unispace.curricula.resume import Resume
from unispace.errors import UserError

log = logging.getLogger(__name__)

Coupling = Literal["accumulate", "alternate"]

# Seconds between two saved states: at most this much work is lost to a kill.
SAVE_EVERY = 30.0
REPORT_EVERY = 5.0


@dataclass(frozen=True)
class Task:
    """A data set as it is trained on.

    Attributes:
        name: the data set.
        images: `(n, size, size, 3)` uint8, may be memory-mapped.
        labels: `(n,)` int64, counting from 0.
        label_names: the label of each number; those of a shared head are of all data sets that use it.
        head: the classifier over the labels.
        batch_size: images of a step.
        weight: factor of the loss.
        share_head_of: the task whose head it uses; None where it has its own.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    label_names: tuple[str, ...]
    head: Head
    batch_size: int
    weight: float = 1.0
    share_head_of: str | None = None

    @property
    def head_name(self) -> str:
        """The task whose head it uses."""
        return self.share_head_of or self.name


class Diverged(UserError):
    """A loss or gradient that is not finite.

    Attributes:
        history: as `train` returns it, up to the step that failed.
    """

    def __init__(self, message: str) -> None:
        """Args: message names the step, the data set and the learning rate."""
        super().__init__(message)
        self.history = pd.DataFrame()


def learning_rate(step: int, settings: Optimisation) -> float:
    """Linear warm-up to the peak, then a half cosine to 0; `step` counts from 0."""
    warm = round(settings.warmup * settings.steps)
    if step < warm:
        return settings.learning_rate * (step + 1) / warm
    share = (step - warm) / max(1, settings.steps - warm)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * share))


def train(
    network: Network,
    tasks: Sequence[Task],
    settings: Optimisation,
    coupling: Coupling,
    seed: int,
    resume: Resume,
) -> pd.DataFrame:
    """Tune a network in place.

    One cycle visits every task once. `accumulate` adds the weighted gradients of all tasks and takes one
    optimiser step; `alternate` takes a step after each task. A task of weight 0 is watched: its loss is
    recorded, and everything else is as if it were not there.

    Args:
        network: what is tuned; left in evaluation mode.
        tasks: the data sets.
        settings: the optimiser and its schedule.
        coupling: see above.
        seed: of heads, order, augmentation and dropout.
        resume: where the state of an unfinished training lies. The caller clears it, after it has written
            what was trained.

    Returns:
        The history: step, dataset, loss, learning_rate.

    Raises:
        Diverged: where a loss or a gradient is not finite; it names the step, the data set and the learning
            rate.
    """
    heads = fresh_heads(tasks, network.dimension, seed)
    modules = nn.ModuleDict({"network": network, "heads": nn.ModuleList(heads.values())})
    optimiser = torch.optim.AdamW(_groups(modules, settings.weight_decay), lr=0.0)
    parameters = [p for p in modules.parameters() if p.requires_grad]
    first, losses = 0, torch.zeros(settings.steps, len(tasks))
    found = resume.load(modules, optimiser)
    if found is not None:
        first, losses = found
        log.info("resumed after step %d of %d", first, settings.steps)

    modules.train()
    started = saved = told = time.monotonic()
    step = first
    try:
        for step in range(first, settings.steps):
            rate = learning_rate(step, settings)
            for group in optimiser.param_groups:
                group["lr"] = rate
            for number, task in enumerate(tasks):
                where = f"`{task.name}`", step, rate
                # Dropout and stochastic depth draw from the global state.
                torch.manual_seed(generator(seed, task.name, "step", step).initial_seed())
                with _watching(network) if task.weight == 0 else nullcontext():
                    loss = _loss(network, heads[task.head_name], task, settings.augment, step, seed)
                losses[step, number] = _finite(loss.detach(), "loss", *where)
                if task.weight:
                    (loss * task.weight).backward()
                if coupling == "alternate":
                    _finite(_update(optimiser, parameters, settings.clip_norm), "gradient", *where)
            if coupling == "accumulate":
                names = " + ".join(f"`{task.name}`" for task in tasks if task.weight)
                norm = _update(optimiser, parameters, settings.clip_norm)
                _finite(norm, "gradient", names, step, rate)
            now = time.monotonic()
            if now - told > REPORT_EVERY or step + 1 == settings.steps:
                told = now
                _tell(step + 1, first, settings.steps, now - started, tasks, losses[step], rate)
            if now - saved > SAVE_EVERY and step + 1 < settings.steps:
                saved = now
                resume.save(step + 1, modules, optimiser, losses)
    except Diverged as error:
        error.history = _history(tasks, losses[:step], settings)
        raise
    finally:
        modules.eval()
    return _history(tasks, losses, settings)


def fresh_heads(tasks: Sequence[Task], dimension: int, seed: int) -> dict[str, nn.Module]:
    """The heads by the name of the task that has its own.

    The weights of a head depend on seed and task, not on what other tasks there are.

    Raises:
        UserError: where a head does not fit into memory.
    """
    heads = {}
    for task in tasks:
        if task.share_head_of is not None:
            continue
        largest = max(t.batch_size for t in tasks if t.head_name == task.name)
        available = psutil.virtual_memory().available
        check_memory(task.name, task.head, len(task.label_names), dimension, largest, available)
        torch.manual_seed(generator(seed, task.name, "head").initial_seed())
        heads[task.name] = build_head(task.head, len(task.label_names), dimension)
    return heads


@contextmanager
def _watching(network: Network) -> Iterator[None]:
    """No gradients, and no running statistics of batch norm."""
    network.eval()
    with torch.no_grad():
        yield
    network.train()


def _finite(value: Tensor, what: str, names: str, step: int, rate: float) -> float:
    """The value of a loss or gradient norm.

    Raises:
        Diverged: where it is not finite.
    """
    if not torch.isfinite(value):
        raise Diverged(
            f"the {what} of {names} became {float(value)} at step {step + 1} with learning rate "
            f"{rate:.2g}; lower learning_rate or clip_norm"
        )
    return float(value)


def _loss(
    network: Network, head: nn.Module, task: Task, strength: float, step: int, seed: int
) -> Tensor:
    rows = batch_rows(len(task.labels), task.batch_size, step, seed, task.name)
    # Sorted reads go forward through a memory-mapped file; the order within a batch does not matter.
    rows = rows.sort().values.numpy()
    images = to_unit(torch.from_numpy(np.asarray(task.images[rows])))
    images = augment(images, strength, generator(seed, task.name, "augment", step))
    return head(network.features(images), torch.from_numpy(task.labels[rows]))


def _update(
    optimiser: torch.optim.Optimizer, parameters: list[nn.Parameter], clip_norm: float
) -> Tensor:
    """Take a step; returns the norm of the gradient before clipping."""
    norm = nn.utils.clip_grad_norm_(parameters, clip_norm)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return norm


def _groups(modules: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Matrices decay; biases, norms and position tables do not."""
    decayed, free = [], []
    for name, parameter in modules.named_parameters():
        if not parameter.requires_grad:
            continue
        plain = parameter.ndim < 2 or name.endswith(("pos_embed", "cls_token", "reg_token"))
        (free if plain else decayed).append(parameter)
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]


def _tell(
    step: int,
    first: int,
    steps: int,
    elapsed: float,
    tasks: Sequence[Task],
    losses: Tensor,
    rate: float,
) -> None:
    per_step = elapsed / (step - first)
    images = sum(task.batch_size for task in tasks) / per_step
    shown = "  ".join(f"{t.name} {v:.3f}" for t, v in zip(tasks, losses.tolist(), strict=True))
    log.info(
        "step %d of %d  loss: %s  learning rate %.2g  %.0f images/s  %.0f s left",
        step,
        steps,
        shown,
        rate,
        images,
        per_step * (steps - step),
    )


def _history(tasks: Sequence[Task], losses: Tensor, settings: Optimisation) -> pd.DataFrame:
    steps = np.arange(len(losses))
    rates = [learning_rate(int(step), settings) for step in steps]
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "step": steps + 1,
                    "dataset": task.name,
                    "loss": losses[:, number].double().numpy(),
                    "learning_rate": rates,
                }
            )
            for number, task in enumerate(tasks)
        ],
        ignore_index=True,
    )
