"""Pairs that pass by a block at a time give what pairs that are held give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unispace.evaluation import all_pairs, similarity, tally, verification
from unispace.evaluation.all_pairs import LEFT_OUT, AllPairs
from unispace.evaluation.changes import change
from unispace.evaluation.tally import Counter
from unispace.evaluation.verification import (
    PairScores,
    auc,
    compare,
    compare_all,
    eer,
    roc,
    roc_of,
    tmr_at_fmr,
    verify,
)

MANY = 10**9
TARGETS = (0.001, 0.01, 0.1)
METRICS = ["AUC", "EER", *(f"TMR@FMR={target:g}" for target in TARGETS)]


@pytest.fixture
def small_parts(monkeypatch):
    """Several blocks, strips and sorts in few images."""
    monkeypatch.setattr(all_pairs, "BLOCK", 64)
    for module in (all_pairs, similarity):
        monkeypatch.setattr(module, "STRIP", 32)
    monkeypatch.setattr(tally, "HELD", 1000)


def images(people=40, most=9, noise=1.5, seed=0, dimension=16):
    """Vectors of two models, and identities of 1 to `most` images in the order of their names."""
    rng = np.random.default_rng(seed)
    identity = np.repeat(np.arange(people), rng.integers(1, most + 1, people))
    person = rng.normal(size=(people, dimension))[identity]
    one, other = (person + noise * rng.normal(size=person.shape) for _ in range(2))
    return one, other, identity


# What passes by


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("same_space", [True, False])
@pytest.mark.parametrize("most", [1, 9, 90])
def test_all_pairs_are_those_that_are_compared(same_space, most):
    one, other, identity = images(people=4 if most == 90 else 40, most=most)
    target = one if same_space else other
    held = compare(one, target, identity, same_space=same_space)
    passing = AllPairs(one, target, identity, same_space=same_space)
    assert len(passing) == len(held)
    assert passing.genuine == np.count_nonzero(held.genuine)
    scores, who = passing.genuine_scores()
    order = np.lexsort((held.scores[held.genuine], held.first[held.genuine]))
    found = np.lexsort((scores, who))
    np.testing.assert_array_equal(scores[found], held.scores[held.genuine][order], strict=True)
    np.testing.assert_array_equal(who[found], held.first[held.genuine][order])
    met = []
    for block, columns, people in passing.impostor_blocks():
        assert sum(rows.stop - rows.start for _, rows in people) == len(block)
        for person, rows in people:
            row, column = np.nonzero(block[rows] > LEFT_OUT)
            met += zip(
                block[rows][row, column].tolist(),
                np.full(len(row), person).tolist(),
                identity[columns][column].tolist(),
                strict=True,
            )
    impostor = ~held.genuine
    expected = zip(
        held.scores[impostor].tolist(),
        held.first[impostor].tolist(),
        held.second[impostor].tolist(),
        strict=True,
    )
    assert sorted(met) == sorted(expected)
    assert passing.mated == len(np.unique(who))


def test_images_are_sorted_by_identity():
    one, other, identity = images()
    order = np.random.default_rng(1).permutation(len(identity))
    mixed, plain = (
        AllPairs(one[rows], other[rows], 7 * identity[rows], same_space=False)
        for rows in (order, np.arange(len(identity)))
    )
    np.testing.assert_allclose(
        np.sort(mixed.genuine_scores()[0]), np.sort(plain.genuine_scores()[0]), atol=1e-6
    )
    broken = one.copy()
    broken[17] = 0
    with pytest.raises(ValueError, match="probe: row 17 is zero"):
        AllPairs(broken, other, identity[::-1], same_space=False)


def test_only_many_pairs_pass_by(monkeypatch):
    one, other, identity = images()
    n = len(identity)
    for same_space, pairs in ((True, n * (n - 1) // 2), (False, n * (n - 1))):
        target = one if same_space else other
        for held, kind in ((pairs, PairScores), (pairs - 1, AllPairs)):
            monkeypatch.setattr(verification, "PAIRS_HELD", held)
            assert type(compare_all(one, target, identity, same_space=same_space)) is kind
    with pytest.raises(ValueError, match="same_space takes the same vectors"):
        compare_all(one, other, identity, same_space=True)


# Counts


@given(
    st.lists(st.integers(-4, 4), min_size=1, max_size=30),
    st.lists(st.integers(-4, 4), min_size=1, max_size=30),
    st.integers(1, 40),
)
def test_counts_are_those_of_two_loops_and_give_the_same_roc(genuine, impostor, held):
    mates, others = np.array(genuine, np.float32) / 4, np.array(impostor, np.float32) / 4
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tally, "HELD", held)
        counter = Counter(mates)
        for part in np.array_split(others[others >= counter.lowest], 3):
            counter.add(part)
        found = counter.tally(len(others))
    steps = sorted(set(mates.tolist()), reverse=True)
    assert found.threshold.tolist() == steps
    assert found.genuine.tolist() == [sum(s >= t for s in mates.tolist()) for t in steps]
    assert found.impostor.tolist() == [sum(s >= t for s in others.tolist()) for t in steps]
    assert found.impostor_above.tolist() == [sum(s > t for s in others.tolist()) for t in steps]
    scores = np.concatenate([mates, others])
    every, few = roc(scores, np.arange(len(scores)) < len(mates)), roc_of(found)
    assert auc(few) == pytest.approx(auc(every), abs=1e-14)
    assert eer(few) == pytest.approx(eer(every), abs=1e-14)
    for target in (0.01, 0.1, 0.3, 0.5, 0.9):
        assert tmr_at_fmr(few, target, MANY) == tmr_at_fmr(every, target, MANY)
    assert (np.diff(few.threshold) < 0).all()
    assert set(zip(few.fmr, few.tmr, strict=True)) <= set(zip(every.fmr, every.tmr, strict=True))
    for threshold, fmr, tmr in list(zip(few.threshold, few.fmr, few.tmr, strict=True))[1:]:
        assert fmr == np.mean(others >= threshold)
        assert tmr == np.mean(mates >= threshold)


# Measures


def both(identity, one, target, resamples=100, seed=0):
    """Measures of held and of passing pairs, by name."""
    same_space = target is one
    return [
        {
            measure.metric: measure
            for measure in verify(
                make(one, target, identity, same_space=same_space),
                TARGETS,
                resamples,
                np.random.default_rng(seed),
            )[0]
        }
        for make in (compare, AllPairs)
    ]


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("same_space", [True, False])
@pytest.mark.parametrize("noise", [0.3, 1.5, 20.0])
def test_measures_are_those_of_pairs_that_are_held(same_space, noise):
    one, other, identity = images(people=60, noise=noise)
    held, passing = both(identity, one, one if same_space else other)
    assert list(held) == list(passing) == METRICS
    for metric, measure in held.items():
        found = passing[metric]
        assert found.value == pytest.approx(measure.value, abs=1e-14)
        assert (found.n, found.unit, found.status) == (measure.n, measure.unit, measure.status)
        # About one in 512 genuine pairs is in one bin; in a resample there may be twice as many.
        assert found.lower == pytest.approx(measure.lower, abs=2 / 512)
        assert found.upper == pytest.approx(measure.upper, abs=2 / 512)
        assert found.samples.std() == pytest.approx(measure.samples.std(), rel=0.05, abs=1e-4)


def test_what_cannot_be_measured_fails_as_it_does_where_pairs_are_held():
    one, _, identity = images()
    rng = np.random.default_rng(0)
    for people, missing in (
        (np.arange(len(one)), "genuine"),
        (np.zeros(len(one), int), "impostor"),
    ):
        with pytest.raises(ValueError, match=f"a ROC needs {missing} pairs, and there are none"):
            verify(AllPairs(one, one, people, same_space=True), TARGETS, 100, rng)
    passing = AllPairs(one, one, identity, same_space=True)
    refused = verify(passing, [1e-6], 100, rng)[0][2]
    assert refused.status.startswith("failed: FMR 1e-06 needs at least 10,000,000 impostor")
    two, few = rng.normal(size=(40, 8)), np.repeat([0, 1], 20)
    measures, _ = verify(AllPairs(two, two, few, same_space=True), [0.1], 60, rng)
    assert all("too few identities" in measure.status for measure in measures)


@pytest.mark.usefixtures("small_parts")
def test_two_maps_on_the_same_images_are_compared_by_their_shared_resamples():
    one, other, identity = images(people=60)
    worse = other + np.random.default_rng(9).normal(size=other.shape)
    better, poorer = both(identity, one, other), both(identity, one, worse)
    held, passing = (change(better[kind]["AUC"], poorer[kind]["AUC"]) for kind in (0, 1))
    assert held.value > 0
    assert passing.value == pytest.approx(held.value, abs=1e-14)
    assert passing.lower == pytest.approx(held.lower, abs=2 / 512)
    assert passing.upper == pytest.approx(held.upper, abs=2 / 512)
    spread = np.hypot(better[1]["AUC"].samples.std(), poorer[1]["AUC"].samples.std())
    difference = better[1]["AUC"].samples - poorer[1]["AUC"].samples
    assert difference.std() < 0.9 * spread


def test_vectors_of_no_use_still_count():
    # Every cosine is 1: one step, and one bin.
    ones, identity = np.ones((60, 4)), np.repeat(np.arange(20), 3)
    held, passing = both(identity, ones, ones)
    for metric in ("AUC", "EER"):
        assert passing[metric].value == held[metric].value == 0.5
        assert (passing[metric].lower, passing[metric].upper) == (0.5, 0.5)
