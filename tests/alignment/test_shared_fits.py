"""All pairs from shared factorisations: the same maps as pair by pair, from one factorisation of each model."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from sklearn.linear_model import LinearRegression, Ridge

from unispace.alignment import cloud as cloud_module
from unispace.alignment.cloud import Cloud
from unispace.alignment.fit import fit_all, fit_map
from unispace.alignment.maps import method_of

METHODS = {
    "baseline": method_of("baseline"),
    "procrustes": method_of("procrustes"),
    "proper": method_of("procrustes", reflections=False),
    "linear": method_of("linear"),
    "weak": method_of("ridge", alpha=0.01),
    "strong": method_of("ridge", alpha=10.0),
    "chosen": method_of("ridge", alpha=(0.01, 1.0, 100.0), folds=3),
    "whitened": method_of("whitened-procrustes"),
    "cca": method_of("cca", components=3),
    "others": method_of("ridge", fit_on="other-images"),
    "centroids": method_of("linear", fit_on="centroids"),
    "raw": method_of("linear", centre=False),
    "small": method_of("procrustes", mismatch="pca"),
    "cut": method_of("procrustes", mismatch="truncate"),
    "quadratic": method_of("quadratic", components=4),
    "gradient": method_of("orthogonal-gradient", steps=20),
    "random": method_of("random-orthogonal"),
    "shuffled": method_of("shuffled", of="ridge"),
    "mlp": method_of("mlp", width=8, epochs=2),
}
SIZES = {"a": 5, "b": 7, "c": 7, "d": 12}
IDENTITY = np.repeat(np.arange(20), 4)


def drawn(seed=0, identity=IDENTITY):
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(len(identity), 6))
    return {
        name: latent @ rng.normal(size=(6, d)) + 0.3 * rng.normal(size=(len(identity), d)) + 0.5
        for name, d in SIZES.items()
    }


def stream(source, target, name):
    return np.random.default_rng([ord(source), ord(target), *name.encode()])


def all_pairs(vectors, methods, identity=IDENTITY):
    clouds = {name: Cloud(rows, identity, name) for name, rows in vectors.items()}
    wanted = list(itertools.permutations(vectors, 2))
    found = {
        (s, t, name): fitted for s, t, name, fitted in fit_all(methods, clouds, wanted, stream)
    }
    assert set(found) == {(*pair, name) for pair in wanted for name in methods}
    return found


@pytest.mark.parametrize("name", METHODS)
def test_every_shared_map_is_the_one_fitted_alone(name):
    vectors = drawn()
    test = drawn(1)
    for (s, t, _), shared in all_pairs(vectors, {name: METHODS[name]}).items():
        ends = (Cloud(vectors[end], IDENTITY, end) for end in (s, t))
        alone = fit_map(METHODS[name], *ends, stream(s, t, name))
        np.testing.assert_allclose(
            shared.transform(test[s]), alone.transform(test[s]), rtol=1e-4, atol=1e-5
        )
        np.testing.assert_allclose(shared.place(test[t]), alone.place(test[t]), atol=1e-5)
        assert shared.settings == alone.settings


def test_shared_maps_are_those_of_scipy_and_scikit_learn():
    """For all methods of the paper and all pairs, from one run, to 1e-6 of the mapped rows."""
    vectors = drawn()
    found = all_pairs(vectors, METHODS)
    for s, t in itertools.permutations(vectors, 2):
        width = max(SIZES[s], SIZES[t])
        x, y = (vectors[end] - vectors[end].mean(axis=0) for end in (s, t))
        padded_x, padded_y = (np.pad(v, ((0, 0), (0, width - v.shape[1]))) for v in (x, y))
        peers = {
            "baseline": (padded_x, None),
            "linear": (LinearRegression().fit(vectors[s], y).predict(vectors[s]), SIZES[t]),
            **{
                name: (Ridge(alpha, fit_intercept=False).fit(x, y).predict(x), SIZES[t])
                for name, alpha in (("weak", 0.01), ("strong", 10.0))
            },
        }
        if SIZES[s] <= SIZES[t]:  # else the padding of scipy's solution is not unique
            turn = orthogonal_procrustes(padded_x, padded_y)[0]
            peers["procrustes"] = (padded_x @ turn, None)
        for name, (expected, columns) in peers.items():
            mapped = found[s, t, name].transform(vectors[s]).astype(np.float64)
            error = np.linalg.norm(mapped[:, :columns] - expected) / np.linalg.norm(expected)
            assert error < 1e-6, (s, t, name)


def test_each_model_is_factorised_once(monkeypatch):
    """Four models, twelve pairs, four kinds: four factorisations of a cloud."""
    calls = []
    svd = np.linalg.svd

    def counted(matrix, *args, **kwargs):
        calls.append(matrix.shape)
        return svd(matrix, *args, **kwargs)

    monkeypatch.setattr(cloud_module.np.linalg, "svd", counted)
    names = ("baseline", "procrustes", "proper", "linear", "weak", "strong")
    all_pairs(drawn(), {name: METHODS[name] for name in names})
    rows = [shape for shape in calls if shape[0] == len(IDENTITY)]
    assert sorted(shape[1] for shape in rows) == sorted(SIZES.values())
    assert len(calls) == 4 + 6  # and one rotation for each two models, both ways


@given(st.permutations(sorted(SIZES)), st.integers(0, 2**31))
def test_other_models_change_no_map(order, seed):
    vectors = drawn(seed)
    names = ("procrustes", "linear", "weak", "shuffled")
    methods = {name: METHODS[name] for name in names}
    everything = all_pairs({name: vectors[name] for name in order}, methods)
    two = all_pairs({name: vectors[name] for name in order[:2]}, methods)
    for key, fitted in two.items():
        np.testing.assert_allclose(fitted.matrix, everything[key].matrix, rtol=1e-4, atol=1e-5)


def test_the_same_run_gives_the_same_bits():
    first, second = (all_pairs(drawn(), METHODS) for _ in range(2))
    for key, fitted in first.items():
        mapped = fitted.transform(drawn(1)[key[0]])
        np.testing.assert_array_equal(mapped, second[key].transform(drawn(1)[key[0]]))


def test_clouds_that_do_not_belong_together_are_refused():
    vectors = drawn()
    other = IDENTITY.copy()
    other[7] = 3
    one, two = Cloud(vectors["a"], IDENTITY, "a"), Cloud(vectors["b"], other, "b")
    with pytest.raises(ValueError, match="row 7 is of 1 in a and of 3 in b; a map is fitted on"):
        fit_map(METHODS["linear"], one, two, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"a: 80 rows and identities of shape \(3,\)"):
        Cloud(vectors["a"], np.arange(3), "a")
    named = {"a": Cloud(vectors["a"], name="a"), "b": Cloud(vectors["b"][:9], name="b")}
    with pytest.raises(ValueError, match="a has 80 rows and b 9; a map is fitted on the same"):
        list(fit_all({"x": METHODS["linear"]}, named, [("a", "b")], stream))


@pytest.mark.parametrize("decay", [0.0, 1.0, 1.6])
def test_factors_of_many_float32_rows_are_those_of_the_singular_value_decomposition(decay):
    """They come from products of coordinates, which lose digits; falling spectra would show it."""
    rng = np.random.default_rng(2)
    scales = np.arange(1, 41) ** -decay
    rows = (rng.normal(size=(900, 40)) * scales + 0.3).astype(np.float32)
    cloud = Cloud(rows)
    centred = rows - rows.astype(np.float64).mean(axis=0)
    left, singular, right = np.linalg.svd(centred, full_matrices=False)
    found = cloud.factors
    assert found.singular.size == 40
    np.testing.assert_allclose(found.singular, singular, rtol=1e-10)
    np.testing.assert_allclose(found.left.T @ found.left, np.eye(40), atol=1e-10)
    np.testing.assert_allclose(found.right @ found.right.T, np.eye(40), atol=1e-12)
    np.testing.assert_allclose(
        (found.left * found.singular) @ found.right, centred, atol=1e-12 * singular[0]
    )
    # The same directions; their signs are free.
    np.testing.assert_allclose(np.abs(np.sum(found.right * right, axis=1)), 1, atol=1e-9)
    np.testing.assert_allclose(np.abs(np.sum(found.left * left, axis=0)), 1, atol=1e-9)
