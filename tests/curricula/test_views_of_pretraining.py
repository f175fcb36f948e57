"""Cut-outs lie within the image and are as large as asked for; hidden patches are counted."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unispace.curricula.randomness import generator
from unispace.curricula.views import cut_out, hidden_patches


def places(n, size=64):
    """Images whose first channel is the column and whose second is the row of a pixel, in [0, 1]."""
    along = (torch.arange(size) + 0.5) / size
    column, row = along.expand(size, size), along[:, None].expand(size, size)
    return torch.stack([column, row, torch.zeros(size, size)]).expand(n, 3, size, size)


@given(st.integers(0, 50), st.floats(0.05, 1), st.floats(0.05, 1), st.sampled_from([16, 64]))
def test_a_cut_out_is_a_rectangle_of_the_image_of_the_share_asked_for(seed, one, other, side):
    low, high = sorted((one, other))
    found = cut_out(places(8), (low, high), side, generator(seed))
    assert found.shape == (8, 3, side, side)
    # The middle half is free of what happens at the border, and half as wide as the whole.
    first, last = side // 4, 3 * side // 4
    stretch = (side / (last - first)) * (found[:, :, last, last] - found[:, :, first, first])
    width, height = stretch[:, 0], stretch[:, 1]
    assert (width > 0).all()
    assert (height > 0).all()
    share, aspect = width * height, width / height
    assert (share <= high + 0.02).all()
    # A side that would be longer than the image's is cut.
    long = (width > 0.98) | (height > 0.98)
    assert ((share >= low - 0.02) | long).all()
    assert ((aspect > 0.73) & (aspect < 1.36) | long).all()
    # One direction of the image is one direction of the cut-out.
    torch.testing.assert_close(found[:, 0], found[:, 0, :1].expand(-1, side, -1))
    assert found.min() >= 0
    assert found.max() <= 1


def test_the_whole_image_is_the_image():
    images = torch.rand(2, 3, 8, 8)
    found = cut_out(images, (1.0, 1.0), 8, generator(5))
    # Only the aspect is drawn, so one of the sides is whole.
    assert found.shape == images.shape
    assert not torch.equal(found[0], found[1])


def test_cut_outs_are_other_ones_for_each_image_and_draw():
    draws = generator(0)
    first, second = (cut_out(places(3), (0.1, 0.5), 16, draws) for _ in range(2))
    assert not torch.equal(first, second)
    assert not torch.equal(first[0], first[1])


@given(st.integers(1, 5), st.integers(2, 40), st.floats(0.01, 0.99), st.integers(0, 99))
def test_equally_many_patches_of_each_image_are_hidden(n, patches, share, seed):
    hidden = hidden_patches(n, patches, share, generator(seed))
    assert hidden.shape == (n, patches)
    (count,) = set(hidden.sum(1).tolist())
    assert 1 <= count <= patches - 1
    assert abs(count - share * patches) <= 1


def test_every_patch_is_hidden_equally_often():
    hidden = hidden_patches(20_000, 16, 0.4, generator(1))
    assert hidden.sum(1).unique().tolist() == [6]
    torch.testing.assert_close(
        hidden.float().mean(0), torch.full((16,), 6 / 16), atol=0.015, rtol=0
    )


@pytest.mark.parametrize("draw", [0, 1])
def test_the_same_generator_gives_the_same_views(draw):
    one, two = (cut_out(places(2), (0.2, 0.9), 16, generator(draw)) for _ in range(2))
    assert torch.equal(one, two)
    assert torch.equal(
        hidden_patches(2, 9, 0.5, generator(3)), hidden_patches(2, 9, 0.5, generator(3))
    )
