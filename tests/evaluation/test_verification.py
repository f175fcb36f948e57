"""Verification metrics against brute force over pairs and thresholds."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score, roc_curve

from unispace.evaluation.bootstrap import wilson_interval
from unispace.evaluation.verification import (
    PairScores,
    Roc,
    UnsupportedOperatingPoint,
    auc,
    compare,
    eer,
    required_impostors,
    roc,
    thin,
    tmr_at_fmr,
    verify,
)

quick = settings(
    deadline=None, max_examples=60, derandomize=True, suppress_health_check=list(HealthCheck)
)
MANY = 10**9  # impostors enough for every operating point


@st.composite
def labelled_scores(draw, largest=8):
    """Scores on a coarse grid, so that ties are common, with both kinds of pairs."""
    n = draw(st.integers(2, 40))
    scores = draw(st.lists(st.integers(0, largest), min_size=n, max_size=n))
    genuine = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    assume(any(genuine) and not all(genuine))
    return np.array(scores, np.float32) / 4 - 1, np.array(genuine)


def brute_points(scores, genuine):
    """(FMR, TMR) as fractions at every threshold, strictest first."""
    mates, others = scores[genuine], scores[~genuine]
    return [
        (
            Fraction(sum(s >= t for s in others.tolist()), len(others)),
            Fraction(sum(s >= t for s in mates.tolist()), len(mates)),
        )
        for t in [np.inf, *sorted(set(scores.tolist()), reverse=True)]
    ]


def brute_auc(scores, genuine):
    wins = sum(
        Fraction(int(m > o)) + Fraction(int(m == o), 2)
        for m in scores[genuine].tolist()
        for o in scores[~genuine].tolist()
    )
    return float(wins / (genuine.sum() * (~genuine).sum()))


def brute_eer(scores, genuine):
    """FMR = FNMR means FMR + TMR = 1; the sum rises along the ROC, so read FMR off at 1."""
    points = brute_points(scores, genuine)
    return np.interp(1.0, [float(f + t) for f, t in points], [float(f) for f, _ in points])


def brute_tmr(scores, genuine, target):
    allowed = Fraction(str(target))
    return float(max(t for f, t in brute_points(scores, genuine) if f <= allowed))


# ROC, AUC, EER, TMR@FMR


@quick
@given(labelled_scores())
def test_roc_is_what_every_threshold_gives(data):
    curve = roc(*data)
    expected = np.array([[float(f), float(t)] for f, t in brute_points(*data)])
    np.testing.assert_allclose(np.column_stack([curve.fmr, curve.tmr]), expected, atol=1e-15)
    assert curve.threshold.tolist() == [np.inf, *sorted(set(data[0].tolist()), reverse=True)]


@quick
@given(labelled_scores())
def test_auc_is_the_share_of_pairs_in_order(data):
    assert auc(roc(*data)) == pytest.approx(brute_auc(*data), abs=1e-12)


@quick
@given(labelled_scores())
def test_eer_is_where_the_roc_meets_the_diagonal(data):
    assert eer(roc(*data)) == pytest.approx(brute_eer(*data), abs=1e-12)


@quick
@given(labelled_scores(), st.sampled_from([0.001, 0.05, 0.1, 0.2, 0.25, 0.3, 0.5, 0.7, 0.9]))
def test_tmr_at_fmr_is_the_best_allowed_threshold(data, target):
    assert tmr_at_fmr(roc(*data), target, MANY) == pytest.approx(brute_tmr(*data, target))


def test_metrics_against_other_libraries():
    rng = np.random.default_rng(0)
    genuine = rng.random(3000) < 0.1
    scores = (rng.normal(size=3000) + genuine).round(2).astype(np.float32)
    curve = roc(scores, genuine)
    assert auc(curve) == pytest.approx(roc_auc_score(genuine, scores), abs=1e-12)
    u = mannwhitneyu(scores[genuine], scores[~genuine]).statistic
    assert auc(curve) == pytest.approx(u / genuine.sum() / (~genuine).sum(), abs=1e-12)
    fmr, tmr, threshold = roc_curve(genuine, scores, drop_intermediate=False)
    np.testing.assert_allclose(curve.fmr, fmr, atol=1e-15)
    np.testing.assert_allclose(curve.tmr, tmr, atol=1e-15)
    np.testing.assert_allclose(curve.threshold, threshold)


def test_a_worked_example():
    # Among falling scores the genuine ones lose 0, 0, 1 and 3 of their four duels.
    scores = np.array([9, 8, 7, 6, 5, 4, 3, 2.0])
    genuine = np.array([1, 1, 0, 1, 0, 0, 1, 0], bool)
    curve = roc(scores, genuine)
    assert auc(curve) == 12 / 16
    assert eer(curve) == 0.25
    assert tmr_at_fmr(curve, 0.24, MANY) == 0.5
    assert tmr_at_fmr(curve, 0.25, MANY) == 0.75


def test_the_nearest_point_is_not_taken():
    # one impostor in ten is the nearest to FMR 0.099 and exceeds it
    scores = np.array([1.0, 0.9, 0.8, *[0.0] * 9])
    genuine = np.array([1, 0, 1, *[0] * 9], bool)
    curve = roc(scores, genuine)
    assert tmr_at_fmr(curve, 0.099, MANY) == 0.5
    assert tmr_at_fmr(curve, 0.1, MANY) == 1.0


def test_perfect_separation_is_exact():
    rng = np.random.default_rng(0)
    genuine = rng.random(999) < 0.3
    curve = roc(rng.random(999) + 2 * genuine, genuine)
    assert (auc(curve), eer(curve), tmr_at_fmr(curve, 0.001, MANY)) == (1.0, 0.0, 1.0)
    for n in range(3, 200):  # also where 1/n summed n times is not 1
        half = np.arange(2 * n) < n
        assert auc(roc(rng.random(2 * n) + 2 * half, half)) == 1.0
    assert auc(roc(rng.random(999) - 2 * genuine, genuine)) == 0.0


def test_equal_scores_are_one_step():
    curve = roc(np.full(10, 0.3), np.arange(10) < 4)
    assert (curve.fmr.tolist(), curve.tmr.tolist()) == ([0, 1], [0, 1])
    assert (auc(curve), eer(curve), tmr_at_fmr(curve, 0.9, MANY)) == (0.5, 0.5, 0.0)


@quick
@given(labelled_scores())
def test_a_rising_transform_changes_nothing_and_a_flip_mirrors_auc(data):
    scores, genuine = data
    plain, curved = roc(scores, genuine), roc(np.exp(3.0 * scores) - 7, genuine)
    np.testing.assert_array_equal(plain.fmr, curved.fmr)
    np.testing.assert_array_equal(plain.tmr, curved.tmr)
    assert auc(roc(-scores, genuine)) == pytest.approx(1 - auc(plain), abs=1e-12)
    assert eer(roc(-scores, ~genuine)) == pytest.approx(eer(plain), abs=1e-12)


@quick
@given(labelled_scores(), st.randoms(use_true_random=False))
def test_integer_weights_are_repetitions(data, random):
    scores, genuine = data
    weights = np.array([random.randint(0, 3) for _ in scores])
    assume(weights[genuine].any() and weights[~genuine].any())
    weighted = roc(scores, genuine, weights)
    repeated = roc(np.repeat(scores, weights), np.repeat(genuine, weights))
    assert auc(weighted) == pytest.approx(auc(repeated), abs=1e-12)
    assert eer(weighted) == pytest.approx(eer(repeated), abs=1e-12)
    assert tmr_at_fmr(weighted, 0.2, MANY) == pytest.approx(tmr_at_fmr(repeated, 0.2, MANY))


@pytest.mark.parametrize(
    ("scores", "genuine", "weights", "message"),
    [
        ([0.1, 0.2], [True, True], None, "needs impostor pairs, and there are none"),
        ([0.1, 0.2], [False, False], None, "needs genuine pairs, and there are none"),
        ([], [], None, "needs genuine pairs, and there are none"),
        ([0.1, 0.2], [True, False], [0, 1], "needs genuine pairs, and there are none"),
        ([0.1, np.nan], [True, False], None, "score 1 is NaN"),
        ([0.1, 0.2], [True, False], [1, -1], "weights must be finite and not negative"),
        ([0.1, 0.2], [True], None, r"scores \(2,\), genuine \(1,\)"),
    ],
)
def test_a_roc_of_nothing_is_refused(scores, genuine, weights, message):
    with pytest.raises(ValueError, match=message):
        roc(np.array(scores), np.array(genuine, bool), weights)


# Support of an operating point


@pytest.mark.parametrize(
    ("target", "required"),
    [(0.1, 100), (0.01, 1000), (0.001, 10_000), (1e-4, 100_000), (1e-6, 10**7), (0.3, 34)],
)
def test_required_impostors(target, required):
    assert required_impostors(target) == required
    curve = Roc(np.array([np.inf, 0.0]), np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    assert tmr_at_fmr(curve, target, required) == 0.0
    with pytest.raises(UnsupportedOperatingPoint):
        tmr_at_fmr(curve, target, required - 1)


def test_the_refusal_says_what_is_missing():
    message = (
        "FMR 0.0001 needs at least 100,000 impostor comparisons for 10 expected false matches, "
        "there are 6,750"
    )
    with pytest.raises(UnsupportedOperatingPoint, match=f"^{message}$"):
        tmr_at_fmr(roc(np.arange(4.0), np.arange(4) > 1), 0.0001, 6750)


@pytest.mark.parametrize("target", [0.0, 1.0, -0.1, np.nan])
def test_a_target_outside_the_range_is_refused(target):
    with pytest.raises(ValueError, match="a target FMR lies between 0 and 1"):
        required_impostors(target)


# Pairs


@pytest.fixture
def images():
    rng = np.random.default_rng(5)
    return rng.normal(size=(150, 9)), rng.normal(size=(150, 9)), rng.integers(100, 130, 150)


@pytest.mark.parametrize("same_space", [True, False])
def test_pairs_are_those_of_two_loops(images, same_space):
    probe, target, identity = images
    probe, target, identity = probe[:12], target[:12], identity[:12] % 4
    target = probe if same_space else target
    pairs = compare(probe, target, identity, same_space=same_space)
    expected = [
        (
            probe[i] @ target[j] / np.linalg.norm(probe[i]) / np.linalg.norm(target[j]),
            identity[i] == identity[j],
            identity[i],
            identity[j],
        )
        for i in range(12)
        for j in range(12)
        if (i < j if same_space else i != j)
    ]
    scores, genuine, first, second = zip(*expected, strict=True)
    names = np.unique(identity)
    np.testing.assert_allclose(pairs.scores, scores, atol=1e-6)
    assert pairs.genuine.tolist() == list(genuine)
    assert names[pairs.first].tolist() == list(first)
    assert names[pairs.second].tolist() == list(second)
    assert pairs.identities == len(names)
    kinds = (pairs.scores.dtype, pairs.genuine.dtype, pairs.first.dtype, pairs.second.dtype)
    assert kinds == (np.float32, np.bool_, np.int32, np.int32)


@pytest.mark.parametrize("same_space", [True, False])
@pytest.mark.parametrize("block", [1, 64, 65, 149, 10**6])
def test_the_block_size_changes_no_pair(images, same_space, block):
    probe, target, identity = images
    target = probe if same_space else target
    one = compare(probe, target, identity, same_space=same_space)
    other = compare(probe, target, identity, same_space=same_space, block=block)
    for name in ("scores", "genuine", "first", "second"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), strict=True)


@pytest.mark.parametrize("same_space", [True, False])
def test_the_order_of_the_images_changes_no_metric(images, same_space):
    probe, target, identity = images
    target = probe if same_space else target
    order = np.random.default_rng(6).permutation(len(identity))
    results = []
    for rows in (np.arange(len(identity)), order):
        moved = probe[rows]
        pairs = compare(
            moved, moved if same_space else target[rows], identity[rows], same_space=same_space
        )
        curve = roc(pairs.scores, pairs.genuine)
        results.append([auc(curve), eer(curve), tmr_at_fmr(curve, 0.01, MANY)])
    np.testing.assert_allclose(*results, atol=1e-6)


def test_pairs_of_unusable_images_are_refused(images):
    probe, target, identity = images
    with pytest.raises(ValueError, match="150 probe rows, 150 target rows and 149 identities"):
        compare(probe, target, identity[1:], same_space=False)
    with pytest.raises(ValueError, match="pairs need at least 2 images, got 1"):
        compare(probe[:1], target[:1], identity[:1], same_space=False)
    with pytest.raises(ValueError, match="same_space takes the same vectors"):
        compare(probe, target, identity, same_space=True)
    broken = probe.copy()
    broken[17, 3] = np.nan
    with pytest.raises(ValueError, match="probe: row 17 is not finite"):
        compare(broken, target, identity, same_space=False)
    broken[17] = 0
    with pytest.raises(ValueError, match="target: row 17 is zero"):
        compare(probe, broken, identity, same_space=False)


# Measures


def people(signal, identities=40, images=5, seed=0):
    """Pairs of one model in which identity makes up more or less of an embedding."""
    rng = np.random.default_rng(seed)
    identity = np.repeat(np.arange(identities), images)
    vectors = signal * rng.normal(size=(identities, 16))[identity]
    vectors = vectors + rng.normal(size=(identities * images, 16))
    return compare(vectors, vectors, identity, same_space=True)


def test_verify_reports_the_plain_metrics():
    pairs = people(1.0)
    measures, curve = verify(pairs, [0.1, 0.01, 0.0001], 100, np.random.default_rng(0))
    named = {measure.metric: measure for measure in measures}
    assert list(named) == ["AUC", "EER", "TMR@FMR=0.1", "TMR@FMR=0.01", "TMR@FMR=0.0001"]
    assert named["AUC"].value == auc(curve) == auc(roc(pairs.scores, pairs.genuine))
    assert named["EER"].value == eer(curve)
    assert named["TMR@FMR=0.01"].value == tmr_at_fmr(curve, 0.01, MANY)
    for measure in measures[:4]:
        assert (measure.status, measure.unit) == ("ok", "identity")
        assert measure.lower < measure.value < measure.upper
    assert named["AUC"].n == 200 * 199 // 2
    assert named["TMR@FMR=0.1"].n == 40 * 10
    refused = named["TMR@FMR=0.0001"]
    assert refused.status.startswith("failed: FMR 0.0001 needs at least 100,000 impostor")
    assert np.isnan([refused.value, refused.lower, refused.upper]).all()


def test_verify_repeats_with_the_same_seed_only():
    pairs = people(1.0)
    runs = [verify(pairs, [0.01], 60, np.random.default_rng(seed))[0] for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_random_embeddings_are_at_chance():
    inside = 0
    for seed in range(20):
        found, _ = verify(people(0.0, seed=seed), [0.01], 80, np.random.default_rng(seed))
        inside += found[0].lower <= 0.5 <= found[0].upper
        assert found[0].upper - found[0].lower < 0.2
    assert inside >= 17


def test_perfect_metrics_keep_an_interval():
    measures, _ = verify(people(100.0), [0.01], 60, np.random.default_rng(0))
    assert [measure.value for measure in measures] == [1.0, 0.0, 1.0]
    expected = wilson_interval(1.0, 40)
    assert (measures[0].lower, measures[0].upper) == expected
    assert (measures[2].lower, measures[2].upper) == expected
    assert measures[1].upper == pytest.approx(1 - expected[0])


def test_too_few_identities_fail_and_say_so():
    pairs = people(1.0, identities=2, images=20)
    measures, _ = verify(pairs, [0.1], 60, np.random.default_rng(0))
    assert all("too few identities" in measure.status for measure in measures)


def test_pairs_of_one_kind_are_refused():
    alone = people(1.0, identities=30, images=1)
    with pytest.raises(ValueError, match="needs genuine pairs"):
        verify(alone, [0.1], 60, np.random.default_rng(0))
    empty = np.zeros(0)
    with pytest.raises(ValueError, match="needs genuine pairs"):
        verify(PairScores(empty, empty, empty, empty, 0), [0.1], 60, np.random.default_rng(0))


# Thinning


def test_thinning_invents_nothing_and_keeps_the_ends():
    rng = np.random.default_rng(0)
    genuine = rng.random(20_000) < 0.1
    full = roc(rng.normal(size=20_000) + 3 * genuine, genuine)
    few = thin(full, 50)
    assert 30 <= len(few.fmr) <= 50
    points = set(zip(full.threshold, full.fmr, full.tmr, strict=True))
    assert points.issuperset(zip(few.threshold, few.fmr, few.tmr, strict=True))
    assert (few.fmr[0], few.tmr[0], few.fmr[-1], few.tmr[-1]) == (0, 0, 1, 1)
    assert (np.diff(few.threshold) < 0).all()
    # Evenly spaced for a logarithmic axis, from the first false match on.
    positive = few.fmr[few.fmr > 0]
    assert positive[0] == full.fmr[full.fmr > 0][0]
    assert np.diff(np.log(positive[positive > 0.01])).max() < 0.35
    assert few.tmr[few.fmr == 0].max() == full.tmr[full.fmr == 0].max()


def test_thinning_leaves_a_short_curve_alone():
    curve = roc(np.arange(10.0), np.arange(10) % 3 == 0)
    assert thin(curve, 400) is curve
    with pytest.raises(ValueError, match="at least 3 points, got 2"):
        thin(curve, 2)
