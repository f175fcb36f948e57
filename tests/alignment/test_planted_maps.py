"""Maps against planted truth: the rotation is known, and so is what noise and few rows cost."""

import numpy as np
import pytest

from unispace.alignment.maps import METHODS, fit_linear, fit_procrustes, fit_ridge
from unispace.data.studio.planted import PlantedModel, PlantedWorld


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
