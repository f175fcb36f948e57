"""Paired changes: planted truths, symmetries, and what cannot be compared."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unispace.evaluation.bootstrap import draw, wilson_interval
from unispace.evaluation.changes import change, verdict
from unispace.evaluation.classification import classify
from unispace.evaluation.measure import Measure
from unispace.evaluation.verification import compare, verify

RESAMPLES = 200


def seeded():
    return np.random.default_rng(7)


def top1(right, label):
    """Top-1 of a model that is right where `right` says so."""
    return classify(np.where(right, label, -1), label, RESAMPLES, seeded())[0]


def auc(vectors, identity):
    pairs = compare(vectors, vectors, identity, same_space=True)
    return verify(pairs, [], RESAMPLES, seeded())[0][0]


def people(rng, noise, number, images=3):
    """Vectors of two models of the same images: one identity direction, noise of their own."""
    identity = np.repeat(np.arange(number), images)
    centre = rng.normal(size=(number, 4))[identity]
    return [centre + level * rng.normal(size=centre.shape) for level in noise], identity


def test_a_planted_change_of_auc_is_found_and_its_interval_covers_it():
    noise = (0.7, 1.1)
    models, identity = people(np.random.default_rng(1), noise, 500)
    better, worse = (auc_of(v, identity) for v in models)
    truth = better - worse
    assert truth > 0.08
    covered = positive = 0
    for seed in range(40):
        models, identity = people(np.random.default_rng(100 + seed), noise, 30)
        found = change(*(auc(v, identity) for v in models))
        covered += found.lower <= truth <= found.upper
        positive += found.lower > 0
    assert covered >= 0.9 * 40
    assert positive >= 0.75 * 40


def auc_of(vectors, identity):
    """Mann-Whitney, from ranks."""
    from scipy.stats import rankdata

    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    first, second = np.triu_indices(len(unit), 1)
    rank = rankdata(np.einsum("ij,ij->i", unit[first], unit[second]))
    genuine = identity[first] == identity[second]
    m, n = genuine.sum(), (~genuine).sum()
    return (rank[genuine].sum() - m * (m + 1) / 2) / (m * n)


@pytest.mark.parametrize("effect", [0.0, 0.1])
def test_intervals_over_classes_cover_a_planted_change(effect):
    covered = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        # Classes differ in how hard they are, for both models alike, and in what the change is.
        hard = rng.uniform(0.3, 0.7, 40)
        gain = effect + rng.uniform(-0.15, 0.15, 40)
        label = np.repeat(np.arange(40), 8)
        throw = rng.random((2, len(label)))
        model = top1(throw[0] < (hard + gain)[label], label)
        reference = top1(throw[1] < hard[label], label)
        found = change(model, reference)
        covered += found.lower <= effect <= found.upper
    assert covered >= 0.9 * 120


def test_pairing_makes_the_interval_shorter_than_two_separate_ones():
    rng = np.random.default_rng(0)
    label = np.repeat(np.arange(30), 10)
    right = rng.random(300) < rng.uniform(0, 1, 30)[label]  # classes differ a lot
    model, reference = top1(right | (rng.random(300) < 0.1), label), top1(right, label)
    found = change(model, reference)
    apart = np.hypot(model.upper - model.lower, reference.upper - reference.lower)
    assert found.lower > 0
    assert found.upper - found.lower < apart / 2


def test_the_interval_is_that_of_a_plain_loop_over_resamples():
    rng = np.random.default_rng(3)
    label = rng.integers(0, 12, 100)
    one, other = rng.random((2, 100)) < [[0.7], [0.5]]
    found = change(top1(one, label), top1(other, label))
    names = np.unique(label)
    differences = []
    for weight in draw(len(names), RESAMPLES, seeded()):
        rows = np.concatenate([np.repeat(np.flatnonzero(label == c), w) for c, w in zip(names, weight, strict=True)])  # fmt: skip
        differences.append(one[rows].mean() - other[rows].mean())
    np.testing.assert_allclose(
        [found.lower, found.upper], np.quantile(differences, [0.025, 0.975]), atol=1e-12
    )


@settings(deadline=None, max_examples=40, derandomize=True)
@given(st.integers(0, 10**6))
def test_a_change_is_the_difference_of_the_values_and_antisymmetric(seed):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 8, 60)
    one, other = (top1(rng.random(60) < share, label) for share in rng.random(2))
    there, back = change(one, other), change(other, one)
    assert there.value == one.value - other.value
    assert (there.metric, there.n, there.unit, there.chance) == ("top-1", 60, "class", None)
    np.testing.assert_allclose(
        [there.value, there.lower, there.upper],
        [-back.value, -back.upper, -back.lower],
        atol=1e-12,
    )
    assert there.lower <= there.upper


def test_a_model_does_not_differ_from_itself():
    rng = np.random.default_rng(0)
    models, identity = people(rng, (0.8,), 15)
    alone = change(auc(models[0], identity), auc(models[0], identity))
    assert (alone.value, alone.lower, alone.upper) == (0, 0, 0)


def test_two_perfect_models_are_not_known_to_be_equal():
    label = np.repeat(np.arange(20), 5)
    perfect = top1(np.ones(100, bool), label)
    found = change(perfect, perfect)
    width = 1 - wilson_interval(1.0, 20)[0]
    assert found.value == 0
    np.testing.assert_allclose([found.lower, found.upper], [-width, width])
    nothing = top1(np.zeros(100, bool), label)
    most = change(perfect, nothing)
    assert (most.value, most.upper) == (1, 1)
    np.testing.assert_allclose(most.lower, 1 - np.sqrt(2) * width)
    # One perfect model beside a fallible one has a difference that varies.
    fallible = top1(np.random.default_rng(0).random(100) < 0.8, label)
    np.testing.assert_allclose(
        change(perfect, fallible).upper, np.quantile(1 - fallible.samples, 0.975)
    )


def test_a_failed_cell_makes_a_failed_change_that_says_whose_it_is():
    label = np.repeat(np.arange(4), 5)
    good = top1(np.arange(20) % 3 > 0, label)
    bad = Measure.failed("top-1", 20, "class", "loss diverged at step 7")
    assert change(bad, good).status == "failed: model loss diverged at step 7"
    assert change(good, bad).status == "failed: reference loss diverged at step 7"


def test_too_few_resamples_with_the_metric_fail():
    samples = np.where(np.arange(RESAMPLES) % 5, 0.7, np.nan)
    measure = Measure("AUC", 0.7, 0.6, 0.8, 10, "identity", samples=samples)
    assert change(measure, measure).status.startswith("failed: only 160 of 200 resamples")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Measure("Rank-1", 0.5, 0.4, 0.6, 9, "class"), "not one metric of the same images"),
        (Measure("top-1", 0.5, 0.4, 0.6, 8, "class"), "not one metric of the same images"),
        (Measure("top-1", 0.5, 0.4, 0.6, 9, "class"), "takes the samples of both"),
        (
            Measure("top-1", 0.5, 0.4, 0.6, 9, "class", samples=np.zeros(3)),
            "4 and 3 resamples cannot be paired",
        ),
    ],
)
def test_what_does_not_belong_together_is_refused(other, message):
    one = Measure("top-1", 0.5, 0.4, 0.6, 9, "class", samples=np.zeros(4))
    with pytest.raises(ValueError, match=message):
        change(one, other)


@pytest.mark.parametrize(
    ("lower", "upper", "says"),
    [
        (-0.02, 0.02, "equivalent"),
        (-0.02, 0.10, "not inferior"),
        (0.10, 0.20, "not inferior"),
        (-0.03, 0.00, "undecided"),
        (-0.30, 0.10, "undecided"),
        (-0.30, -0.03, "inferior"),
    ],
)
def test_a_margin_decides(lower, upper, says):
    assert verdict(lower, upper, 0.03) == says


def test_a_margin_is_above_zero():
    with pytest.raises(ValueError, match="no interval or no margin"):
        verdict(0.0, 0.1, 0.0)
