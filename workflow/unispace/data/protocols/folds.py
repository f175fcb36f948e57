"""Folds that divide identities: no identity stands in two of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unispace.data.protocols.pairs import Pairs, balanced_pairs
from unispace.data.splits import fractions


def identity_folds(identity: Sequence[str], folds: int, salt: str = "folds") -> NDArray[np.int64]:
    """The fold of every image, by a hash of its identity: an identity keeps its fold when others come or go.

    Args:
        identity: `(n,)` names.
        folds: Number of folds, from 2.
        salt: Another salt gives other folds.

    Returns:
        `(n,)` folds, from 1.

    Raises:
        ValueError: Fewer than 2 folds.
    """
    if folds < 2:
        raise ValueError(f"there are at least 2 folds, got {folds}")
    return np.floor(fractions(identity, salt) * folds).astype(np.int64) + 1


def fold_pairs(
    identity: Sequence[str], folds: int, rng: np.random.Generator
) -> tuple[Pairs, NDArray[np.int64]]:
    """Balanced pairs within each of several identity-disjoint folds, as LFW is made.

    Args:
        identity: `(n,)` names.
        folds: Number of folds, from 2.
        rng: Source of randomness.

    Returns:
        The pairs, and `(n_pairs,)` the fold of each, from 1. A fold in which no two images show one identity,
        or all do, has no pairs.

    Raises:
        ValueError: Fewer than 2 folds.
    """
    fold = identity_folds(identity, folds)
    code = np.unique(np.asarray(identity, str), return_inverse=True)[1]
    parts, numbers = [], []
    for number in range(1, folds + 1):
        rows = np.flatnonzero(fold == number)
        inside = balanced_pairs(code[rows], rng)
        parts.append(Pairs(rows[inside.first], rows[inside.second], inside.genuine))
        numbers.append(np.full(len(inside.genuine), number, np.int64))
    pairs = Pairs(
        np.concatenate([part.first for part in parts]),
        np.concatenate([part.second for part in parts]),
        np.concatenate([part.genuine for part in parts]),
    )
    return pairs, np.concatenate(numbers)
