"""Splits and selections by hash: an item keeps its place when other items come or go."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def hash_fraction(key: str, salt: str = "") -> float:
    """A number in [0, 1), uniform over keys, from SHA-256 of salt and key."""
    digest = hashlib.sha256(f"{salt}\0{key}".encode()).digest()
    # 53 bits are what a float holds exactly, so that the result stays below 1.
    return (int.from_bytes(digest[:8], "big") >> 11) / 2.0**53


def fractions(keys: Iterable[str], salt: str = "") -> NDArray[np.float64]:
    """`hash_fraction` of each key, computed once for each distinct key."""
    keys = list(keys)
    table = {key: hash_fraction(key, salt) for key in set(keys)}
    return np.array([table[key] for key in keys])


def split_by_hash(
    keys: Sequence[str], train: float, val: float, salt: str = ""
) -> NDArray[np.str_]:
    """`train`, `val` or `test` for each key; equal keys share a split.

    Args:
        keys: what must not be divided: identities, or image ids.
        train: share of keys for train, in expectation.
        val: share of keys for val; the rest is test.
        salt: another salt gives another split.
    """
    place = fractions(keys, salt)
    return np.where(place < train, "train", np.where(place < train + val, "val", "test"))


def select(
    listing: pd.DataFrame, min_images: int, max_labels: int | None, max_images: int | None
) -> pd.DataFrame:
    """Keep a part of a data set, chosen by hash within each split.

    Args:
        listing: rows with image_id, label and split.
        min_images: leave out labels with fewer images (counted over all splits).
        max_labels: at most this many labels in each split.
        max_images: at most this many images of each label in each split.

    Returns:
        The kept rows in their order.
    """
    kept = listing[listing.groupby("label")["image_id"].transform("size") >= min_images]
    if max_labels is not None:
        labels = kept[["split", "label"]].drop_duplicates()
        labels = labels.assign(place=fractions(labels["label"]))
        labels = labels[labels.groupby("split")["place"].rank(method="first") <= max_labels]
        pairs = pd.MultiIndex.from_frame(labels[["split", "label"]])
        kept = kept[pd.MultiIndex.from_frame(kept[["split", "label"]]).isin(pairs)]
    if max_images is not None:
        place = pd.Series(fractions(kept["image_id"]), index=kept.index)
        order = place.groupby([kept["split"], kept["label"]]).rank(method="first")
        kept = kept[order <= max_images]
    return kept.reset_index(drop=True)
