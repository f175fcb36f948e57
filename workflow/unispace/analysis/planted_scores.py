"""Planted scores, of which the operating points are known: the rule of TMR@FMR is on trial.

Among the scores of real images an impostor pair more or less is accepted together with hardly ever a genuine one, so that a
threshold one step off changes no TMR. Here many pairs have the same score, and a step to either side accepts or loses a
fifth of the genuine pairs or more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from unispace.evaluation.verification import PairScores

SPACE = "planted/scores"
"""Stands where the results name the two models of a pair."""
NAME = "scores"
"""Stands for the data set."""
PROTOCOL = "planted-scores"
FMR = (0.05, 0.1)
"""Target FMR. The nearest rate to the first is above it, and the second is reached exactly."""

_IDENTITIES = 100


class Level(NamedTuple):
    """Pairs of one score."""

    score: float
    genuine: int
    impostor: int


LEVELS = (
    Level(0.9, 20, 0),
    Level(0.8, 60, 48),
    Level(0.7, 40, 3),
    Level(0.6, 40, 49),
    Level(0.5, 40, 1),
    Level(0.1, 0, 899),
)
"""In falling order; 200 genuine and 1,000 impostor pairs."""


def planted_scores() -> PairScores:
    """The scores of all levels; each of 100 identities has two genuine pairs."""
    scores = np.array([level.score for level in LEVELS], np.float32)
    genuine, impostor = (
        np.repeat(scores, [getattr(level, kind) for level in LEVELS])
        for kind in ("genuine", "impostor")
    )
    mated, number = np.arange(len(genuine)) % _IDENTITIES, np.arange(len(impostor))
    one = number % _IDENTITIES
    # Each turn through the identities compares them with the next one but so many.
    other = (one + 1 + number // _IDENTITIES) % _IDENTITIES
    first, second = np.append(mated, one).astype(np.int32), np.append(mated, other).astype(np.int32)
    return PairScores(
        np.append(genuine, impostor), first == second, first, second, identities=_IDENTITIES
    )


def expected_tmr(target: float) -> float:
    """TMR at a target FMR, counted level by level: all pairs of a level are accepted, or none.

    Args:
        target: FMR in (0, 1).
    """
    accepted = false = 0
    for level in LEVELS:
        false += level.impostor
        if false > target * sum(level.impostor for level in LEVELS):
            break
        accepted += level.genuine
    return accepted / sum(level.genuine for level in LEVELS)
