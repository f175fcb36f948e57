"""Gradients are clipped as PyTorch clips them, and shorter ones are not touched."""

import copy
import math

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from unispace.curricula.clipping import clip


def parameters_with_gradients(length):
    """Three with gradients, one of them empty of all but zeros, and one without."""
    made = [torch.nn.Parameter(torch.zeros(shape)) for shape in ((3, 4), (5,), (2, 2), (7,))]
    made[0].grad = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    made[1].grad = torch.randn(5, generator=torch.Generator().manual_seed(1))
    made[2].grad = torch.zeros(2, 2)
    norm = math.sqrt(sum(float(p.grad.double().square().sum()) for p in made[:3]))
    for parameter in made[:3]:
        parameter.grad *= length / norm
    return made


@given(st.floats(1e-8, 1e6), st.floats(1e-8, 1e6))
@example(1.0, 1.0)
@example(1.0, 1.0 + 1e-6)
@example(1e-6, 1.5e-6)  # what is added to the norm decides
@settings(max_examples=100, deadline=None)
def test_gradients_and_norm_are_those_of_pytorch_to_the_last_bit(length, bound):
    parameters = parameters_with_gradients(length)
    expected = copy.deepcopy(parameters)
    for mine, theirs in zip(parameters[:3], expected[:3], strict=True):
        theirs.grad = mine.grad.clone()
    norm = torch.nn.utils.clip_grad_norm_(expected, bound)
    assert torch.equal(clip(parameters, bound), norm)
    for mine, theirs in zip(parameters[:3], expected[:3], strict=True):
        assert torch.equal(mine.grad, theirs.grad)
    assert parameters[3].grad is None


@pytest.mark.parametrize(("bound", "written"), [(2.0, False), (0.5, True)])
def test_only_long_gradients_are_written_to(bound, written):
    parameters = parameters_with_gradients(1.0)
    before = [p.grad._version for p in parameters[:3]]
    assert float(clip(parameters, bound)) == pytest.approx(1.0)
    after = [p.grad._version for p in parameters[:3]]
    assert [b != a for b, a in zip(before, after, strict=True)] == [written] * 3


def test_a_norm_that_is_not_finite_is_told():
    parameters = parameters_with_gradients(1.0)
    parameters[1].grad[2] = math.nan
    assert math.isnan(clip(parameters, 1e9))


def test_without_gradients_the_norm_is_0():
    assert float(clip([torch.nn.Parameter(torch.ones(3))], 1.0)) == 0
