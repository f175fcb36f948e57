"""The linear probe: its optimum re-derived, its C chosen on images of their own."""

import numpy as np
import pytest

from unispace.evaluation.linear_probe import NotConverged, choose_probe, fit_probe


def world(seed, n=240, classes=4, noise=0.6):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, classes, n)
    return np.eye(classes, 6)[label] + noise * rng.normal(size=(n, 6)), label


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("penalty", [0.1, 3.0])
def test_the_gradient_of_the_penalised_likelihood_is_zero(penalty):
    vectors, label = world(0)
    model = fit_probe(vectors, label, penalty).model
    x, weights = unit(vectors), model.coef_
    logits = x @ weights.T + model.intercept_
    share = np.exp(logits - logits.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    residual = share - np.eye(4)[label]
    # Of C * sum of losses + |weights|^2 / 2; the intercept has no penalty.
    np.testing.assert_allclose(penalty * residual.T @ x + weights, 0, atol=2e-2 * penalty)
    np.testing.assert_allclose(residual.sum(axis=0), 0, atol=2e-2)


def test_it_labels_what_is_linearly_separable_and_nothing_where_labels_are_shuffled():
    (fit, label), (test, true) = world(1, noise=0.1), world(2, noise=0.1)
    assert np.mean(fit_probe(fit, label, 10.0).predict(test) == true) == 1
    shuffled = np.random.default_rng(0).permutation(label)
    assert np.mean(fit_probe(fit, shuffled, 10.0).predict(test) == true) < 0.45  # chance is 1/4


def test_the_length_of_vectors_means_nothing():
    vectors, label = world(3)
    stretched = vectors * np.random.default_rng(0).uniform(0.1, 9, (len(vectors), 1))
    one, other = (fit_probe(v, label, 10.0).predict(vectors) for v in (vectors, stretched))
    np.testing.assert_array_equal(one, other)


def test_the_best_penalty_on_val_is_taken_and_the_smallest_of_equal_ones():
    (fit, label), (val, known) = world(4, noise=1.2), world(5, noise=1.2)
    penalties = (1000.0, 0.01, 1.0)
    chosen = choose_probe(fit, label, val, known, penalties)
    share = [np.mean(fit_probe(fit, label, c).predict(val) == known) for c in penalties]
    assert chosen.accuracy == tuple(share)
    assert len(set(share)) > 1
    assert chosen.penalty == min(c for c, s in zip(penalties, share, strict=True) if s == max(share))  # fmt: skip
    (fit, label), (val, known) = world(6, noise=0.05), world(7, noise=0.05)
    assert choose_probe(fit, label, val, known, (100.0, 10.0)).penalty == 10.0


def test_val_images_are_not_fitted_on():
    (fit, label), (val, known) = world(8), world(9)
    chosen = choose_probe(fit, label, val, known, (1.0,))
    np.testing.assert_array_equal(chosen.model.coef_, fit_probe(fit, label, 1.0).model.coef_)


def test_the_same_again_is_the_same():
    vectors, label = world(10)
    one, other = (fit_probe(vectors, label, 100.0).model for _ in range(2))
    np.testing.assert_array_equal(one.coef_, other.coef_)


def test_a_solver_that_does_not_arrive_fails():
    vectors, label = world(11)
    with pytest.raises(NotConverged, match="C = 1000 did not converge in 2 iterations"):
        fit_probe(vectors, label, 1000.0, iterations=2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": np.zeros(240, int)}, "at least 2 classes, got 1"),
        ({"label": np.arange(9)}, "240 vectors for 9 labels"),
        ({"val_label": np.arange(0), "val_vectors": np.ones((0, 6))}, "0 val labels"),
        ({"penalties": ()}, "0 values of C"),
    ],
)
def test_what_cannot_be_fitted_is_refused(change, message):
    vectors, label = world(12)
    given = {"vectors": vectors, "label": label, "val_vectors": vectors, "val_label": label}
    with pytest.raises(ValueError, match=message):
        choose_probe(**{**given, "penalties": (1.0,), **change})
