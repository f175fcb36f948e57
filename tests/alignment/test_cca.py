"""Canonical correlation analysis against its definitions and against scikit-learn."""

import numpy as np
import pytest
from sklearn.cross_decomposition import CCA

from unispace.alignment.maps import METHODS
from unispace.alignment.space import unit_rows

fit = METHODS["cca"]


def clouds(n=300, dx=6, dy=9, seed=0):
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(n, 4)) * np.array([1, 0.8, 0.6, 0.4])
    return tuple(
        latent @ rng.normal(size=(4, d)) + 0.5 * rng.normal(size=(n, d)) + 1 for d in (dx, dy)
    )


def correlations(one, other):
    return np.array([np.corrcoef(one[:, i], other[:, i])[0, 1] for i in range(one.shape[1])])


def canonical(source, target):
    """Roots of the eigenvalues of Sxx^-1 Sxy Syy^-1 Syx."""
    x, y = (v - v.mean(axis=0) for v in (source, target))
    one, other = np.linalg.solve(x.T @ x, x.T @ y), np.linalg.solve(y.T @ y, y.T @ x)
    return np.sqrt(np.sort(np.linalg.eigvals(one @ other).real)[::-1])


@pytest.mark.parametrize(("dx", "dy"), [(6, 9), (9, 6), (6, 6)])
def test_correlations_are_the_canonical_ones(dx, dy):
    source, target = clouds(dx=dx, dy=dy)
    fitted = fit(source, target, components=None)
    one, other = fitted.transform(source), fitted.place(target)
    np.testing.assert_allclose(correlations(one, other), canonical(source, target)[:6], atol=1e-5)
    for variates in (one, other):
        np.testing.assert_allclose(variates.T @ variates / 300, np.eye(6), atol=1e-4)
    assert fitted.settings["components"] == 6


def test_the_first_components_are_those_of_scikit_learn():
    source, target = clouds()
    fitted = fit(source, target, components=3)
    peer = CCA(3, scale=False, max_iter=20_000, tol=1e-12).fit(source, target)
    for found, expected in zip(
        (fitted.transform(source), fitted.place(target)),
        peer.transform(source, target),
        strict=True,
    ):
        np.testing.assert_allclose(np.abs(correlations(found, expected)), 1, atol=1e-5)


def test_all_components_compare_as_whitened_procrustes_does():
    """W of whitened Procrustes is A B^-1, with A and B the canonical directions of the two models."""
    source, target = clouds(dx=6, dy=6)
    fitted = fit(source, target, components=None)
    expected = METHODS["whitened-procrustes"](source, target, shrinkage=0.0).matrix
    found = fitted.matrix @ np.linalg.inv(fitted.target.basis.astype(np.float64))
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_no_linear_change_of_either_space_changes_what_cca_compares():
    source, target = clouds()
    rng = np.random.default_rng(5)
    before = fit(source, target, components=4)
    turned = source @ rng.normal(size=(6, 6)), target @ rng.normal(size=(9, 9))
    after = fit(*turned, components=4)
    scores = [
        unit_rows(f.transform(s)) @ unit_rows(f.place(t)).T
        for f, s, t in ((before, source, target), (after, *turned))
    ]
    np.testing.assert_allclose(*scores, atol=1e-3)


def test_few_rows_correlate_perfectly_unless_shrunk():
    rng = np.random.default_rng(2)
    source, target = rng.normal(size=(10, 30)), rng.normal(size=(10, 30))
    free, shrunk = fit(source, target), fit(source, target, shrinkage=0.5)
    assert free.settings["components"] == 9  # of the 50 that were asked for
    one, other = free.transform(source), free.place(target)
    np.testing.assert_allclose(correlations(one, other), 1, atol=1e-4)
    fresh = rng.normal(size=(200, 30)), rng.normal(size=(200, 30))
    for fitted in (free, shrunk):
        found = correlations(fitted.transform(fresh[0]), fitted.place(fresh[1]))
        assert np.abs(found).max() < 0.25
