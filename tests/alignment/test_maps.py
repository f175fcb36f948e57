"""The maps against other implementations and against their definitions."""

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from scipy.stats import ortho_group
from sklearn.linear_model import Ridge

from unispace.alignment.cloud import Cloud
from unispace.alignment.fit import fit_map
from unispace.alignment.lifts import Layers
from unispace.alignment.maps import METHODS, Map, fit_linear, fit_procrustes, fit_ridge, method_of
from unispace.alignment.space import Frame, unit_rows

# wider target, wider source, equal; many rows and fewer rows than columns
SHAPES = [(60, 5, 8), (60, 8, 5), (60, 6, 6), (5, 9, 12), (5, 12, 9)]


def clouds(n, dx, dy, seed=0):
    """Two clouds that are related, not centred and noisy."""
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(n, dx)) + 0.7
    target = source @ rng.normal(size=(dx, dy)) + 0.3 * rng.normal(size=(n, dy)) - 0.4
    return source, target


def centred(vectors, width=None):
    """Independent centring, with zeros on the right up to `width`."""
    moved = vectors - vectors.mean(axis=0)
    missing = (width or vectors.shape[1]) - vectors.shape[1]
    return np.hstack([moved, np.zeros((len(vectors), missing))])


def fresh(dx, seed=9):
    """Test vectors that were not seen by the fit."""
    return np.random.default_rng(seed).normal(size=(11, dx)) + 0.7


@pytest.mark.parametrize(("n", "dx", "dy"), SHAPES)
@pytest.mark.parametrize("method", METHODS)
def test_shapes_of_every_map(method, n, dx, dy):
    source, target = clouds(n, dx, dy)
    fitted = METHODS[method](source, target)
    width = min(n - 1, dx, dy) if method == "cca" else max(dx, dy)
    assert fitted.method == method
    assert fitted.rows == n
    assert fitted.transform(fresh(dx)).shape == (11, width)
    assert fitted.transform(fresh(dx)).dtype == np.float32
    assert fitted.place(target).shape == (n, width)
    if method not in ("cca", "mean-only"):
        np.testing.assert_allclose(fitted.place(target), centred(target, width), atol=1e-5)


@pytest.mark.parametrize(("n", "dx", "dy"), SHAPES)
def test_baseline_is_the_centred_padded_source(n, dx, dy):
    source, target = clouds(n, dx, dy)
    mapped = METHODS["baseline"](source, target).transform(fresh(dx))
    expected = np.zeros((11, max(dx, dy)))
    expected[:, :dx] = fresh(dx) - source.mean(axis=0)
    np.testing.assert_allclose(mapped, expected, atol=1e-6)


@pytest.mark.parametrize(("n", "dx", "dy"), SHAPES)
def test_linear_is_the_pseudo_inverse(n, dx, dy):
    source, target = clouds(n, dx, dy)
    expected = np.linalg.pinv(centred(source), rcond=1e-10) @ centred(target)
    mapped = fit_linear(source, target).transform(fresh(dx))
    np.testing.assert_allclose(
        mapped[:, :dy], (fresh(dx) - source.mean(axis=0)) @ expected, rtol=1e-4, atol=1e-4
    )
    assert not mapped[:, dy:].any()


def test_linear_is_lstsq_with_its_default_cut_off():
    source, target = clouds(40, 6, 4)
    source[:, 5] = source[:, 0] + source[:, 1]  # rank-deficient
    expected = np.linalg.lstsq(centred(source), centred(target))[0]
    np.testing.assert_allclose(fit_linear(source, target).matrix[:, :4], expected, atol=1e-5)


@pytest.mark.parametrize("centroids", [False, True])
def test_rounding_of_stored_vectors_is_no_direction(centroids):
    """A network whose last layer widens 20 values to 64 gives vectors of rank 20, and rounding beyond."""
    rng = np.random.default_rng(3)
    inner = rng.normal(size=(400, 20))
    exact = inner @ rng.normal(size=(20, 64))
    stored = (exact / np.linalg.norm(exact, axis=1, keepdims=True)).astype(np.float32)
    target = inner @ rng.normal(size=(20, 8)) + 0.1 * rng.normal(size=(400, 8))
    pair = [Cloud(vectors, np.arange(400) // 2) for vectors in (stored, target.astype(np.float32))]
    source, _ = pair = [cloud.centroids() for cloud in pair] if centroids else pair
    assert source.factors.singular.size == 20
    rows = [cloud.rows() for cloud in pair]
    expected = np.linalg.pinv(rows[0], rcond=1e-4) @ rows[1]
    fitted = fit_map(method_of("linear"), *pair, rng)
    np.testing.assert_allclose(fitted.matrix[:, :8], expected, atol=1e-4)
    # In float64 the same rows look like 64 directions, and the map is a thousand times as large.
    exactly = [Cloud(row, precision=1e-16) for row in rows]
    blown = fit_map(method_of("linear"), *exactly, rng)
    assert np.linalg.norm(blown.matrix) > 1000 * np.linalg.norm(fitted.matrix)


@pytest.mark.parametrize(("n", "dx", "dy"), SHAPES)
@pytest.mark.parametrize("alpha", [0.01, 0.1, 10.0])
def test_ridge_is_sklearn_ridge_without_intercept(n, dx, dy, alpha):
    source, target = clouds(n, dx, dy)
    peer = Ridge(alpha=alpha, fit_intercept=False, solver="svd")
    peer.fit(centred(source), centred(target))
    mapped = fit_ridge(source, target, alpha=alpha).transform(fresh(dx))
    np.testing.assert_allclose(
        mapped[:, :dy], peer.predict(fresh(dx) - source.mean(axis=0)), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(("n", "dx", "dy"), [(60, 5, 8), (60, 6, 6)])
def test_procrustes_is_scipy_orthogonal_procrustes(n, dx, dy):
    source, target = clouds(n, dx, dy)
    expected, trace = orthogonal_procrustes(centred(source, dy), centred(target))
    fitted = fit_procrustes(source, target)
    np.testing.assert_allclose(fitted.matrix, expected[:dx], atol=1e-5)
    assert fitted.scale == pytest.approx(trace / np.sum(centred(source) ** 2), rel=1e-6)


@pytest.mark.parametrize(("n", "dx", "dy"), SHAPES)
def test_procrustes_is_orthogonal_and_no_worse_than_scipy(n, dx, dy):
    source, target = clouds(n, dx, dy)
    width = max(dx, dy)
    fitted = fit_procrustes(source, target)
    np.testing.assert_allclose(fitted.matrix @ fitted.matrix.T, np.eye(dx), atol=1e-5)
    expected, _ = orthogonal_procrustes(centred(source, width), centred(target, width))
    best = np.linalg.norm(centred(source, width) @ expected - centred(target, width))
    ours = np.linalg.norm(fitted.transform(source) - fitted.place(target))
    assert ours == pytest.approx(best, rel=1e-5)


def test_procrustes_freedom_of_a_wider_source_changes_no_cosine():
    source, target = clouds(60, 8, 5)
    fitted = fit_procrustes(source, target)
    expected, _ = orthogonal_procrustes(centred(source), centred(target, 8))
    scores = [
        unit_rows(mapped) @ unit_rows(fitted.place(target)).T
        for mapped in (fitted.transform(fresh(8)), (fresh(8) - source.mean(axis=0)) @ expected)
    ]
    np.testing.assert_allclose(*scores, atol=1e-5)


def test_procrustes_ignores_the_scale_that_linear_follows():
    source, _ = clouds(60, 6, 6)
    procrustes, linear = fit_procrustes(source, 3 * source), fit_linear(source, 3 * source)
    np.testing.assert_allclose(procrustes.matrix, np.eye(6), atol=1e-5)
    np.testing.assert_allclose(linear.matrix, 3 * np.eye(6), atol=1e-5)
    assert procrustes.scale == pytest.approx(3)


def test_ridge_lies_between_linear_and_nothing():
    source, target = clouds(60, 6, 6)
    norms = [np.linalg.norm(fit_ridge(source, target, alpha=a).matrix) for a in (1e-6, 10, 1e6)]
    assert norms[0] == pytest.approx(np.linalg.norm(fit_linear(source, target).matrix), rel=1e-5)
    assert norms[0] > norms[1] > norms[2]
    assert norms[2] < 1e-3


@pytest.mark.parametrize("method", [m for m in METHODS if m not in ("shuffled", "mlp")])
def test_order_of_the_images_does_not_matter(method):
    source, target = clouds(40, 6, 6)
    order = np.random.default_rng(3).permutation(40)
    fitted = [METHODS[method](source[i], target[i]) for i in (np.arange(40), order)]
    np.testing.assert_allclose(*[m.transform(fresh(6)) for m in fitted], atol=1e-4)


@pytest.mark.parametrize(
    ("method", "dx", "dy", "count"),
    [
        ("baseline", 5, 8, 0),
        ("mean-only", 5, 8, 0),
        ("random-orthogonal", 5, 8, 0),
        ("procrustes", 5, 8, 28),
        ("orthogonal-gradient", 5, 8, 28),
        ("linear", 5, 8, 40),
        ("ridge", 8, 5, 40),
        ("whitened-procrustes", 8, 5, 40),
        ("cca", 8, 5, 5 * (8 + 5)),
        ("quadratic", 3, 4, (3 + 6) * 4),
        ("mlp", 3, 4, (3 * 512 + 512) + (512 * 512 + 512) + (512 * 4 + 4)),
    ],
)
def test_parameter_count(method, dx, dy, count):
    assert METHODS[method](*clouds(60, dx, dy)).parameter_count == count


@pytest.mark.parametrize(
    ("singular", "rank"),
    [
        ([1, 1, 1, 1], 4),
        ([5, 0, 0, 0], 1),
        ([2, 2, 0, 0], 2),
        ([3, 1, 0, 0], 1.7548),  # exp(H(3/4, 1/4))
        ([0, 0, 0, 0], 0),
    ],
)
def test_effective_rank_of_known_singular_values(singular, rank):
    rotation = ortho_group.rvs(4, random_state=np.random.default_rng(0))
    frame = Frame(np.zeros(4, np.float32), 4)
    matrix = (np.diag(singular) @ rotation).astype(np.float32)
    assert Map("linear", frame, frame, matrix).effective_rank == pytest.approx(rank, abs=1e-3)


@pytest.mark.parametrize(
    "method", ["baseline", "procrustes", "random-orthogonal", "orthogonal-gradient", "mean-only"]
)
def test_effective_rank_of_an_isometry_is_the_source_dimension(method):
    assert METHODS[method](*clouds(60, 5, 8)).effective_rank == pytest.approx(5, abs=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_unusable_fit_data_is_refused(method):
    fit = METHODS[method]
    source, target = clouds(10, 4, 4)
    with pytest.raises(ValueError, match="source has 10 rows and target 9; a map is fitted on the"):
        fit(source, target[:9])
    with pytest.raises(ValueError, match="source: a map needs at least 2 rows, got 1"):
        fit(source[:1], target[:1])
    with pytest.raises(ValueError, match=r"target must be \(n, d\), got shape \(10,\)"):
        fit(source, target[:, 0])
    broken = target.copy()
    broken[7, 2] = np.nan
    with pytest.raises(ValueError, match="target: row 7 is not finite"):
        fit(source, broken)
    with pytest.raises(ValueError, match="source: row 7 is not finite"):
        fit(broken, target)


@pytest.mark.parametrize(
    "method", [m for m in METHODS if m not in ("baseline", "mean-only", "random-orthogonal")]
)
def test_a_cloud_without_variance_is_refused(method):
    point, cloud = np.full((10, 4), 0.1), clouds(10, 4, 4)[1]
    with pytest.raises(ValueError, match="all source vectors are equal; there is nothing to map"):
        METHODS[method](point, cloud)
    with pytest.raises(ValueError, match="all target vectors are equal; there is nothing to map"):
        METHODS[method](cloud, point)


@pytest.mark.parametrize(
    ("alpha", "message"),
    [
        (0.0, "ridge: alpha: Input should be greater than 0"),
        (-1.0, "ridge: alpha: Input should be greater than 0"),
        (np.nan, "ridge: alpha: Input should be a finite number"),
        (np.inf, "ridge: alpha: Input should be a finite number"),
        ((1.0,), "ridge: alpha: Tuple should have at least 2 items"),
        ((1.0, 0.1), "ridge: alpha: .*once each and rising"),
    ],
)
def test_ridge_needs_a_positive_penalty(alpha, message):
    with pytest.raises(ValueError, match=message):
        fit_ridge(*clouds(10, 4, 4), alpha=alpha)


def test_settings_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="linear: alpha: Extra inputs are not permitted"):
        METHODS["linear"](*clouds(10, 4, 4), alpha=0.1)
    with pytest.raises(ValueError, match=r"rigde: .*does not match any of the expected tags"):
        method_of("rigde")


def test_transform_refuses_vectors_of_another_model():
    with pytest.raises(ValueError, match=r"expected \(n, 5\) vectors, got shape \(11, 8\)"):
        fit_linear(*clouds(60, 5, 8)).transform(fresh(8))


def test_a_map_of_parts_that_do_not_belong_is_refused():
    three, four = Frame(np.zeros(3, np.float32), 4), Frame(np.zeros(4, np.float32), 4)
    with pytest.raises(ValueError, match=r"matrix of shape \(4, 4\), expected \(3, 4\)"):
        Map("linear", three, four, np.eye(4, dtype=np.float32))
    with pytest.raises(ValueError, match="frames of width 3 and 4; without a matrix they are the"):
        Map("baseline", Frame(np.zeros(3, np.float32), 3), four)
    with pytest.raises(ValueError, match="a lift needs a matrix"):
        Map("quadratic", four, four, lift=Layers((np.eye(4),), (np.zeros(4),)))
    with pytest.raises(ValueError, match=r"offset of shape \(3,\), expected \(4,\)"):
        Map("baseline", three, four, offset=np.zeros(3, np.float32))
