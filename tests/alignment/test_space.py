"""Unit length, centring and padding."""

import numpy as np
import pytest

from unispace.alignment.space import Frame, unit_rows


def test_unit_rows_have_length_one_and_keep_their_direction():
    vectors = np.random.default_rng(0).normal(size=(20, 7)) * 1e-12
    unit = unit_rows(vectors)
    assert unit.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(unit, vectors / np.linalg.norm(vectors, axis=1)[:, None], rtol=1e-6)


@pytest.mark.parametrize(
    ("bad", "message"),
    [(0.0, "row 2 is zero"), (np.nan, "row 2 is not finite"), (np.inf, "row 2 is not finite")],
)
def test_a_row_without_direction_is_named(bad, message):
    vectors = np.ones((4, 3), np.float32)
    vectors[2] = bad
    with pytest.raises(ValueError, match=f"probe: {message}"):
        unit_rows(vectors, "probe")


def test_unit_rows_refuses_a_single_vector():
    with pytest.raises(ValueError, match=r"must be \(n, d\), got shape \(3,\)"):
        unit_rows(np.ones(3))


def test_frame_centres_with_the_fit_mean_and_pads_on_the_right():
    fit = np.random.default_rng(1).normal(size=(50, 3)) + 5
    test = np.random.default_rng(2).normal(size=(8, 3))
    placed = Frame.fit(fit, width=5).place(test)
    assert placed.shape == (8, 5)
    np.testing.assert_allclose(placed[:, :3], test - fit.mean(axis=0), atol=1e-5)
    assert not placed[:, 3:].any()


def test_frame_refuses_another_width():
    frame = Frame.fit(np.eye(3), width=4)
    with pytest.raises(ValueError, match=r"expected \(n, 3\) vectors, got shape \(2, 4\)"):
        frame.place(np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"mean of shape \(3,\) does not fit width 2"):
        Frame.fit(np.eye(3), width=2)
