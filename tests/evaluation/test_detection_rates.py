"""Rates of attack detection against scikit-learn, and against the definitions written out."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from unispace.evaluation.detection_rates import Rates, Steps

EXACT = 1e-9
POINTS = (0.01, 0.05, 0.1, 0.2, 0.5)


def rates(scores, bona_fide, weight=None):
    weight = np.ones((1, len(scores))) if weight is None else np.asarray(weight, float)
    return Rates.of(Steps.of(np.asarray(scores, float)), np.asarray(bona_fide, bool), weight)


# Few values, so that most scores are tied; some of them next to each other as numbers.
SCORES = st.one_of(
    st.integers(-3, 3).map(float),
    st.sampled_from([0.1, np.nextafter(0.1, 1), 1e300, -1e300, 5e-324]),
    st.floats(-10, 10),
)
IMAGES = st.lists(st.tuples(SCORES, st.booleans()), min_size=2, max_size=40).filter(
    lambda images: len({kind for _, kind in images}) == 2
)


@given(IMAGES)
@settings(deadline=None, max_examples=80)
def test_auc_and_all_points_are_those_of_scikit_learn(images):
    scores, bona_fide = map(np.array, zip(*images, strict=True))
    found = rates(scores, bona_fide)
    assert abs(found.auc()[0] - roc_auc_score(bona_fide, scores)) < EXACT
    apcer, accepted, threshold = roc_curve(bona_fide, scores, drop_intermediate=False)
    np.testing.assert_allclose(found.apcer[0], apcer, atol=EXACT)
    np.testing.assert_allclose(found.bpcer[0], 1 - accepted, atol=EXACT)
    for place, other in enumerate(threshold):
        assert found.steps.place(other) == place
    # scikit-learn keeps the best points only: BPCER at an APCER is the least among the points that it allows.
    for most in POINTS:
        allowed = apcer <= most + EXACT
        assert abs(found.bpcer_at(found.at_apcer(most))[0] - (1 - accepted)[allowed].min()) < EXACT
        allowed = 1 - accepted <= most + EXACT
        assert abs(found.apcer_at(found.at_bpcer(most))[0] - apcer[allowed].min()) < EXACT
    assert abs(found.d_eer()[0] - crossing(apcer, 1 - accepted, bona_fide)) < EXACT


def crossing(apcer, bpcer, bona_fide):
    """Where the line through all points (APCER, BPCER) meets the diagonal, in fractions."""
    attacks, bona_fides = int((~bona_fide).sum()), int(bona_fide.sum())
    points = [
        (Fraction(round(a * attacks), attacks), Fraction(round(b * bona_fides), bona_fides))
        for a, b in zip(apcer, bpcer, strict=True)
    ]
    for (a, b), (c, d) in pairwise(points):
        if a < b and c >= d:
            # a + t (c - a) = b + t (d - b)
            return float(a + (b - a) / ((c - a) + (b - d)) * (c - a))
    raise AssertionError("APCER begins below BPCER and ends above it")


@given(IMAGES)
@settings(deadline=None, max_examples=80)
def test_every_threshold_divides_the_scores_as_the_counts_say(images):
    scores, bona_fide = map(np.array, zip(*images, strict=True))
    found = rates(scores, bona_fide)
    assert (np.diff(found.steps.threshold) < 0).all()
    for place, threshold in enumerate(found.steps.threshold):
        taken = scores >= threshold
        assert found.apcer[0, place] == np.mean(taken[~bona_fide])
        assert found.bpcer[0, place] == np.mean(~taken[bona_fide])
    near = int(found.nearest_eer()[0])
    gaps = np.abs(found.apcer[0] - found.bpcer[0])
    assert gaps[near] <= gaps.min() + 1e-12


@given(IMAGES, st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=80)
def test_a_resample_has_the_rates_of_images_that_are_repeated(images, seed):
    scores, bona_fide = map(np.array, zip(*images, strict=True))
    weight = np.random.default_rng(seed).integers(0, 4, (3, len(scores)))
    together = rates(scores, bona_fide, weight)
    for row in range(3):
        again = np.repeat(np.arange(len(scores)), weight[row])
        if len(set(bona_fide[again].tolist())) < 2:
            assert np.isnan(
                [together.auc()[row], together.d_eer()[row], together.apcer_at(together.at(0))[row]]
            ).all()
            continue
        alone = rates(scores[again], bona_fide[again])
        assert together.auc()[row] == alone.auc()[0]
        assert abs(together.d_eer()[row] - alone.d_eer()[0]) < EXACT
        for most in POINTS:
            assert (
                together.bpcer_at(together.at_apcer(most))[row]
                == (alone.bpcer_at(alone.at_apcer(most))[0])
            )
            assert (
                together.apcer_at(together.at_bpcer(most))[row]
                == (alone.apcer_at(alone.at_bpcer(most))[0])
            )
        places = [(together, together.nearest_eer(), row), (alone, alone.nearest_eer(), 0)]
        one, other = ((r.apcer_at(p)[i], r.bpcer_at(p)[i]) for r, p, i in places)
        assert one == other


def test_perfect_separation_is_exactly_right_and_its_threshold_lies_in_the_middle():
    found = rates([0.9, 0.8, 0.2, 0.1], [1, 1, 0, 0])
    assert found.auc()[0] == 1
    assert found.d_eer()[0] == 0
    assert found.steps.threshold[found.nearest_eer()[0]] == pytest.approx(0.5)
    assert found.bpcer_at(found.at_apcer(0.01))[0] == 0
    wrong = rates([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1])
    assert (wrong.auc()[0], wrong.d_eer()[0]) == (0, 1)


def test_scores_without_information_are_chance_and_reject_all_rather_than_accept_all():
    found = rates([0.5] * 6, [1, 1, 1, 0, 0, 0])
    assert (found.auc()[0], found.d_eer()[0]) == (0.5, 0.5)
    # Both points are equally far from equality: the one at which no attack passes is taken.
    assert found.apcer_at(found.nearest_eer())[0] == 0
    assert found.bpcer_at(found.at_apcer(0.2))[0] == 1
    assert found.apcer_at(found.at_bpcer(0.2))[0] == 1


def test_rates_by_hand():
    # Falling: bona fide 5, attack 4, tie of both at 3, bona fide 2, attack 1.
    found = rates([5, 4, 3, 3, 2, 1], [1, 0, 1, 0, 1, 0])
    assert found.apcer[0].tolist() == pytest.approx([0, 0, 1 / 3, 2 / 3, 2 / 3, 1])
    assert found.bpcer[0].tolist() == pytest.approx([1, 2 / 3, 2 / 3, 1 / 3, 0, 0])
    # Between (1/3, 2/3) and (2/3, 1/3) the straight line has equality in the middle.
    assert found.d_eer()[0] == pytest.approx(0.5)
    # Pairs: 3 of 5 over all; 3 over 3 ties and over 1; 2 over 1.
    assert found.auc()[0] == pytest.approx((3 + 1.5 + 1) / 9)
    # Equal distance and equal sum: the higher threshold.
    assert found.steps.threshold[found.nearest_eer()[0]] == 3.5
    assert found.steps.place(3.2) == 2
    assert found.steps.place(3.0) == 3
    assert found.bpcer_at(found.at(3.2))[0] == pytest.approx(2 / 3)


def test_scores_that_are_none_are_refused():
    with pytest.raises(ValueError, match="score 1 is not finite"):
        Steps.of(np.array([0.1, np.nan]))
    with pytest.raises(ValueError, match="n > 0"):
        Steps.of(np.array([]))
