"""The penalty that serves identities which the fit has not seen."""

import numpy as np
import pytest

from unispace.alignment.cloud import Cloud
from unispace.alignment.maps import fit_ridge
from unispace.alignment.space import unit_rows

ALPHAS = (0.01, 1.0, 30.0, 1000.0)


def clouds(noise, identities=30, images=4, d=24, seed=0):
    rng = np.random.default_rng(seed)
    identity = np.repeat([f"p{i:03d}" for i in rng.permutation(identities)], images)
    latent = rng.normal(size=(identities, 8)).repeat(images, axis=0)
    latent = latent + 0.5 * rng.normal(size=latent.shape)
    source, target = (
        latent @ rng.normal(size=(8, d)) + noise * rng.normal(size=(len(identity), d)) + 1
        for _ in range(2)
    )
    order = rng.permutation(len(identity))
    return source[order], target[order], identity[order]


def by_hand(source, target, identity, alphas, folds):
    """Mean cosine on held-out identities, each fold fitted on its own."""
    names = sorted(set(identity))
    fold = np.array([names.index(name) % folds for name in identity])
    scores = []
    for alpha in alphas:
        cosines = []
        for k in range(folds):
            fitted = fit_ridge(source[fold != k], target[fold != k], alpha=alpha)
            mapped = unit_rows(fitted.transform(source[fold == k]))
            cosines += list(np.sum(mapped * unit_rows(fitted.place(target[fold == k])), axis=1))
        scores.append(np.mean(cosines))
    return scores


@pytest.mark.parametrize("folds", [None, 3])
@pytest.mark.parametrize("noise", [0.1, 3.0])
def test_it_is_the_best_of_a_loop_over_folds_and_penalties(folds, noise):
    source, target, identity = clouds(noise)
    fitted = fit_ridge(source, target, alpha=ALPHAS, folds=folds, identity=identity)
    expected = by_hand(source, target, identity, ALPHAS, folds or 5)
    np.testing.assert_allclose(fitted.settings["held_out_cosine"], expected, atol=1e-5)
    assert fitted.settings["alpha"] == ALPHAS[int(np.argmax(expected))]
    assert fitted.settings["folds"] == (folds or 5)
    alone = fit_ridge(source, target, alpha=fitted.settings["alpha"])
    np.testing.assert_allclose(fitted.matrix, alone.matrix, atol=1e-6)


def test_noise_asks_for_a_larger_penalty():
    chosen = []
    for noise in (0.05, 4.0):
        source, target, identity = clouds(noise)
        fitted = fit_ridge(source, target, alpha=ALPHAS, identity=identity)
        chosen.append(fitted.settings["alpha"])
    assert chosen[0] < chosen[1]


def test_images_of_one_identity_never_stand_on_both_sides():
    """Vectors that are the identity and nothing else: what is learnt of one says nothing of another."""
    rng = np.random.default_rng(0)
    identity = np.repeat(np.arange(40), 5)
    source, target = (rng.normal(size=(40, 60))[identity] for _ in range(2))
    found = fit_ridge(source, target, alpha=(1e-3, 1e3), identity=identity)
    assert np.abs(found.settings["held_out_cosine"]).max() < 0.1
    cloud = Cloud(source, identity)
    for fold in range(4):
        inside = cloud.in_fold(fold, 4)
        assert not set(identity[inside]) & set(cloud.without(fold, 4).identity)
        assert inside.sum() == 50


@pytest.mark.parametrize("fit_on", ["other-images", "centroids"])
@pytest.mark.parametrize("mismatch", ["pad", "pca"])
def test_a_choice_goes_with_every_correspondence(fit_on, mismatch):
    source, target, identity = clouds(1.0)
    options = {"identity": identity, "fit_on": fit_on, "mismatch": mismatch}
    fitted = fit_ridge(source, target[:, :10], alpha=ALPHAS, **options)
    assert fitted.settings["alpha"] in ALPHAS
    assert max(fitted.settings["held_out_cosine"]) > 0.5
    alone = fit_ridge(source, target[:, :10], alpha=fitted.settings["alpha"], **options)
    np.testing.assert_allclose(fitted.matrix, alone.matrix, atol=1e-6)


def test_identities_are_needed_and_enough_of_them():
    source, target, identity = clouds(1.0)
    with pytest.raises(ValueError, match="source: it is not known whose image each row is"):
        fit_ridge(source, target, alpha=ALPHAS)
    few = np.isin(identity, ["p001", "p002", "p003"])
    with pytest.raises(ValueError, match=r"source: 3 identities cannot be divided into 5 folds"):
        fit_ridge(source[few], target[few], alpha=ALPHAS, identity=identity[few])
    with pytest.raises(ValueError, match="`folds` choose among several penalties"):
        fit_ridge(source, target, alpha=1.0, folds=3)
