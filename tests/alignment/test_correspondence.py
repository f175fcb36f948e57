"""Which rows are pairs: images, other images of an identity, centroids, shuffled ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unispace.alignment.cloud import Cloud, next_image
from unispace.alignment.maps import METHODS, fit_linear
from unispace.alignment.space import unit_rows
from unispace.data.planted import PlantedModel, PlantedWorld

IDENTITIES = st.lists(st.integers(0, 5), min_size=2, max_size=40).map(np.array)


@given(IDENTITIES)
def test_the_next_image_is_another_one_of_the_identity_and_each_is_taken_once(identity):
    following = next_image(identity)
    assert sorted(following) == list(range(len(identity)))
    np.testing.assert_array_equal(identity[following], identity)
    counts = np.unique(identity, return_inverse=True, return_counts=True)
    several = counts[2][counts[1]] > 1
    np.testing.assert_array_equal(following != np.arange(len(identity)), several)


def data(identity, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(len(identity), 3)), rng.normal(size=(len(identity), 4))


@given(IDENTITIES.filter(lambda i: len(set(i.tolist())) > 1))
def test_centroids_are_the_means_by_identity(identity):
    source, target = data(identity)
    names = np.unique(identity)
    means = [np.array([v[identity == name].mean(axis=0) for name in names]) for v in data(identity)]
    fitted = fit_linear(source, target, identity=identity, fit_on="centroids")
    expected = fit_linear(*means)
    np.testing.assert_allclose(
        fitted.transform(source), expected.transform(source), rtol=1e-3, atol=1e-3
    )
    assert fitted.rows == len(names)


def test_other_images_leave_out_identities_with_one():
    identity = np.array(["a", "b", "a", "c", "b", "a", "d", "c"])
    source, target = data(identity)
    kept = identity != "d"
    # a: rows 0, 2, 5; b: 1, 4; c: 3, 7
    partner = np.array([2, 4, 5, 7, 1, 0, 3])
    fitted = fit_linear(source, target, identity=identity, fit_on="other-images")
    expected = fit_linear(source[kept], target[partner])
    np.testing.assert_allclose(fitted.matrix, expected.matrix, atol=1e-5)
    assert fitted.rows == 7
    assert Cloud(source, identity).singles == 1


def test_identities_are_needed_and_so_are_two_images():
    source, target = data(np.arange(10))
    with pytest.raises(ValueError, match="source: every identity has a single image, and `other-i"):
        fit_linear(source, target, identity=np.arange(10), fit_on="other-images")
    for fit_on in ("other-images", "centroids"):
        with pytest.raises(ValueError, match="source: it is not known whose image each row is"):
            fit_linear(source, target, fit_on=fit_on)
    with pytest.raises(ValueError, match="source: a map needs at least 2 rows, got 1"):
        fit_linear(source, target, identity=np.zeros(10), fit_on="centroids")


def test_what_an_image_alone_carries_is_lost_between_other_images():
    """Without identities in the vectors, a map on other images has nothing to find; one on the same images has all."""
    models = {"s": PlantedModel(), "t": PlantedModel()}
    world = PlantedWorld(models, 150, 4, 12, identity_variance=0.0)
    planted, fresh = world.draw(0), world.draw(1)
    truth = planted.map_between("s", "t")
    agreement = {}
    for fit_on in ("images", "other-images"):
        fitted = fit_linear(
            planted.vectors["s"], planted.vectors["t"], identity=planted.identity, fit_on=fit_on
        )
        mapped = unit_rows(fitted.transform(fresh.vectors["s"]))
        agreement[fit_on] = np.mean(np.sum(mapped * unit_rows(fresh.vectors["s"] @ truth), axis=1))
    assert agreement["images"] > 0.999
    assert abs(agreement["other-images"]) < 0.3


@pytest.mark.parametrize("fit_on", ["other-images", "centroids"])
def test_what_an_identity_carries_is_kept(fit_on):
    models = {"s": PlantedModel(), "t": PlantedModel()}
    world = PlantedWorld(models, 400, 4, 12, identity_variance=4.0)
    planted = world.draw(0)
    fitted = METHODS["procrustes"](
        planted.vectors["s"], planted.vectors["t"], identity=planted.identity, fit_on=fit_on
    )
    np.testing.assert_allclose(fitted.matrix, planted.map_between("s", "t"), atol=0.08)


@pytest.mark.parametrize("of", ["procrustes", "linear", "cca", "mlp"])
def test_shuffled_pairs_are_a_fit_on_a_permutation(of):
    rng = np.random.default_rng(3)
    source, target = rng.normal(size=(40, 4)), rng.normal(size=(40, 5))
    fitted = METHODS["shuffled"](source, target, of=of, rng=np.random.default_rng(7))
    draws = np.random.default_rng(7)
    expected = METHODS[of](source, target[draws.permutation(40)], rng=draws)
    np.testing.assert_allclose(fitted.transform(source), expected.transform(source), atol=1e-4)
    assert fitted.method == "shuffled"
    assert fitted.settings["of"] == of


@pytest.mark.parametrize("options", [{"kind": "shuffled"}, {"kind": "random-orthogonal"}])
def test_controls_are_at_chance(options):
    """One planted model twice, so that the true map has Rank-1 of 1: the nearest target row is the own one."""
    planted = PlantedWorld({"s": PlantedModel(), "t": PlantedModel()}, 400, 1, 24).draw(0)
    source, target = planted.vectors["s"], planted.vectors["t"]

    def rank_1(fitted):
        probe, gallery = fitted.transform(source[200:]), fitted.place(target[200:])
        scores = unit_rows(probe) @ unit_rows(gallery).T
        return np.mean(scores.argmax(axis=1) == np.arange(200))

    control = [
        rank_1(METHODS[options["kind"]](source[:200], target[:200], rng=np.random.default_rng(i)))
        for i in range(20)
    ]
    assert rank_1(METHODS["procrustes"](source[:200], target[:200])) == 1
    # 4,000 probes with a chance of 1 / 200 each: mean 20, standard deviation 4.5, and some more between maps.
    assert 4 <= 200 * np.sum(control) <= 40
