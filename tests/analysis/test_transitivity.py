"""Composed maps against direct ones in worlds in which they must, and must not, agree."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from unispace.alignment.maps import METHODS, fit_linear, fit_procrustes
from unispace.analysis.map_geometry import core
from unispace.analysis.matching import found_first, found_without_own_image
from unispace.analysis.transitivity import composed, composed_matrix, matrix_cosine, transitivity
from unispace.evaluation.identification import search


def spaces(dims, people=60, each=3, noise=0.2, seed=0):
    """One world of identities in spaces of these dimensions, each with a rotation of its own."""
    draws = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), each)
    latent = draws.normal(size=(people, 5))[who] + noise * draws.normal(size=(people * each, 5))
    views = [latent @ ortho_group.rvs(max(d, 5), random_state=draws)[:5, :d] + 0.3 for d in dims]
    return views, who


def halves(who):
    return who < 30, who >= 30


def fitted(fit, views, rows):
    x, y, z = (view[rows] for view in views)
    return fit(x, y), fit(y, z), fit(x, z)


@pytest.mark.parametrize("dims", [(8, 8, 8), (6, 9, 7), (9, 6, 9)])
@pytest.mark.parametrize("method", ["procrustes", "linear", "ridge"])
def test_rotations_of_one_world_compose(dims, method):
    views, who = spaces(dims)
    fit, test = halves(who)
    maps = fitted(METHODS[method], views, fit)
    found = transitivity(
        *maps, views[0][test], views[2][test], who[test], 100, np.random.default_rng(0)
    )
    named = {measure.metric: measure for measure in found}
    assert named["Rank-1 direct"].value > 0.95
    assert abs(named["composed - direct"].value) < 0.05
    assert named["agreement"].value > 0.98
    assert named["composed - direct"].n == 90
    assert named["agreement"].n == 90


def test_the_composed_map_is_the_chain_of_both_and_its_matrix_their_product():
    views, who = spaces((6, 9, 7), noise=0.5)
    fit, test = halves(who)
    first, second, direct = fitted(fit_linear, views, fit)
    x = views[0][test]
    centred = x - views[0][fit].mean(axis=0)
    got = composed(first, second, x)
    np.testing.assert_allclose(got[:, :7], centred @ composed_matrix(first, second), atol=1e-5)
    # by way of Y itself: what the first gives is a vector of Y, which the second maps
    in_y = first.transform(x)[:, :9] + views[1][fit].mean(axis=0)
    np.testing.assert_allclose(got, second.transform(in_y), atol=1e-5)
    assert matrix_cosine(composed_matrix(first, second), core(direct)) > 0.9
    # Fitted about another mean of Y, the second map is still given vectors of Y.
    other = fit_linear(views[1][test], views[2][test])
    np.testing.assert_allclose(composed(first, other, x), other.transform(in_y), atol=1e-5)


def by_way_of_noise(second_rows):
    views, who = spaces((8, 8, 8))
    views[1] = np.random.default_rng(1).normal(size=views[1].shape)
    fit, test = halves(who)
    x, y, z = views
    first, direct = (fit_procrustes(x[fit], side[fit]) for side in (y, z))
    second = fit_procrustes(y[second_rows(who)], z[second_rows(who)])
    found = transitivity(
        first, second, direct, x[test], z[test], who[test], 100, np.random.default_rng(0)
    )
    return {measure.metric: measure for measure in found}


def test_a_detour_through_noise_loses_what_the_direct_map_keeps():
    found = by_way_of_noise(lambda who: who % 2 == 1)
    assert found["Rank-1 direct"].lower > 0.9
    assert found["composed - direct"].upper < -0.5
    assert abs(found["agreement"].value) < 0.5


def test_rotations_fitted_on_the_same_images_compose_even_through_noise():
    # X^T Y is a noise that both maps share: with Z = X R, polar(X^T Y) polar(Y^T X R) = R.
    found = by_way_of_noise(lambda who: who < 30)
    assert found["composed - direct"].value == 0
    assert found["agreement"].value == pytest.approx(1, abs=1e-3)


def test_bad_chains_are_refused():
    views, who = spaces((6, 9, 7))
    first, second, direct = fitted(fit_procrustes, views, who < 30)
    x, z, rng = views[0], views[2], np.random.default_rng(0)
    with pytest.raises(ValueError, match="ends in 9 dimensions and the second starts in 6"):
        composed(first, first, x)
    with pytest.raises(ValueError, match="not between the two ends"):
        transitivity(first, second, second, x, z, who, 40, rng)
    with pytest.raises(ValueError, match="180 source rows, 5 target rows"):
        transitivity(first, second, direct, x, z[:5], who, 40, rng)
    with pytest.raises(ValueError, match="of different spaces"):
        matrix_cosine(core(first), core(second))
    single = transitivity(first, second, direct, x[::3], z[::3], who[::3], 40, rng)
    assert [m.status for m in single[:3]] == ["failed: no identity has two images"] * 3
    assert single[3].status == "ok"


@settings(max_examples=30)
@given(st.integers(0, 2**16), st.integers(4, 40))
def test_rank_one_is_that_of_the_search_with_ties_against_us(seed, n):
    draws = np.random.default_rng(seed)
    # Few different vectors, so that many scores are equal.
    x, y = (draws.integers(0, 2, size=(n, 3)) + 1.0 for _ in range(2))
    who = draws.integers(0, max(2, n // 3), n)
    rows, found = found_without_own_image(x, y, who)
    count = np.bincount(who)[who]
    assert (rows == np.flatnonzero(count > 1)).all()
    if len(rows):
        ranking = search(x[rows], y, who[rows], who, exclude=rows)
        assert (found == (ranking.rank == 1)).all()


def test_a_probe_without_a_mate_is_named():
    with pytest.raises(ValueError, match="probe 1 has no correct entry"):
        found_first(np.zeros((2, 3)), np.array([[True, False, False], [False] * 3]))
