"""Changes of training images."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unispace.curricula.augment import _grid, augment
from unispace.curricula.randomness import generator


def noise(count, size=16, seed=0):
    return torch.rand(count, 3, size, size, generator=generator("images", seed))


def test_strength_0_returns_the_very_images():
    images = noise(4)
    before = images.clone()
    assert torch.equal(augment(images, 0, generator(0)), before)


@given(st.floats(1e-3, 1), st.integers(0, 2**40), st.integers(1, 6), st.sampled_from([16, 17, 32]))
@settings(max_examples=30, deadline=None)
def test_shape_and_range_are_kept(strength, seed, count, size):
    images = noise(count, size, seed)
    before = images.clone()
    changed = augment(images, strength, generator(seed))
    assert changed.shape == images.shape
    assert changed.dtype == torch.float32
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert torch.equal(images, before)


def test_equal_generators_give_equal_images_and_others_do_not():
    first, again, other = (augment(noise(4), 0.7, generator(key)) for key in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other, atol=1e-3)


def test_each_image_is_changed_in_its_own_way():
    same = noise(1).expand(16, -1, -1, -1)
    changed = augment(same, 0.5, generator(0))
    apart = torch.cdist(changed.flatten(1), changed.flatten(1)) + 1e3 * torch.eye(16)
    assert apart.min() > 0.5


def test_about_half_of_the_images_are_mirrored_and_the_others_stay():
    images = noise(400)
    changed = augment(images, 1e-6, generator(0))  # so weak that nothing but the flip shows
    kept = (changed - images).abs().amax((1, 2, 3)) < 1e-3
    mirrored = (changed - images.flip(3)).abs().amax((1, 2, 3)) < 1e-3
    assert (kept ^ mirrored).all()
    assert 150 < int(mirrored.sum()) < 250  # 200 +- 5 standard deviations


@pytest.mark.parametrize("strength", [0.25, 1.0])
def test_brightness_is_the_only_change_of_a_plain_grey_image(strength):
    changed = augment(torch.full((300, 3, 16, 16), 0.5), strength, generator(0))
    flat = changed.flatten(1)
    torch.testing.assert_close(flat, flat[:, :1].expand_as(flat), atol=1e-5, rtol=0)
    factors = flat[:, 0] / 0.5
    assert factors.min() >= 1 - 0.4 * strength - 1e-5
    assert factors.max() <= 1 + 0.4 * strength + 1e-5
    assert factors.max() - factors.min() > 0.7 * strength  # of 0.8: the whole range is used


def test_a_dot_moves_by_no_more_than_shift_and_zoom_allow():
    images = torch.zeros(300, 3, 33, 33)
    images[:, :, 15:18, 15:18] = 1
    changed = augment(images, 1.0, generator(0)).mean(1)
    changed = changed - changed.amin((1, 2), keepdim=True)
    weight = changed.sum((1, 2))
    axis = torch.arange(33.0) - 16
    across = (changed.sum(1) * axis).sum(1) / weight
    down = (changed.sum(2) * axis).sum(1) / weight
    distance = torch.hypot(across, down)
    # 12 % of the side along each axis, divided by the smallest zoom.
    assert distance.max() <= 2**0.5 * 0.12 * 33 / 0.85 + 1
    assert across.std() > 1
    assert down.std() > 1


def test_a_grey_image_stays_grey():
    images = noise(8)[:, :1].expand(-1, 3, -1, -1)
    changed = augment(images, 1.0, generator(0))
    torch.testing.assert_close(changed[:, 0], changed[:, 2], atol=1e-5, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (7, 48), (224, 112), (1, 5)])
def test_pixels_come_from_where_an_affine_grid_says(height, width):
    draws = torch.Generator().manual_seed(0)
    matrices = torch.eye(2, 3) + 0.3 * torch.randn(6, 2, 3, generator=draws)
    expected = torch.nn.functional.affine_grid(matrices, [6, 3, height, width], align_corners=False)
    # Equal but for the order in which some libraries add three products.
    torch.testing.assert_close(_grid(matrices, height, width), expected, rtol=0, atol=5e-7)
