"""Steps of a training: the loop of the curricula beside a bare one, and four domains beside one batch.

The bare loop has the tensors in memory, drawn and augmented, and the learning rates in a list. It takes forward pass,
loss, backward pass and step of the same optimiser, and nothing else. All that it leaves out is ours to pay: drawing and
augmenting the batches, the schedule, the norm of the gradient, checks that losses are finite, history and log. No
gradient is as long as the bound here, so that the weights of both are the same bits.
"""

from __future__ import annotations

import copy
from functools import partial

import numpy as np
import pytest
import torch
from networks import network_of
from side_by_side import Comparison, reaches, side_by_side

from unispace.backbones.layers import parameter_groups
from unispace.config.curricula import Curriculum
from unispace.config.heads import Head
from unispace.curricula.batches import draw
from unispace.curricula.history import History
from unispace.curricula.learner import fresh_heads
from unispace.curricula.resume import Resume
from unispace.curricula.schedule import cycles
from unispace.curricula.tasks import Task
from unispace.curricula.training import train

pytestmark = pytest.mark.bench

SEED = 1
NO_BOUND = 1e6  # no gradient is as long


def task_of(name, batch_size, size, labels=180, each=6):
    rng = np.random.default_rng(len(name))
    numbers = np.repeat(np.arange(labels), each)
    images = rng.integers(0, 256, (len(numbers), size, size, 3), np.uint8)
    head = Head(loss="softmax" if name == "objects" else "cosface")
    words = tuple(f"{n:03}" for n in range(labels))
    return Task(name, images, numbers.astype(np.int64), words, head, batch_size)


def curriculum_of(tasks, steps, coupling="accumulate", **more):
    return Curriculum(
        train_on={t.name: {"batch_size": t.batch_size, "head": t.head} for t in tasks},
        steps=steps,
        coupling=coupling,
        learning_rate=0.002,
        layer_decay=0.7,
        clip_norm=NO_BOUND,
        **more,
    )


def weights_of(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def in_the_loop(network, start, tasks, curriculum, folder):
    network.load_state_dict(start)
    history = History([task.name for task in tasks])
    train(network, tasks, curriculum, SEED, Resume(folder, "bench"), history)
    history.table()
    return weights_of(network)


class Bare:
    """Forward, backward, step, on tensors in memory."""

    def __init__(self, network, start, task, curriculum):
        self.network, self.start, self.task, self.settings = network, start, task, curriculum
        how = curriculum
        self.steps = [
            (
                cycle.learning_rate,
                *draw(task, cycle.visits[0].number, how.augment, SEED, slice(0, task.batch_size)),
            )
            for cycle in cycles(curriculum)
        ]
        self.head = fresh_heads([task], network.dimension, SEED)[task.name]
        self.head_start = copy.deepcopy(self.head.state_dict())

    def __call__(self):
        network, head, how = self.network, self.head, self.settings
        network.load_state_dict(self.start)
        head.load_state_dict(self.head_start)
        groups = parameter_groups(network.body, how.layer_decay, how.weight_decay)
        groups += parameter_groups(torch.nn.ModuleList([head]), 1.0, how.weight_decay)
        optimiser = torch.optim.AdamW(groups, lr=0.0, betas=how.betas, fused=True)
        network.train()
        for rate, images, labels in self.steps:
            for group in optimiser.param_groups:
                group["lr"] = rate * group["scale"]
            head(network.features(images), labels).backward()
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        network.eval()
        return weights_of(network)


def difference(found, expected):
    assert found.keys() == expected.keys()
    return max(float((found[k] - expected[k]).abs().max()) for k in expected)


# place, model, side, images of a batch, steps: what a training costs to start is shared by ten times as many in a study
STEPS = [
    ("02-default", "eva02-micro", 32, 16, 120),
    ("02-clip", "clip-micro", 64, 32, 40),
    ("02-dinov3", "dinov3-micro", 64, 32, 40),
    ("02-vit-b16", "vit-b16", 224, 4, 2),
]


@pytest.mark.parametrize(("place", "name", "size", "batch", "steps"), STEPS)
def test_step(tmp_path, place, name, size, batch, steps):
    network = network_of(name, size)
    start = weights_of(network)
    task = task_of("faces", batch, size, each=6 if size < 100 else 1)
    curriculum = curriculum_of([task], steps)
    row = side_by_side(
        Comparison(
            place,
            f"training step: {name} at {size} px, batch of {batch}",
            "bare loop of forward, backward, step on tensors in memory",
            0.9,
            note="CosFace of 180 identities, augmentation, schedule, history and log on our side alone",
        ),
        partial(in_the_loop, network, start, [task], curriculum, tmp_path),
        Bare(network, start, task, curriculum),
        difference,
        within=1e-6,
        repeats=3 if name == "vit-b16" else 7,
    )
    reaches(row)


SMALL_PASSES = (
    "a pass of 8 images of 32 px is bound by the number of calls and not by arithmetic: without any loop, heads or "
    "optimiser around, four forward and backward passes of 8 reach 0.64 (0.58 to 0.83) of one of 32"
)

# place, model, side, images of each domain, steps
DOMAINS = [
    ("03-default", "eva02-micro", 32, 8, 30),
    ("03-eva02", "eva02-micro", 64, 32, 5),
    ("03-clip", "clip-micro", 64, 32, 5),
]


@pytest.mark.parametrize(("place", "name", "size", "batch", "steps"), DOMAINS)
def test_four_domains(tmp_path, place, name, size, batch, steps):
    network = network_of(name, size)
    start = weights_of(network)
    tasks = [task_of(n, batch, size) for n in ("objects", "faces", "faces_lq", "bodies")]
    accumulate, concat = (curriculum_of(tasks, steps, c) for c in ("accumulate", "concat"))
    row = side_by_side(
        Comparison(
            place,
            f"IMIC accumulate over four domains: {name} at {size} px, {batch} images of each",
            f"one step on a batch of {4 * batch} (coupling `concat`)",
            0.9,
            note="the same images, heads and loop; weights equal up to rounding",
            limit=SMALL_PASSES if batch < 32 else "",
        ),
        partial(in_the_loop, network, start, tasks, accumulate, tmp_path),
        partial(in_the_loop, network, start, tasks, concat, tmp_path),
        difference,
        within=1e-4,
    )
    reaches(row)
