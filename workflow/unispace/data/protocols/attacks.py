"""Attack detection: from which attacks is learnt, and on which a detector is tested, within the splits of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unispace.config.base import BONA_FIDE

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class AttackList:
    """One round: a detector learns without a kind of attack and is tested on it.

    Attributes:
        attack: The kind that is left out of training.
        train: Rows of the train split without this attack, rising.
        val: Rows of the val split without this attack, rising: settings and thresholds see it as little.
        test: Rows of bona fide images and of this attack in the tested split, rising.
    """

    attack: str
    train: Indices
    val: Indices
    test: Indices


def leave_one_attack_out(
    label: Sequence[str], split: Sequence[str], tested: str = "test"
) -> list[AttackList]:
    """Lists for each kind of attack: learn without it, test on it.

    Who is in which split stays as it is, so no subject is learnt from and tested, where the splits keep subjects apart.

    Args:
        label: `(n,)` `bona_fide`, or the kind of attack.
        split: `(n,)` split of every image.
        tested: The split that is tested.

    Returns:
        A list for each kind in the train split, sorted by name. A list may lack attacks or bona fide images.

    Raises:
        ValueError: Lengths differ, or the train split has fewer than two kinds of attack.
    """
    if len(label) != len(split):
        raise ValueError(
            f"{len(label)} labels and {len(split)} splits; all must be of the same images"
        )
    kind, part = np.asarray(label, str), np.asarray(split, str)
    kinds = sorted(set(kind[part == "train"].tolist()) - {BONA_FIDE})
    if len(kinds) < 2:
        raise ValueError(
            f"to learn without one attack takes two kinds of them in the train split, "
            f"got {', '.join(kinds) or 'none'}"
        )
    return [
        AttackList(
            left_out,
            np.flatnonzero((part == "train") & (kind != left_out)),
            np.flatnonzero((part == "val") & (kind != left_out)),
            np.flatnonzero((part == tested) & ((kind == BONA_FIDE) | (kind == left_out))),
        )
        for left_out in kinds
    ]
