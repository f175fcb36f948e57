"""Linear probe: how well a linear classifier on frozen embeddings knows the classes.

Logistic regression with an L2 penalty, as in A. Radford et al., "Learning transferable visual models from natural
language supervision", ICML 2021, where C was 0.316; here C is chosen on images that are neither fitted on nor tested.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unispace.alignment.space import unit_rows
from unispace.evaluation.penalty_path import Linear, Unfinished, fit_path

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

    model: Linear
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
    ((_, model),) = _path(vectors, label, (penalty,), iterations)
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
        iterations: Most iterations of the solver for each C; it starts from the classifiers of smaller ones.

    Raises:
        NotConverged: The iterations did not suffice for one of them.
        ValueError: See `fit_probe`; or no C, or no val image.
    """
    if len(val_vectors) != len(val_label) or len(val_label) == 0 or not penalties:
        raise ValueError(
            f"{len(val_vectors)} val vectors, {len(val_label)} val labels and {len(penalties)} values of C"
        )
    share: dict[float, float] = {}
    best: Probe | None = None
    scaled = _scaled(val_vectors)
    for c, model in _path(vectors, label, penalties, iterations):
        share[c] = float(np.mean(model.predict(scaled) == val_label))
        # Penalties come from the smallest C to the largest, of which the first of equal ones is kept.
        if best is None or share[c] > share[best.penalty]:
            best = Probe(model, c)
    if best is None:
        raise ValueError("no C was tried")
    return Probe(best.model, best.penalty, tuple(share[c] for c in penalties))


def drawn_of_each(label: Labels, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Rows of `count` images of each class, drawn without replacement, and of all where a class has fewer; rising."""
    order = rng.permutation(len(label))
    by_class = order[np.argsort(np.asarray(label)[order], kind="stable")]
    sizes = np.unique(label, return_counts=True)[1]
    place = np.arange(len(label)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.sort(by_class[place < count])


def _path(
    vectors: NDArray[np.floating], label: Labels, penalties: Sequence[float], iterations: int
) -> Iterator[tuple[float, Linear]]:
    """Classifiers from the smallest C to the largest; raises as `fit_probe`."""
    if len(vectors) != len(label):
        raise ValueError(f"{len(vectors)} vectors for {len(label)} labels")
    classes = len(np.unique(label))
    if classes < 2:
        raise ValueError(f"a probe needs at least 2 classes, got {classes}")
    try:
        yield from fit_path(_scaled(vectors), label, penalties, iterations)
    except Unfinished as unfinished:
        raise NotConverged(
            f"the linear probe with C = {unfinished.penalty:g} did not converge in {iterations} iterations; "
            "raise evaluation.linear_probe.iterations or leave out large penalties"
        ) from unfinished


def _scaled(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Unit rows in double precision, in which the solver converges in the same way everywhere."""
    return unit_rows(vectors).astype(np.float64)
