"""The ceilings: a planted relation that no linear map follows."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import PolynomialFeatures

from unispace.alignment.maps import METHODS, fit_linear, fit_ridge


def planted(n=1500, seed=0, noise=0.02):
    """A target of which half is linear in the source and half are products of its coordinates."""
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(n, 4)) * np.array([3, 2, 1, 0.5]) + 1
    x = source - 1
    products = np.stack([x[:, 0] * x[:, 1], x[:, 2] ** 2 - 1, x[:, 1] * x[:, 3]], axis=1)
    target = np.hstack([x @ np.diag([1, -1, 2, 1]), products]) + noise * rng.normal(size=(n, 7))
    return source, target


def unexplained(fitted, source, target):
    """Squared error over the variance of the target, by coordinate."""
    gap = fitted.transform(source) - fitted.place(target)
    return np.mean(gap**2, axis=0) / np.var(target, axis=0)


def test_a_quadratic_map_follows_a_quadratic_relation_and_a_linear_one_does_not():
    source, target = planted()
    fresh = planted(seed=1)
    quadratic = METHODS["quadratic"](source, target, alpha=1e-3)
    assert unexplained(quadratic, *fresh).max() < 0.01
    linear = unexplained(fit_linear(source, target), *fresh)
    assert linear[:4].max() < 0.01
    assert linear[4:].min() > 0.9
    assert (quadratic.is_linear, fit_linear(source, target).is_linear) == (False, True)


def test_a_perceptron_follows_it_too():
    source, target = planted()
    fresh = planted(seed=1)
    options = {"width": 64, "epochs": 150, "learning_rate": 3e-3, "batch_size": 64}
    assert unexplained(METHODS["mlp"](source, target, **options), *fresh).max() < 0.15


@pytest.mark.parametrize("alpha", [1e-3, 50.0])
def test_it_is_ridge_regression_on_standardised_products(alpha):
    source, target = planted(200)
    x = source - source.mean(axis=0)
    values, vectors = np.linalg.eigh(x.T @ x / len(x))
    white = x @ vectors[:, ::-1] / np.sqrt(values[::-1])
    products = PolynomialFeatures(2, include_bias=False).fit_transform(white)[:, 4:]
    features = np.hstack([x, np.sqrt(values.mean()) * (products - products.mean(axis=0))])
    peer = Ridge(alpha, fit_intercept=False).fit(features, target - target.mean(axis=0))
    fitted = METHODS["quadratic"](source, target, alpha=alpha)
    np.testing.assert_allclose(fitted.transform(source), peer.predict(features), atol=2e-3)
    assert fitted.parameter_count == (4 + 10) * 7


def test_a_heavy_penalty_takes_products_and_coordinates_down_alike():
    source, target = planted(200)
    fitted = METHODS["quadratic"](source, target, alpha=1e9)
    assert np.abs(fitted.transform(source)).max() < 1e-3


def test_quadratic_maps_scale_with_the_vectors():
    source, target = planted(200)
    one = METHODS["quadratic"](source, target, alpha=0.5)
    other = METHODS["quadratic"](10 * source, target, alpha=50.0)
    np.testing.assert_allclose(one.transform(source), other.transform(10 * source), atol=1e-3)


def test_few_components_give_few_products():
    source, target = planted(200)
    fitted = METHODS["quadratic"](source, target, components=2)
    assert fitted.matrix.shape == (4 + 3, 7)
    flat = source.copy()
    flat[:, 3] = 0  # a component without variance has no products
    assert METHODS["quadratic"](flat, target).matrix.shape == (4 + 6, 7)


def test_the_penalty_of_products_is_chosen_on_identities_too():
    source, target = planted(200)
    identity = np.repeat(np.arange(50), 4)
    fitted = METHODS["quadratic"](source, target, alpha=(1e-3, 1e6), identity=identity)
    assert fitted.settings["alpha"] == 1e-3
    assert max(fitted.settings["held_out_cosine"]) > 0.99


def test_the_rank_is_that_of_the_slope_at_the_mean():
    """By differences: of a quadratic map the linear part, of a perceptron the units that are active there."""
    source, target = planted(300)
    for method in ("quadratic", "mlp"):
        fitted = METHODS[method](source, target)
        mean, step = fitted.source.mean.astype(np.float64), 1e-2
        moves = step * np.eye(4)
        slope = (fitted.transform(mean + moves) - fitted.transform(mean - moves)) / (2 * step)
        singular = np.linalg.svd(slope, compute_uv=False)
        share = singular / singular.sum()
        expected = np.exp(-np.sum(share * np.log(share)))
        assert fitted.effective_rank == pytest.approx(expected, rel=0.02)


def test_a_perceptron_is_the_same_for_the_same_seed_and_another_for_another():
    source, target = planted(200)
    fits = [
        METHODS["mlp"](source, target, width=16, epochs=3, rng=np.random.default_rng(seed))
        for seed in (0, 0, 1)
    ]
    mapped = [fitted.transform(source) for fitted in fits]
    np.testing.assert_array_equal(mapped[0], mapped[1])
    assert np.abs(mapped[0] - mapped[2]).max() > 1e-3


def test_a_linear_relation_needs_no_ceiling():
    rng = np.random.default_rng(0)
    source = rng.normal(size=(300, 5))
    target = source @ rng.normal(size=(5, 5))
    quadratic = METHODS["quadratic"](source, target, alpha=0.1)
    linear = fit_ridge(source, target, alpha=0.1)
    np.testing.assert_allclose(
        quadratic.transform(source), linear.transform(source), atol=0.01 * np.abs(target).max()
    )
