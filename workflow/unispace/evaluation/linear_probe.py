"""Linear probe: how well a linear classifier on frozen embeddings knows the classes.

Logistic regression with an L2 penalty, as in A. Radford et al., "Learning transferable visual models from natural
language supervision", ICML 2021, where C was 0.316; here C is chosen on images that are neither fitted on nor tested.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unispace.alignment.space import unit_rows

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

Labels = NDArray[np.integer]


class NotConverged(ValueError):
    """The solver ran out of iterations: its classifier would depend on where it stopped."""


@dataclass(frozen=True, eq=False)
class Probe:
    """A fitted probe.

    Attributes:
        model: the classifier.
        penalty: its C.
        accuracy: `(penalties,)` share of the val images labelled correctly for every C that was tried, as it was
            given; empty where C was fixed.
    """

    model: LogisticRegression
    penalty: float
    accuracy: tuple[float, ...] = ()

    def predict(self, vectors: NDArray[np.floating]) -> Labels:
        """Labels `(n,)` of vectors `(n, d)` of any length."""
        return self.model.predict(_scaled(vectors))


def fit_probe(
    vectors: NDArray[np.floating], label: Labels, penalty: float, iterations: int = 1000
) -> Probe:
    """Fit with a C that is given.

    Args:
        vectors: `(n, d)`, any length; scaled to length 1 here.
        label: `(n,)` integers, at least two different ones.
        penalty: C > 0, the inverse strength of the penalty on the weights.
        iterations: Most iterations of the solver (L-BFGS).

    Raises:
        NotConverged: The iterations did not suffice.
        ValueError: Lengths differ, there is a single class, or a row is zero or not finite.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    if len(vectors) != len(label):
        raise ValueError(f"{len(vectors)} vectors for {len(label)} labels")
    classes = len(np.unique(label))
    if classes < 2:
        raise ValueError(f"a probe needs at least 2 classes, got {classes}")
    model = LogisticRegression(C=penalty, max_iter=iterations)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            model.fit(_scaled(vectors), label)
        except ConvergenceWarning as warning:
            raise NotConverged(
                f"the linear probe with C = {penalty:g} did not converge in {iterations} iterations; "
                "raise evaluation.linear_probe.iterations or leave out large penalties"
            ) from warning
    return Probe(model, penalty)


def choose_probe(
    vectors: NDArray[np.floating],
    label: Labels,
    val_vectors: NDArray[np.floating],
    val_label: Labels,
    penalties: Sequence[float],
    iterations: int = 1000,
) -> Probe:
    """Fit with every C and keep the one that labels the most val images correctly; of equal ones the smallest.

    The val images choose C and are not fitted on.

    Args:
        vectors: `(n, d)`, any length.
        label: `(n,)` integers.
        val_vectors: `(m, d)`.
        val_label: `(m,)`.
        penalties: values of C, at least one.
        iterations: Most iterations of the solver.

    Raises:
        NotConverged: The iterations did not suffice for one of them.
        ValueError: See `fit_probe`; or no C, or no val image.
    """
    if len(val_vectors) != len(val_label) or len(val_label) == 0 or not penalties:
        raise ValueError(
            f"{len(val_vectors)} val vectors, {len(val_label)} val labels and {len(penalties)} values of C"
        )
    probes = {c: fit_probe(vectors, label, c, iterations) for c in sorted(penalties)}
    share = {c: float(np.mean(p.predict(val_vectors) == val_label)) for c, p in probes.items()}
    best = max(share, key=share.__getitem__)  # the first of equal ones, hence the smallest
    return Probe(probes[best].model, best, tuple(share[c] for c in penalties))


def _scaled(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Unit rows in double precision, in which the solver converges in the same way everywhere."""
    return unit_rows(vectors).astype(np.float64)
