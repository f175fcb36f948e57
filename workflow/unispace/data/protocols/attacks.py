"""Attack detection: who and which attacks are learnt from, and on which a detector is tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unispace.data.splits import fractions

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class AttackList:
    """One round: a detector learns without a kind of attack and is tested on it.

    Attributes:
        attack: The kind that is left out of training.
        train: Rows of bona fide images and of all other attacks, of the train subjects, rising.
        test: Rows of bona fide images and of this attack, of the test subjects, rising.
    """

    attack: str
    train: Indices
    test: Indices


def train_subjects(
    subject: Sequence[str], share: float, second: Sequence[str] | None = None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Divide images by their subjects, by hash: a subject keeps its side when others come or go.

    Args:
        subject: `(n,)` who is shown.
        share: Share of the subjects to learn from, in expectation; in (0, 1).
        second: `(n,)` the other subject of a morph, empty where there is none. A morph of subjects of
            different sides is on neither.

    Returns:
        `(n,)` whether an image is to learn from, and `(n,)` whether it is to test on.

    Raises:
        ValueError: Lengths differ, or `share` is not in (0, 1).
    """
    if not 0 < share < 1:
        raise ValueError(f"the share of train subjects lies between 0 and 1, got {share}")
    if second is not None and len(second) != len(subject):
        raise ValueError(f"{len(second)} second subjects for {len(subject)} images")
    train = fractions(subject, "attacks") < share
    if second is None:
        return train, ~train
    names = np.where(np.asarray(second, str) == "", np.asarray(subject, str), np.asarray(second))
    other = fractions(names.tolist(), "attacks") < share
    return train & other, ~train & ~other


def leave_one_attack_out(
    label: Sequence[str],
    subject: Sequence[str],
    attack: Sequence[str],
    *,
    bona_fide: str,
    share: float = 0.5,
    second: Sequence[str] | None = None,
) -> list[AttackList]:
    """Lists for each kind of attack: learn without it, test on it, no subject in both.

    Args:
        label: `(n,)` class of every image.
        subject: `(n,)` who is shown.
        attack: `(n,)` kind of attack; whatever stands there for a bona fide image is not looked at.
        bona_fide: The label of the images that are no attack.
        share: Share of the subjects to learn from, in expectation; in (0, 1).
        second: `(n,)` the other subject of a morph, empty where there is none.

    Returns:
        A list for each kind, sorted by name.

    Raises:
        ValueError: Lengths differ, an attack names no kind, there are fewer than two kinds, `share` is not in
            (0, 1), or a list would lack bona fide images or attacks to learn from or to test on.
    """
    if not len(label) == len(subject) == len(attack):
        raise ValueError(
            f"{len(label)} labels, {len(subject)} subjects and {len(attack)} attacks; "
            "all must be of the same images"
        )
    real = np.asarray(label, str) == bona_fide
    if not real.any():
        raise ValueError(f"no image has the label {bona_fide!r}, so there is no bona fide one")
    kind = np.where(real, "", np.asarray(attack, str))
    nameless = np.flatnonzero(~real & (kind == ""))
    if len(nameless):
        raise ValueError(f"image {nameless[0]} is an attack that names no kind")
    kinds = sorted(set(kind[~real].tolist()))
    if len(kinds) < 2:
        raise ValueError(
            f"to learn without one attack takes two kinds of them, got {', '.join(kinds) or 'none'}"
        )
    train, test = train_subjects(subject, share, second)
    lists = []
    for left_out in kinds:
        parts = {
            "learn from": train & (kind != left_out),
            "test on": test & (real | (kind == left_out)),
        }
        for purpose, rows in parts.items():
            for what, found in (("bona fide image", rows & real), ("attack", rows & ~real)):
                if not found.any():
                    raise ValueError(
                        f"without {left_out!r} there is no {what} to {purpose}: too few subjects, "
                        f"or too large or small a share to learn from"
                    )
        lists.append(AttackList(left_out, *(np.flatnonzero(rows) for rows in parts.values())))
    return lists
