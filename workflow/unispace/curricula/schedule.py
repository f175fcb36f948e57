"""What each step of a training visits, with which weight and learning rate; no tensor in it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from unispace.config.curricula import Curriculum, Optimisation


@dataclass(frozen=True)
class Visit:
    """A batch of a data set.

    Attributes:
        dataset: its name.
        weight: factor of its loss; at 0 it is watched and changes nothing.
        number: visits of this data set before, which decides the batch: the first, second, ... batch of a data
            set is the same in every curriculum.
    """

    dataset: str
    weight: float
    number: int


@dataclass(frozen=True)
class Cycle:
    """One step of the schedule.

    Attributes:
        step: from 0, over the whole training.
        learning_rate: of the whole cycle.
        visits: in their order; at least one has a weight above 0.
        fresh: the optimiser starts anew.
    """

    step: int
    learning_rate: float
    visits: tuple[Visit, ...]
    fresh: bool


def learning_rate(step: int, settings: Optimisation) -> float:
    """Linear warm-up to the peak, a time at the peak, then what `schedule` says; `step` counts from 0.

    `cosine`: a half cosine to the floor; `restarts`: half cosines to the floor, each from the peak again.
    """
    warm = round(settings.warmup * settings.steps)
    if step < warm:
        return settings.learning_rate * (step + 1) / warm
    held = warm + round(settings.hold * settings.steps)
    if settings.schedule == "constant" or step < held:
        return settings.learning_rate
    if settings.schedule == "restarts":
        share = _share_of_period(step - held, settings)
    else:
        share = (step - held) / max(1, settings.steps - held)
    fall = settings.learning_rate - settings.floor
    return settings.floor + fall * 0.5 * (1 + math.cos(math.pi * share))


def _share_of_period(step: int, settings: Optimisation) -> float:
    """How much of the period that a step lies in is over, in [0, 1)."""
    length = max(1, round(settings.period * settings.steps))
    while step >= length:
        step -= length
        length *= settings.period_growth
    return step / length


def cycles(curriculum: Curriculum) -> Iterator[Cycle]:
    """All cycles of a curriculum, from the first to the last."""
    visited: Counter[str] = Counter()
    for step in range(curriculum.total_steps()):
        stage, within = divmod(step, curriculum.steps)
        weights = _weights(curriculum, stage, within)
        visits = tuple(Visit(name, weight, visited[name]) for name, weight in weights.items())
        visited.update(weights.keys())
        yield Cycle(step, learning_rate(within, curriculum), visits, fresh=within == 0)


def _weights(curriculum: Curriculum, stage: int, step: int) -> dict[str, float]:
    """The data sets of a step with the factors of their losses.

    By name, since jobs get a curriculum as JSON whose keys are sorted: how a study orders them changes nothing.
    """
    own = {name: part.weight for name, part in sorted(curriculum.train_on.items())}
    if curriculum.sequence:
        name = curriculum.sequence[stage]
        return {name: own[name]}
    if not curriculum.blocks:
        return own
    turn = step % sum(block.cycles for block in curriculum.blocks)
    for block in curriculum.blocks:
        if turn < block.cycles:
            return {n: w * block.weights[n] for n, w in own.items() if n in block.weights}
        turn -= block.cycles
    raise AssertionError("a turn lies in one of the blocks")
