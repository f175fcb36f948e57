"""Maps against planted truth: the rotation is known, and so is what noise and few rows cost."""

import numpy as np
import pytest

from unispace.alignment.maps import METHODS, fit_linear, fit_procrustes, fit_ridge
from unispace.alignment.space import unit_rows
from unispace.data.planted import PlantedModel, PlantedWorld, rank_one


def pair(source, target, **changes):
    return PlantedWorld({"s": source, "t": target}, **{"images_per_identity": 1, **changes})


@pytest.mark.parametrize("method", ["procrustes", "linear", "ridge"])
def test_a_planted_rotation_is_recovered(method):
    world = pair(PlantedModel(offset=3.0), PlantedModel(offset=1.0), identities=300, dimension=16)
    options = {"alpha": 1e-4} if method == "ridge" else {}
    signs = set()
    for seed in range(6):
        planted = world.draw(seed)
        fitted = METHODS[method](planted.vectors["s"], planted.vectors["t"], **options)
        truth = planted.map_between("s", "t")
        np.testing.assert_allclose(fitted.matrix, truth, atol=1e-5)
        signs.add(bool(np.linalg.det(truth) > 0))
    assert signs == {True, False}  # reflections too


def test_a_wider_target_is_reached_through_the_padding():
    planted = pair(PlantedModel(), PlantedModel(24, scale=2.0), identities=200, dimension=16).draw(
        0
    )
    fitted = fit_procrustes(planted.vectors["s"], planted.vectors["t"])
    np.testing.assert_allclose(fitted.matrix, planted.map_between("s", "t"), atol=1e-5)
    assert fitted.scale == pytest.approx(2)


def test_a_wider_source_is_turned_back_where_its_vectors_lie():
    planted = pair(PlantedModel(24), PlantedModel(), identities=200, dimension=16).draw(0)
    source, target = planted.vectors["s"], planted.vectors["t"]
    np.testing.assert_allclose(
        fit_linear(source, target).matrix[:, :16], planted.map_between("s", "t"), atol=1e-5
    )
    fitted = fit_procrustes(source, target)
    np.testing.assert_allclose(fitted.transform(source), fitted.place(target), atol=1e-5)


def test_procrustes_nears_the_rotation_as_one_over_root_n():
    """Four times the rows halve the error, here and eight times over, to 10 %."""
    world = {
        n: pair(PlantedModel(noise_variance=0.5), PlantedModel(noise_variance=0.5),
                identities=n, dimension=8)
        for n in (100, 400, 1600, 6400)
    }  # fmt: skip
    errors = []
    for planted in world.values():
        squares = []
        for seed in range(24):
            drawn = planted.draw(seed)
            fitted = fit_procrustes(drawn.vectors["s"], drawn.vectors["t"])
            squares.append(np.sum((fitted.matrix - drawn.map_between("s", "t")) ** 2))
        errors.append(np.sqrt(np.mean(squares)))
    ratios = np.array(errors[:-1]) / errors[1:]
    np.testing.assert_allclose(ratios, 2, rtol=0.15)
    assert errors[0] / errors[-1] == pytest.approx(8, rel=0.1)


@pytest.mark.parametrize("rows", [16, 24, 60])
@pytest.mark.parametrize("width", [None, 12])
def test_least_squares_costs_on_new_images_what_theory_says(rows, width):
    """Also near n = p, where the error of few rows grows without bound."""
    models = PlantedModel(width, 0.5, 2.0), PlantedModel(14, 0.25)
    planted = pair(*models, identities=rows + 400, dimension=8)
    source_width = width or 8
    found = []
    for seed in range(120):
        drawn = planted.draw(seed)
        source, target = drawn.vectors["s"], drawn.vectors["t"]
        fitted = fit_linear(source[:rows], target[:rows])
        gap = fitted.transform(source[rows:]) - fitted.place(target[rows:])
        found.append(np.mean(np.sum(gap**2, axis=1)))
    expected = planted.least_squares_error("s", "t", rows)
    assert expected > planted.map_error("s", "t", planted.gain("s", "t")) * (
        1 + source_width / rows
    )
    assert np.mean(found) == pytest.approx(expected, abs=4 * np.std(found) / np.sqrt(len(found)))
    assert np.std(found) / np.sqrt(len(found)) < 0.06 * expected  # the line above can fail


@pytest.mark.parametrize("alpha", [1e-3, 2e4])
def test_ridge_shrinks_by_the_planted_gain(alpha):
    n = 20_000
    planted = pair(
        PlantedModel(noise_variance=0.5, scale=2.0), PlantedModel(), identities=n, dimension=6
    )
    drawn = planted.draw(0)
    matrix = fit_ridge(drawn.vectors["s"], drawn.vectors["t"], alpha=alpha).matrix
    found = np.sum(matrix * drawn.map_between("s", "t")) / 6
    assert found == pytest.approx(planted.gain("s", "t", penalty=alpha / n), rel=0.01)


@pytest.mark.parametrize("method", ["procrustes", "orthogonal-gradient", "ridge"])
def test_a_fitted_rotation_finds_identities_as_often_as_the_true_one(method):
    """Rank-1 of new identities, one enrolled, across models: the closed form of the planted world."""
    noisy = PlantedModel(noise_variance=0.5)
    world = PlantedWorld({"s": noisy, "t": noisy}, 1100, 2, 24, identity_variance=1.5)
    found = []
    for seed in range(8):
        planted = world.draw(seed)
        source, target = planted.vectors["s"], planted.vectors["t"]
        fit = planted.identity < 1000
        fitted = METHODS[method](source[fit], target[fit])
        probe = unit_rows(fitted.transform(source[~fit][0::2]))
        gallery = unit_rows(fitted.place(target[~fit][1::2]))
        found.append(np.mean((probe @ gallery.T).argmax(axis=1) == np.arange(100)))
    expected = rank_one(world.separation("s", "t"), 100)
    assert 0.5 < expected < 0.95  # neither chance, which is 0.01, nor certain
    # 800 probes: three standard errors of a share, and what fitting on 2,000 rows costs.
    assert np.mean(found) == pytest.approx(expected, abs=0.055)


def test_least_squares_dips_where_rows_equal_dimensions_and_rotations_do_not():
    """Rank-1 against fit rows through n = d + 1, where the centred source has just d directions."""
    d, test = 40, 200
    noisy = PlantedModel(noise_variance=0.3)
    sizes = {"below": 20, "at": d + 1, "above": 200}
    rank_1 = {method: dict.fromkeys(sizes, 0.0) for method in ("linear", "procrustes", "ridge")}
    for seed in range(5):
        planted = pair(noisy, noisy, identities=200 + test, dimension=d).draw(seed)
        source, target = (planted.vectors[end] for end in "st")
        for method, found in rank_1.items():
            for place, rows in sizes.items():
                options = {"alpha": 20.0} if method == "ridge" else {}
                fitted = METHODS[method](source[:rows], target[:rows], **options)
                scores = (
                    unit_rows(fitted.transform(source[200:]))
                    @ unit_rows(fitted.place(target[200:])).T
                )
                found[place] += np.mean(scores.argmax(axis=1) == np.arange(test)) / 5
    dip = rank_1["linear"]
    assert dip["at"] < 0.5 * dip["below"]
    assert dip["above"] > 0.95
    for method in ("procrustes", "ridge"):
        assert rank_1[method]["below"] < rank_1[method]["at"] < rank_1[method]["above"] + 0.01


def test_few_rows_of_many_dimensions_are_turned_as_far_as_they_reach():
    """n < d: on new images of the few directions that the fit rows span, the rotation is the planted one."""
    planted = pair(PlantedModel(), PlantedModel(), identities=400, dimension=64).draw(0)
    source, target = (planted.vectors[end] for end in "st")
    for method in ("orthogonal-gradient", "procrustes"):
        fitted = METHODS[method](source[:20], target[:20])
        seen = np.linalg.svd(source[:20] - source[:20].mean(axis=0))[2][:19]
        np.testing.assert_allclose(
            seen @ fitted.matrix, seen @ planted.map_between("s", "t"), atol=1e-3
        )
        np.testing.assert_allclose(fitted.matrix @ fitted.matrix.T, np.eye(64), atol=1e-5)
