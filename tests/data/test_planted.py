"""The planted world: what is drawn has the variances, correlations and scores that its closed forms say."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import hyp2f1
from scipy.stats import beta, kstest, norm

from unispace.data.planted import (
    PlantedModel,
    PlantedWorld,
    area,
    equal_error,
    haar,
    rank_one,
    true_match_rate,
)

quick = settings(deadline=None, max_examples=30, derandomize=True)


def world(**changes):
    models = {"a": PlantedModel(noise_variance=0.5), "b": PlantedModel(40, 0.0, 3.0, 2.0)}
    return PlantedWorld(**{"models": models, "dimension": 24, **changes})


def test_shapes_names_and_order():
    found = world(identities=7, images_per_identity=3, cameras=2).draw(0)
    assert {name: v.shape for name, v in found.vectors.items()} == {"a": (21, 24), "b": (21, 40)}
    assert found.identity.tolist() == [i for i in range(7) for _ in range(3)]
    assert found.camera.tolist() == [0, 1, 0] * 7
    assert len(set(found.image_id)) == 21
    assert found.rotation["b"].shape == (24, 40)


def test_equal_seeds_give_equal_vectors_and_others_do_not():
    first, again, other = world().draw(3), world().draw(3), world().draw(4)
    np.testing.assert_array_equal(first.vectors["a"], again.vectors["a"])
    assert not np.isclose(first.vectors["a"], other.vectors["a"]).any(axis=1).all()


def test_another_model_or_more_noise_in_one_changes_no_other():
    first = world().draw(3)
    more = world(models={"new": PlantedModel(5), **world().models}).draw(3)
    np.testing.assert_array_equal(first.vectors["a"], more.vectors["a"])
    np.testing.assert_array_equal(first.latent, more.latent)


def test_a_model_is_the_latent_turned_scaled_and_moved():
    found = world().draw(1)
    expected = 3.0 * found.latent @ found.rotation["b"] + found.offset["b"]
    np.testing.assert_allclose(found.vectors["b"], expected, atol=1e-12)
    assert np.linalg.norm(found.offset["b"]) == pytest.approx(2.0)


@quick
@given(rows=st.integers(1, 12), columns=st.integers(1, 12), seed=st.integers(0, 2**32))
def test_a_haar_matrix_is_orthonormal_on_its_short_side(rows, columns, seed):
    drawn = haar(rows, columns, np.random.default_rng(seed))
    assert drawn.shape == (rows, columns)
    product = drawn @ drawn.T if rows <= columns else drawn.T @ drawn
    np.testing.assert_allclose(product, np.eye(min(rows, columns)), atol=1e-12)


def test_haar_is_uniform_with_both_signs():
    # Of a uniform rotation, (R_11 + 1) / 2 is Beta((d - 1) / 2, (d - 1) / 2); without the signs R_11 < 0 always.
    rng = np.random.default_rng(0)
    drawn = [haar(5, 5, rng) for _ in range(2000)]
    for row, column in ((0, 0), (4, 4), (1, 3)):
        entries = (np.array([m[row, column] for m in drawn]) + 1) / 2
        assert kstest(entries, beta(2, 2).cdf).pvalue > 0.001
    signs = np.mean([np.linalg.det(m) > 0 for m in drawn])
    assert signs == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(2000))


def test_variances_between_and_within_identities_are_those_planted():
    """By the one-way analysis of variance: E[between mean square] = within + k * identity variance."""
    k, d = 4, 24
    found = world(
        identities=3000, images_per_identity=k, identity_variance=0.7, image_variance=1.9
    ).draw(0)
    groups = found.latent.reshape(3000, k, d)
    within = groups.var(axis=1, ddof=1).mean()
    between = k * groups.mean(axis=1).var(axis=0, ddof=1).mean()
    assert within == pytest.approx(1.9, rel=0.02)
    assert (between - within) / k == pytest.approx(0.7, rel=0.03)


def test_siblings_resemble_each_other_and_nobody_else():
    found = world(identities=4001, siblings=0.5, likeness=0.8, dimension=8).draw(0)
    paired = np.flatnonzero(found.sibling >= 0)
    assert len(paired) == 2000
    np.testing.assert_array_equal(found.sibling[found.sibling[paired]], paired)
    part = found.identity_part
    assert part.var() == pytest.approx(1, rel=0.03)
    assert np.mean(part[paired] * part[found.sibling[paired]]) == pytest.approx(0.8, abs=0.03)
    assert np.mean(part[paired] * part[found.sibling[paired[::-1]]]) == pytest.approx(0, abs=0.05)


def test_cameras_shift_all_of_their_images_alike():
    plain = world(cameras=3, images_per_identity=6).draw(5)
    shifted = world(cameras=3, images_per_identity=6, camera_variance=4.0).draw(5)
    shift = shifted.latent - plain.latent
    for camera in range(3):
        rows = shift[shifted.camera == camera]
        np.testing.assert_allclose(rows, np.broadcast_to(rows[0], rows.shape), atol=1e-12)
        assert np.linalg.norm(rows[0]) == pytest.approx(2 * math.sqrt(24), rel=0.5)


# closed forms against other derivations and against draws


def cosines(rho, d, count, seed=0):
    """Cosines of pairs of Gaussian vectors whose coordinates have correlation rho, drawn as such."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, count, d))
    y = rho * x + math.sqrt(1 - rho**2) * y
    return np.sum(x * y, 1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)


def hotelling(r, rho, d):
    """Density of a correlation about known means: that of a sample of d + 1 about its own (Hotelling 1953)."""
    n = d + 1
    front = (n - 2) * math.gamma(n - 1) / (math.sqrt(2 * math.pi) * math.gamma(n - 0.5))
    powers = (1 - rho**2) ** ((n - 1) / 2) * (1 - r * r) ** ((n - 4) / 2)
    rest = (1 - rho * r) ** (1.5 - n) * hyp2f1(0.5, 0.5, n - 0.5, (1 + rho * r) / 2)
    return front * powers * rest


def two_of(rho, d):
    """A world in which two images of an identity have this correlation."""
    return PlantedWorld(
        {"m": PlantedModel()}, dimension=d, identity_variance=rho, image_variance=1 - rho
    )


@pytest.mark.parametrize("d", [16, 64])
@pytest.mark.parametrize("rho", [0.05, 0.2, 0.5])
def test_area_is_that_of_the_exact_densities(rho, d):
    chance = beta((d - 1) / 2, (d - 1) / 2)
    assert quad(hotelling, -1, 1, args=(rho, d))[0] == pytest.approx(1, abs=1e-6)
    exact, _ = quad(lambda r: hotelling(r, rho, d) * chance.cdf((r + 1) / 2), -1, 1)
    assert area(two_of(rho, d).separation("m", "m")) == pytest.approx(exact, abs=0.003)


@pytest.mark.parametrize(("rho", "d"), [(0.2, 16), (0.3, 64), (0.5, 32)])
def test_area_equal_error_and_rank_one_are_those_of_draws(rho, d):
    count = 200_000
    genuine, impostor = np.sort(cosines(rho, d, count)), np.sort(cosines(0.0, d, count, seed=1))
    separation = two_of(rho, d).separation("m", "m")
    below = np.searchsorted(impostor, genuine) / count
    assert area(separation) == pytest.approx(below.mean(), abs=0.004)
    misses = np.searchsorted(genuine, impostor) / count  # FNMR at the threshold of each impostor
    false = 1 - np.arange(count) / count
    crossing = np.argmin(np.abs(misses - false))
    assert equal_error(separation) == pytest.approx(misses[crossing], abs=0.004)
    assert rank_one(separation, 20) == pytest.approx(np.mean(below**19), abs=0.01)
    threshold = impostor[-count // 100]
    assert true_match_rate(separation, 0.01) == pytest.approx(
        np.mean(genuine >= threshold), abs=0.01
    )


@pytest.mark.parametrize("gallery", [2, 10, 1000])
def test_rank_one_of_vectors_without_identity_is_chance(gallery):
    assert rank_one(0.0, gallery) == pytest.approx(1 / gallery, rel=1e-9)


@quick
@given(separation=st.floats(-3, 6))
def test_rank_one_of_two_is_the_area(separation):
    """One impostor: the chance that genuine exceeds it is what the AUC says."""
    assert rank_one(separation, 2) == pytest.approx(area(separation), abs=1e-9)


@quick
@given(separation=st.floats(0, 5))
def test_equal_error_is_where_both_rates_meet(separation):
    rate = equal_error(separation)
    assert true_match_rate(separation, rate) == pytest.approx(1 - rate, abs=1e-9)
    assert norm.sf(separation / 2) == pytest.approx(rate, abs=1e-12)


def test_correlations_are_those_of_the_vectors():
    planted = PlantedWorld(
        {"a": PlantedModel(noise_variance=0.5), "b": PlantedModel(noise_variance=2.0)},
        identities=4000, images_per_identity=2, dimension=12,
        identity_variance=1.5, image_variance=0.5,
    )  # fmt: skip
    found = planted.draw(0)
    latent = {name: v @ found.rotation[name].T for name, v in found.vectors.items()}

    def measured(x, y):
        return np.mean(x * y) / math.sqrt(np.mean(x * x) * np.mean(y * y))

    for one, two in (("a", "a"), ("a", "b"), ("b", "b")):
        pair = measured(latent[one][::2], latent[two][1::2])
        assert pair == pytest.approx(planted.correlation(one, two), abs=0.015)
    same = measured(latent["a"], latent["b"])
    assert same == pytest.approx(planted.correlation("a", "b", same_image=True), abs=0.015)


def test_the_gain_is_the_one_with_the_least_error():
    planted = world(models={"a": PlantedModel(30, 0.8, 2.0), "b": PlantedModel(noise_variance=0.3)})
    gains = np.linspace(0, 1, 2001)
    errors = [planted.map_error("a", "b", gain) for gain in gains]
    assert gains[np.argmin(errors)] == pytest.approx(planted.gain("a", "b"), abs=1e-3)
    assert planted.gain("a", "b", penalty=4.0 * 2.8) == pytest.approx(planted.gain("a", "b") / 2)


# refusals


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"identities": 0}, r"at least 1, got \(0, 5, 24, 1\)"),
        ({"image_variance": -1.0}, r"not negative, got \(1.0, -1.0, 0.0\)"),
        ({"siblings": 1.5}, "between 0 and 1, got 1.5"),
    ],
)
def test_a_world_that_cannot_be_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        world(**changes)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"dimension": 0}, "at least 1 dimension, got 0"),
        ({"scale": 0.0}, "scale is positive"),
        ({"noise_variance": -0.1}, "noise_variance and offset are not negative"),
    ],
)
def test_a_model_that_cannot_be_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        PlantedModel(**values)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"camera_variance": 1.0}, "shifts of cameras"),
        ({"siblings": 0.2}, "siblings are not independent"),
        ({"models": {"a": PlantedModel(offset=1.0)}}, "a: cosines about an offset"),
        ({"models": {"a": PlantedModel(30, 0.1)}}, "a: noise outside the latent dimensions"),
        ({"image_variance": 0.0, "models": {"a": PlantedModel()}}, "agree without noise"),
        ({"models": {"a": PlantedModel(2)}}, "at least 3 dimensions, got 2"),
    ],
)
def test_what_has_no_closed_form_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        world(**changes).separation("a", "a")


def test_models_that_keep_different_dimensions_have_no_closed_form():
    planted = world(models={"a": PlantedModel(10), "b": PlantedModel(), "c": PlantedModel(10)})
    for other in ("b", "c"):
        with pytest.raises(ValueError, match=f"a and {other} keep different dimensions"):
            planted.separation("a", other)
    with pytest.raises(ValueError, match="a: keeps 10 of 24 latent dimensions"):
        planted.gain("a", "b")
    with pytest.raises(ValueError, match="one vector, not two"):
        planted.correlation("a", "a", same_image=True)


def test_least_squares_on_too_few_rows_is_refused():
    with pytest.raises(ValueError, match="24 dimensions need at least 27 rows, got 26"):
        world().least_squares_error("a", "b", 26)
