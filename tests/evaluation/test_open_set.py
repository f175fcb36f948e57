"""Open-set identification against a search by hand, and what it must be for planted scores."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unispace.evaluation.bootstrap import TooFewClusters, wilson_interval
from unispace.evaluation.open_set import OpenSearch, detections, measure_open, search_open

quick = settings(
    deadline=None, max_examples=50, derandomize=True, suppress_health_check=list(HealthCheck)
)


@quick
@given(st.integers(0, 10**6), st.integers(1, 6), st.booleans())
def test_a_search_is_a_look_at_every_entry(seed, entries, ties):
    rng = np.random.default_rng(seed)
    make = (
        (lambda n: np.eye(3)[rng.integers(0, 3, n)])
        if ties
        else (lambda n: rng.normal(size=(n, 3)))
    )
    mated, unmated, gallery = make(7), make(5), make(entries)
    enrolled = rng.permutation(entries) * 10
    wanted = rng.choice(enrolled, 7)
    found = search_open(mated, unmated, gallery, wanted, enrolled, block=1)

    def unit(rows):
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    scores = unit(mated) @ unit(gallery).T
    for row in range(7):
        entry = enrolled.tolist().index(wanted[row])
        others = np.delete(scores[row], entry)
        assert found.mate[row] == pytest.approx(scores[row, entry], abs=1e-6)
        assert found.first[row] == all(scores[row, entry] > other + 1e-7 for other in others)
    np.testing.assert_allclose(found.best, (unit(unmated) @ unit(gallery).T).max(axis=1), atol=1e-6)
    assert found.entries == entries


def rates(found, threshold):
    """FPIR, DIR and FNIR by their definitions."""
    fpir = np.mean(found.best >= threshold)
    return fpir, np.mean(found.first & (found.mate >= threshold)), np.mean(found.mate < threshold)


def scored(rng, mated=300, unmated=1000, signal=1.5, step=None):
    mate, best = rng.normal(signal, 1, mated), rng.normal(0, 1, unmated)
    if step:
        mate, best = np.round(mate / step) * step, np.round(best / step) * step
    first = rng.random(mated) < 0.9
    return OpenSearch(np.tanh(mate / 4), first, np.tanh(best / 4), 50)


@pytest.mark.parametrize("step", [None, 0.5])
def test_rates_are_those_of_the_smallest_threshold_that_keeps_to_the_fpir(step):
    found = scored(np.random.default_rng(0), step=step)
    people = np.arange(300) // 3, 1000 + np.arange(1000) // 5
    measures = measure_open(found, *people, (0.01, 0.1), 100, np.random.default_rng(1))
    named = {measure.metric: measure for measure in measures}
    assert list(named) == ["DIR@FPIR=0.01", "DIR@FPIR=0.1", "FNIR@FPIR=0.01", "FNIR@FPIR=0.1"]
    every = np.unique(np.concatenate([found.mate, found.best, [2.0]]))
    for target in (0.01, 0.1):
        allowed = [t for t in every if rates(found, t)[0] <= target]
        _, detected, missed = rates(found, min(allowed))
        assert named[f"DIR@FPIR={target:g}"].value == pytest.approx(detected)
        assert named[f"FNIR@FPIR={target:g}"].value == pytest.approx(missed)
    for measure in measures:
        assert (measure.n, measure.unit, measure.status) == (300, "identity", "ok")
        assert measure.lower < measure.value < measure.upper
    assert named["DIR@FPIR=0.1"].chance == pytest.approx(0.1 / 50)
    assert named["FNIR@FPIR=0.1"].chance == pytest.approx(0.9 ** (1 / 50))


def test_the_curve_rises_to_the_share_of_mates_that_are_first():
    found = scored(np.random.default_rng(0))
    curve = detections(found)
    assert (curve.fmr[0], curve.tmr[0]) == (0, 0)
    assert curve.fmr[-1] == 1
    assert curve.tmr[-1] == pytest.approx(found.first.mean())
    for at in range(1, len(curve.threshold), 97):
        fpir, detected, _ = rates(found, curve.threshold[at])
        assert (curve.fmr[at], curve.tmr[at]) == pytest.approx((fpir, detected))


def test_the_interval_covers_the_planted_rate():
    # The threshold of FPIR 0.1 lies at 1.2816; a mate 1.5 above scores higher with Phi(0.2184) = 58.64 %.
    covered = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        found = scored(rng, step=None)
        people = np.arange(300), 1000 + np.arange(1000)
        measures = measure_open(found, *people, (0.1,), 100, rng)
        covered += measures[1].lower <= 1 - 0.5864 <= measures[1].upper
    assert covered >= 25


def test_a_rate_finer_than_the_searches_support_is_refused():
    found = scored(np.random.default_rng(0), unmated=99)
    people = np.arange(300), 1000 + np.arange(99)
    measures = measure_open(found, *people, (0.1,), 50, np.random.default_rng(1))
    assert [measure.status for measure in measures] == [
        "failed: FPIR 0.1 needs at least 100 searches without a mate for 10 expected false "
        "positives, there are 99"
    ] * 2
    assert measures[0].chance == pytest.approx(0.1 / 50)


def test_perfect_detection_keeps_an_interval_on_identities():
    found = OpenSearch(np.ones(60), np.ones(60, bool), np.zeros(200), 20)
    people = np.arange(60) // 3, 1000 + np.arange(200)
    detected, missed = measure_open(found, *people, (0.1,), 50, np.random.default_rng(1))
    assert (detected.lower, detected.upper) == wilson_interval(1.0, 20)
    assert (missed.lower, missed.upper) == wilson_interval(0.0, 20)


def test_unusable_searches_are_refused():
    vectors = np.random.default_rng(0).normal(size=(4, 3))
    with pytest.raises(ValueError, match="an identity is enrolled twice"):
        search_open(vectors, vectors, vectors, np.arange(4), np.array([0, 1, 1, 2]))
    with pytest.raises(ValueError, match="mated probe 3 has no entry"):
        search_open(vectors, vectors, vectors[:3], np.arange(4), np.arange(3))
    with pytest.raises(ValueError, match="4 mated vectors for 3 identities"):
        search_open(vectors, vectors, vectors, np.arange(3), np.arange(4))
    found, rng = scored(np.random.default_rng(0), 4, 3), np.random.default_rng(1)
    with pytest.raises(ValueError, match="searches with and without a mate"):
        measure_open(found, np.arange(4), np.arange(3, 6), (0.1,), 50, rng)
    with pytest.raises(ValueError, match="4 and 2 identities for 4 searches with and 3 without"):
        measure_open(found, np.arange(4), np.arange(5, 7), (0.1,), 50, rng)
    nobody = scored(np.random.default_rng(0), 4, 0)
    with pytest.raises(TooFewClusters, match="nobody to search for in vain"):
        measure_open(nobody, np.arange(4), np.arange(0), (0.1,), 50, rng)
