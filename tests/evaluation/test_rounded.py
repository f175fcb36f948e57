"""Resamples of rounded scores against those of scores as they are."""

import numpy as np
import pytest

from unispace.evaluation import rounded
from unispace.evaluation.all_pairs import AllPairs
from unispace.evaluation.bootstrap import draw, verification_samples
from unispace.evaluation.rounded import RoundedSamples
from unispace.evaluation.verification import compare

TARGETS = (0.0, 0.001, 0.05, 0.5)


def images(seed=0, people=50, noise=1.5, coarse=False):
    rng = np.random.default_rng(seed)
    identity = np.repeat(np.arange(people), rng.integers(1, 8, people))
    person = rng.normal(size=(people, 12))[identity]
    vectors = person + noise * rng.normal(size=person.shape)
    if coarse:
        # Their cosines are -1, -0.5, 0, 0.5 and 1, without any rounding.
        vectors = np.sign(vectors[:, :4])
    return vectors, identity


def weighed(vectors, identity, drawn, same_space=True):
    """All pairs of the images, weighed in bins."""
    pairs = AllPairs(vectors, vectors, identity, same_space=same_space)
    scores, who = pairs.genuine_scores()
    found = RoundedSamples(scores, who, np.diff(pairs.start), drawn)
    for block, columns, people in pairs.impostor_blocks():
        kept = block >= scores.min()
        first = np.clip(pairs.start - columns.start, 0, block.shape[1])
        for person, rows in people:
            found.add(person, block[rows], kept[rows], first)
    return found


def columns(samples):
    return np.column_stack([samples.auc, samples.eer, samples.tmr])


def expected(pairs, drawn, scores=None):
    scores = pairs.scores if scores is None else scores
    return columns(
        verification_samples(scores, pairs.genuine, pairs.first, pairs.second, drawn, TARGETS)
    )


@pytest.mark.parametrize("same_space", [True, False])
@pytest.mark.parametrize("bins", [1, 7, 512])
def test_samples_are_those_of_rounded_scores(monkeypatch, same_space, bins):
    monkeypatch.setattr(rounded, "BINS", bins)
    monkeypatch.setattr(rounded, "TOGETHER", 7)
    vectors, identity = images()
    drawn = draw(50, 20, np.random.default_rng(1))
    found = weighed(vectors, identity, drawn, same_space)
    pairs = compare(vectors, vectors, identity, same_space=same_space)
    known = pairs.scores >= found._lowest
    scores = np.full(len(known), -1)
    scores[known] = found._bin[found._cell(pairs.scores[known])]
    whole, samples = found.samples(TARGETS, same_space=same_space)
    np.testing.assert_allclose(columns(samples), expected(pairs, drawn, scores), atol=1e-14)
    np.testing.assert_allclose(
        columns(whole), expected(pairs, np.ones((1, 50), np.int32), scores), atol=1e-14
    )


def test_bins_as_fine_as_the_scores_round_nothing(monkeypatch):
    monkeypatch.setattr(rounded, "BINS", 10**6)
    vectors, identity = images(coarse=True)
    drawn = draw(50, 40, np.random.default_rng(2))
    found = weighed(vectors, identity, drawn)
    pairs = compare(vectors, vectors, identity, same_space=True)
    assert np.unique(pairs.scores).tolist() == [-1, -0.5, 0, 0.5, 1]
    whole, samples = found.samples(TARGETS, same_space=True)
    np.testing.assert_allclose(columns(samples), expected(pairs, drawn), atol=1e-14)
    plain = expected(pairs, np.ones((1, 50), np.int32))
    np.testing.assert_allclose(columns(whole), plain, atol=1e-14)


@pytest.mark.parametrize("bins", [4, 20, 100])
@pytest.mark.parametrize("noise", [0.3, 1.5, 30.0])
def test_rounding_costs_no_more_than_a_bin_holds(monkeypatch, bins, noise):
    monkeypatch.setattr(rounded, "BINS", bins)
    vectors, identity = images(noise=noise, people=60)
    drawn = draw(60, 100, np.random.default_rng(3))
    found = weighed(vectors, identity, drawn)
    pairs = compare(vectors, vectors, identity, same_space=True)
    _, samples = found.samples(TARGETS, same_space=True)
    error = expected(pairs, drawn) - columns(samples)
    share = found.resolution()[1:]
    assert (np.abs(error[:, 0]) <= share / 2 + 1e-12).all()
    assert (np.abs(error[:, 1]) <= share + 1e-12).all()
    for column in error[:, 2:].T:
        assert (column >= -1e-12).all()
        assert (column <= share + 1e-12).all()


def test_bins_hold_few_pairs_and_fewer_towards_both_ends():
    rng = np.random.default_rng(0)
    scores = np.clip(rng.normal(0.4, 0.1, 200_000), -1, 1).astype(np.float32)
    found = RoundedSamples(
        scores, np.zeros(len(scores), int), np.array([700, 1]), np.ones((1, 2), np.int32)
    )
    held = found._genuine[0][:, 0]
    below = np.cumsum(held) - held
    above = len(scores) - below - held
    most = np.minimum(len(scores) / rounded.BINS, np.minimum(below, above) / rounded.TAIL)
    # A cell is as much as a bin can be off by.
    cells = np.bincount(found._cell(scores)).max()
    assert (held <= most * 1.1 + cells).all()
    assert held[0] < 5
    assert held[-1] < 5
    assert found.resolution()[0] == pytest.approx(1 / rounded.BINS, rel=0.15)


def test_many_images_are_added_in_double_precision(monkeypatch):
    vectors, identity = images(people=10)
    drawn = draw(10, 20, np.random.default_rng(4))
    plain = columns(weighed(vectors, identity, drawn).samples(TARGETS, same_space=True)[1])
    heaviest = int((drawn @ np.bincount(identity)).max() * drawn.max())
    for exact in (heaviest - 1, heaviest, 2 * heaviest):
        monkeypatch.setattr(rounded, "SINGLE", exact)
        found = weighed(vectors, identity, drawn)
        assert found._parts[0].dtype == (np.float32 if exact >= heaviest else np.float64)
        np.testing.assert_array_equal(columns(found.samples(TARGETS, same_space=True)[1]), plain)


def test_a_resample_without_genuine_pairs_does_not_exist():
    vectors, identity = images(people=12)
    single = np.flatnonzero(np.bincount(identity) == 1)
    drawn = np.zeros((2, 12), np.int32)
    drawn[0, single[0]] = 12
    drawn[1] = 1
    found = weighed(vectors, identity, drawn)
    _, samples = found.samples(TARGETS, same_space=True)
    assert np.isnan(columns(samples)).all(axis=1).tolist() == [True, False]
    assert np.isnan(found.resolution()).tolist() == [False, True, False]
