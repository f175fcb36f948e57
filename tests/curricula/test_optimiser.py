"""What decays, what is clipped and what stays, and trainings that leave all bounds."""

import copy
import math

import pytest
import torch

from unispace.curricula import learner
from unispace.curricula.diverged import Diverged


def test_matrices_decay_and_biases_norms_and_tables_do_not(
    build, coloured, optimisation, run, monkeypatch
):
    made = []
    real = torch.optim.AdamW.__init__

    def init(self, groups, **kwargs):
        made.append(groups)
        real(self, groups, **kwargs)

    monkeypatch.setattr(torch.optim.AdamW, "__init__", init)
    network = build()
    run(network, [coloured()], optimisation(steps=1, weight_decay=0.3))
    decay = {id(p): group["weight_decay"] for group in made[0] for p in group["params"]}
    named = dict(network.body.named_parameters())
    expected = {
        name: 0.3 if p.ndim >= 2 and name not in ("pos_embed", "cls_token") else 0.0
        for name, p in named.items()
    }
    assert {name: decay[id(p)] for name, p in named.items()} == expected
    assert set(expected.values()) == {0.0, 0.3}
    assert len(decay) == len(named) + 1  # and the head


def test_the_gradient_of_all_weights_together_is_clipped(
    build, coloured, optimisation, run, monkeypatch
):
    norms = []
    real = torch.optim.AdamW.step

    def step(self, *args, **kwargs):
        grads = [p.grad for g in self.param_groups for p in g["params"] if p.grad is not None]
        norms.append(math.sqrt(sum(float((g**2).sum()) for g in grads)))
        return real(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    run(build(), [coloured("a"), coloured("b")], optimisation(clip_norm=0.01))
    assert norms == pytest.approx([0.01] * 6, rel=1e-3)


def test_frozen_weights_stay(build, coloured, optimisation, run):
    network = build()
    network.body.cls_token.requires_grad_(False)
    before = copy.deepcopy(network.body.state_dict())
    run(network, [coloured()], optimisation())
    after = network.body.state_dict()
    assert torch.equal(before["cls_token"], after["cls_token"])
    assert not torch.equal(before["pos_embed"], after["pos_embed"])


class Planted(torch.nn.Module):
    """A loss that turns bad at one call."""

    def __init__(self, call, value):
        super().__init__()
        self.calls, self.call, self.value = 0, call, value

    def forward(self, embeddings, labels):
        self.calls += 1
        loss = embeddings.square().sum() + embeddings[0, 0]
        return loss * self.value if self.calls == self.call else loss


@pytest.mark.parametrize(("value", "shown"), [(math.nan, "nan"), (math.inf, "-?inf")])
@pytest.mark.parametrize("coupling", ["accumulate", "alternate"])
def test_a_loss_that_is_not_finite_is_an_error_with_step_data_set_and_learning_rate(
    build, coloured, optimisation, run, monkeypatch, coupling, value, shown
):
    heads = iter([Planted(99, 1), Planted(3, value)])
    monkeypatch.setattr(learner, "build_head", lambda *args: next(heads))
    settings = optimisation(warmup=0)
    rate = f"{3e-3 * math.cos(math.pi / 2 * 2 / 6) ** 2:.2g}"
    message = f"the loss of `faces` became {shown} at step 3 with learning rate {rate}; lower"
    with pytest.raises(Diverged, match=message):
        run(build(), [coloured("objects"), coloured("faces")], settings, coupling)


class NoSlope(torch.nn.Module):
    """A finite loss whose gradient is not."""

    def forward(self, embeddings, labels):
        return 1 + (embeddings * 0).abs().sum().sqrt()


@pytest.mark.parametrize(
    ("coupling", "names"), [("accumulate", "`a` [+] `b`"), ("alternate", "`a`")]
)
def test_a_gradient_that_is_not_finite_is_an_error_even_in_the_last_step(
    build, coloured, optimisation, run, monkeypatch, coupling, names
):
    monkeypatch.setattr(learner, "build_head", lambda *args: NoSlope())
    tasks = [coloured("a"), coloured("b"), coloured("watched")]
    with pytest.raises(Diverged, match=f"the gradient of {names} became nan at step 1 "):
        run(build(), tasks, optimisation(steps=1), coupling, weights={"watched": 0.0})


def test_a_learning_rate_out_of_all_bounds_is_noticed(build, coloured, optimisation, run):
    settings = optimisation().model_copy(update={"learning_rate": 1e30, "steps": 20, "warmup": 0.0})
    message = r"the loss of `colours` became nan at step 2 with learning rate 9\.9e\+29; lower"
    with pytest.raises(Diverged, match=message):
        run(build(), [coloured()], settings)
