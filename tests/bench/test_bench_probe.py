"""A linear probe with twenty penalties, beside a fit of scikit-learn for each.

scikit-learn's default tolerance stops short of the optimum, by several images in a thousand at some C, so the peer gets
the tolerance at which it labels as its own exact optimum does.
"""

from __future__ import annotations

import numpy as np
import pytest
from side_by_side import Comparison, reaches, side_by_side
from sklearn.linear_model import LogisticRegression

from unispace.alignment.space import unit_rows
from unispace.evaluation.penalty_path import fit_path

pytestmark = pytest.mark.bench

PENALTIES = np.geomspace(0.01, 1000, 20)
SAME = 1e-5  # tolerance of the peer


def images(n: int, d: int, classes: int):
    """Embeddings of twice `n` images: to fit on, and to label."""
    rng = np.random.default_rng(0)
    fall = np.arange(1, d + 1) ** -0.5
    label = rng.integers(0, classes, 2 * n)
    vectors = rng.normal(size=(classes, d))[label] + 1.2 * rng.normal(size=(2 * n, d))
    unit = unit_rows((vectors + 2 * rng.normal(size=d)) * fall).astype(np.float64)
    return unit[:n], label[:n], unit[n:], label[n:]


@pytest.mark.parametrize(("n", "d", "classes"), [(1500, 512, 50), (2000, 128, 10)])
def test_twenty_penalties(n, d, classes):
    vectors, label, others, true = images(n, d, classes)

    def ours() -> np.ndarray:
        fitted = fit_path(vectors, label, PENALTIES, 1000)
        return np.array([np.sum(model.predict(others) == true) for _, model in fitted])

    def peer() -> np.ndarray:
        models = (LogisticRegression(C=c, tol=SAME, max_iter=5000) for c in PENALTIES)
        return np.array([np.sum(m.fit(vectors, label).predict(others) == true) for m in models])

    row = side_by_side(
        Comparison(
            f"07-probe-{d}",
            f"linear probe, 20 penalties, {n:,} images of {classes} classes, d = {d}",
            "scikit-learn's logistic regression for each penalty",
            4,
            note="images that are labelled otherwise: at most one for each penalty; the tolerance of the other way is the "
            "one at which it labels as its own optimum does",
        ),
        ours,
        peer,
        lambda found, other: float(np.abs(found - other).max()),
        within=1,  # images, of those that are labelled
        repeats=3,
        count_first=True,
    )
    reaches(row)
