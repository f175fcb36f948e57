"""Scores are cosines, and the block size changes none of them."""

import numpy as np
import pytest

from unispace.evaluation import similarity
from unispace.evaluation.similarity import TILE, Cosines, cosine_blocks


def scores(probe, target, block):
    parts = list(cosine_blocks(probe, target, block))
    assert [rows.start for rows, _ in parts] == [0, *(rows.stop for rows, _ in parts[:-1])]
    return np.vstack([part for _, part in parts])


@pytest.fixture
def vectors():
    rng = np.random.default_rng(0)
    return rng.normal(size=(331, 37)).astype(np.float32), 5 * rng.normal(size=(203, 37))


def test_scores_are_cosines(vectors):
    probe, target = vectors
    expected = [[p @ t / np.linalg.norm(p) / np.linalg.norm(t) for t in target] for p in probe]
    np.testing.assert_allclose(scores(probe, target, 100), expected, atol=1e-6)


@pytest.mark.parametrize("block", [1, TILE - 1, TILE, TILE + 1, 200, 331, 10**6])
def test_the_block_size_changes_no_bit(vectors, block):
    np.testing.assert_array_equal(scores(*vectors, block), scores(*vectors, 150), strict=True)


def test_any_rectangle_of_the_grid_holds_the_same_bits(vectors, monkeypatch):
    monkeypatch.setattr(similarity, "STRIP", 50)
    probe, target = vectors
    whole, order = scores(probe, target, 150), np.random.default_rng(1).permutation(203)
    cosines = Cosines(probe, target)
    for rows in (slice(0, 64), slice(128, 331)):
        for columns in (slice(0, 50), slice(100, 203), slice(200, 203)):
            np.testing.assert_array_equal(cosines.of(rows, columns), whole[rows, columns])
    mixed = Cosines(probe[:203], target, order).of(slice(0, 203), slice(0, 203))
    np.testing.assert_allclose(mixed, whole[:203][np.ix_(order, order)], atol=1e-6)


def test_scores_stay_within_their_range(vectors):
    probe, _ = vectors
    same = scores(probe, probe, 128)
    assert same.max() <= 1
    assert scores(probe, -probe, 128).min() >= -1
    np.testing.assert_allclose(np.diag(same), 1, atol=1e-6)


def test_unusable_vectors_are_refused(vectors):
    probe, target = vectors
    with pytest.raises(ValueError, match="probe has 37 columns and target 36; map them first"):
        scores(probe, target[:, 1:], 8)
    with pytest.raises(ValueError, match="block must be at least 1, got 0"):
        scores(probe, target, 0)
    target[3] = 0
    with pytest.raises(ValueError, match="target: row 3 is zero"):
        scores(probe, target, 8)
