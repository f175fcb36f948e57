"""Who is morphed with whom: persons of one split that look alike, each in one couple."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.data.splits import fractions
from unispace.data.studio.stage import Doubles
from unispace.errors import UserError, did_you_mean

GRID = 14  # side of the coarse pictures that likeness is judged by


def chosen_pictures(listing: pd.DataFrame, seed: int, persons: int, pictures: int) -> pd.DataFrame:
    """Pictures of some persons of each split, both chosen by hash.

    Args:
        listing: rows with image_id, label (the person) and split.
        seed: another one chooses others.
        persons: at most this many of each split.
        pictures: at most this many of each person.

    Returns:
        Those rows, by split, and within it by person and picture in the order of their hashes: the first of a person
        is the one to be morphed.

    Raises:
        UserError: where an image has no split, a person stands in two, or a split has one person alone.
    """
    unsplit = listing["split"] == ""
    if unsplit.any():
        raise UserError(
            f"the manifest names no split for {listing.loc[unsplit, 'image_id'].iloc[0]}; both persons of a morph must "
            f"be of one split, so give every image one in the column `split`"
        )
    splits = listing.groupby("label")["split"].nunique()
    if (splits > 1).any():
        raise UserError(
            f"the manifest has `{splits[splits > 1].index[0]}` in {splits.max()} splits; give all images of a person "
            f"the same split"
        )
    salt = f"morphs {seed}"
    ordered = listing.assign(
        _person=fractions(listing["label"], salt), _picture=fractions(listing["image_id"], salt)
    ).sort_values(["split", "_person", "label", "_picture", "image_id"], kind="stable")
    person = ordered.groupby("split")["label"].transform(lambda labels: pd.factorize(labels)[0])
    picture = ordered.groupby("label").cumcount()
    kept = ordered[(person < persons) & (picture < pictures)]
    alone = kept.groupby("split")["label"].nunique()
    if (alone < 2).any():
        raise UserError(
            f"split `{alone[alone < 2].index[0]}` has one person alone, and a morph takes two; leave that split out "
            f"with --only, or add persons"
        )
    return kept.drop(columns=["_person", "_picture"]).reset_index(drop=True)


def likeness(portraits: NDArray[np.uint8]) -> Doubles:
    """How alike pictures are at a glance: correlation of their coarse brightness, `(n, n)` in [-1, 1].

    Args:
        portraits: `(n, s, s, 3)`, RGB, at least `GRID` pixels.
    """
    n, size = portraits.shape[:2]
    # Whole numbers until the division, so that the order of the sum does not matter.
    grey = portraits.astype(np.int64).sum(axis=-1)
    edges = np.arange(GRID) * size // GRID
    coarse = np.add.reduceat(np.add.reduceat(grey, edges, axis=1), edges, axis=2)
    cells = coarse.reshape(n, -1) / _areas(edges, size)
    cells -= cells.mean(axis=1, keepdims=True)
    cells /= np.maximum(np.linalg.norm(cells, axis=1, keepdims=True), 1e-9)
    return np.round(cells @ cells.T, 6)


def _areas(edges: NDArray[np.int64], size: int) -> Doubles:
    sides = np.diff(np.append(edges, size)).astype(np.float64)
    return np.outer(sides, sides).ravel()


def couples(alike: Doubles) -> NDArray[np.int64]:
    """Disjoint couples, those who are most alike first; of an odd number one is left over.

    Args:
        alike: symmetric, `(n, n)`.

    Returns:
        `(n // 2, 2)` numbers of persons, the lower first in each couple.
    """
    first, second = np.triu_indices(len(alike), 1)
    order = np.lexsort((second, first, -alike[first, second]))
    free = np.ones(len(alike), np.bool_)
    found = []
    for i, j in zip(first[order], second[order], strict=True):
        if free[i] and free[j]:
            free[[i, j]] = False
            found.append((i, j))
    return np.array(found, np.int64).reshape(-1, 2)


def morph_seed(seed: int, first: str, second: str, recipe: str) -> int:
    """The seed of one morph, which depends on nothing but who is morphed, how, and the seed of all, in [0, 2**62)."""
    text = "\0".join((str(seed), first, second, recipe))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 2


def only(listing: pd.DataFrame, conditions: list[str]) -> pd.DataFrame:
    """The rows that meet conditions `COLUMN=VALUE`; of one column, any of its values.

    Raises:
        UserError: where one is none, or names what is not there.
    """
    wanted: dict[str, list[str]] = {}
    names = {"identity_or_class": "label", "path": "image_id"}
    for condition in conditions:
        column, sign, value = condition.partition("=")
        column = names.get(column, column)
        if not sign:
            raise UserError(f"--only {condition}: write COLUMN=VALUE, such as --only split=train")
        if column not in listing:
            raise UserError(
                f"--only {condition}: no column `{column}`; {did_you_mean(column, listing.columns)}"
            )
        given = set(listing[column])
        if value not in given:
            raise UserError(
                f"--only {condition}: no image has it; {did_you_mean(value, sorted(given)[:1000])}"
            )
        wanted.setdefault(column, []).append(value)
    rows = listing
    for column, values in wanted.items():
        rows = rows[rows[column].isin(values)]
    if rows.empty:
        raise UserError(f"--only: no image meets {' and '.join(conditions)}")
    return rows
