"""Planted truth through both rooms: what two models share is found, and nothing else is."""

import numpy as np
import pytest
from scipy.stats import ortho_group

from unispace.alignment.maps import METHODS
from unispace.alignment.space import unit_rows
from unispace.data.protocols.galleries import enrol_probe
from unispace.evaluation.identification import identify, search
from unispace.evaluation.verification import compare, verify

IDENTITIES, IMAGES, LATENT = 120, 6, 24
FITTED = np.arange(IDENTITIES * IMAGES) < 80 * IMAGES  # the other 40 identities are the test split


def two_models(identity_signal, image_signal, seed=0):
    """Embeddings (32 and 48 wide) of the same images; each model adds noise of its own."""
    rng = np.random.default_rng(seed)
    identity = np.repeat(np.arange(IDENTITIES), IMAGES)
    shared = identity_signal * rng.normal(size=(IDENTITIES, LATENT))[identity]
    shared = shared + image_signal * rng.normal(size=(len(identity), LATENT))
    models = []
    for width in (32, 48):
        rotation = ortho_group.rvs(width, random_state=rng)[:LATENT]
        noise = 0.1 * rng.normal(size=(len(identity), width))
        models.append(unit_rows(shared @ rotation + noise + 0.2))
    return *models, identity


def mapped(method, source, target):
    fitted = METHODS[method](source[FITTED], target[FITTED])
    return fitted.transform(source[~FITTED]), fitted.place(target[~FITTED])


def rank_1(probe, gallery, identity):
    keys = [f"image-{i}" for i in range(len(identity))]
    split = enrol_probe(identity, keys)
    found = search(
        probe[split.probe], gallery[split.gallery], identity[split.probe], identity[split.gallery]
    )
    rng = np.random.default_rng(0)
    measures, _ = identify(found, identity[split.probe], (1,), resamples=100, rng=rng)
    return measures[0]


@pytest.mark.parametrize("method", ["procrustes", "linear", "ridge"])
@pytest.mark.parametrize("swap", [False, True])
def test_a_shared_identity_signal_is_found_by_a_map_and_not_without(method, swap):
    *models, identity = two_models(1.0, 0.3)
    source, target = models[::-1] if swap else models
    identity = identity[~FITTED]
    before = rank_1(*mapped("baseline", source, target), identity)
    after = rank_1(*mapped(method, source, target), identity)
    assert before.value < 0.15  # chance is 1 in 40
    assert after.value > 0.95
    assert after.lower > before.upper

    pairs = compare(*mapped(method, source, target), identity, same_space=False)
    measures, _ = verify(pairs, [0.01], 60, np.random.default_rng(0))
    assert measures[0].lower > 0.9
    assert measures[2].lower > 0.9


@pytest.mark.parametrize("method", ["procrustes", "linear", "ridge"])
def test_models_that_share_images_but_no_identity_are_not_compatible(method):
    """The trap of a gallery that holds the probe's own image: Rank-1 is then 1 for nothing."""
    source, target, identity = two_models(0.0, 1.0)
    identity = identity[~FITTED]
    probe, gallery = mapped(method, source, target)
    own_image_enrolled = search(probe, gallery, identity, identity)
    assert np.mean(own_image_enrolled.rank == 1) > 0.99
    own_image_excluded = search(
        probe, gallery, identity, identity, exclude=np.arange(len(identity))
    )
    assert np.mean(own_image_excluded.rank == 1) < 0.08
    measure = rank_1(probe, gallery, identity)
    assert measure.lower <= 1 / 40 <= measure.upper
    pairs = compare(probe, gallery, identity, same_space=False)
    measures, _ = verify(pairs, [0.01], 60, np.random.default_rng(0))
    assert measures[0].lower <= 0.5 <= measures[0].upper


def test_maps_of_shuffled_images_are_at_chance():
    source, target, identity = two_models(1.0, 0.3)
    shuffled = target.copy()
    shuffled[FITTED] = np.random.default_rng(1).permutation(target[FITTED])
    measure = rank_1(*mapped("ridge", source, shuffled), identity[~FITTED])
    assert measure.value < 0.15
