"""Reading between pixels, outlines, drawn numbers and warps, against other ways to the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from unispace.data.attacks.draws import Spread, check_seeds, draw, uniform
from unispace.data.attacks.sampling import grid, outline_distance, sample, to_planes
from unispace.data.attacks.warping import Warp, similarity


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_sampling_is_bilinear_and_repeats_the_edge(seed):
    rng = np.random.default_rng(seed)
    planes = rng.random((2, 3, 9, 9), np.float32)
    x, y = rng.uniform(-3, 12, (2, 2, 5, 7)).astype(np.float32)
    result = sample(planes, x, y)
    for image in range(2):
        for channel in range(3):
            expected = map_coordinates(
                planes[image, channel], [y[image] - 0.5, x[image] - 0.5], order=1, mode="nearest"
            )
            assert np.allclose(result[image, channel], expected, atol=1e-5)


def test_pixels_keep_their_values_where_they_are():
    images = np.random.default_rng(0).integers(0, 256, (2, 33, 33, 3), dtype=np.uint8)
    planes = to_planes(images)
    x, y = np.broadcast_arrays(*grid(33))
    same = sample(planes, np.repeat(x, 2, 0), np.repeat(y, 2, 0))
    assert ((same * 255).round().astype(np.uint8).transpose(0, 2, 3, 1) == images).all()


@given(seed=st.integers(0, 2**32 - 1), turned=st.booleans())
@settings(max_examples=6, deadline=None)
def test_outline_distance_of_stars(seed, turned):
    """Inside by angle and radius, distance by many points along the sides."""
    rng = np.random.default_rng(seed)
    radii = rng.uniform(5, 14, 9)
    angles = np.arange(9) * 2 * np.pi / 9
    ring = 16 + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    ring = ring[::-1] if turned else ring
    distance = outline_distance(ring[None], 32)[0]
    steps = np.linspace(0, 1, 120)[:, None, None]
    sides = (ring + steps * (np.roll(ring, -1, axis=0) - ring)).reshape(-1, 2)
    pixels = np.stack(np.meshgrid(np.arange(32) + 0.5, np.arange(32) + 0.5), axis=-1)
    nearest = np.sqrt(((pixels[:, :, None] - sides) ** 2).sum(axis=-1)).min(axis=-1)
    assert np.allclose(np.abs(distance), nearest, atol=0.06)
    # The side in a pixel's direction, met by the ray from the middle.
    arms = pixels - 16
    angle = np.arctan2(arms[..., 1], arms[..., 0]) % (2 * np.pi)
    k = (angle / (2 * np.pi / 9)).astype(int) % 9
    radius = [radii[k], radii[(k + 1) % 9]]
    step, inner = 2 * np.pi / 9, angle - k * 2 * np.pi / 9
    reach = radius[0] * radius[1] * np.sin(step)
    reach = reach / (radius[0] * np.sin(inner) + radius[1] * np.sin(step - inner))
    clear = nearest > 0.1
    assert ((np.linalg.norm(arms, axis=-1) < reach) == (distance < 0))[clear].all()


@given(
    seeds=st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=5),
    low=st.floats(-5, 5),
    width=st.floats(0.01, 5),
    chance=st.floats(0, 1),
)
@settings(max_examples=40, deadline=None)
def test_drawn_numbers_stay_in_range_and_belong_to_their_seed(seeds, low, width, chance):
    spreads = {"a": Spread(low, low + width, chance, -99.0), "b": Spread(0.0, 1.0)}
    values = draw(np.array(seeds), spreads, "x")
    inside = (values["a"] >= low - 1e-6) & (values["a"] <= low + width + 1e-6)
    assert (inside | (values["a"] == -99)).all()
    last = draw(np.array(seeds[-1:]), {"b": Spread(0.0, 1.0)}, "x")
    assert last["b"][0] == values["b"][-1]


def test_drawn_numbers_are_even_and_independent():
    seeds = np.arange(20_000)
    first, second = uniform(seeds, "first"), uniform(seeds, "second")
    assert np.histogram(first, 10, (0, 1))[0] == pytest.approx(2000, abs=200)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.03
    # All 63 bits of a seed count.
    assert (uniform(seeds + 2**32, "first") == first).mean() < 0.01
    present = draw(seeds, {"a": Spread(1.0, 2.0, chance=0.3)}, "x")["a"] > 0
    assert present.mean() == pytest.approx(0.3, abs=0.02)


def test_seeds_that_are_none_are_refused():
    with pytest.raises(ValueError, match="3 images need as many seeds"):
        check_seeds(np.arange(2), 3)
    with pytest.raises(ValueError, match="integers of 0 or more"):
        check_seeds(np.array([1, -1]), 2)
    with pytest.raises(ValueError, match="integers of 0 or more"):
        check_seeds(np.array([1.0, 2.0]), 2)


def ramps(size: int) -> np.ndarray:
    """A picture that says where each of its pixels is: x, y and 0, in pixels."""
    line = np.arange(size, dtype=np.float32) + np.float32(0.5)
    x, y = np.broadcast_arrays(line[None, :], line[:, None])
    return np.stack([x, y, 0 * x])


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_a_warp_brings_each_landmark_to_its_place(seed):
    rng = np.random.default_rng(seed)
    # Points far enough apart for each to be met by the pixels around it.
    lattice = np.stack(np.meshgrid(np.arange(5), np.arange(5)), axis=-1).reshape(-1, 2)
    shape = 8 + 12.0 * lattice + rng.uniform(-3, 3, (25, 2))
    own = shape + rng.uniform(-1.5, 1.5, (25, 2))
    bent = Warp(shape, 64).bend(ramps(64), own)
    seen = sample(bent[None], *(shape[None, None, :, i].astype(np.float32) for i in (0, 1)))
    # Half a pixel of slack: bilinear reading smooths the bend at the landmark.
    assert np.abs(seen[0, :2, 0].T - own).max() < 0.5


def test_a_warp_is_affine_within_a_triangle_of_landmarks_and_still_at_the_frame():
    shape = np.array([[10.0, 10.0], [50.0, 14.0], [20.0, 52.0]])
    own = shape + np.array([[2.0, -1.0], [-3.0, 2.0], [1.0, 3.0]])
    bent = Warp(shape, 64).bend(ramps(64), own)
    affine = np.linalg.solve(np.c_[shape, np.ones(3)], own)
    x, y = 27.5, 24.5
    assert np.allclose(bent[:2, 24, 27], [x, y, 1] @ affine, atol=0.05)
    border = np.ones((64, 64), bool)
    border[1:-1, 1:-1] = False
    assert np.abs((bent - ramps(64))[:2, border]).max() < 0.6


def test_points_beyond_the_picture_bend_it_without_a_hole():
    rng = np.random.default_rng(0)
    for _ in range(10):
        shape = rng.uniform(-20, 84, (42, 2))
        bent = Warp(shape, 64).bend(ramps(64), shape)
        # Each pixel is in a triangle, so with the same landmarks each stays.
        assert np.abs(bent - ramps(64)).max() < 0.01


def test_similarity_takes_a_turn_a_scale_and_a_shift_back():
    rng = np.random.default_rng(1)
    shape = rng.uniform(15, 50, (12, 2))
    turn = 1.15 * np.exp(1j * np.deg2rad(11))
    own = (shape @ [1, 1j] - (32 + 30j)) * turn + (34 + 31j)
    own = np.stack([own.real, own.imag], axis=1)
    moved = similarity(ramps(64), own, shape)
    expected = ((27.5 + 40.5j) - (32 + 30j)) * turn + (34 + 31j)
    assert np.allclose(moved[:2, 40, 27], [expected.real, expected.imag], atol=0.01)
