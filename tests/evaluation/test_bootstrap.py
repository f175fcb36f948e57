"""The bootstrap against literally rebuilt samples, and its intervals against known coverage."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from unispace.evaluation import bootstrap, impostors
from unispace.evaluation.bootstrap import (
    TooFewClusters,
    cluster_mean,
    draw,
    falling_order,
    percentile_interval,
    proportion_interval,
    proportion_intervals,
    resampled_means,
    verification_samples,
    wilson_interval,
)
from unispace.evaluation.verification import auc, compare, eer, roc, tmr_at_fmr

TARGETS = (0.001, 0.1, 0.25, 0.5)
MANY = 10**9


def pairs_of(identity, ties, seed):
    """All pairs of images of these identities, with scores on a grid (many ties) or not."""
    rng = np.random.default_rng(seed)
    first, second = np.triu_indices(len(identity), 1)
    scores = rng.normal(size=len(first)) + (identity[first] == identity[second])
    scores = np.round(scores) if ties else scores
    return scores.astype(np.float32), identity[first], identity[second]


def rebuilt(scores, first, second, w):
    """The resample as a list of pairs: plain metrics of it, or None where they do not exist."""
    genuine = first == second
    copies = np.where(genuine, w[first], w[first] * w[second])
    scores, genuine = np.repeat(scores, copies), np.repeat(genuine, copies)
    if genuine.all() or not genuine.any():
        return None
    curve = roc(scores, genuine)
    return [auc(curve), eer(curve), *(tmr_at_fmr(curve, target, MANY) for target in TARGETS)]


def check_against_rebuilt(scores, first, second, multiplicity):
    samples = verification_samples(scores, first == second, first, second, multiplicity, TARGETS)
    ours = np.column_stack([samples.auc, samples.eer, samples.tmr])
    for row, w in zip(ours, multiplicity, strict=True):
        expected = rebuilt(scores, first, second, w)
        if expected is None:
            assert np.isnan(row).all()
        else:
            np.testing.assert_allclose(row, expected, atol=1e-12)


# Verification


@settings(deadline=None, max_examples=60, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(0, 5), min_size=4, max_size=16), st.booleans(), st.integers(0, 10**6))
def test_a_resample_is_the_rebuilt_sample(identity, ties, seed):
    identity = np.unique(identity, return_inverse=True)[1].astype(np.int32)
    assume(1 <= identity.max() < len(identity) - 1)
    pairs = pairs_of(identity, ties, seed)
    check_against_rebuilt(*pairs, draw(identity.max() + 1, 12, np.random.default_rng(seed)))


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize(("pair_block", "resample_block"), [(1, 1), (7, 3), (64, 32), (10**6, 5)])
def test_chunks_of_pairs_and_resamples_change_no_bit(monkeypatch, ties, pair_block, resample_block):
    pairs = pairs_of(np.repeat(np.arange(9, dtype=np.int32), 4), ties, 0)
    multiplicity = draw(9, 25, np.random.default_rng(0))
    plain = verification_samples(pairs[0], pairs[1] == pairs[2], *pairs[1:], multiplicity, TARGETS)
    monkeypatch.setattr(impostors, "PAIR_BLOCK", pair_block)
    monkeypatch.setattr(impostors, "MEMORY", 0)
    monkeypatch.setattr(bootstrap, "RESAMPLE_BLOCK", resample_block)
    check_against_rebuilt(*pairs, multiplicity)
    other = verification_samples(pairs[0], pairs[1] == pairs[2], *pairs[1:], multiplicity, TARGETS)
    for name in ("auc", "eer", "tmr"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(other, name))


def test_scores_of_embeddings_resample_like_the_rebuilt_sample():
    rng = np.random.default_rng(3)
    identity = rng.integers(0, 12, 60)
    vectors = rng.normal(size=(12, 8))[identity] + rng.normal(size=(60, 8))
    pairs = compare(vectors, vectors + 0.1, identity, same_space=False)
    check_against_rebuilt(pairs.scores, pairs.first, pairs.second, draw(12, 20, rng))


def test_pairs_in_falling_order_are_taken_as_they_come():
    scores, first, second = pairs_of(np.repeat(np.arange(6, dtype=np.int32), 4), True, 2)
    multiplicity = draw(6, 30, np.random.default_rng(0))
    plain = verification_samples(scores, first == second, first, second, multiplicity, TARGETS)
    order = np.argsort(-scores, kind="stable")
    assert falling_order(scores[order]) == slice(None)
    assert (np.diff(scores[falling_order(scores)]) <= 0).all()
    scores, first, second = (array[order] for array in (scores, first, second))
    sorted_before = verification_samples(
        scores, first == second, first, second, multiplicity, TARGETS
    )
    for name in ("auc", "eer", "tmr"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(sorted_before, name))


def test_each_identity_drawn_once_is_the_data_itself():
    scores, first, second = pairs_of(np.repeat(np.arange(6, dtype=np.int32), 3), False, 1)
    samples = verification_samples(
        scores, first == second, first, second, np.ones((1, 6), np.int32), TARGETS
    )
    curve = roc(scores, first == second)
    assert samples.auc[0] == pytest.approx(auc(curve), abs=1e-14)
    assert samples.eer[0] == pytest.approx(eer(curve), abs=1e-14)


def test_resamples_without_genuine_or_impostor_pairs_do_not_exist():
    identity = np.array([0, 0, 1, 2], np.int32)  # only identity 0 has a genuine pair
    scores, first, second = pairs_of(identity, False, 0)
    multiplicity = np.array([[0, 2, 1], [3, 0, 0], [1, 2, 0]], np.int32)
    samples = verification_samples(scores, first == second, first, second, multiplicity, TARGETS)
    for values in (samples.auc, samples.eer, samples.tmr[:, 0]):
        assert np.isnan(values).tolist() == [True, True, False]


def test_pairs_of_one_kind_cannot_be_resampled():
    scores, first, second = pairs_of(np.arange(4, dtype=np.int32), False, 0)
    with pytest.raises(ValueError, match="a resample needs genuine and impostor pairs"):
        verification_samples(scores, first == second, first, second, np.ones((1, 4), np.int32))


# Draws and intervals


def test_draws_are_multinomial():
    multiplicity = draw(50, 4000, np.random.default_rng(0))
    assert (multiplicity.sum(axis=1) == 50).all()
    assert multiplicity.mean(axis=0) == pytest.approx(np.ones(50), abs=0.1)
    assert multiplicity.var() == pytest.approx(1 - 1 / 50, abs=0.02)
    assert np.mean(multiplicity == 0) == pytest.approx((1 - 1 / 50) ** 50, abs=0.01)


@pytest.mark.parametrize("clusters", [2, 3, 50, 1001])
def test_draws_are_one_stream_however_many_are_made_at_once(monkeypatch, clusters):
    plain, rng = draw(clusters, 30, np.random.default_rng(4)), np.random.default_rng(4)
    for row in plain:
        chosen = rng.integers(clusters, size=clusters)
        assert row.tolist() == np.bincount(chosen, minlength=clusters).tolist()
    monkeypatch.setattr(bootstrap, "MEMORY", 32 * clusters * 7)
    np.testing.assert_array_equal(draw(clusters, 30, np.random.default_rng(4)), plain)


def test_a_draw_needs_something_to_choose_from():
    with pytest.raises(TooFewClusters, match="at least 2 clusters to resample, got 1"):
        draw(1, 10, np.random.default_rng(0))
    with pytest.raises(ValueError, match="resamples must be at least 1, got 0"):
        draw(3, 0, np.random.default_rng(0))


def test_percentile_interval_drops_a_few_undefined_resamples_and_refuses_many():
    samples = np.linspace(0, 1, 101)
    assert percentile_interval(samples) == pytest.approx((0.025, 0.975))
    assert percentile_interval(samples, 0.9) == pytest.approx((0.05, 0.95))
    samples[:5] = np.nan
    assert percentile_interval(samples) == pytest.approx((0.05 + 0.95 * 0.025, 1 - 0.95 * 0.025))
    samples[5] = np.nan
    with pytest.raises(TooFewClusters, match="only 95 of 101 resamples hold genuine and impostor"):
        percentile_interval(samples)


@pytest.mark.parametrize(("level", "required"), [(0.95, 40), (0.9, 20), (0.99, 200)])
def test_an_interval_finer_than_its_resamples_is_refused(level, required):
    percentile_interval(np.linspace(0, 1, required), level)
    with pytest.raises(ValueError, match=f"at least {required} resamples, got {required - 1}"):
        percentile_interval(np.linspace(0, 1, required - 1), level)


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (3, 10), (99, 100), (1, 1), (0, 1)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_wilson_is_scipys(hits, n, level):
    expected = binomtest(hits, n).proportion_ci(level, method="wilson")
    assert wilson_interval(hits / n, n, level) == pytest.approx(tuple(expected), abs=1e-12)


def test_wilson_only_where_the_bootstrap_has_no_width():
    samples = np.linspace(0.9, 1, 101)
    assert proportion_interval(0.99, samples, 20) == percentile_interval(samples)
    assert proportion_interval(1.0, np.ones(100), 20) == wilson_interval(1.0, 20)
    assert proportion_interval(0.0, np.zeros(100), 20) == wilson_interval(0.0, 20)


def test_many_intervals_at_once_are_those_of_one_after_the_other():
    rng = np.random.default_rng(0)
    values, samples = np.array([0.0, 0.3, 1.0, 0.9]), rng.random((77, 4))
    expected = [proportion_interval(v, s, 12) for v, s in zip(values, samples.T, strict=True)]
    assert proportion_intervals(values, samples, 12).tolist() == [list(ends) for ends in expected]
    with pytest.raises(ValueError, match="at least 40 resamples, got 39"):
        proportion_intervals(values, samples[:39], 12)


# Means


def test_a_resampled_mean_is_the_mean_of_the_rebuilt_items():
    rng = np.random.default_rng(0)
    cluster = rng.choice([3, 8, 11, 40], size=30)
    values = rng.normal(size=(30, 2))
    means, samples, clusters = resampled_means(values, cluster, 50, np.random.default_rng(7))
    assert clusters == 4
    np.testing.assert_allclose(means, values.mean(axis=0))
    names = np.unique(cluster)
    for sample, w in zip(samples, draw(4, 50, np.random.default_rng(7)), strict=True):
        items = [
            values[cluster == name] for name, k in zip(names, w, strict=True) for _ in range(k)
        ]
        np.testing.assert_allclose(sample, np.concatenate(items).mean(axis=0), atol=1e-12)


def test_chunks_of_resamples_do_not_matter_for_a_mean(monkeypatch):
    rng = np.random.default_rng(0)
    values, cluster = rng.normal(size=40), rng.integers(0, 9, 40)
    plain = cluster_mean(values, cluster, 100, np.random.default_rng(1))
    monkeypatch.setattr(bootstrap, "MEMORY", 1000)
    assert cluster_mean(values, cluster, 100, np.random.default_rng(1)) == pytest.approx(
        plain, abs=1e-12
    )


def test_items_of_a_cluster_are_not_independent():
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(30), 40)
    values = rng.normal(size=30)[cluster]  # all items of a cluster agree
    widths = []
    for unit in (cluster, np.arange(len(cluster))):
        value, lower, upper = cluster_mean(values, unit, 300, rng)
        assert value == pytest.approx(values.mean())
        widths.append(upper - lower)
    assert widths[0] == pytest.approx(widths[1] * np.sqrt(40), rel=0.3)


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        size = rng.integers(1, 8, 40)
        cluster = np.repeat(np.arange(40), size)
        values = rng.normal(size=40)[cluster] + rng.normal(size=len(cluster))
        _, lower, upper = cluster_mean(values, cluster, 200, rng)
        covered += lower <= 0 <= upper
    assert 0.88 <= covered / 200 <= 0.98


def test_a_proportion_of_one_has_a_wilson_interval_and_other_means_do_not():
    cluster = np.repeat(np.arange(10), 3)
    rng = np.random.default_rng(0)
    ones = np.ones(30, bool)
    assert cluster_mean(ones, cluster, 50, rng, proportion=True) == (1, *wilson_interval(1, 10))
    assert cluster_mean(ones, cluster, 50, rng) == (1, 1, 1)


def test_unusable_values_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="value 2 is not finite"):
        cluster_mean(np.array([1, 2, np.nan]), np.arange(3), 50, rng)
    with pytest.raises(ValueError, match="do not belong"):
        cluster_mean(np.ones(3), np.arange(4), 50, rng)
    with pytest.raises(TooFewClusters, match="at least 2 clusters"):
        cluster_mean(np.ones(3), np.zeros(3, int), 50, rng)
    with pytest.raises(TooFewClusters, match="at least 2 clusters"):
        cluster_mean(np.ones(0), np.zeros(0, int), 50, rng)
