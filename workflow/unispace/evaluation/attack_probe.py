"""Detectors that are not part of a model: a linear probe of frozen embeddings, and texts about attacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unispace.alignment.space import unit_rows
from unispace.evaluation.detection_rates import Rates, Steps
from unispace.evaluation.linear_probe import NotConverged
from unispace.evaluation.penalty_path import Unfinished, fit_path

Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AttackProbe:
    """A fitted probe.

    Attributes:
        weight: `(d,)`.
        offset: of the log-odds.
        penalty: its C.
        error: D-EER on the val images for every C that was tried, as it was given.
    """

    weight: Doubles
    offset: float
    penalty: float
    error: tuple[float, ...]

    def scores(self, vectors: NDArray[np.floating]) -> Doubles:
        """Log-odds of bona fide `(n,)` of vectors `(n, d)` of any length.

        They have the order of the probability, and no ties where that is 1 to all digits.
        """
        return unit_rows(vectors).astype(np.float64) @ self.weight + self.offset


def fit_attack_probe(
    vectors: NDArray[np.floating],
    bona_fide: NDArray[np.bool_],
    val_vectors: NDArray[np.floating],
    val_bona_fide: NDArray[np.bool_],
    penalties: Sequence[float],
    iterations: int,
) -> AttackProbe:
    """Logistic regression of bona fide on unit-length embeddings, both classes with the same total weight.

    As `linear_probe.choose_probe`, with the error of the task in place of the accuracy, since one of the classes is
    often much larger: it is fitted with every C, and the one with the lowest D-EER on the val images is kept; of
    equal ones the smallest.

    Args:
        vectors: `(n, d)`, any length; scaled to length 1 here.
        bona_fide: `(n,)`.
        val_vectors: `(m, d)`.
        val_bona_fide: `(m,)`.
        penalties: values of C > 0, the inverse strength of the penalty on the weights; at least one.
        iterations: Most iterations of the solver (L-BFGS).

    Raises:
        NotConverged: The iterations did not suffice for one C.
        ValueError: Lengths differ, there is no C, one kind is missing in one of the two parts, or a row is zero or
            not finite.
    """
    if not penalties:
        raise ValueError("a probe needs at least one value of C")
    for rows, known, part in (
        (vectors, bona_fide, "train"),
        (val_vectors, val_bona_fide, "val"),
    ):
        if len(rows) != len(known):
            raise ValueError(f"{len(rows)} vectors for {len(known)} labels")
        for kind, there in (
            ("bona fide presentation", known.any()),
            ("attack", not known.all()),
        ):
            if not there:
                raise ValueError(f"there is no {kind} in the {part} split")
    kinds = np.asarray(bona_fide, np.intp)
    # Both have the weight of half the images.
    weights = (len(kinds) / 2 / np.bincount(kinds, minlength=2))[kinds]
    scaled = unit_rows(vectors).astype(np.float64)
    fitted: dict[float, AttackProbe] = {}
    try:
        for penalty, model in fit_path(scaled, kinds, penalties, iterations, weights):
            fitted[penalty] = AttackProbe(model.coef_[0], float(model.intercept_[0]), penalty, ())
    except Unfinished as unfinished:
        raise NotConverged(
            f"the attack probe with C = {unfinished.penalty:g} did not converge in {iterations} iterations; "
            "raise evaluation.attacks.iterations or leave out large penalties"
        ) from unfinished
    error = {c: _error(probe.scores(val_vectors), val_bona_fide) for c, probe in fitted.items()}
    best = fitted[min(error, key=error.__getitem__)]  # the first of equal ones, hence the smallest
    return AttackProbe(best.weight, best.offset, best.penalty, tuple(error[c] for c in penalties))


def _error(scores: Doubles, bona_fide: NDArray[np.bool_]) -> float:
    return float(Rates.of(Steps.of(scores), bona_fide, np.ones((1, len(scores)))).d_eer()[0])


def text_scores(
    vectors: NDArray[np.floating],
    bona_fide: NDArray[np.floating],
    attack: NDArray[np.floating],
) -> Doubles:
    """How much nearer images are to the text about bona fide presentations: difference of the two cosines.

    CLIP would take the softmax of both cosines times its scale; the probability of bona fide is the logistic function
    of the scale times this difference, so the order, and with it every metric, is the same.

    Args:
        vectors: `(n, d)` of images.
        bona_fide: `(d,)` of a text about bona fide presentations.
        attack: `(d,)` of a text about attacks.

    Returns:
        `(n,)` in [-2, 2].

    Raises:
        ValueError: Dimensions differ, or a vector is zero or not finite.
    """
    texts = unit_rows(np.stack([bona_fide, attack]), "texts").astype(np.float64)
    images = unit_rows(vectors).astype(np.float64)
    if images.shape[1] != texts.shape[1]:
        raise ValueError(
            f"images are vectors of {images.shape[1]} values and texts of {texts.shape[1]}"
        )
    return images @ (texts[0] - texts[1])
