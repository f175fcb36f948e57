"""Rotations: with and without reflections, few rows, by gradients, whitened; and the random one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes, sqrtm
from scipy.stats import ortho_group

from unispace.alignment.gradient import ascend
from unispace.alignment.maps import METHODS, fit_linear, fit_procrustes
from unispace.alignment.space import unit_rows

SHAPES = [(60, 5, 5), (60, 5, 8), (60, 8, 5), (4, 6, 6), (4, 6, 9), (4, 9, 6)]


def clouds(n, dx, dy, seed=0):
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(n, dx)) + 0.7
    return source, source @ rng.normal(size=(dx, dy)) + 0.3 * rng.normal(size=(n, dy)) - 0.4


def centred(vectors, width):
    moved = vectors - vectors.mean(axis=0)
    return np.pad(moved, ((0, 0), (0, width - vectors.shape[1])))


def gain(fitted, source, target):
    """tr(W^T X^T Y), what rotations are chosen by."""
    mapped = fitted.transform(source).astype(np.float64)
    return float(np.sum(mapped * fitted.place(target)))


def best_gain(source, target):
    width = max(source.shape[1], target.shape[1])
    return orthogonal_procrustes(centred(source, width), centred(target, width))[1]


@pytest.mark.parametrize("seed", range(6))
def test_without_reflections_it_is_the_best_rotation_of_the_kabsch_algorithm(seed):
    source, target = clouds(60, 5, 5, seed)
    if seed % 2:
        target = target * np.array([1, 1, 1, 1, -1])
    x, y = centred(source, 5), centred(target, 5)
    left, _, right = np.linalg.svd(x.T @ y)
    sign = np.linalg.det(left @ right)
    expected = left @ np.diag([1, 1, 1, 1, sign]) @ right
    fitted = fit_procrustes(source, target, reflections=False)
    np.testing.assert_allclose(fitted.matrix, expected, atol=1e-5)
    assert np.linalg.det(fitted.matrix) == pytest.approx(1, abs=1e-5)
    factor = np.sum((x @ expected) * y) / np.sum(x**2)
    assert fitted.scale == pytest.approx(factor, rel=1e-6)


def test_both_signs_were_met():
    signs = {
        np.sign(np.linalg.det(fit_procrustes(*clouds(60, 5, 5, seed)).matrix)) for seed in range(6)
    }
    assert signs == {1, -1}


@pytest.mark.parametrize(("n", "dx", "dy"), [s for s in SHAPES if s[:3] != (60, 5, 5)])
@pytest.mark.parametrize("seed", range(3))
def test_where_directions_are_free_a_rotation_is_as_good_as_a_reflection(n, dx, dy, seed):
    source, target = clouds(n, dx, dy, seed)
    fitted = fit_procrustes(source, target, reflections=False)
    np.testing.assert_allclose(fitted.matrix @ fitted.matrix.T, np.eye(dx), atol=1e-5)
    if dx >= dy:
        assert np.linalg.det(fitted.matrix) == pytest.approx(1, abs=1e-4)
    assert gain(fitted, source, target) == pytest.approx(best_gain(source, target), rel=1e-5)


@pytest.mark.parametrize("method", ["procrustes", "orthogonal-gradient"])
def test_what_no_row_shows_is_turned_as_little_as_possible(method):
    """Rows that vary in the first two of six coordinates, in both models: the other four stay where they are."""
    rng = np.random.default_rng(0)
    angle = 0.8
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    seen = rng.normal(size=(30, 2))
    source, target = np.pad(seen, ((0, 0), (0, 4))), np.pad(seen @ turn, ((0, 0), (0, 4)))
    expected = np.eye(6)
    expected[:2, :2] = turn
    np.testing.assert_allclose(METHODS[method](source, target).matrix, expected, atol=1e-5)


@pytest.mark.parametrize(("n", "dx", "dy"), SHAPES)
@pytest.mark.parametrize("seed", range(3))
def test_gradients_reach_what_procrustes_reaches(n, dx, dy, seed):
    source, target = clouds(n, dx, dy, seed)
    fitted = METHODS["orthogonal-gradient"](source, target)
    np.testing.assert_allclose(fitted.matrix @ fitted.matrix.T, np.eye(dx), atol=1e-5)
    assert gain(fitted, source, target) == pytest.approx(best_gain(source, target), rel=1e-5)
    assert fitted.settings["gradient"] <= 1e-6
    assert fitted.settings["steps"] < 500


def test_with_fewer_rows_than_dimensions_gradients_leave_what_was_not_seen():
    """n < d: directions outside the span of the rows of both models are neither turned nor mixed in."""
    rng = np.random.default_rng(1)
    source = rng.normal(size=(8, 40))
    target = source @ ortho_group.rvs(40, random_state=rng)
    fitted = METHODS["orthogonal-gradient"](source, target)
    np.testing.assert_allclose(
        fitted.transform(source), fitted.place(target), atol=1e-3 * np.abs(target).max()
    )
    spans = np.vstack([centred(source, 40), centred(target, 40)])
    unseen = np.linalg.svd(spans)[2][14:]
    assert len(unseen) == 26
    np.testing.assert_allclose(unseen @ fitted.matrix, unseen, atol=1e-5)


def test_gradients_without_reflections_stay_rotations():
    source, _ = clouds(60, 4, 4)
    target = source * np.array([1, 1, 1, -1])
    for reflections, sign in ((True, -1), (False, 1)):
        options = {"reflections": reflections}
        fitted = METHODS["orthogonal-gradient"](source, target, **options)
        assert np.linalg.det(fitted.matrix) == pytest.approx(sign, abs=1e-5)
        expected = fit_procrustes(source, target, **options)
        assert gain(fitted, source, target) == pytest.approx(
            gain(expected, source, target), rel=1e-5
        )


def test_few_steps_stop_early_and_say_so():
    source, target = clouds(60, 12, 12)
    early = METHODS["orthogonal-gradient"](source, target, steps=2)
    late = METHODS["orthogonal-gradient"](source, target)
    assert early.settings["steps"] == 2
    assert early.settings["gradient"] > 1e-3 > late.settings["gradient"]
    assert gain(early, source, target) < gain(late, source, target)


@given(st.integers(0, 2**31), st.integers(2, 9))
def test_every_step_of_the_ascent_is_orthogonal_and_climbs(seed, size):
    rng = np.random.default_rng(seed)
    cross = rng.normal(size=(size, size))
    values = []
    for steps in range(6):
        turn, taken, _ = ascend(cross, np.eye(size), steps, 1e-9)
        assert taken <= steps
        np.testing.assert_allclose(turn @ turn.T, np.eye(size), atol=1e-9)
        values.append(np.sum(turn * cross))
    assert (np.diff(values) >= -1e-12 * np.linalg.norm(cross)).all()


def test_the_random_one_is_orthogonal_and_uniform():
    source, target = clouds(20, 3, 4)
    drawn = [
        METHODS["random-orthogonal"](source, target, rng=np.random.default_rng(i)).matrix
        for i in range(2000)
    ]
    np.testing.assert_allclose(drawn[0] @ drawn[0].T, np.eye(3), atol=1e-6)
    # Mean 0 and, as a coordinate of a unit vector in 4 dimensions, variance 1 / 4, within 5 standard errors.
    np.testing.assert_allclose(np.mean(drawn, axis=0), 0, atol=5 * 0.5 / np.sqrt(2000))
    np.testing.assert_allclose(np.var(drawn, axis=0), 0.25, atol=5 * 0.25 / np.sqrt(2000))


def anisotropic(n=400, d=8, noise=0.0, seed=0):
    """Two views of one white cloud, each stretched by its own factors, 1 to 30."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(n, d))
    views = []
    for _ in range(2):
        one, other = (ortho_group.rvs(d, random_state=rng) for _ in range(2))
        stretch = one @ np.diag(np.geomspace(1, 30, d)) @ other
        views.append((latent + noise * rng.normal(size=(n, d))) @ stretch)
    return views


def test_whitening_undoes_a_stretch_that_a_rotation_cannot():
    source, target = anisotropic()
    whitened = METHODS["whitened-procrustes"](source, target, shrinkage=0.0)
    np.testing.assert_allclose(
        whitened.transform(source), whitened.place(target), atol=1e-3 * np.abs(target).max()
    )

    def agreement(fitted):
        mapped = unit_rows(fitted.transform(source))
        return np.mean(np.sum(mapped * unit_rows(fitted.place(target)), axis=1))

    assert agreement(whitened) > 0.99999
    assert agreement(fit_procrustes(source, target)) < 0.95


@pytest.mark.parametrize("shrinkage", [0.0, 0.3])
def test_whitened_procrustes_is_its_definition(shrinkage):
    """Roots of the shrunk covariances, a rotation of the whitened clouds, and the root of the target's back."""
    source, target = anisotropic(noise=0.5)
    x, y = centred(source, 8), centred(target, 8)
    roots = []
    for cloud in (x, y):
        covariance = cloud.T @ cloud / len(cloud)
        mean = np.trace(covariance) / 8
        roots.append(sqrtm((1 - shrinkage) * covariance + shrinkage * mean * np.eye(8)).real)
    one, other = (c @ np.linalg.inv(root) for c, root in zip((x, y), roots, strict=True))
    turn = orthogonal_procrustes(one, other)[0]
    expected = np.linalg.inv(roots[0]) @ turn @ roots[1]
    fitted = METHODS["whitened-procrustes"](source, target, shrinkage=shrinkage)
    np.testing.assert_allclose(fitted.matrix, expected, atol=2e-5 * np.abs(expected).max())


def test_whitened_procrustes_shrunk_wholly_is_procrustes():
    source, target = clouds(60, 6, 6)
    fitted = METHODS["whitened-procrustes"](source, target, shrinkage=1.0)
    factor = fitted.matrix / fit_procrustes(source, target).matrix
    np.testing.assert_allclose(factor, factor[0, 0], rtol=1e-3)


def test_without_noise_whitened_procrustes_is_least_squares():
    source, target = anisotropic()
    fitted = METHODS["whitened-procrustes"](source, target, shrinkage=0.0)
    expected = fit_linear(source, target).matrix
    np.testing.assert_allclose(fitted.matrix, expected, atol=1e-4 * np.abs(expected).max())
