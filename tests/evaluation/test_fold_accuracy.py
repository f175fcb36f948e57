"""Accuracy over folds against a plain walk over all thresholds."""

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unispace.evaluation.folds import accuracy_over_folds, fold_accuracies
from unispace.evaluation.verification import PairScores

quick = settings(
    deadline=None, max_examples=60, derandomize=True, suppress_health_check=list(HealthCheck)
)

PAIRS = st.lists(
    st.tuples(st.integers(-4, 4), st.booleans(), st.integers(1, 3)), min_size=4, max_size=25
).filter(lambda rows: len({fold for *_, fold in rows}) > 1)


def by_hand(rows):
    """Walk over all thresholds between the scores of the other folds; of the best take the middle one."""
    found = []
    for fold in sorted({f for *_, f in rows}):
        others = [(s, g) for s, g, f in rows if f != fold]
        scores = sorted({s for s, _ in others})
        cuts = [-np.inf]
        cuts += [(a + b) / 2 for a, b in itertools.pairwise(scores)] + [np.inf]
        right = [sum((s >= cut) == g for s, g in others) for cut in cuts]
        best = [cut for cut, count in zip(cuts, right, strict=True) if count == max(right)]
        threshold = best[(len(best) - 1) // 2]
        mine = [(s >= threshold) == g for s, g, f in rows if f == fold]
        found.append(sum(mine) / len(mine))
    return found


def columns(rows):
    scores, genuine, fold = zip(*rows, strict=True)
    return np.array(scores, float), np.array(genuine), np.array(fold)


@quick
@given(PAIRS)
def test_accuracies_are_those_of_the_definition(rows):
    assert fold_accuracies(*columns(rows))[0].tolist() == pytest.approx(by_hand(rows))


@quick
@given(PAIRS, st.data())
def test_a_weight_counts_a_pair_so_often(rows, data):
    weight = [data.draw(st.integers(1, 3)) for _ in rows]
    repeated = [row for row, times in zip(rows, weight, strict=True) for _ in range(times)]
    found = fold_accuracies(*columns(rows), np.array([weight, [1] * len(rows)]))
    assert found[0].tolist() == pytest.approx(by_hand(repeated))
    assert found[1].tolist() == pytest.approx(by_hand(rows))


def test_the_threshold_never_sees_the_fold_that_it_judges():
    # In fold 2 all scores are higher: its own best threshold would be perfect.
    rows = [(0, False, 1), (1, True, 1), (10, False, 2), (11, True, 2)]
    assert fold_accuracies(*columns(rows))[0].tolist() == [0.5, 0.5]


def test_a_fold_without_weight_has_no_accuracy():
    rows = [(0, False, 1), (1, True, 1), (0, False, 2), (1, True, 2)]
    found = fold_accuracies(*columns(rows), np.array([[1, 1, 0, 0]]))
    assert np.isnan(found).all()  # fold 2 has nothing to judge, fold 1 nothing to learn from


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fold": np.ones(4)}, "takes at least 2 folds"),
        ({"fold": np.ones(3)}, "4 scores, 4 kinds, 3 folds"),
        ({"scores": np.array([0, np.nan, 1, 1])}, "score 1 is not finite"),
    ],
)
def test_unusable_folds_are_refused(change, message):
    arguments = {"scores": np.arange(4.0), "genuine": np.ones(4, bool), "fold": np.arange(4)}
    with pytest.raises(ValueError, match=message):
        fold_accuracies(**{**arguments, **change})


def planted(signal, rng, people=200, folds=10):
    """One genuine and one impostor pair of each identity, in the fold of its number."""
    identity = np.arange(people)
    partner = (identity + folds) % people
    scores = np.append(rng.normal(signal, 1, people), rng.normal(0, 1, people))
    genuine = np.repeat([True, False], people)
    pairs = PairScores(
        scores.astype(np.float32),
        genuine,
        np.append(identity, identity).astype(np.int32),
        np.append(identity, partner).astype(np.int32),
        people,
    )
    return pairs, np.append(identity, identity) % folds


def test_a_planted_accuracy_is_found_with_its_error():
    # Two normal distributions 2 apart are told apart in Phi(1) = 84.13 % of the cases.
    values, errors = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        accuracy, error = accuracy_over_folds(*planted(2.0, rng), resamples=50, rng=rng)
        assert (accuracy.metric, accuracy.n, accuracy.unit) == ("accuracy", 400, "identity")
        assert (error.metric, error.n, error.unit) == ("accuracy-SE", 10, "fold")
        assert accuracy.chance == 0.5
        assert error.chance is None
        assert error.lower < error.value < error.upper
        values.append(accuracy.value)
        errors.append(error.value)
    assert np.mean(values) == pytest.approx(0.8413, abs=0.012)
    # The standard error over folds foretells how much the value varies from sample to sample.
    assert np.mean(errors) == pytest.approx(np.std(values, ddof=1), rel=0.45)


def test_the_interval_covers_the_planted_accuracy():
    covered = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        accuracy, _ = accuracy_over_folds(*planted(2.0, rng), resamples=100, rng=rng)
        covered += accuracy.lower <= 0.8413 <= accuracy.upper
    assert covered >= 25


def test_the_standard_error_is_that_of_the_folds():
    rng = np.random.default_rng(0)
    pairs, fold = planted(1.0, rng)
    each = fold_accuracies(pairs.scores, pairs.genuine, fold)[0]
    accuracy, error = accuracy_over_folds(pairs, fold, resamples=50, rng=rng)
    assert accuracy.value == pytest.approx(each.mean())
    assert error.value == pytest.approx(np.sqrt(np.sum((each - each.mean()) ** 2) / 9) / 10**0.5)


def test_perfect_folds_have_a_wilson_interval_and_no_spread():
    rng = np.random.default_rng(0)
    accuracy, error = accuracy_over_folds(*planted(50.0, rng), resamples=50, rng=rng)
    assert (accuracy.value, accuracy.upper) == (1.0, 1.0)
    assert 0.97 < accuracy.lower < 1
    assert (
        error.status == "failed: all folds have the same accuracy, so their spread has no interval"
    )
