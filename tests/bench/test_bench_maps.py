"""All pairs of fourteen models: maps from shared factorisations beside straightforward code for each pair.

The peer is what one writes with SciPy and scikit-learn: `orthogonal_procrustes` on padded clouds, `LinearRegression`
(LAPACK's least squares) and `Ridge` for each penalty, in a loop over ordered pairs. Both sides fit on the same rows and
map the same test rows.
"""

import itertools
from functools import partial

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from side_by_side import side_by_side
from sklearn.linear_model import LinearRegression, Ridge

from unispace.alignment.cloud import Cloud
from unispace.alignment.fit import fit_all
from unispace.alignment.maps import method_of
from unispace.alignment.space import unit_rows

pytestmark = pytest.mark.bench

PENALTIES = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
METHODS = {
    "baseline": method_of("baseline"),
    "procrustes": method_of("procrustes"),
    "linear": method_of("linear"),
    **{f"ridge-{i}": method_of("ridge", alpha=alpha) for i, alpha in enumerate(PENALTIES)},
}
# The paper's fourteen models; its fit and test part of CFP: 350 and 150 identities with 10 images.
PAPER = (512, 512, 512, 512, 512, 640, 768, 768, 256, 1408, 1024, 1024, 512, 768)
FIT, TEST = 3500, 1500
WITHIN = 1e-6


def models(dimensions):
    """Unit vectors of related models: variances that fall as those of real ones, and noise of their own."""
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(FIT + TEST, 400)) * np.arange(1, 401) ** -0.5
    found = {}
    for number, d in enumerate(dimensions):
        vectors = latent @ rng.normal(size=(400, d)) / 20 + 0.3 * rng.normal(size=(len(latent), d))
        found[f"m{number}"] = unit_rows(vectors + 0.5 * rng.normal(size=d))
    return found


def some(mapped):
    """Of each map ten rows: all of them at once would not fit into memory."""
    return np.array(mapped[:: TEST // 10], np.float64)


def ours(vectors):
    clouds = {name: Cloud(rows[:FIT], name=name) for name, rows in vectors.items()}
    kept = {}
    wanted = itertools.permutations(vectors, 2)
    for s, t, name, fitted in fit_all(METHODS, clouds, wanted, lambda *_: np.random.default_rng(0)):
        mapped = fitted.transform(vectors[s][FIT:])
        kept[s, t, name] = some(mapped[:, : vectors[t].shape[1]])
    return kept


def peer(vectors):
    kept = {}
    for s, t in itertools.permutations(vectors, 2):
        x, y = (vectors[end].astype(np.float64) for end in (s, t))
        x, y = x - x[:FIT].mean(axis=0), y - y[:FIT].mean(axis=0)
        width = max(x.shape[1], y.shape[1])
        padded, wide = (np.pad(v, ((0, 0), (0, width - v.shape[1]))) for v in (x, y))
        turn = orthogonal_procrustes(padded[:FIT], wide[:FIT])[0]
        mapped = {"baseline": padded[FIT:], "procrustes": padded[FIT:] @ turn}
        linear = LinearRegression(fit_intercept=False).fit(x[:FIT], y[:FIT])
        mapped["linear"] = linear.predict(x[FIT:])
        for i, alpha in enumerate(PENALTIES):
            fitted = Ridge(alpha, fit_intercept=False).fit(x[:FIT], y[:FIT])
            mapped[f"ridge-{i}"] = fitted.predict(x[FIT:])
        for name, rows in mapped.items():
            kept[s, t, name] = some(rows[:, : y.shape[1]])
    return kept


def difference(found, expected):
    """Largest relative error of the mapped rows of any map."""
    assert found.keys() == expected.keys()
    errors = [np.linalg.norm(found[k] - e) / np.linalg.norm(e) for k, e in expected.items()]
    return max(errors)


@pytest.mark.parametrize(
    ("name", "dimensions"),
    [
        ("maps-14-models-of-512", (512,) * 14),
        ("maps-14-models-of-256-to-1408", PAPER),
    ],
)
def test_all_pairs(name, dimensions):
    vectors = models(dimensions)
    row = side_by_side(
        name,
        10,
        partial(ours, vectors),
        partial(peer, vectors),
        difference,
        WITHIN,
        repeats=2,
    )
    assert row.ratio >= row.goal
