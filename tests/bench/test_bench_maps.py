"""All pairs of fourteen models: maps from shared factorisations beside straightforward code for each pair.

The peer is what one writes with SciPy and scikit-learn: `orthogonal_procrustes` on padded clouds, `LinearRegression`
(LAPACK's least squares) and `Ridge` for each penalty, in a loop over ordered pairs. Fitting is what is measured: a map
is applied by one product on both sides, so only as many test rows are mapped as show that the maps are equal.

All 182 ordered pairs take the peer several minutes. So it fits some of them, drawn at random with a fixed seed and
others in every repeat; its seconds are divided by their share. Ours always fits all. Equality is asserted on the pairs
of the first draw.
"""

import itertools
from functools import partial

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from side_by_side import Comparison, growth, reaches, side_by_side
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
FIT, TEST = 5000, 20
WITHIN = 1e-6
DRAWN = 6


def models(count, fit=FIT, d=512):
    """Unit vectors of related models: variances that fall as those of real ones, and noise of their own."""
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(fit + TEST, 400)) * np.arange(1, 401) ** -0.5
    found = {}
    for number in range(count):
        vectors = latent @ rng.normal(size=(400, d)) / 20 + 0.3 * rng.normal(size=(len(latent), d))
        found[f"m{number:02}"] = unit_rows(vectors + 0.5 * rng.normal(size=d))
    return found


def ours(vectors):
    clouds = {name: Cloud(rows[:-TEST], name=name) for name, rows in vectors.items()}
    wanted = itertools.permutations(vectors, 2)
    return {
        (s, t, name): fitted.transform(vectors[s][-TEST:])[:, : vectors[t].shape[1]]
        for s, t, name, fitted in fit_all(
            METHODS, clouds, wanted, lambda *_: np.random.default_rng(0)
        )
    }


def peer(vectors, pairs):
    kept = {}
    for s, t in pairs:
        x, y = (vectors[end].astype(np.float64) for end in (s, t))
        x, y = x - x[:-TEST].mean(axis=0), y - y[:-TEST].mean(axis=0)
        width = max(x.shape[1], y.shape[1])
        padded, wide = (np.pad(v, ((0, 0), (0, width - v.shape[1]))) for v in (x, y))
        turn = orthogonal_procrustes(padded[:-TEST], wide[:-TEST])[0]
        mapped = {"baseline": padded[-TEST:], "procrustes": padded[-TEST:] @ turn}
        linear = LinearRegression(fit_intercept=False).fit(x[:-TEST], y[:-TEST])
        mapped["linear"] = linear.predict(x[-TEST:])
        for i, alpha in enumerate(PENALTIES):
            fitted = Ridge(alpha, fit_intercept=False).fit(x[:-TEST], y[:-TEST])
            mapped[f"ridge-{i}"] = fitted.predict(x[-TEST:])
        for name, rows in mapped.items():
            kept[s, t, name] = rows[:, : y.shape[1]]
    return kept


def difference(found, expected):
    """Largest relative error of the mapped rows of any map of the drawn pairs."""
    assert expected
    assert expected.keys() <= found.keys()
    errors = [np.linalg.norm(found[k] - e) / np.linalg.norm(e) for k, e in expected.items()]
    return max(errors)


def test_all_pairs():
    vectors = models(14)
    pairs = list(itertools.permutations(vectors, 2))
    draws = np.random.default_rng(0)

    def of_some():
        chosen = draws.choice(len(pairs), DRAWN, replace=False)
        return peer(vectors, [pairs[i] for i in chosen])

    row = side_by_side(
        Comparison(
            "04-maps",
            "all pairs of 14 models, 4 maps, 6 penalties, n = 5,000, d = 512",
            "SciPy and scikit-learn, pair by pair",
            10,
            note=f"the other way fits {DRAWN} of the {len(pairs)} ordered pairs in each repeat, drawn at random, and its "
            f"seconds are scaled to all",
            limit="a third of ours are LAPACK's singular value decompositions of 91 products of two models, and more than half "
            "dense products in double precision, at 43 to 45 of the 47 GFLOP/s that two cores reached; both directions of "
            "a pair share them",
        ),
        partial(ours, vectors),
        of_some,
        difference,
        WITHIN,
        repeats=3,
        share=DRAWN / len(pairs),
        count_first=True,
    )
    reaches(row)


def test_twice_the_models():
    seven, fourteen = models(7, fit=1500, d=256), models(14, fit=1500, d=256)
    row = growth(
        Comparison(
            "10-models",
            "all pairs of models: 7 to 14",
            "pairs of models (x 4.3)",
            1.1,
            note="n = 1,500, d = 256",
        ),
        [partial(ours, seven), partial(ours, fourteen)],
        [7 * 6, 14 * 13],
        repeats=3,
    )
    reaches(row)
