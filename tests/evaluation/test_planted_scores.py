"""Verification and identification of planted vectors: the numbers are those that theory gives."""

import numpy as np
import pytest

from unispace.alignment.maps import fit_linear
from unispace.data.planted import (
    PlantedModel,
    PlantedWorld,
    area,
    equal_error,
    rank_one,
    true_match_rate,
)
from unispace.data.protocols.galleries import enrol_probe
from unispace.evaluation.identification import identify, search
from unispace.evaluation.verification import auc, compare, eer, roc, tmr_at_fmr, verify

METRICS = ["AUC", "EER", "TMR@FMR=0.01", "Rank-1"]
WORLD = PlantedWorld(
    {"m": PlantedModel(noise_variance=0.5, scale=3.0), "sharp": PlantedModel()},
    identities=100, images_per_identity=4, dimension=48,
    identity_variance=0.5, image_variance=1.0,
)  # fmt: skip


def measures_of(world, name, seed):
    """Every measure of one model of one drawn world, by its name."""
    planted = world.draw(seed)
    vectors, rng = planted.vectors[name], np.random.default_rng(seed)
    pairs = compare(vectors, vectors, planted.identity, same_space=True)
    measures, _ = verify(pairs, [0.01], 100, rng)
    enrolment = enrol_probe(planted.identity, list(planted.image_id))
    gallery, probe = enrolment.gallery, enrolment.probe
    who = planted.identity
    ranking = search(vectors[probe], vectors[gallery], who[probe], who[gallery])
    measures += identify(ranking, who[probe], [1], 1, resamples=100, rng=rng)[0]
    return {measure.metric: measure for measure in measures}


def truth(world, name):
    separation = world.separation(name, name)
    return {
        "AUC": area(separation),
        "EER": equal_error(separation),
        "TMR@FMR=0.01": true_match_rate(separation, 0.01),
        "Rank-1": rank_one(separation, world.identities),
    }


@pytest.fixture(scope="module")
def repeated():
    """Measures of twenty drawn worlds."""
    return [measures_of(WORLD, "m", seed) for seed in range(20)]


@pytest.mark.parametrize("metric", METRICS)
def test_values_are_those_of_theory(repeated, metric):
    """To four standard errors of the mean of the worlds, and what Fisher's z is off."""
    values = [measures[metric].value for measures in repeated]
    tolerance = 4 * np.std(values) / np.sqrt(len(values)) + 0.003
    assert tolerance < 0.03
    assert np.mean(values) == pytest.approx(truth(WORLD, "m")[metric], abs=tolerance)


@pytest.mark.parametrize("metric", METRICS)
def test_intervals_hold_the_truth(repeated, metric):
    """Of 20 intervals of 95 %, by chance fewer than 16 hold the truth once in 400 times."""
    expected = truth(WORLD, "m")[metric]
    held = [m[metric].lower <= expected <= m[metric].upper for m in repeated]
    assert sum(held) >= 16


def test_a_model_with_less_noise_is_better_by_what_theory_says():
    curves = {}
    planted = WORLD.draw(7)
    for name in ("m", "sharp"):
        vectors = planted.vectors[name]
        pairs = compare(vectors, vectors, planted.identity, same_space=True)
        curves[name] = roc(pairs.scores, pairs.genuine)
    better = truth(WORLD, "sharp")["AUC"] - truth(WORLD, "m")["AUC"]
    assert better > 0.02
    assert auc(curves["sharp"]) - auc(curves["m"]) == pytest.approx(better, abs=0.01)
    assert eer(curves["sharp"]) < eer(curves["m"])


def test_vectors_without_identity_are_at_chance():
    world = PlantedWorld(
        {"m": PlantedModel()}, identities=200, images_per_identity=4, dimension=32,
        identity_variance=0.0,
    )  # fmt: skip
    found = measures_of(world, "m", 0)
    assert found["AUC"].lower <= 0.5 <= found["AUC"].upper
    assert found["TMR@FMR=0.01"].lower <= 0.01 <= found["TMR@FMR=0.01"].upper
    assert found["Rank-1"].value == pytest.approx(1 / 200, abs=4 * np.sqrt(0.005 / 600))


def across(world, seed=0):
    """Vectors of one model mapped into another by a map fitted on the first half of the identities."""
    planted = world.draw(seed)
    fit = planted.identity < world.identities // 2
    fitted = fit_linear(planted.vectors["s"][fit], planted.vectors["t"][fit])
    mapped = fitted.transform(planted.vectors["s"][~fit])
    return mapped, fitted.place(planted.vectors["t"][~fit]), planted.identity[~fit]


def test_verification_across_models_is_that_of_the_shared_identity_part():
    noise = PlantedModel(noise_variance=0.4)
    world = PlantedWorld(
        {"s": noise, "t": noise}, identities=500, images_per_identity=4, dimension=32
    )
    mapped, target, identity = across(world)
    pairs = compare(mapped, target, identity, same_space=False)
    separation = world.separation("s", "t")
    curve = roc(pairs.scores, pairs.genuine)
    assert auc(curve) == pytest.approx(area(separation), abs=0.01)
    found = tmr_at_fmr(curve, 0.1, int(np.sum(~pairs.genuine)))
    assert found == pytest.approx(true_match_rate(separation, 0.1), abs=0.025)


def test_one_image_in_both_models_is_found_without_any_identity():
    """Rank-1 with the probe's own image enrolled measures the image part; without it, nothing is left."""
    world = PlantedWorld(
        {"s": PlantedModel(64, 0.05), "t": PlantedModel(48, 0.05)},
        identities=200, images_per_identity=5, dimension=32, identity_variance=0.0,
    )  # fmt: skip
    mapped, target, identity = across(world)
    own = np.arange(len(identity))
    with_own = search(mapped, target, identity, identity)
    without = search(mapped, target, identity, identity, exclude=own)
    assert np.mean(with_own.rank == 1) == 1
    # 4 of the 499 others are of the same identity.
    chance = 4 / 499
    assert np.mean(without.rank == 1) == pytest.approx(chance, abs=4 * np.sqrt(chance / 500))
    pairs = compare(mapped, target, identity, same_space=False)
    assert auc(roc(pairs.scores, pairs.genuine)) == pytest.approx(0.5, abs=0.03)


def test_a_shift_of_cameras_costs_recognition_and_siblings_cost_it_too():
    base = {"identities": 120, "images_per_identity": 4, "dimension": 32, "cameras": 2}
    models = {"m": PlantedModel()}
    plain = measures_of(PlantedWorld(models, **base), "m", 0)
    shifted = measures_of(PlantedWorld(models, **base, camera_variance=1.0), "m", 0)
    alike = measures_of(PlantedWorld(models, **base, siblings=1.0, likeness=0.95), "m", 0)
    assert shifted["AUC"].upper < plain["AUC"].lower
    assert alike["Rank-1"].upper < plain["Rank-1"].lower
