"""Rank-1 and AUC without the curves they are points and areas of, for analyses that test many maps on few images.

Rank-1 is that of `evaluation.identification.search`, ties against us, without the ranks behind the first; AUC that of
`evaluation.verification.auc`, without the ROC.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unispace.evaluation.similarity import cosine_blocks

Integers = NDArray[np.integer]


def cosines(probe: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float32]:
    """All cosines `(n_probe, n_target)`.

    Raises:
        ValueError: Widths differ, or a row is zero or not finite.
    """
    blocks = [scores for _, scores in cosine_blocks(probe, target, max(1, len(probe)))]
    return np.concatenate(blocks)


def found_first(scores: NDArray[np.floating], mate: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the best right entry scores higher than all wrong ones, `(n,)`.

    Args:
        scores: `(n, m)`; entries that are left out are -inf and no mates.
        mate: `(n, m)` which entries are right; one or more for each probe.

    Raises:
        ValueError: A probe has no right entry.
    """
    without = ~mate.any(axis=1)
    if without.any():
        raise ValueError(f"probe {int(np.argmax(without))} has no correct entry in the gallery")
    best = np.max(scores, axis=1, initial=-np.inf, where=mate)
    return best > np.max(scores, axis=1, initial=-np.inf, where=~mate)


def area(scores: NDArray[np.floating], genuine: NDArray[np.bool_]) -> float:
    """AUC in [0, 1]: how often a genuine score is above an impostor one, ties count half (Mann and Whitney 1947).

    Args:
        scores: any shape.
        genuine: of the same shape.

    Raises:
        ValueError: There is no genuine or no impostor score.
    """
    ours, others = scores[genuine], np.sort(scores[~genuine])
    if not len(ours) or not len(others):
        raise ValueError(f"{len(ours)} genuine and {len(others)} impostor scores; both are needed")
    # Whole numbers, so that the order of the scores changes no bit.
    below = (
        np.searchsorted(others, ours, "left").sum() + np.searchsorted(others, ours, "right").sum()
    )
    return float(below / 2 / len(ours) / len(others))


def found_without_own_image(
    probe: NDArray[np.floating], target: NDArray[np.floating], identity: Integers
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Search each image among all others (protocol `self-excluded`).

    Args:
        probe: `(n, D)` vectors as probes.
        target: `(n, D)` vectors of the same images as gallery.
        identity: `(n,)` of each image, any integers.

    Returns:
        Rows of the images whose identity has another one, and whether each was found first.

    Raises:
        ValueError: Shapes differ, or a row is zero or not finite.
    """
    scores = cosines(probe, target)
    identity = np.asarray(identity)
    mate = identity[:, None] == identity
    np.fill_diagonal(mate, False)
    np.fill_diagonal(scores, -np.inf)
    rows = np.flatnonzero(mate.any(axis=1))
    return rows, found_first(scores[rows], mate[rows])
