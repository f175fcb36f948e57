"""Weights between those of two models."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unispace.backbones.interpolation import interpolate


def weights(seed):
    draw = np.random.default_rng(seed)
    matrix = torch.tensor(draw.normal(size=(3, 4)), dtype=torch.float32)
    return {"matrix": matrix, "batches": torch.tensor(seed)}


@given(st.integers(0, 99), st.integers(100, 199), st.floats(0, 1))
def test_every_weight_lies_on_the_line(one, other, share):
    base, tuned = weights(one), weights(other)
    found = interpolate(base, tuned, share)
    a, b = base["matrix"].double().numpy(), tuned["matrix"].double().numpy()
    np.testing.assert_allclose(found["matrix"], a + share * (b - a), atol=1e-6)
    assert found["matrix"].dtype == torch.float32
    assert found["batches"] == other


def test_both_ends_are_exact():
    base, tuned = weights(1), weights(2)
    assert torch.equal(interpolate(base, tuned, 0.0)["matrix"], base["matrix"])
    assert torch.equal(interpolate(base, tuned, 1.0)["matrix"], tuned["matrix"])


def test_weights_of_other_names_are_refused():
    with pytest.raises(KeyError, match="extra"):
        interpolate(weights(1), {**weights(2), "extra": torch.zeros(1)}, 0.5)
