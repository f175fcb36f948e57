"""Student and teacher: the loss derived again, who gets a gradient, who follows whom."""

import copy
import math

import numpy as np
import pytest
import torch

from unispace.backbones.network import Network
from unispace.backbones.pretraining.self_distillation import SelfDistillation, momentum_at
from unispace.config.backbones import Backbone
from unispace.config.pretraining import SelfDistillation as Settings


@pytest.fixture
def build(student):
    """The objective on a small network that takes images of any size."""

    def built(architecture="vit_small_patch16_dinov3", **settings):
        small = {"outputs": 8, "hidden": 12, "bottleneck": 6}
        network = student(
            architecture, **({"init_values": 1.0} if "dinov3" in architecture else {})
        )
        return SelfDistillation(network, Settings.model_validate(small | settings))

    return built


@pytest.fixture
def views(drawn):
    """Two large and three small views of four images."""
    return [drawn(4, s) for s in (1, 2)], [drawn(4, s, size=16) for s in (3, 4, 5)]


def softmax(values):
    exponents = np.exp(values - values.max(-1, keepdims=True))
    return exponents / exponents.sum(-1, keepdims=True)


def test_the_loss_is_the_cross_entropy_of_every_other_view_plus_the_spreading_term(build, views):
    objective = build(koleo=0.3, centre_momentum=0.5).eval()
    objective.loss.center.copy_(torch.linspace(-0.1, 0.1, 8))
    whole, parts = views
    with torch.no_grad():
        body = [objective.student.body(objective.student.normalise(v)) for v in [*whole, *parts]]
        outputs = [objective.student_head(v).double().numpy() for v in body]
        centre = objective.loss.center.double().numpy()[0]
        found = float(objective(whole, parts))
    # At the start the teacher is the student.
    targets = [softmax((t - centre) / 0.04) for t in outputs[:2]]
    terms = [
        -(target * np.log(softmax(output / 0.1))).sum(1).mean()
        for t, target in enumerate(targets)
        for s, output in enumerate(outputs)
        if s != t
    ]
    spreads = []
    for vectors in (v.double().numpy() for v in body[:2]):
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        far = np.linalg.norm(unit[:, None] - unit[None], axis=2) + 10 * np.eye(4)
        spreads.append(-np.log(far.min(1)).mean())
    assert len(terms) == 8
    assert found == pytest.approx(np.mean(terms) + 0.3 * np.mean(spreads), rel=1e-4)
    # The centre follows the mean output of the teacher.
    moved = 0.5 * centre + 0.5 * np.mean(outputs[:2], axis=(0, 1))
    np.testing.assert_allclose(objective.loss.center.numpy().ravel(), moved.ravel(), atol=1e-6)


def test_the_teacher_gets_no_gradient_and_the_student_does(build, views):
    objective = build(koleo=0.1)
    objective(*views).backward()
    for module in (objective.teacher, objective.teacher_head):
        assert all(p.grad is None and not p.requires_grad for p in module.parameters())
    learnt = [p for p in objective.student.parameters() if p.grad is not None and p.grad.any()]
    assert len(learnt) > 0.9 * len(list(objective.student.parameters()))


def test_the_teacher_is_the_moving_average_of_the_student(build):
    objective = build(momentum=0.9)
    before = copy.deepcopy(objective.teacher.state_dict())
    with torch.no_grad():
        for parameter in objective.student.parameters():
            parameter.add_(1)
    objective.after_step(0.0)
    student = objective.student.state_dict()
    for name, kept in objective.teacher.state_dict().items():
        if name in dict(objective.student.named_parameters()):
            torch.testing.assert_close(kept, 0.9 * before[name] + 0.1 * student[name])


def test_the_teacher_takes_over_running_statistics_and_stays_in_evaluation_mode():
    objective = SelfDistillation(_convolutional(), Settings(outputs=4, hidden=4, bottleneck=4))
    objective.train()
    assert objective.student.training
    assert not any(m.training for m in objective.teacher.modules())
    objective([torch.rand(4, 3, 32, 32) for _ in range(2)], [])
    objective.after_step(0.0)
    student, teacher = objective.student.state_dict(), objective.teacher.state_dict()
    running = [name for name in student if "running_mean" in name]
    assert running
    assert all(torch.equal(student[n], teacher[n]) and student[n].any() for n in running)


def _convolutional():
    settings = {
        "architecture": "test_resnet",
        "preprocessing": {"size": 32},
        "weights": {"kind": "random"},
    }
    return Network(Backbone.model_validate(settings))


def test_the_momentum_rises_to_one_along_a_half_cosine():
    assert momentum_at(0, 0.99) == pytest.approx(0.99)
    assert momentum_at(1, 0.99) == 1
    for share in (0.1, 0.5, 0.8):
        expected = 1 - 0.01 * math.cos(math.pi / 2 * share) ** 2
        assert momentum_at(share, 0.99) == pytest.approx(expected)


def test_views_of_an_image_come_together_and_images_stay_apart(build, drawn):
    objective = build(momentum=0.9, koleo=0.5)
    learnt = [p for p in objective.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learnt, lr=3e-3)
    for step in range(30):
        objective([drawn(8, 2 * step), drawn(8, 2 * step + 1)], []).backward()
        optimiser.step()
        optimiser.zero_grad()
        objective.after_step(step / 30)
    with torch.no_grad():
        first, second = (objective.teacher.eval()(drawn(8, s)) for s in (900, 901))
    cosines = first @ second.T
    own = cosines.diagonal()
    assert (cosines.argmax(1) == torch.arange(8)).all()
    assert own.mean() > (cosines.sum() - own.sum()) / 56 + 0.3
