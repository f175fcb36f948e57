"""Tensors of other names in the same order."""

import itertools

import pytest
import torch
from torch import nn

from unispace.backbones.in_order import in_order
from unispace.errors import UserError


def net(*widths):
    layers = []
    for a, b in itertools.pairwise(widths):
        layers += [nn.Conv2d(a, b, 3), nn.BatchNorm2d(b)]
    return nn.Sequential(*layers)


@pytest.fixture
def wanted():
    return net(3, 4, 4).state_dict()


@pytest.fixture
def found():
    """The same network under other names, with other numbers."""
    torch.manual_seed(5)
    return {
        f"features.{key.replace('.', '_0.')}": torch.randn(value.shape)
        if value.is_floating_point()
        else value + 7
        for key, value in net(3, 4, 4).state_dict().items()
    }


def test_first_goes_to_first_and_last_to_last(found, wanted):
    made = in_order(found, wanted, "f")
    assert list(made) == list(wanted)
    for (old, value), new in zip(found.items(), wanted, strict=True):
        if not new.endswith("num_batches_tracked"):
            assert torch.equal(made[new], value), (old, new)


def test_counters_are_not_counted(found, wanted):
    old = {k: v for k, v in found.items() if not k.endswith("num_batches_tracked")}
    made = in_order(old, wanted, "f")
    assert made.keys() == wanted.keys()
    assert made["1.num_batches_tracked"] == wanted["1.num_batches_tracked"]


def test_another_number_of_tensors_is_refused(found, wanted):
    found.pop("features.3_0.bias")
    with pytest.raises(
        UserError, match=r"f: 11 tensors, the architecture has 12; first difference"
    ):
        in_order(found, wanted, "f")


def test_tensors_missing_at_the_end_are_refused(found, wanted):
    shorter = dict(list(found.items())[:6])
    with pytest.raises(UserError, match=r"f: 6 tensors, the architecture has 12\."):
        in_order(shorter, wanted, "f")


def test_another_shape_is_refused_with_both(wanted):
    other = net(3, 5, 4).state_dict()
    message = r"first difference: 0\.weight \(5, 3, 3, 3\) in the file, 0\.weight \(4, 3, 3, 3\) in"
    with pytest.raises(UserError, match=message):
        in_order(other, wanted, "f")


def test_tensors_of_one_shape_in_another_order_are_told_by_their_kind(found, wanted):
    names = list(found)
    mean, var = names.index("features.1_0.running_mean"), names.index("features.1_0.running_var")
    names[mean], names[var] = names[var], names[mean]
    swapped = {name: found[name] for name in names}
    with pytest.raises(UserError, match=r"first difference: features\.1_0\.running_var"):
        in_order(swapped, wanted, "f")
