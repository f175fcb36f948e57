"""Two-dimensional pictures of a space."""

import numpy as np
import pytest

from unispace.analysis.views import view


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def clusters():
    """Three groups of 30 unit vectors about axes at right angles, and their places in a view."""
    draw = np.random.default_rng(0)
    groups = np.repeat(np.arange(3), 30)
    vectors = unit(np.eye(12)[groups] + draw.normal(0, 0.05, (90, 12))).astype(np.float32)
    return vectors, groups, view(vectors, 0)


def test_there_is_a_place_for_each_vector(clusters):
    vectors, _, placed = clusters
    assert placed.shape == (len(vectors), 2)
    assert placed.dtype == np.float64


def test_places_are_centred_and_of_unit_variance(clusters):
    placed = clusters[2]
    np.testing.assert_allclose(placed.mean(axis=0), 0, atol=1e-12)
    assert np.square(placed).mean() == pytest.approx(1)


def test_the_same_vectors_and_seed_give_the_same_bits(clusters):
    vectors, _, placed = clusters
    np.testing.assert_array_equal(view(vectors, 0), placed)


def test_groups_that_are_apart_stay_apart(clusters):
    _, groups, placed = clusters
    centres = np.stack([placed[groups == g].mean(axis=0) for g in range(3)])
    reach = max(np.linalg.norm(placed[groups == g] - centres[g], axis=1).max() for g in range(3))
    apart = [np.linalg.norm(centres[a] - centres[b]) for a, b in [(0, 1), (0, 2), (1, 2)]]
    assert min(apart) > 2 * reach


def test_what_is_passed_is_not_changed(clusters):
    vectors = clusters[0].copy()
    view(vectors, 0)
    np.testing.assert_array_equal(vectors, clusters[0])


@pytest.mark.parametrize("count", [2, 3, 4, 5, 8])
def test_few_vectors_work_too(count):
    placed = view(unit(np.random.default_rng(1).normal(size=(count, 6))), 0)
    assert placed.shape == (count, 2)
    assert np.isfinite(placed).all()
    assert len(np.unique(placed, axis=0)) == count


@pytest.mark.parametrize("count", [1, 2, 12])
def test_vectors_that_are_all_equal_lie_at_the_origin(count):
    np.testing.assert_array_equal(view(np.full((count, 4), 0.5), 0), np.zeros((count, 2)))
