"""The path of penalties: every optimum is that of scikit-learn, which is the reference."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from unispace.evaluation import penalty_path
from unispace.evaluation.penalty_path import Unfinished, fit_path


def world(seed, n=200, d=12, classes=5, noise=0.8, of=0):
    """Unit vectors off the origin, with variances that fall as those of embeddings do; `of` draws other images."""
    rng, images = np.random.default_rng(seed), np.random.default_rng([seed, of])
    fall = np.arange(1, d + 1) ** -0.5
    centre, off = rng.normal(size=(classes, d)), rng.normal(size=d)
    label = images.permutation(np.arange(n) % classes)
    vectors = (centre[label] + noise * images.normal(size=(n, d)) + off) * fall
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), label


def reference(vectors, label, penalty):
    """The optimum as scikit-learn has it when it is asked for more digits than by default."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return LogisticRegression(C=penalty, tol=1e-8, max_iter=50_000).fit(vectors, label)


def loss(vectors, label, coef, intercept, penalty):
    """Mean loss and penalty, from the definition."""
    scores = vectors @ coef.T + intercept
    if coef.shape[0] == 1:
        scores = np.hstack([np.zeros_like(scores), scores])
    share = np.exp(scores - scores.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    codes = np.unique(label, return_inverse=True)[1]
    likelihood = np.log(share[np.arange(len(label)), codes]).mean()
    return -likelihood + (coef**2).sum() / (2 * penalty * len(label))


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
def test_weights_are_those_of_scikit_learn(classes, penalty):
    vectors, label = world(0, classes=classes)
    ((_, ours),) = fit_path(vectors, label, [penalty], 1000)
    theirs = reference(vectors, label, penalty)
    assert ours.coef_.shape == theirs.coef_.shape
    assert ours.intercept_.shape == theirs.intercept_.shape
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    size = np.abs(theirs.coef_).max()
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-2 * size)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-2 * max(size, 1))


@pytest.mark.parametrize(
    "shape", [{}, {"classes": 2}, {"n": 40, "d": 60}, {"n": 60, "d": 60, "classes": 20}]
)
def test_every_penalty_of_a_path_labels_as_scikit_learn_does(shape):
    vectors, label = world(1, **shape)
    others, true = world(1, **{**shape, "n": 400, "of": 1})
    count = 0
    for penalty, ours in fit_path(vectors, label, np.geomspace(0.01, 1000, 9), 1000):
        found, theirs = ours.predict(others), reference(vectors, label, penalty).predict(others)
        assert (found != theirs).sum() <= 1
        assert abs(int(np.sum(found == true)) - int(np.sum(theirs == true))) <= 1
        count += 1
    assert count == 9


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 6), st.floats(-3, 3), st.floats(0.1, 3))
def test_no_weights_are_better(seed, classes, exponent, noise):
    penalty = 10.0**exponent
    vectors, label = world(seed, n=90, d=8, classes=classes, noise=noise)
    ((_, ours),) = fit_path(vectors, label, [penalty], 5000)
    theirs = reference(vectors, label, penalty)
    least = loss(vectors, label, theirs.coef_, theirs.intercept_, penalty)
    assert loss(vectors, label, ours.coef_, ours.intercept_, penalty) < least + 1e-6


def test_the_order_of_penalties_means_nothing_and_a_path_ends_where_each_alone_would():
    vectors, label = world(2)
    rising, falling = (
        list(fit_path(vectors, label, p, 1000)) for p in ([1, 10, 100], [100, 10, 1])
    )
    assert [c for c, _ in rising] == [c for c, _ in falling] == [1, 10, 100]
    for (c, one), (_, other) in zip(rising, falling, strict=True):
        np.testing.assert_array_equal(one.coef_, other.coef_)
        ((_, alone),) = fit_path(vectors, label, [c], 1000)
        np.testing.assert_allclose(one.coef_, alone.coef_, atol=1e-2 * np.abs(alone.coef_).max())


def test_labels_are_given_back_as_they_were():
    vectors, label = world(3, classes=3)
    ((_, ours),) = fit_path(vectors, np.array([7, -2, 40])[label], [10.0], 1000)
    assert set(ours.predict(vectors)) == {7, -2, 40}
    two, label = world(3, classes=2)
    ((_, ours),) = fit_path(two, np.array([9, 4])[label], [1000.0], 1000)
    assert np.mean(ours.predict(two) == np.array([9, 4])[label]) > 0.9


def test_a_start_from_before_spares_steps(monkeypatch):
    vectors, label = world(4, n=300, d=30, classes=8)
    penalties, count = np.geomspace(0.1, 100, 12), 0
    real = penalty_path._Problem.__call__

    def counting(self, flat):
        nonlocal count
        count += 1
        return real(self, flat)

    monkeypatch.setattr(penalty_path._Problem, "__call__", counting)
    for penalty in penalties:
        list(fit_path(vectors, label, [penalty], 1000))
    alone, count = count, 0
    list(fit_path(vectors, label, penalties, 1000))
    assert count < 0.8 * alone


def test_too_few_steps_are_told_with_the_penalty():
    vectors, label = world(5)
    with pytest.raises(Unfinished, match="C = 100 takes more iterations") as caught:
        list(fit_path(vectors, label, [100.0], 2))
    assert caught.value.penalty == 100.0


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([2, 4]), st.floats(-2, 2), st.floats(0.1, 10))
def test_weights_of_images_are_sample_weights(seed, classes, exponent, factor):
    penalty = 10.0**exponent
    vectors, label = world(seed, n=80, d=6, classes=classes)
    weights = factor * np.random.default_rng(seed).uniform(0.2, 3, len(label))
    ((_, ours),) = fit_path(vectors, label, [penalty], 5000, weights)
    model = LogisticRegression(C=penalty, tol=1e-8, max_iter=50_000)
    theirs = model.fit(vectors, label, sample_weight=weights)
    size = max(np.abs(theirs.coef_).max(), 1)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-2 * size)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-2 * size)


def test_an_image_of_weight_two_is_that_image_twice():
    vectors, label = world(6, n=60, classes=3)
    twice = np.arange(60) % 4 == 0
    ((_, weighed),) = fit_path(vectors, label, [1.0], 5000, np.where(twice, 2.0, 1.0))
    more = np.append(np.arange(60), np.flatnonzero(twice))
    ((_, repeated),) = fit_path(vectors[more], label[more], [1.0], 5000)
    np.testing.assert_allclose(weighed.coef_, repeated.coef_, atol=2e-3)
