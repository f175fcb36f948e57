"""PCA transfer: planted subspaces take as many components as they have dimensions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from unispace.analysis.choice import some_images, whole_labels
from unispace.analysis.subspaces import (
    Basis,
    growing,
    principal_components,
    random_basis,
)
from unispace.analysis.transfer import (
    Classification,
    Resampled,
    Score,
    Verification,
    kept_first,
    mean_score,
    sizes_within,
    without_first,
)
from unispace.analysis.transfer_table import Failed, Plan, transfer_tables
from unispace.evaluation.bootstrap import TooFewClusters, draw, verification_samples
from unispace.evaluation.classification import nearest_neighbours
from unispace.evaluation.verification import auc, compare, roc

D = 24


def people(axes, rng, count=40, each=5, noise=0.35):
    """Images of persons who differ along some axes only: `(vectors (n, D), names)`."""
    means = rng.normal(size=(count, len(axes))) @ axes
    vectors = np.repeat(means, each, axis=0)
    vectors = vectors + noise * rng.normal(size=(len(vectors), len(axes))) @ axes
    return vectors.astype(np.float32), [f"p{i}" for i in np.repeat(np.arange(count), each)]


def space(dimension, seed=0):
    """Axes of a random subspace, `(dimension, D)`."""
    return random_basis(D, np.random.default_rng(seed)).axes[:, :dimension].T


def smallest(task, fit, sizes, share=0.95):
    scores = kept_first(task, principal_components(fit), fit.mean(axis=0), sizes)
    resampled = Resampled(task, scores[max(scores)], 200, np.random.default_rng(0))
    return resampled.components(scores, share, gain=True)


@pytest.mark.parametrize("r", [3, 6])
def test_tasks_in_one_subspace_take_as_many_components_as_it_has(r):
    # Equal variance along few axes: each component carries its share of the gain.
    rng, axes = np.random.default_rng(1), space(r)
    fit, _ = people(axes, rng, count=200)
    test, names = people(axes, rng, count=80, noise=0.9)
    found, dimension = smallest(
        Verification(test, names, 10**6, rng), fit, range(1, D + 1), share=0.99
    )
    assert (found.value, dimension, found.status) == (r, D, "ok")
    assert found.lower <= r <= found.upper


def test_a_task_in_an_orthogonal_subspace_is_not_carried_before_it_is_covered():
    rng = np.random.default_rng(2)
    axes = random_basis(D, rng).axes.T
    fit, _ = people(axes[:8], rng, count=100)
    test, names = people(axes[8:14], rng)
    scores = kept_first(
        Verification(test, names, 10**6, rng),
        principal_components(fit),
        fit.mean(axis=0),
        [4, 8, D],
    )
    assert scores[4].value == pytest.approx(0.5, abs=0.03)
    assert scores[8].value == pytest.approx(0.5, abs=0.03)
    assert scores[D].value > 0.9


def test_classes_in_another_subspace_are_at_chance_and_in_the_same_one_are_carried():
    rng = np.random.default_rng(3)
    axes = random_basis(D, rng).axes.T
    fit, fit_names = people(axes[:5], rng, count=10, each=30)
    means = np.stack([fit[np.array(fit_names) == f"p{i}"].mean(axis=0) for i in range(10)])
    test = (np.repeat(means, 8, axis=0) + 0.1 * rng.normal(size=(80, D))).astype(np.float32)
    names = [f"p{i}" for i in np.repeat(np.arange(10), 8)]
    task = Classification(test, names, fit, fit_names, 5)
    own = kept_first(task, principal_components(fit), fit.mean(axis=0), [5, D])
    assert own[5].value >= 0.95 * own[D].value > 0.9
    other, _ = people(axes[5:9], rng, count=60)
    far = kept_first(task, principal_components(other), fit.mean(axis=0), [4, D])
    assert far[4].value < 0.3
    assert task.chance == 0.1


def test_scores_of_the_whole_space_are_those_of_the_study():
    rng = np.random.default_rng(4)
    vectors, names = people(space(D), rng)
    index = np.unique(names, return_inverse=True)[1]
    whole = Basis(np.eye(D), D)
    (score,) = kept_first(
        Verification(vectors, names, 10**6, rng), whole, np.zeros(D), [D]
    ).values()
    pairs = compare(vectors, vectors, index, same_space=True)
    assert score.value == pytest.approx(auc(roc(pairs.scores, pairs.genuine)), abs=1e-6)
    fit, fit_names = people(space(D), np.random.default_rng(4), each=7)
    task = Classification(vectors, names, fit, fit_names, 5)
    (top,) = kept_first(task, whole, np.zeros(D), [D]).values()
    expected = nearest_neighbours(fit, np.unique(fit_names, return_inverse=True)[1], vectors, 5)
    assert top.value == np.mean(expected == index)


def test_influence_is_the_derivative_by_how_often_an_identity_is_drawn():
    rng = np.random.default_rng(5)
    vectors, names = people(space(4), rng, count=12, each=4, noise=1.2)
    task = Verification(vectors, names, 10**6, rng)
    (score,) = kept_first(task, Basis(np.eye(D), D), np.zeros(D), [D]).values()
    index = np.unique(names, return_inverse=True)[1]
    pairs = compare(vectors, vectors, index, same_space=True)
    step = 1e-3
    for person in range(12):
        weight = np.ones(12)
        weight[person] += step
        both = weight[pairs.first] * weight[pairs.second]
        both[pairs.genuine] = weight[pairs.first[pairs.genuine]]
        moved = roc_auc_score(pairs.genuine, pairs.scores, sample_weight=both)
        assert (moved - score.value) / step == pytest.approx(score.influence[person], abs=2e-4)


def test_intervals_are_nearly_those_of_the_exact_bootstrap():
    rng = np.random.default_rng(6)
    vectors, names = people(space(6), rng, count=80, noise=1.0)
    task = Verification(vectors, names, 10**6, rng)
    (score,) = kept_first(task, Basis(np.eye(D), D), np.zeros(D), [D]).values()
    weight = draw(80, 400, np.random.default_rng(0))
    pairs = compare(vectors, vectors, np.unique(names, return_inverse=True)[1], same_space=True)
    exact = verification_samples(pairs.scores, pairs.genuine, pairs.first, pairs.second, weight).auc
    linear = score.samples(weight.astype(float))
    assert np.corrcoef(exact, linear)[0, 1] > 0.95
    assert np.std(linear) == pytest.approx(np.std(exact), rel=0.1)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(2, 8))
def test_growing_cosines_are_those_of_projected_vectors(seed, d):
    rng = np.random.default_rng(seed)
    left, right = rng.normal(size=(5, d)), rng.normal(size=(4, d))
    basis = random_basis(d, rng)
    np.testing.assert_allclose(basis.axes.T @ basis.axes, np.eye(d), atol=1e-10)
    for k, cosines in growing(left, right, basis, range(1, d + 1)):
        ours, theirs = left @ basis.axes[:, :k], right @ basis.axes[:, :k]
        ours /= np.linalg.norm(ours, axis=1, keepdims=True)
        theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
        np.testing.assert_allclose(cosines.all(), ours @ theirs.T, atol=1e-4)
        rows, columns = np.array([0, 4]), np.array([3, 1])
        np.testing.assert_allclose(
            cosines.of(rows, columns), cosines.all()[rows, columns], atol=1e-6
        )


def test_what_has_no_extent_in_a_subspace_is_alike_to_nothing():
    axes = np.eye(4)
    left = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0]])
    (_, first), (_, second) = (
        (k, c.all().copy()) for k, c in growing(left, left, Basis(axes, 4), [1, 2])
    )
    np.testing.assert_array_equal(first, [[1, 0], [0, 0]])
    np.testing.assert_array_equal(second, np.eye(2))


def test_removed_components_leave_the_projection_on_the_others():
    rng = np.random.default_rng(7)
    vectors, names = people(space(D), rng)
    task, centre = Verification(vectors, names, 10**6, rng), vectors.mean(axis=0)
    basis = principal_components(vectors)
    left = without_first(task, basis, centre, [1, 5])
    for m, score in left.items():
        rest = (vectors - centre) @ basis.axes[:, m:]
        other = Verification(rest, names, 10**6, rng)
        (expected,) = kept_first(
            other, Basis(np.eye(D - m), D - m), np.zeros(D - m), [D - m]
        ).values()
        assert score.value == pytest.approx(expected.value, abs=1e-5)
    assert list(left) == [1, 5]


def test_components_are_those_of_the_covariance_and_know_their_rank():
    rng = np.random.default_rng(8)
    vectors = (rng.normal(size=(60, 3)) * [5, 2, 1]) @ space(3) + 3
    basis = principal_components(vectors.astype(np.float32))
    assert basis.rank == 3
    variance = ((vectors - vectors.mean(axis=0)) @ basis.axes).var(axis=0)
    assert (np.diff(variance[:3]) < 0).all()
    np.testing.assert_allclose(variance[3:], 0, atol=1e-9)
    assert sizes_within([1, 2, 5, 10], basis) == [1, 2, 3, D]
    with pytest.raises(ValueError, match="all 4 vectors are equal"):
        principal_components(np.ones((4, 3)))
    with pytest.raises(ValueError, match="need at least 2 vectors, got 1"):
        principal_components(np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"sizes must rise within 1 \.\. 24"):
        next(growing(vectors, vectors, basis, [2, 1]))


def scored(*values, clusters=20):
    rng = np.random.default_rng(0)
    return {k: Score(v, 1e-3 * rng.normal(size=clusters)) for k, v in values}


class _Task:
    chance, clusters = 0.5, 20


def test_the_smallest_number_is_the_one_from_which_on_all_keep_the_share():
    scores = scored((1, 0.99), (2, 0.7), (5, 0.985), (10, 0.6), (20, 0.99), (24, 1.0))
    resampled = Resampled(_Task(), scores[24], 100, np.random.default_rng(0))
    assert resampled.components(scores, 0.95, gain=False)[0].value == 20
    assert resampled.components(scores, 0.30, gain=True)[0].value == 20
    assert resampled.components(scores, 0.15, gain=True)[0].value == 1


def test_the_gain_is_stricter_than_the_value():
    scores = scored((1, 0.6), (24, 0.62))
    resampled = Resampled(_Task(), scores[24], 100, np.random.default_rng(0))
    assert resampled.kept(scores[1], gain=False).value == pytest.approx(0.6 / 0.62)
    assert resampled.kept(scores[1], gain=True).value == pytest.approx(0.1 / 0.12)


def test_nothing_is_kept_of_no_gain():
    scores = scored((1, 0.5), (24, 0.5))
    resampled = Resampled(_Task(), scores[24], 100, np.random.default_rng(0))
    kept = resampled.kept(scores[1], gain=True)
    assert kept.status == "failed: 0.500 in the whole space is not above chance, 0.500"
    assert np.isnan(kept.value)
    assert resampled.kept(scores[1], gain=False).value == 1
    assert resampled.components(scores, 0.95, gain=True)[0].status == kept.status


def test_one_cluster_has_no_interval():
    class One(_Task):
        clusters = 1

    with pytest.raises(TooFewClusters, match="at least 2 clusters"):
        Resampled(One(), Score(0.9, np.zeros(1)), 100, np.random.default_rng(0))


def test_mean_of_scores():
    mean = mean_score([Score(0.2, np.array([1.0, 3.0])), Score(0.6, np.array([3.0, 5.0]))])
    assert mean.value == pytest.approx(0.4)
    np.testing.assert_array_equal(mean.influence, [2, 4])


def test_tasks_that_cannot_be_tested_say_why():
    vectors = np.eye(3, dtype=np.float32)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="needs genuine pairs"):
        Verification(vectors, ["a", "b", "c"], 10, rng)
    with pytest.raises(ValueError, match="needs impostor pairs"):
        Verification(vectors, ["a", "a", "a"], 10, rng)
    with pytest.raises(ValueError, match="class `c` is tested, and no fit image shows it"):
        Classification(vectors, ["a", "b", "c"], vectors, ["a", "b", "a"], 1)
    with pytest.raises(ValueError, match="at least 2 classes"):
        Classification(vectors, ["a", "a", "a"], vectors, ["a", "b", "a"], 1)


@pytest.fixture(scope="module")
def tables():
    """Two tasks in one subspace of 4 dimensions, one that cannot be tested, and unrelated images."""
    rng, axes = np.random.default_rng(9), space(4)
    tasks, fits = {}, {}
    for name in ("faces", "bodies"):
        test, names = people(axes, rng)
        tasks[name], fits[name] = Verification(test, names, 500, rng), people(axes, rng)[0]
    tasks["broken"] = Failed("AUC", "identity", "why not")
    unrelated = "far", rng.normal(size=(50, D)).astype(np.float32)
    plan = Plan([1, 2, 4, 10], [1, 2, 30], 2, 60)
    return transfer_tables(tasks, fits, unrelated, plan, 3)


def test_tables_hold_every_subspace_of_every_target(tables):
    curves, numbers = tables
    bases = {"components", "removed", "unrelated", "random", "none"}
    for target in ("faces", "bodies"):
        here = curves[curves["target"] == target]
        assert set(here["basis"]) == bases
        own = here[(here["basis"] == "components") & (here["centring"] == "source")]
        assert list(own.groupby("source")["components"].apply(list)) == [[1, 2, 4, D]] * 2
        assert (own[own["components"] == D][["kept", "gain"]] == 1).all(axis=None)
        assert set(here[here["basis"] == "removed"]["removed"]) == {1, 2}
    failed = curves[curves["target"] == "broken"]
    assert list(failed["status"]) == ["failed: why not"]
    assert failed["value"].isna().all()
    few = numbers[(numbers["basis"] == "components") & (numbers["measure"] == "gain")]
    assert (few["components"] <= 4).all()
    assert len(few) == 2 * 2 * 2 * 2
    more = numbers[(numbers["basis"] == "random") & (numbers["measure"] == "gain")]
    assert more["components"].min() > few["components"].max() or (more["components"] == D).all()


def test_own_centring_is_the_same_from_both_sides(tables):
    curves, _ = tables
    own = curves[(curves["basis"] == "components") & (curves["source"] == curves["target"])]
    parts = [own[own["centring"] == c].drop(columns="centring") for c in ("source", "target")]
    np.testing.assert_array_equal(parts[0]["value"], parts[1]["value"])


def test_whole_labels_are_chosen_and_the_same_ones_in_every_data_set():
    label = np.repeat([f"p{i}" for i in range(50)], 4)
    chosen = whole_labels(label, 60)
    assert chosen.sum() == 60
    assert all(
        chosen[label == name].all() or not chosen[label == name].any() for name in set(label)
    )
    again = whole_labels(label[::2], 30)
    np.testing.assert_array_equal(again, chosen[::2])
    assert whole_labels(label, 1).sum() == 8
    assert whole_labels(label, 10_000).all()
    assert some_images([f"i{i}" for i in range(30)], 12).sum() == 12
