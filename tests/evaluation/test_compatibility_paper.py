"""The published protocol, re-derived; and what its flaws do."""

import numpy as np
import pytest
from scipy.stats import t

from unispace.data.protocols.pairs import balanced_pairs
from unispace.evaluation.compatibility_paper import (
    over_splits,
    published_identification,
    published_verification,
)


def cosine(a, b):
    a = a / np.linalg.norm(a, axis=1, keepdims=True)
    b = b / np.linalg.norm(b, axis=1, keepdims=True)
    return a @ b.T


def clouds(identities=30, images=4, d=16, signal=1.0, seed=0):
    rng = np.random.default_rng(seed)
    identity = np.repeat(np.arange(identities), images)
    latent = signal * rng.normal(size=(identities, d))[identity] + rng.normal(
        size=(len(identity), d)
    )
    return latent, latent + 0.5 * rng.normal(size=latent.shape), identity


def test_identification_is_as_its_code_has_it():
    probe, target, identity = clouds()
    found = published_identification(probe, target, identity, (1, 5))
    order = np.argsort(-cosine(probe, target), axis=1)
    hit = identity[order] == identity[:, None]
    assert found["Rank-1"] == np.mean(hit[:, 0])
    assert found["Rank-5"] == np.mean(hit[:, :5].any(axis=1))
    top = hit[:, :50]
    precision = np.cumsum(top, axis=1) / np.arange(1, 51)
    average = [(p[h]).mean() if h.any() else 0.0 for p, h in zip(precision, top, strict=True)]
    assert found["mAP"] == pytest.approx(np.mean(average))


def test_verification_takes_the_nearest_point_even_beyond_the_rate():
    probe, target, identity = clouds(identities=6, images=3)
    found = published_verification(probe, target, identity, (0.01,), np.random.default_rng(3))
    drawn = balanced_pairs(identity, np.random.default_rng(3))
    scores = np.float32(cosine(probe, target))[drawn.first, drawn.second]
    genuine, impostor = scores[drawn.genuine], scores[~drawn.genuine]
    assert len(genuine) == len(impostor) == 18
    steps = np.unique(scores)[::-1]
    false = np.array([0, *(np.mean(impostor >= s) for s in steps)])
    true = np.array([0, *(np.mean(genuine >= s) for s in steps)])
    assert found["AUC"] == pytest.approx(np.mean(genuine[:, None] > impostor), abs=1e-6)
    gap = np.abs(1 - true - false)
    assert any(found["EER"] == pytest.approx(f) for f in false[gap <= gap.min() + 1e-12])
    # FMR 0.01 is less than one of 18 pairs: the nearest point is 0, and nothing says so.
    assert any(found["TMR@FMR=0.01"] == pytest.approx(x) for x in true[false == 0])


def test_models_that_share_images_and_no_identity_look_perfect():
    probe, target, identity = clouds(signal=0.0, d=32)
    found = published_verification(probe, target, identity, (0.1,), np.random.default_rng(0))
    assert published_identification(probe, target, identity, (1,))["Rank-1"] > 0.95
    assert abs(found["AUC"] - 0.5) < 0.08


def test_mean_and_spread_over_splits():
    splits = [{"AUC": v} for v in (0.5, 0.6, 0.7)]
    value, spread = over_splits(splits, [(70, 30)] * 3, 100)
    assert (value.metric, spread.metric, value.unit, value.n) == ("AUC", "AUC-SD", "split", 100)
    assert value.value == pytest.approx(0.6)
    assert spread.value == pytest.approx(np.std([0.5, 0.6, 0.7]))
    half = t.ppf(0.975, 2) * 0.1 * np.sqrt(1 / 3 + 30 / 70)
    assert (value.lower, value.upper) == pytest.approx((0.6 - half, 0.6 + half))


def test_interval_covers_the_truth_about_as_often_as_it_says():
    """Splits of one sample: the naive t misses far too often, the corrected one does not."""
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(300):
        people = rng.normal(0.5, 0.1, size=100)
        splits = []
        for _ in range(5):
            order = rng.permutation(100)
            splits.append({"m": float(people[order[70:]].mean())})
        value = over_splits(splits, [(70, 30)] * 5, 30)[0]
        covered.append(value.lower <= 0.5 <= value.upper)
    assert 0.9 < np.mean(covered) <= 1


@pytest.mark.parametrize(
    "splits", [[{"AUC": 0.5}], [{"AUC": 0.5}, {"EER": 0.5}], []], ids=["one", "other", "none"]
)
def test_one_split_has_no_spread(splits):
    with pytest.raises(ValueError, match="takes at least 2 with the same metrics"):
        over_splits(splits, [(70, 30)] * len(splits), 10)


def test_nobody_twice_is_refused():
    vectors = np.eye(4)
    with pytest.raises(ValueError, match="no genuine or no impostor pair"):
        published_verification(vectors, vectors, np.arange(4), (0.1,), np.random.default_rng(0))


def test_at_most_so_many_pairs_of_each_kind():
    probe, target, identity = clouds()
    found = [
        published_verification(probe, target, identity, (), np.random.default_rng(seed), 20)
        for seed in (0, 0, 1)
    ]
    assert found[0] == found[1] != found[2]
    # With 20 genuine pairs and 20 impostors the AUC is a multiple of 1 / 400.
    assert found[0]["AUC"] * 400 == pytest.approx(round(found[0]["AUC"] * 400))
