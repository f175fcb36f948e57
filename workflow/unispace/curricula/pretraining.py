"""The training loop of pretraining: one source, one objective, with resume."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unispace.backbones.devices import CPU, moved
from unispace.backbones.layers import parameter_groups
from unispace.backbones.network import to_unit
from unispace.config.pretraining import Pretrain
from unispace.curricula.clipping import clip
from unispace.curricula.diverged import finite
from unispace.curricula.randomness import batch_rows, generator, seed_layers
from unispace.curricula.resume import Resume
from unispace.curricula.schedule import learning_rate
from unispace.curricula.sources import Source
from unispace.records.models import HISTORY_SCHEMA

log = logging.getLogger(__name__)

# Seconds between two saved states: at most this much work is lost to a kill.
SAVE_EVERY = 30.0
REPORT_EVERY = 5.0

Inputs = Callable[[Tensor, NDArray[np.int64], torch.Generator], tuple[object, ...]]
"""From images `(n, 3, size, size)` in [0, 1], their rows in the source and a generator to what an objective takes."""


class Objective(Protocol):
    """A module whose output is a loss."""

    def after_step(self, share: float) -> None:
        """What follows an optimiser step, when `share` (0 to 1) of the training is done."""
        ...


def pretrain(
    objective: nn.Module,
    inputs: Inputs,
    source: Source,
    settings: Pretrain,
    seed: int,
    resume: Resume,
    device: torch.device = CPU,
) -> pd.DataFrame:
    """Train an objective's networks in place.

    Args:
        objective: an `Objective`; left in evaluation mode. Its state is all that a step finds and leaves behind,
            so what is frozen and the same in every run (a teacher with weights of its own) stays outside.
        inputs: draws what the objective takes from a batch; nothing but the generator makes it random.
        source: the data set.
        settings: the optimiser, its schedule and the batch size.
        seed: of order and views.
        resume: where the state of an unfinished training lies. The caller clears it, after it has written
            what was trained.
        device: where it computes; the networks are on the CPU before and after.

    Returns:
        The history, in the long form: `loss` and `learning_rate` of every step.

    Raises:
        Diverged: where a loss or the gradient is not finite; it names the step, the data set and the learning
            rate.
    """
    objective.to(device)
    groups = parameter_groups(objective, 1.0, settings.weight_decay)
    optimiser = torch.optim.AdamW(groups, lr=0.0, betas=settings.betas, fused=True)
    parameters = [p for p in objective.parameters() if p.requires_grad]
    first, losses = 0, torch.zeros(settings.steps)
    found = resume.load(objective, optimiser)
    if found is not None:
        first, losses = found
        log.info("resumed after step %d of %d", first, settings.steps)

    objective.train()
    started = saved = told = time.monotonic()
    for step in range(first, settings.steps):
        where = f"`{source.name}`", step, learning_rate(step, settings)
        for group in optimiser.param_groups:
            group["lr"] = where[-1]
        seed_layers(seed, source.name, "step", step)
        loss = objective(*moved(_batch(inputs, source, settings.batch_size, step, seed), device))
        losses[step] = finite(loss.detach(), "loss", *where)
        loss.backward()
        finite(clip(parameters, settings.clip_norm), "gradient", *where)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        objective.after_step((step + 1) / settings.steps)  # pyright: ignore[reportCallIssue]
        now = time.monotonic()
        if now - told > REPORT_EVERY or step + 1 == settings.steps:
            told = now
            _tell(step, first, now - started, source.name, float(losses[step]), settings)
        if now - saved > SAVE_EVERY and step + 1 < settings.steps:
            saved = now
            resume.save(step + 1, objective, optimiser, losses)
    objective.eval().cpu()
    return _history(source.name, losses, settings)


def _batch(
    inputs: Inputs, source: Source, batch_size: int, step: int, seed: int
) -> tuple[object, ...]:
    """What the objective takes in a step."""
    drawn = batch_rows(len(source.images), batch_size, step, seed, source.name)
    # Sorted reads go forward through a memory-mapped file; the order within a batch does not matter.
    rows = drawn.sort().values.numpy()
    images = to_unit(torch.from_numpy(np.asarray(source.images[rows])))
    return inputs(images, rows, generator(seed, source.name, "augment", step))


def _tell(
    step: int, first: int, elapsed: float, name: str, loss: float, settings: Pretrain
) -> None:
    per_step = elapsed / (step + 1 - first)
    log.info(
        "step %d of %d  loss: %s %.3f  learning rate %.2g  %.0f images/s  %.0f s left",
        step + 1,
        settings.steps,
        name,
        loss,
        learning_rate(step, settings),
        settings.batch_size / per_step,
        per_step * (settings.steps - step - 1),
    )


def _history(name: str, losses: Tensor, settings: Pretrain) -> pd.DataFrame:
    steps = np.arange(settings.steps)
    rates = [learning_rate(int(step), settings) for step in steps]
    measured = {"loss": losses.double().numpy(), "learning_rate": np.asarray(rates)}
    parts = [
        pd.DataFrame(
            {"step": steps + 1, "dataset": name, "other": None, "measure": measure, "value": values}
        )
        for measure, values in measured.items()
    ]
    history = pd.concat(parts).sort_values("step", kind="stable", ignore_index=True)
    return history[HISTORY_SCHEMA.names]
