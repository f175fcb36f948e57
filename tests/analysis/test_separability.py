"""Separability: planted domains are found, planted confounds are seen through."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from unispace.analysis.separability import (
    Images,
    _auc,
    matched_separability,
    overlap_weights,
    separability,
    shuffled_accuracy,
    with_squares,
)

DOMAINS = ("object", "face_hq", "face_lq", "person")


def world(clusters=40, each=6, seed=0, domains=DOMAINS):
    """Images of as many domains, with features that know nothing of them: `(features, images, rng)`."""
    rng = np.random.default_rng(seed)
    domain = np.repeat(domains, clusters * each)
    cluster = np.tile(np.repeat(np.arange(clusters), each), len(domains))
    # Good and bad images show the same persons.
    label = [
        f"{'face' if d.startswith('face') else d}-{c}" for d, c in zip(domain, cluster, strict=True)
    ]
    images = Images.of(domain, label, 0.5)
    person = rng.normal(size=(images.cluster.max() + 1, 12))
    return person[images.cluster] + 0.5 * rng.normal(size=(len(domain), 12)), images, rng


def named(measures):
    assert all(m.status == "ok" for m in measures), [m.status for m in measures]
    return {m.metric: m for m in measures}


def test_planted_offsets_are_told_apart_without_error():
    features, images, rng = world()
    features[np.arange(len(features)), images.domain] += 20
    found = named(separability(features, images, 1.0, 100, rng, confusion=True))
    assert found["accuracy"].value == 1
    assert found["accuracy"].lower < 1
    assert all(m.value == 1 for name, m in found.items() if name.startswith("AUC"))
    for a in DOMAINS:
        for b in DOMAINS:
            assert found[f"{a} taken for {b}"].value == (a == b)


def test_without_a_difference_accuracy_is_chance():
    features, images, rng = world(clusters=120, each=3)
    found = named(separability(features, images, 1.0, 200, rng))
    assert found["accuracy"].chance == 0.25
    assert found["accuracy"].value == pytest.approx(0.25, abs=0.05)
    assert found["AUC face_hq|face_lq"].value == pytest.approx(0.5, abs=0.05)


def test_shuffled_domains_are_at_chance_where_true_ones_are_certain():
    features, images, rng = world()
    features[np.arange(len(features)), images.domain] += 20
    measure = shuffled_accuracy(features, images, 1.0, 10, 100, rng)
    assert measure.value == pytest.approx(0.25, abs=0.05)


def test_shuffling_would_show_identities_that_are_on_both_sides():
    features, images, rng = world(clusters=12, each=8)
    group = np.eye(images.cluster.max() * 4 + 4)[images.cluster * 4 + images.domain]
    # A division that is wrong: by image.
    leaked = Images(images.domains, images.domain, images.cluster, rng.random(len(features)) < 0.5)
    assert shuffled_accuracy(group, leaked, 1.0, 3, 100, rng).value > 0.95
    assert shuffled_accuracy(group, images, 1.0, 3, 100, rng).value < 0.45


def test_sides_share_no_identity_and_faces_of_a_person_are_together():
    _, images, _ = world()
    assert not set(images.cluster[images.fit]) & set(images.cluster[~images.fit])
    for cluster in np.unique(images.cluster):
        assert len(set(images.fit[images.cluster == cluster])) == 1
    faces = [images.domains.index(d) for d in ("face_hq", "face_lq")]
    both = [set(images.cluster[images.domain == place]) for place in faces]
    assert both[0] == both[1]


def test_shuffling_keeps_an_identity_in_one_domain_and_the_counts_of_groups():
    _, images, rng = world()
    other = images.shuffled(rng)
    group = images.cluster * len(DOMAINS) + images.domain
    for side in (images.fit, ~images.fit):
        _, first, index = np.unique(group[side], return_index=True, return_inverse=True)
        assert (other.domain[side] == other.domain[side][first][index]).all()
        np.testing.assert_array_equal(
            np.bincount(other.domain[side][first]), np.bincount(images.domain[side][first])
        )
    assert (other.domain != images.domain).mean() > 0.5


@pytest.fixture(scope="module")
def confounded():
    """Brightness differs between domains, and the embedding holds brightness and no domain."""
    features, images, rng = world(clusters=150, each=4, domains=("object", "person"))
    brightness = rng.normal(size=len(features)) + 1.2 * images.domain
    features[:, 0] = brightness + 0.3 * rng.normal(size=len(features))
    noise = rng.normal(size=(len(features), 2))
    return features, np.column_stack([brightness, noise]), images


def test_a_domain_that_is_only_in_an_image_statistic_is_not_found_once_it_is_matched(confounded):
    features, statistics, images = confounded
    rng = np.random.default_rng(1)
    linear = named(separability(features, images, 1.0, 200, rng))
    assert linear["accuracy"].value > 0.65
    assert linear["AUC object|person"].lower > 0.65
    matched = named(matched_separability(features, statistics, images, 1.0, 200, rng))
    assert matched["AUC object|person"].value == pytest.approx(0.5, abs=0.07)
    assert matched["accuracy"].value == pytest.approx(0.5, abs=0.07)
    assert matched["accuracy"].n < linear["accuracy"].n


def test_a_domain_beyond_image_statistics_is_found_though_they_are_matched(confounded):
    features, statistics, images = confounded
    features = features.copy()
    features[:, 5] += 6 * images.domain
    rng = np.random.default_rng(1)
    matched = named(matched_separability(features, statistics, images, 1.0, 200, rng))
    assert matched["AUC object|person"].value > 0.95


def test_matching_writes_no_statistic_into_an_embedding_that_has_none():
    # Regressing statistics out would do so: the residual of what varies with them in each domain differs by
    # domain.
    features, images, rng = world(clusters=150, each=4, domains=("object", "person"))
    brightness = rng.normal(size=len(features))
    features[:, 0] = brightness
    statistics = (brightness + 1.5 * images.domain)[:, None]
    matched = named(matched_separability(features[:, 6:], statistics, images, 1.0, 200, rng))
    assert matched["AUC object|person"].value == pytest.approx(0.5, abs=0.08)


def test_overlap_weights_balance_the_statistics(confounded):
    _, statistics, images = confounded
    weight = overlap_weights(statistics, images, 1e4)
    assert ((weight > 0) & (weight < 1)).all()
    for column in with_squares(statistics, np.ones(len(statistics), bool)).T:
        means = [
            np.average(column[images.domain == k], weights=weight[images.domain == k])
            for k in (0, 1)
        ]
        assert means[0] == pytest.approx(means[1], abs=0.02)


def test_overlap_weights_of_two_domains_are_one_minus_the_propensity(confounded):
    from sklearn.linear_model import LogisticRegression

    _, statistics, images = confounded
    design = with_squares(statistics, np.ones(len(statistics), bool))
    design = (design - design.mean(axis=0)) / design.std(axis=0)
    model = LogisticRegression(C=1.0, class_weight="balanced", tol=1e-8, max_iter=1000)
    propensity = model.fit(design, images.domain).predict_proba(design)
    expected = 1 - propensity[np.arange(len(design)), images.domain]
    np.testing.assert_allclose(overlap_weights(statistics, images, 1.0), expected, atol=2e-3)


def test_statistics_that_never_overlap_are_a_failed_measure():
    features, images, rng = world(domains=("object", "person"))
    statistics = (1000.0 * images.domain + rng.normal(size=len(features)))[:, None]
    measures = matched_separability(features, statistics, images, 1e6, 100, rng)
    assert {m.metric for m in measures} == {"accuracy", "AUC object|person"}
    for measure in measures:
        assert "overlap too little" in measure.status
        assert "effective images of" in measure.status


def test_too_few_identities_are_a_failed_measure_that_says_so():
    features, images, rng = world()
    keep = ~((images.domain == 3) & images.fit)
    few = Images(images.domains, images.domain[keep], images.cluster[keep], images.fit[keep])
    why = "0 identities or classes of person on the fit side"
    found = separability(features[keep], few, 1.0, 100, rng, confusion=True)
    assert len(found) == 1 + 6 + 16
    assert all(why in m.status for m in found)
    assert why in shuffled_accuracy(features[keep], few, 1.0, 2, 100, rng).status
    statistics = features[keep][:, :2]
    assert all(
        why in m.status
        for m in matched_separability(features[keep], statistics, few, 1.0, 100, rng)
    )


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(2, 30))
def test_auc_with_weights_is_that_of_repeated_items(seed, n):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 6, n).astype(float)
    positive = np.append([True, False], rng.random(n - 2) < 0.5)
    drawn = rng.integers(1, 4, (3, n)).astype(float)
    weight = rng.integers(1, 4, n).astype(float)
    value, samples = _auc(scores, positive, weight, drawn)
    assert value == pytest.approx(roc_auc_score(positive, scores, sample_weight=weight))
    for row, sample in zip(drawn, samples, strict=True):
        times = (row * weight).astype(int)
        repeated = roc_auc_score(np.repeat(positive, times), np.repeat(scores, times))
        assert sample == pytest.approx(repeated)
