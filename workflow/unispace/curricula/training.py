"""The training loop: cycles of a curriculum in turn, with validation, history and resume."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from itertools import islice
from typing import cast

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from unispace.backbones.layers import freeze_blocks
from unispace.backbones.lora import add_lora, merge_lora
from unispace.backbones.memory import recompute_activations
from unispace.backbones.network import Network
from unispace.config.curricula import Curriculum
from unispace.curricula.diverged import Diverged as Diverged
from unispace.curricula.heads import BinaryHead
from unispace.curricula.history import History
from unispace.curricula.learner import Learner, Taken
from unispace.curricula.processes import World
from unispace.curricula.randomness import generator
from unispace.curricula.resume import Resume
from unispace.curricula.schedule import Cycle, cycles
from unispace.curricula.tasks import Task
from unispace.curricula.validation import rank_1

log = logging.getLogger(__name__)

# Seconds between two saved states, where no number of steps is given: at most this much work is lost to a kill.
SAVE_EVERY = 30.0
REPORT_EVERY = 5.0

ALONE = World()


def train(
    network: Network,
    tasks: Sequence[Task],
    curriculum: Curriculum,
    seed: int,
    resume: Resume,
    history: History,
    world: World = ALONE,
) -> dict[str, BinaryHead]:
    """Tune a network in place.

    The result is a function of the arguments, of the network's weights and of the number of threads; it does not
    depend on how often the training was interrupted.

    Args:
        network: to tune; left in evaluation mode.
        tasks: the data sets of `curriculum.train_on`.
        curriculum: schedule, coupling, optimiser and the rest.
        seed: of heads, batches, augmentation, dropout.
        resume: where an unfinished training is kept.
        history: takes what happens; empty, of these data sets.
        world: the processes that share the training.

    Returns:
        The binary heads as the last step left them, by data set; all other heads are of no use afterwards.

    Raises:
        Diverged: where a loss or gradient is not finite; the network then holds the last good weights, and
            `history` what led there.
        UserError: where the network does not allow what the curriculum asks for, or the disk is full.
    """
    _prepare(network, curriculum, seed)
    learner = Learner(network, tasks, curriculum, seed, world)
    average = _average(network, curriculum.ema)
    modules = nn.ModuleDict({"learner": learner.modules})
    if average is not None:
        modules["average"] = average
    total, first = curriculum.total_steps(), 0
    found = resume.load(modules, learner.optimiser)
    if found is not None:
        first, rows = found
        history.restore(rows)
        log.info("resumed after step %d of %d", first, total)
    elif curriculum.validate_every and world.rank == 0:
        _validate(0, network, tasks, history)

    progress = _Progress(tasks, first, total)
    saved = time.monotonic()
    try:
        network.train()
        for cycle in islice(cycles(curriculum), first, None):
            done = cycle.step + 1
            every = curriculum.conflict_every
            taken = learner.take(cycle, measure=bool(every) and cycle.step % every == 0)
            _record(cycle, taken, history)
            if average is not None:
                average.update_parameters(network)
                if done % curriculum.steps == 0:
                    # The end of the training, or of a data set's own steps in a sequence.
                    network.load_state_dict(average.module.state_dict())
                    average.n_averaged.fill_(0)
            every = curriculum.validate_every
            if every and (done % every == 0 or done == total) and world.rank == 0:
                shown = network if average is None else cast(Network, average.module)
                _validate(done, shown, tasks, history)
            progress.tell(cycle, taken, history)
            every = curriculum.checkpoint_every
            due = done % every == 0 if every else time.monotonic() - saved > SAVE_EVERY
            if due and done < total and world.rank == 0:
                resume.save(done, modules, learner.optimiser, history.state())
                saved = time.monotonic()
    finally:
        merge_lora(network.body)
        # Evaluation and files are of the CPU.
        learner.modules.cpu()
        network.preprocessed_as(network.settings.preprocessing)
        network.eval()
    return learner.attack_heads()


def _prepare(network: Network, curriculum: Curriculum, seed: int) -> None:
    """Choose which weights are tuned, and how their gradients are computed."""
    freeze_blocks(network.body, curriculum.freeze_blocks)
    if curriculum.lora is not None:
        lora = curriculum.lora
        draws = generator(seed, "low-rank updates")
        add_lora(network.body, lora.rank, lora.alpha, draws, lora.dropout)
    if curriculum.input is not None:
        network.preprocessed_as(curriculum.input.training(network.settings.preprocessing))
    if curriculum.checkpointing:
        recompute_activations(network.body)
    if curriculum.compile:
        # In place, so that the weights keep their names.
        network.body.compile()


def _average(network: Network, decay: float) -> AveragedModel | None:
    """An average of the weights and running statistics over the steps; the first step sets it."""
    if not decay:
        return None
    return AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)


def _record(cycle: Cycle, taken: Taken, history: History) -> None:
    step = cycle.step + 1
    for visit in cycle.visits:
        history.add(step, visit.dataset, "loss", taken.losses[visit.dataset])
        history.add(step, visit.dataset, "learning_rate", cycle.learning_rate)
        history.add(step, visit.dataset, "weight", visit.weight)
    if taken.gradients is None:
        return
    for name, norm in taken.gradients.norms().items():
        history.add(step, name, "gradient_norm", norm)
    for (name, other), cosine in taken.gradients.cosines().items():
        history.add(step, name, "conflict", cosine, other)


def _validate(step: int, network: Network, tasks: Sequence[Task], history: History) -> None:
    shown = []
    for task in tasks:
        if task.validation is None:
            raise ValueError(f"{task.name}: no images to validate on were loaded")
        value = rank_1(network, task.validation)
        history.add(step, task.name, "val_rank-1", value)
        shown.append(f"{task.name} {value:.3f}")
    log.info("step %d  validation rank-1: %s", step, "  ".join(shown))


class _Progress:
    """Says in the log and in the history how far a training is, every few seconds."""

    def __init__(self, tasks: Sequence[Task], first: int, total: int) -> None:
        self.sizes = {task.name: task.batch_size for task in tasks}
        self.first, self.total = first, total
        self.started = self.told = time.monotonic()
        self.images = 0

    def tell(self, cycle: Cycle, taken: Taken, history: History) -> None:
        self.images += sum(self.sizes[visit.dataset] for visit in cycle.visits)
        now, step = time.monotonic(), cycle.step + 1
        if now - self.told <= REPORT_EVERY and step < self.total:
            return
        elapsed, speed = now - self.started, self.images / max(now - self.told, 1e-9)
        history.add_timing(step, elapsed, speed)
        log.info(
            "step %d of %d  loss: %s  learning rate %.2g  %.0f images/s  %.0f s left",
            step,
            self.total,
            "  ".join(f"{name} {loss:.3f}" for name, loss in taken.losses.items()),
            cycle.learning_rate,
            speed,
            elapsed / (step - self.first) * (self.total - step),
        )
        self.told, self.images = now, 0
