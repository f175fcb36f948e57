"""Whose draws are whose: paired within a backbone, apart between backbones."""

import torch

from unispace.curricula.learner import fresh_heads
from unispace.curricula.randomness import training_seed


def test_curricula_of_a_backbone_share_their_draws_and_backbones_do_not():
    first = training_seed(1, "conv/expert-face_hq/seed0")
    assert first == training_seed(1, "conv/imic-a/seed0")
    others = {training_seed(1, "twin/expert-face_hq/seed0"), training_seed(2, "conv/base/seed0")}
    assert first not in others
    assert len(others) == 2


def test_the_classifiers_of_two_backbones_start_apart(coloured):
    """From the same start both spaces would be pulled to the same directions, and seem compatible."""

    task = coloured()

    def start(model):
        head = fresh_heads([task], 32, training_seed(1, model))[task.name]
        return next(head.parameters()).detach().flatten()

    mine, again, other = (start(f"{b}/expert-face_hq/seed0") for b in ("conv", "conv", "twin"))
    assert torch.equal(mine, again)
    assert abs(float(torch.corrcoef(torch.stack([mine, other]))[0, 1])) < 0.35
