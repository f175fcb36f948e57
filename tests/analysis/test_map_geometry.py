"""Maps whose rotation, stretch and rank are planted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import polar
from scipy.stats import kstest, ortho_group

from unispace.alignment.maps import Map, fit_baseline, fit_linear, fit_procrustes, fit_ridge
from unispace.alignment.space import Frame
from unispace.analysis.map_geometry import core, map_geometry, residuals
from unispace.analysis.subspaces import principal_components


def rotation(d, seed=0, sign=1):
    """A rotation (sign 1) or reflection (-1)."""
    turned = ortho_group.rvs(d, random_state=np.random.default_rng(seed))
    if np.sign(np.linalg.det(turned)) != sign:
        turned[0] *= -1
    return turned


@given(st.integers(0, 2**16), st.integers(2, 9), st.floats(0.01, 100), st.sampled_from([-1, 1]))
def test_a_scaled_rotation_is_no_stretch(seed, d, scale, sign):
    found = map_geometry(scale * rotation(d, seed, sign))
    assert found.rotation_share == pytest.approx(1)
    assert found.stretch_share == pytest.approx(0, abs=1e-9)
    assert found.log_spread == pytest.approx(0, abs=1e-9)
    assert found.orthogonality_gap == pytest.approx(abs(scale - 1) / scale, abs=1e-9)
    assert found.reflection == (sign == -1)
    assert found.rank == d


@given(st.integers(0, 2**16), st.integers(2, 7), st.integers(2, 7))
def test_gap_and_shares_are_those_of_the_polar_decomposition(seed, d_x, d_y):
    matrix = np.random.default_rng(seed).normal(size=(d_x, d_y))
    found = map_geometry(matrix)
    closest, _ = polar(matrix, side="right" if d_x >= d_y else "left")
    norm = np.linalg.norm(matrix)
    assert found.orthogonality_gap == pytest.approx(np.linalg.norm(matrix - closest) / norm)
    # the best multiple of the closest rotation, by least squares
    best = np.sum(matrix * closest) / np.sum(closest**2)
    left = np.linalg.norm(matrix - best * closest) ** 2 / norm**2
    assert found.stretch_share == pytest.approx(left)
    assert found.rotation_share + found.stretch_share == pytest.approx(1)
    assert (found.angles is None) == (d_x != d_y)
    if found.angles is None:
        assert f"{d_x} and {d_y} dimensions" in found.no_angles


def test_planted_angles_and_stretches_are_found():
    planes = [0.2, 0.2, 1.1, 1.1, 2.5, 2.5]
    blocks = np.zeros((6, 6))
    for place, angle in enumerate(planes[::2]):
        part = slice(2 * place, 2 * place + 2)
        blocks[part, part] = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    basis, stretch = rotation(6), np.array([4, 2, 1, 1, 0.5, 0.25])
    other = rotation(6, 1)
    matrix = (basis @ blocks @ basis.T) @ (other * stretch) @ other.T
    found = map_geometry(matrix)
    np.testing.assert_allclose(found.angles, planes, atol=1e-6)
    np.testing.assert_allclose(found.singular, stretch)
    assert found.log_spread == pytest.approx(np.std(np.log(stretch)))
    assert found.reflection is False


def test_angles_of_random_rotations_are_spread_evenly():
    found = map_geometry(rotation(300))
    assert found.angles is not None
    assert kstest(found.angles[::2], "uniform", (0, np.pi)).statistic < 0.05


def test_a_map_of_low_rank_says_so():
    draws = np.random.default_rng(0)
    low = draws.normal(size=(6, 2)) @ draws.normal(size=(2, 6))
    found = map_geometry(low.astype(np.float32).astype(float))
    assert found.rank == 2
    assert (found.singular[2:] == 0).all()
    assert found.angles is None
    assert found.no_angles == "of rank 2 of 6, so the closest rotation is not unique"
    assert np.isfinite(found.log_spread)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.zeros((3, 3)), "zero everywhere"),
        (np.full((2, 2), np.nan), r"a map is a finite matrix \(d_x, d_y\)"),
        (np.zeros(3), "a map is a finite matrix"),
    ],
)
def test_matrices_without_shape_are_refused(matrix, message):
    with pytest.raises(ValueError, match=message):
        map_geometry(matrix)


@pytest.mark.parametrize(("d_x", "d_y"), [(5, 8), (8, 5), (6, 6)])
def test_the_core_of_a_map_is_what_reaches_the_target(d_x, d_y):
    draws = np.random.default_rng(0)
    x = draws.normal(size=(60, d_x))
    y = x @ draws.normal(size=(d_x, d_y))
    for fit in (fit_baseline, fit_procrustes, fit_linear, fit_ridge):
        fitted = fit(x, y)
        centred = x - x.mean(axis=0)
        np.testing.assert_allclose(centred @ core(fitted), fitted.transform(x)[:, :d_y], atol=2e-5)
    # orthonormal rows or columns, whatever pads them
    assert map_geometry(core(fit_procrustes(x, y))).rotation_share == pytest.approx(1, abs=1e-5)


class Squared(Map):
    """A map that is not affine."""

    def transform(self, source):
        return super().transform(source) ** 2


class Turned(Frame):
    """A frame that does more than centre and pad."""

    def place(self, vectors):
        return super().place(vectors)[:, ::-1]


def test_maps_without_one_matrix_in_the_targets_coordinates_are_refused():
    frame, matrix = Frame(np.zeros(3, np.float32), 3), np.eye(3, dtype=np.float32)
    with pytest.raises(ValueError, match="`bent` is not affine"):
        core(Squared("bent", frame, frame, matrix))
    turned = Turned(np.zeros(3, np.float32), 3)
    with pytest.raises(ValueError, match="in other coordinates than the target's own"):
        core(Map("cca", frame, turned, matrix))


def planted(n=4000, d=6, noise=0.5, seed=0):
    """A target whose components have falling variance; noise of the map is alike in all."""
    draws = np.random.default_rng(seed)
    spread = np.array([4.0, 2.0, 1.5, 1.0, 0.7, 0.4])[:d]
    axes = rotation(d, 3)
    target = draws.normal(size=(n, d)) * spread @ axes.T + 0.7
    return target, target + noise * draws.normal(size=(n, d)), spread


def test_what_is_left_of_each_component_is_what_was_planted():
    target, source, spread = planted()
    fitted = fit_linear(source, target)
    fresh, seen, _ = planted(seed=1)
    left = residuals(fitted.transform(seen), fitted.place(fresh), principal_components(target))
    # Along each axis least squares shrinks by s^2 / (s^2 + noise^2) and leaves the rest.
    np.testing.assert_allclose(left.unexplained, 0.25 / (spread**2 + 0.25), rtol=0.1)
    np.testing.assert_allclose(left.variance, spread**2, rtol=0.1)
    expected = np.sum(left.unexplained * left.variance) / left.variance.sum()
    assert left.total == pytest.approx(expected)


def test_the_length_of_what_a_map_gives_does_not_matter_and_a_map_to_the_mean_leaves_all():
    target, source, _ = planted(200)
    fitted = fit_procrustes(source, target)
    basis = principal_components(target)
    mapped, placed = fitted.transform(source), fitted.place(target)
    once, longer = (residuals(m, placed, basis) for m in (mapped, 50 * mapped))
    np.testing.assert_allclose(once.unexplained, longer.unexplained, rtol=1e-5)
    assert once.scale == pytest.approx(50 * longer.scale, rel=1e-5)
    backwards = residuals(-mapped, placed, basis)
    assert backwards.scale == 0
    np.testing.assert_allclose(backwards.unexplained, 1)


def test_components_without_extent_have_no_share():
    draws = np.random.default_rng(0)
    target = np.pad(draws.normal(size=(50, 3)), ((0, 0), (0, 2)))
    fitted = fit_linear(target + 0.1 * draws.normal(size=target.shape), target)
    left = residuals(fitted.transform(target), fitted.place(target), principal_components(target))
    assert np.isnan(left.unexplained[3:]).all()
    assert np.isfinite(left.unexplained[:3]).all()


def test_residuals_of_unlike_shapes_are_refused():
    basis = principal_components(np.random.default_rng(0).normal(size=(9, 4)))
    with pytest.raises(ValueError, match="do not belong, or not to a basis of 4"):
        residuals(np.ones((5, 3)), np.ones((5, 3)), basis)
    with pytest.raises(ValueError, match="are zero everywhere"):
        residuals(np.zeros((5, 4)), np.ones((5, 4)), basis)
