"""Measures of attack detection: by hand, on worlds with known truth, and where the data give none."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from unispace.errors import UserError
from unispace.evaluation.attack_detection import detect
from unispace.evaluation.attack_points import Points, Thresholds
from unispace.evaluation.bootstrap import draw
from unispace.evaluation.presentations import Presentations, Subjects, presentations

POINTS = Points((0.1, 0.5), 1)


def made(scores, kind, first=None, second=None):
    n = len(scores)
    return Presentations(
        np.asarray(scores, float),
        np.asarray(kind, str),
        np.arange(n) if first is None else np.asarray(first),
        np.full(n, -1) if second is None else np.asarray(second),
    )


def measured(data, thresholds=None, points=POINTS, resamples=100, seed=0, why=""):
    subjects = int(max(data.first.max(), data.second.max())) + 1
    drawn = draw(subjects, resamples, np.random.default_rng(seed))
    thresholds = thresholds or Thresholds.of(data, points)
    return detect(data, thresholds, points, drawn, "identity", why)


def values(measures):
    return {m.metric: m.value for m in measures}


# Subjects 0 to 9, each with a bona fide image, a print and a mask.
SCORES = [*np.linspace(0.4, 1.0, 10), *np.linspace(0, 0.3, 10), *np.linspace(0.1, 0.7, 10)]
KINDS = ["bona_fide"] * 10 + ["print"] * 10 + ["mask"] * 10
WORLD = made(SCORES, KINDS, [*range(10)] * 3)


def test_rates_by_hand_of_the_worst_kind_the_mean_and_all_attacks_as_one():
    thresholds = Thresholds(0.5, {0.1: 0.65, 0.5: 0.2}, {0.1: 0.45, 0.5: 0.7})
    found = values(measured(WORLD, thresholds).whole)
    scores = np.array(SCORES)
    mask, printed, real = scores[20:], scores[10:20], scores[:10]
    apcer, bpcer = np.mean(mask >= 0.5), np.mean(real < 0.5)
    assert np.mean(printed >= 0.5) == 0
    assert found["APCER"] == apcer == 0.4
    assert found["APCER-mean"] == apcer / 2
    assert found["APCER-pooled"] == apcer / 2
    assert found["BPCER"] == bpcer == 0.2
    assert found["ACER"] == pytest.approx((apcer + bpcer) / 2)
    assert found["HTER"] == pytest.approx((apcer / 2 + bpcer) / 2)
    attacks = scores[10:]
    assert found["BPCER@APCER=0.1-of-val"] == np.mean(real < 0.65)
    assert found["APCER@APCER=0.1-of-val"] == np.mean(attacks >= 0.65)
    assert found["APCER@BPCER=0.5-of-val"] == np.mean(attacks >= 0.7)
    assert found["BPCER@BPCER=0.5-of-val"] == np.mean(real < 0.7)


def test_kinds_are_told_apart_and_their_mean_and_worst_are_over_them():
    found = measured(WORLD)
    of_kind = {kind: values(measures) for kind, measures in found.of_kind.items()}
    assert list(of_kind) == ["mask", "print"]
    assert of_kind["print"]["D-EER"] == 0
    assert of_kind["print"]["AUC"] == 1
    for name, value in values(found.mean).items():
        assert value == pytest.approx((of_kind["mask"][name] + of_kind["print"][name]) / 2)
    for name, value in values(found.worst).items():
        assert value == of_kind["mask"][name]
    # The standard's BPCER at an APCER: no kind passes more often. That is so at the highest threshold of all kinds.
    least = min(
        np.mean(np.array(SCORES[:10]) < t)
        for t in [*SCORES, np.inf]
        if all(np.mean(np.array(part) >= t) <= 0.1 for part in (SCORES[10:20], SCORES[20:]))
    )
    assert values(found.worst)["BPCER@APCER=0.1"] == pytest.approx(least)


def test_the_intervals_of_one_kind_and_of_its_mean_and_worst_are_the_same():
    one = WORLD.against("mask")
    found = measured(one)
    for mine, mean, worst in zip(found.of_kind["mask"], found.mean, found.worst, strict=True):
        assert mine == mean == worst
        np.testing.assert_array_equal(mine.samples, mean.samples)


def test_thresholds_of_the_test_data_are_taken_again_in_every_resample_and_those_of_val_are_not():
    drawn = draw(10, 100, np.random.default_rng(5))
    thresholds = Thresholds.of(WORLD, POINTS)
    found = {m.metric: m for m in detect(WORLD, thresholds, POINTS, drawn, "identity").whole}
    for row in (0, 17, 99):
        again = np.concatenate(
            [np.flatnonzero(WORLD.first == s).repeat(drawn[row, s]) for s in range(10)]
        )
        part = made(WORLD.scores[again], WORLD.kind[again], WORLD.first[again])
        alone = values(measured(part, thresholds).whole)
        for name, measure in found.items():
            assert measure.samples[row] == pytest.approx(alone[name], abs=1e-12), name


def test_a_morph_weighs_the_product_of_its_two_subjects():
    data = made([1, 0, 0.5], ["bona_fide", "morph", "morph"], [0, 0, 1], [-1, 1, 2])
    assert data.weights(np.array([[2, 3, 0], [1, 1, 1]])).tolist() == [[2, 6, 0], [1, 1, 1]]
    assert data.subjects(~data.bona_fide) == 3


def test_perfect_separation_gets_wilson_intervals():
    data = made([0.9] * 20 + [0.1] * 20, ["bona_fide"] * 20 + ["print"] * 20, [*range(20)] * 2)
    found = {m.metric: m for m in measured(data).whole}
    assert found["AUC"].value == 1
    assert found["D-EER"].value == 0
    z2 = norm.ppf(0.975) ** 2
    assert found["D-EER"].upper == pytest.approx(z2 / (20 + z2))
    assert found["AUC"].lower == pytest.approx(20 / (20 + z2))
    assert (found["APCER"].value, found["BPCER"].value, found["HTER@EER-of-test"].value) == (
        0,
        0,
        0,
    )
    assert all(m.status == "ok" for m in found.values())


@pytest.mark.parametrize(
    ("kinds", "why"),
    [
        (["print"] * 4, "there is no bona fide presentation in what is tested"),
        (["bona_fide"] * 4, "there is no attack in what is tested"),
    ],
)
def test_one_class_is_a_failed_cell_with_its_reason(kinds, why):
    found = measured(made([0.1, 0.2, 0.3, 0.4], kinds), Thresholds(0.2, {0.1: 0.2, 0.5: 0.3}, {0.1: 0.2, 0.5: 0.1}))  # fmt: skip
    for measures in (found.whole, found.mean, found.worst, *found.of_kind.values()):
        assert {m.status for m in measures} == {f"failed: {why}"}
    assert found.det.shape == (2, 0)


def test_val_data_of_one_class_fail_what_needs_its_threshold_and_nothing_else():
    thresholds = Thresholds.of(made([0.1, 0.2], ["print"] * 2), POINTS)
    status = {m.metric: m.status for m in measured(WORLD, thresholds).whole}
    why = "failed: there is no bona fide presentation in the val split"
    strict = {name for name in status if "-of-val" in name}
    assert len(strict) == 8
    for name, told in status.items():
        fixed = name in strict | {"APCER", "APCER-mean", "APCER-pooled", "BPCER", "ACER", "HTER"}
        assert told == (why if fixed else "ok"), name


def test_a_point_that_the_images_cannot_support_is_refused():
    points = Points((0.01, 0.2), 5)
    data = made(np.linspace(0, 1, 90), ["bona_fide"] * 60 + ["print"] * 30, [*range(30)] * 3)
    status = {m.metric: m.status for m in measured(data, points=points).whole}
    assert status["APCER@BPCER=0.01"] == (
        "failed: BPCER 0.01 takes at least 500 bona fide presentations for 5 expected errors, there are 60"
    )
    assert status["BPCER@APCER=0.2"] == "ok"
    assert status["BPCER@APCER=0.01"].startswith("failed: APCER 0.01 takes at least 500 attacks")
    assert status["BPCER@BPCER=0.01-of-val"].startswith("failed: val: BPCER 0.01 takes at least")
    # Of one kind there may be too few where there are enough of all; then the mean over kinds has none.
    kinds = ["bona_fide"] * 60 + ["print"] * 25 + ["mask"] * 5
    found = measured(made(np.linspace(0, 1, 90), kinds, [*range(30)] * 3), points=points)
    assert values(found.of_kind["print"])["BPCER@APCER=0.2"] is not None
    mean = {m.metric: m.status for m in found.mean}["BPCER@APCER=0.2"]
    assert mean.startswith(
        "failed: APCER 0.2 takes at least 25 attacks for 5 expected errors, there are 5"
    )


def test_too_few_subjects_give_no_interval():
    data = made([0.1, 0.9, 0.2, 0.8], ["print", "bona_fide"] * 2, [0, 1, 0, 1])
    status = {m.metric: m.status for m in measured(data).whole}
    assert "resamples hold attacks of each kind and bona fide presentations" in status["AUC"]
    assert set(measured(data, why="nobody is here").whole[0].status.split(": ", 1)) == {
        "failed",
        "nobody is here",
    }


# --- planted worlds ---


def normal_world(rng, distance, subjects=120, images=4, shared=0.6):
    """Scores of two normal distributions; a part of the variance is common to a subject's images."""
    own = rng.normal(size=(2, subjects, 1)) * math.sqrt(shared)
    noise = rng.normal(size=(2, subjects, images)) * math.sqrt(1 - shared)
    scores = own + noise
    scores[0] += distance
    kinds = np.repeat(["bona_fide", "print"], subjects * images)
    return made(scores.ravel(), kinds, np.tile(np.repeat(np.arange(subjects), images), 2))


def test_two_normals_have_the_d_eer_and_auc_that_follow_from_their_distance():
    data = normal_world(np.random.default_rng(1), 2.0, subjects=4000)
    found = values(measured(data).whole)
    assert found["D-EER"] == pytest.approx(norm.cdf(-1), abs=0.01)
    assert found["AUC"] == pytest.approx(norm.cdf(2 / math.sqrt(2)), abs=0.01)
    assert found["BPCER@APCER=0.1"] == pytest.approx(norm.cdf(norm.ppf(0.9) - 2), abs=0.015)
    assert found["APCER@BPCER=0.1"] == pytest.approx(norm.cdf(norm.ppf(0.9) - 2), abs=0.015)
    assert found["HTER@EER-of-test"] == pytest.approx(norm.cdf(-1), abs=0.01)


def test_intervals_cover_the_truth_in_about_95_of_100_worlds():
    truth = {
        "D-EER": norm.cdf(-0.75),
        "AUC": norm.cdf(1.5 / math.sqrt(2)),
        "BPCER@APCER=0.1": norm.cdf(norm.ppf(0.9) - 1.5),
        "HTER": norm.cdf(-0.75),
    }
    fixed = Thresholds(0.75, dict.fromkeys((0.1, 0.5), "not asked"), dict.fromkeys((0.1, 0.5), "not asked"))  # fmt: skip
    worlds, covered = 100, dict.fromkeys(truth, 0)
    for seed in range(worlds):
        data = normal_world(np.random.default_rng(seed), 1.5, subjects=60)
        for measure in measured(data, fixed, resamples=200, seed=seed).whole:
            if measure.metric in truth:
                covered[measure.metric] += measure.lower <= truth[measure.metric] <= measure.upper
    # Binomial: 95 of 100 in expectation, below 88 in fewer than one of 200 such tests.
    assert all(88 <= hits <= 100 for hits in covered.values()), covered


def test_intervals_of_morphs_do_not_miss_the_share_that_both_subjects_have_in_them():
    fixed, covered, worlds, subjects = Thresholds(0.75, {}, {}), 0, 50, 60
    for seed in range(worlds):
        rng = np.random.default_rng(seed)
        own = rng.normal(size=subjects) * math.sqrt(0.6)
        first, second = np.tile(np.arange(subjects), 2), np.concatenate(
            [np.roll(np.arange(subjects), -k) for k in (1, 2)]
        )  # fmt: skip
        morphs = (own[first] + own[second]) / math.sqrt(2)
        morphs += rng.normal(size=len(first)) * math.sqrt(0.4)
        data = made(
            np.append(morphs, np.full(subjects, 2.0)),
            ["morph"] * len(first) + ["bona_fide"] * subjects,
            np.append(first, np.arange(subjects)),
            np.append(second, np.full(subjects, -1)),
        )
        found = {m.metric: m for m in measured(data, fixed, resamples=100, seed=seed).whole}
        covered += found["APCER"].lower <= norm.cdf(-0.75) <= found["APCER"].upper
    assert covered >= 46


# --- from images to presentations ---


def index(**columns):
    n = len(columns["label"])
    base = {"image_id": [f"i{k}" for k in range(n)], "identity": [f"p{k % 3}" for k in range(n)]}
    return pd.DataFrame({**base, **columns})


def test_frames_of_a_video_count_once_with_their_mean_score():
    rows = index(
        label=["bona_fide", "bona_fide", "print", "print", "print"],
        identity=["a", "a", "b", "b", "b"],
        video=["v1", "v1", "v2", "v2", None],
    )
    subjects = Subjects.of(rows, per_video=True)
    found = presentations(rows, np.array([1, 0, 0.2, 0.4, 0.9]), subjects, per_video=True)
    assert sorted(zip(found.kind, np.round(found.scores, 9), strict=True)) == [
        ("bona_fide", 0.5),
        ("print", 0.3),
        ("print", 0.9),
    ]
    assert len(presentations(rows, np.zeros(5), subjects, per_video=False).scores) == 5


def test_a_video_of_two_labels_is_told():
    rows = index(label=["bona_fide", "print"], identity=["a", "a"], video=["v1", "v1"])
    subjects = Subjects.of(rows, per_video=True)
    with pytest.raises(UserError, match="video `v1`: its frames differ in label or subject"):
        presentations(rows, np.zeros(2), subjects, per_video=True)


def test_images_of_nobody_known_are_subjects_of_their_own():
    rows = index(label=["bona_fide", "print", "print"], identity=["a", None, None])
    subjects = Subjects.of(rows, per_video=True)
    assert (subjects.unit, len(subjects.names)) == ("image", 3)
    named = Subjects.of(index(label=["print"] * 6), per_video=True)
    assert (named.unit, len(named.names)) == ("identity", 3)


def test_the_other_subject_of_a_morph_is_known_by_the_same_name():
    rows = index(
        label=["bona_fide", "m", "m"], identity=["a", "a", "b"], identity_2=[None, "b", "c"]
    )
    subjects = Subjects.of(rows, per_video=True)
    found = presentations(rows, np.zeros(3), subjects, per_video=True)
    assert found.first.tolist() == [0, 0, 1]
    assert found.second.tolist() == [-1, 1, 2]
