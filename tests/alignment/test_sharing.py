"""Fits that share a factorisation are those that do not, to the bit."""

import numpy as np
import pytest

from unispace.alignment.cloud import Cloud
from unispace.alignment.fit import fit_map
from unispace.alignment.maps import method_of
from unispace.alignment.sharing import sharing_fits

KINDS = ("procrustes", "linear", "ridge", "shuffled", "random-orthogonal", "mlp")
METHODS = {
    kind: method_of(kind, **({"epochs": 2, "width": 8} if kind == "mlp" else {})) for kind in KINDS
}


def stream(name, rows):
    return np.random.default_rng([KINDS.index(name), rows])


@pytest.fixture
def clouds():
    draws = np.random.default_rng(0)
    return [draws.normal(size=(30, 8)) for _ in range(4)]


def mapped(fitted, vectors):
    return fitted.transform(vectors.astype(np.float32))


def test_the_same_map_as_alone_in_any_order(clouds):
    fits = sharing_fits(METHODS, stream)
    for x, y in ((clouds[0], clouds[1]), (clouds[2], clouds[3]), (clouds[0], clouds[1])):
        for name, fit in reversed(fits.items()):
            alone = fit_map(METHODS[name], Cloud(x), Cloud(y), stream(name, len(x)))
            np.testing.assert_array_equal(mapped(fit(x, y), x), mapped(alone, x), err_msg=name)


def test_each_cloud_is_factorised_once_for_all_methods(clouds, monkeypatch):
    made, plain = [], np.linalg.svd
    monkeypatch.setattr(
        np.linalg, "svd", lambda a, **rest: made.append(a.shape) or plain(a, **rest)
    )
    x, y = clouds[:2]
    for fit in sharing_fits({k: METHODS[k] for k in ("linear", "ridge")}, stream).values():
        fit(x, y)
    assert made == [(30, 8)] * 2


def test_a_cloud_without_spread_is_refused_each_time(clouds):
    fits = sharing_fits({"linear": METHODS["linear"], "ridge": METHODS["ridge"]}, stream)
    same = np.ones_like(clouds[0])
    for fit in fits.values():
        with pytest.raises(ValueError, match="all source vectors are equal"):
            fit(same, clouds[1])
