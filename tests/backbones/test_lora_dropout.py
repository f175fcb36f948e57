"""Updates that do not see all of their input, in training only."""

import copy
import math
from types import SimpleNamespace

import pytest
import torch
from test_lora import BODIES, outputs, train_a_little
from torch import nn
from torch.nn import functional

from unispace.backbones import lora
from unispace.backbones.lora import add_lora, merge_lora
from unispace.errors import UserError

IMAGES = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(3))


@pytest.fixture(params=BODIES)
def kind(request):
    return request.param


@pytest.fixture
def body(kind):
    torch.manual_seed(0)
    return BODIES[kind]().eval()


def add(body, dropout=0.4, rank=3, alpha=5.0):
    return add_lora(body, rank, alpha, torch.Generator().manual_seed(1), dropout)


def in_training(body, seed=0):
    body.train()
    torch.manual_seed(seed)
    with torch.no_grad():
        found = body(IMAGES)
    body.eval()
    return found


def planted(monkeypatch, dropout):
    """Another dropout of the updates, and of nothing else in the network."""
    monkeypatch.setattr(
        lora, "functional", SimpleNamespace(**vars(functional) | {"dropout": dropout})
    )


def near(a, b):
    torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def test_nothing_changes_at_the_start_in_training_either(body):
    before = outputs(body)
    add(body)
    assert torch.equal(outputs(body), before)
    near(in_training(body), before)


def test_the_first_weights_are_those_without_dropout(kind):
    drawn = [[p.detach().clone() for p in add(BODIES[kind](), dropout=d)] for d in (0.0, 0.4)]
    assert all(torch.equal(a, b) for a, b in zip(*drawn, strict=True))


def test_first_weights_are_kaiming_uniform_as_those_of_a_linear_layer():
    (down, up, *_) = add(BODIES["vit"](), rank=32)
    bound = 1 / math.sqrt(32)
    assert bound * 0.98 < down.abs().max() <= bound
    expected = nn.init.kaiming_uniform_(torch.empty(4000, 32), a=math.sqrt(5))
    assert down.std().item() == pytest.approx(expected.std().item(), rel=0.03)
    assert not up.any()


def test_only_training_leaves_values_out(kind, body):
    train_a_little(add(body))
    torch.manual_seed(0)
    plain = BODIES[kind]().eval()
    train_a_little(add(plain, dropout=0.0))
    assert torch.equal(outputs(body), outputs(plain))
    first, again, other = (in_training(body, seed) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    # Exactly, since layer scale makes little of some networks at first.
    assert not torch.equal(first, other)
    assert not torch.allclose(first, outputs(body), atol=1e-7)


def test_a_share_of_nothing_left_out_is_the_plain_update(body, monkeypatch):
    adapted = add(body)
    train_a_little(adapted)
    expected = outputs(body)
    # The path that is only taken in training, on the whole input.
    planted(monkeypatch, lambda inputs, share: inputs)
    near(in_training(body), expected)


def test_queries_and_values_miss_different_values_and_keys_and_weights_none(body, monkeypatch):
    """Planted in place of dropout: of two calls the first sees nothing and the second sees all of it."""
    adapted = add(body)
    train_a_little(adapted)
    calls = []

    def every_second(inputs, share):
        assert share == 0.4
        calls.append(tuple(inputs.shape))
        return inputs * (len(calls) % 2 == 0)

    planted(monkeypatch, every_second)
    found = in_training(body)
    monkeypatch.undo()
    # Two blocks with a query and a value each.
    assert len(calls) == 4
    # So nothing of the queries' update is left; with separate projections it is the first of each pair.
    with torch.no_grad():
        ups = adapted[1::2]
        if len(ups) == 2:
            for up in ups:
                up[0] = 0
        else:
            for up in ups[::2]:
                up.zero_()
    near(found, outputs(body))


def test_it_is_right_in_expectation(body):
    adapted = add(body, dropout=0.2)
    train_a_little(adapted)
    first = next(m for m in body.modules() if hasattr(m, "parametrizations"))
    (updates,) = first.parametrizations.values()
    update = updates[0].train()
    inputs = torch.randn(4, 32, generator=torch.Generator().manual_seed(2))
    torch.manual_seed(0)
    with torch.no_grad():
        mean = torch.stack([update.of(0, inputs) for _ in range(4000)]).mean(0)
        expected = update.scale * inputs @ update.down[0].T @ update.up[0].T
    assert update.scale == 5 / math.sqrt(3)
    assert (mean - expected).abs().max() < 0.05 * expected.abs().max()


def test_merging_in_the_middle_of_training_keeps_the_outputs_and_leaves_nothing_behind(kind, body):
    names = set(body.state_dict())
    train_a_little(add(body))
    adapted = outputs(body)
    body.train()
    merge_lora(body)
    body.eval()
    assert set(body.state_dict()) == names
    assert torch.equal(outputs(body), adapted)
    fresh = BODIES[kind]().eval()
    fresh.load_state_dict(body.state_dict())
    assert torch.equal(outputs(fresh), adapted)
    near(in_training(body), adapted)
    for module in body.modules():
        assert not module._forward_hooks or module is body
        assert not module._forward_pre_hooks
        assert "forward" not in vars(module)


def test_a_copy_has_its_own_updates(body):
    adapted = add(body)
    train_a_little(adapted)
    other = copy.deepcopy(body)
    expected = in_training(body)
    with torch.no_grad():
        for parameter in adapted:
            parameter.zero_()
    assert torch.equal(in_training(other), expected)


def test_gradients_reach_the_updates_alone(body):
    adapted = add(body)
    body.train()
    body(IMAGES).square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in adapted[1::2])
    assert {id(p) for p in body.parameters() if p.grad is not None} == {id(p) for p in adapted}


class PastItsLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(8, 24)

    def forward(self, images):
        return functional.linear(images, self.qkv.weight)


def test_a_network_that_takes_the_weight_past_its_layer_is_refused_in_the_first_step():
    body = PastItsLayer()
    add(body)
    body.eval()(torch.ones(1, 8))
    with pytest.raises(
        UserError, match=r"lora\.dropout: PastItsLayer does not compute its queries and values by"
    ):
        body.train()(torch.ones(1, 8))


def test_attention_with_masks_is_refused():
    body = nn.Sequential(nn.MultiheadAttention(8, 2, batch_first=True))
    add(body)
    x = torch.ones(1, 3, 8)
    with pytest.raises(UserError, match=r"lora\.dropout is not for attention with masks"):
        body.train()[0](x, x, x, need_weights=True)


@pytest.mark.parametrize("batch_first", [True, False])
def test_torchs_own_attention_is_computed_as_torch_does(batch_first, monkeypatch):
    torch.manual_seed(0)
    attention = nn.MultiheadAttention(8, 2, batch_first=batch_first)
    nn.init.normal_(attention.in_proj_bias)
    body = nn.Sequential(attention)
    train_a_little(add(body))
    query, key, value = torch.randn(3, 5, 4, 8).unbind(0)
    planted(monkeypatch, lambda inputs, share: inputs)
    found = [
        mode(body)[0](query, key, value, need_weights=False)[0].detach()
        for mode in (nn.Module.train, nn.Module.eval)
    ]
    near(*found)
