"""Centres, intercepts, the mean of the target and spaces of different dimension."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge

from unispace.alignment.maps import METHODS, fit_linear, fit_procrustes, fit_ridge
from unispace.alignment.space import Frame

FITTED = [
    "procrustes",
    "linear",
    "ridge",
    "whitened-procrustes",
    "quadratic",
    "orthogonal-gradient",
]


def clouds(n=60, dx=5, dy=8, seed=0):
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(n, dx)) + 0.7
    target = source @ rng.normal(size=(dx, dy)) + 0.3 * rng.normal(size=(n, dy)) - 0.4
    return source, target


def test_an_intercept_is_that_of_scikit_learn():
    source, target = clouds()
    fresh = clouds(seed=5)[0]
    for fitted, peer in (
        (fit_linear, LinearRegression()),
        (lambda *a, **k: fit_ridge(*a, alpha=2.0, **k), Ridge(2.0)),
    ):
        found = fitted(source, target, centre=False, intercept=True)
        np.testing.assert_allclose(
            found.transform(fresh), peer.fit(source, target).predict(fresh), atol=1e-5
        )
        np.testing.assert_allclose(found.place(target), target, atol=1e-6)
        assert found.parameter_count == 5 * 8 + 8


@pytest.mark.parametrize("method", FITTED)
def test_an_intercept_and_centring_with_the_mean_added_are_one_map(method):
    source, target = clouds()
    one = METHODS[method](source, target, centre=False, intercept=True)
    other = METHODS[method](source, target, add_target_mean=True)
    np.testing.assert_array_equal(one.transform(source), other.transform(source))
    np.testing.assert_array_equal(one.place(target), other.place(target))


@pytest.mark.parametrize("method", [*FITTED, "baseline"])
def test_the_mean_of_the_target_moves_both_sides_alike(method):
    source, target = clouds()
    plain = METHODS[method](source, target)
    moved = METHODS[method](source, target, add_target_mean=True)
    mean = np.pad(target.mean(axis=0), (0, moved.target.width - 8))
    np.testing.assert_allclose(moved.transform(source), plain.transform(source) + mean, atol=1e-4)
    np.testing.assert_allclose(moved.place(target), plain.place(target) + mean, atol=1e-5)


@pytest.mark.parametrize("method", FITTED)
def test_mapped_fit_rows_have_the_mean_of_the_target(method):
    source, target = clouds()
    mapped = METHODS[method](source, target, add_target_mean=True).transform(source)
    np.testing.assert_allclose(mapped.mean(axis=0), target.mean(axis=0), atol=1e-4)


def test_without_centring_least_squares_goes_through_the_origin():
    source, target = clouds()
    fitted = fit_linear(source, target, centre=False)
    np.testing.assert_allclose(fitted.matrix, np.linalg.lstsq(source, target)[0], atol=1e-5)
    np.testing.assert_allclose(fitted.place(target), target, atol=1e-6)
    assert not fitted.transform(np.zeros((1, 5))).any()


def test_a_scale_counts_once_the_mean_is_added():
    source, _ = clouds(dx=6)
    target = 3 * source + 5
    plain = fit_procrustes(source, target, add_target_mean=True)
    scaled = fit_procrustes(source, target, add_target_mean=True, scale=True)
    np.testing.assert_allclose(scaled.transform(source), target, atol=1e-4)
    assert plain.scale == pytest.approx(3) == pytest.approx(scaled.scale)
    assert np.abs(plain.transform(source) - target).max() > 1
    assert scaled.parameter_count == plain.parameter_count + 1


@pytest.mark.parametrize(("dx", "dy"), [(5, 8), (8, 5)])
def test_truncation_keeps_the_first_coordinates(dx, dy):
    source, target = clouds(dx=dx, dy=dy)
    fitted = METHODS["procrustes"](source, target, mismatch="truncate")
    expected = fit_procrustes(source[:, :5], target[:, :5])
    np.testing.assert_allclose(
        fitted.transform(source), expected.transform(source[:, :5]), atol=1e-5
    )
    np.testing.assert_allclose(fitted.place(target), expected.place(target[:, :5]), atol=1e-5)
    assert fitted.parameter_count == 10


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("method", ["baseline", "procrustes", "linear"])
def test_pca_brings_the_wider_space_to_its_first_components(method, swap):
    narrow, wide = clouds()
    source, target = (wide, narrow) if swap else (narrow, wide)
    centred = wide - wide.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    first = vectors[:, np.argsort(values)[::-1][:5]]
    fitted = METHODS[method](source, target, mismatch="pca")
    frame = fitted.source if swap else fitted.target
    np.testing.assert_allclose(np.abs(frame.basis.T @ first), np.eye(5), atol=1e-5)
    reduced = centred @ frame.basis
    ends = (reduced, narrow) if swap else (narrow, reduced)
    expected = METHODS[method](*ends)
    np.testing.assert_allclose(fitted.transform(source), expected.transform(ends[0]), atol=1e-4)
    np.testing.assert_allclose(fitted.place(target), expected.place(ends[1]), atol=1e-4)


@pytest.mark.parametrize("mismatch", ["pca", "truncate"])
def test_nothing_is_reduced_where_dimensions_are_equal(mismatch):
    source, target = clouds(dx=6, dy=6)
    fitted = fit_linear(source, target, mismatch=mismatch)
    assert fitted.source.basis is None
    np.testing.assert_array_equal(fitted.matrix, fit_linear(source, target).matrix)


def test_mean_only_moves_the_mean_and_nothing_else():
    source, target = clouds()
    fitted = METHODS["mean-only"](source, target)
    expected = np.pad(source - source.mean(axis=0), ((0, 0), (0, 3))) + target.mean(axis=0)
    np.testing.assert_allclose(fitted.transform(source), expected, atol=1e-5)
    np.testing.assert_allclose(fitted.place(target), target, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"intercept": True}, "`intercept: true` goes with `centre: false`"),
        ({"centre": False, "add_target_mean": True}, "`add_target_mean: true` gives back the mean"),
        ({"mismatch": "crop"}, "linear: mismatch: Input should be 'pad', 'pca' or 'truncate'"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        fit_linear(*clouds(), **options)


def test_a_frame_of_parts_that_do_not_belong_is_refused():
    mean = np.zeros(4, np.float32)
    with pytest.raises(ValueError, match=r"basis of shape \(3, 2\) does not fit a mean of shape"):
        Frame(mean, 4, np.zeros((3, 2), np.float32))
    with pytest.raises(ValueError, match=r"a basis of shape \(4, 3\) does not fit width 2"):
        Frame(mean, 2, np.zeros((4, 3), np.float32))
