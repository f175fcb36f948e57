"""Two-dimensional pictures of a space."""

import numpy as np
import pytest

from unispace.analysis.choice import most_pictured
from unispace.analysis.views import joint_views, principal_view, view


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


def test_the_principal_view_is_the_plane_of_most_variance():
    draw = np.random.default_rng(2)
    plane = np.linalg.qr(draw.normal(size=(9, 2)))[0].T
    places = draw.normal(size=(40, 2)) * (3, 1)
    seen = principal_view(places @ plane + 5)
    assert np.square(seen).mean() == pytest.approx(1)
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-12)
    # Within the plane nothing but a turn and one scale is lost: distances keep their ratios.
    apart = [np.linalg.norm(p[:, None] - p, axis=2) for p in (places, seen)]
    ratio = apart[1][0, 1] / apart[0][0, 1]
    np.testing.assert_allclose(apart[1], ratio * apart[0], rtol=1e-9, atol=1e-9)


def test_two_spaces_that_are_one_lie_on_each_other_and_lengths_do_not_count(clusters):
    vectors = clusters[0]
    both = joint_views(vectors, 3 * vectors, 0)
    assert list(both) == ["t-SNE", "PCA"]
    np.testing.assert_allclose(both["PCA"][0], both["PCA"][1], atol=1e-6)
    assert np.linalg.norm(np.subtract(*both["t-SNE"]), axis=1).max() < 0.2


def test_two_spaces_without_anything_in_common_lie_apart(clusters):
    vectors = clusters[0]
    for placed in joint_views(vectors, -vectors, 0).values():
        assert placed.shape == (2, len(vectors), 2)
        assert np.median(np.linalg.norm(placed[0] - placed[1], axis=1)) > 0.5


def test_two_spaces_of_different_images_are_refused(clusters):
    vectors = clusters[0]
    with pytest.raises(ValueError, match=r"same two or more images, got \(90, 12\) and \(89, 12\)"):
        joint_views(vectors, vectors[1:], 0)


def test_persons_with_most_images_are_chosen_whatever_the_order_of_rows():
    names = [
        name for name, count in zip("abcde", (2, 5, 3, 5, 1), strict=True) for _ in range(count)
    ]
    images = [f"{name}/{i}" for i, name in enumerate(names)]
    rows = most_pictured(names, images, 3, 4)
    chosen = [names[r] for r in rows]
    assert {name: chosen.count(name) for name in chosen} == {"b": 4, "d": 4, "c": 3}
    order = np.random.default_rng(0).permutation(len(names))
    again = most_pictured([names[i] for i in order], [images[i] for i in order], 3, 4)
    assert [images[order[r]] for r in again] == [images[r] for r in rows]
