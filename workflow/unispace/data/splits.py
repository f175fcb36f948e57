"""Splits and selections by hash: an item keeps its place when other items come or go.

Columns of many millions of keys are hashed as Arrow strings, piece by piece: an object of Python is made for the
keys of one piece at a time, never for a whole column.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray

# Rows in which a key that recurs is hashed once, and keys that are Python objects at one time.
_ROWS, _KEYS = 1 << 20, 1 << 16


def hash_fraction(key: str, salt: str = "") -> float:
    """A number in [0, 1), uniform over keys, from SHA-256 of salt and key."""
    digest = hashlib.sha256(f"{salt}\0{key}".encode()).digest()
    # 53 bits are what a float holds exactly, so that the result stays below 1.
    return (int.from_bytes(digest[:8], "big") >> 11) / 2.0**53


def fractions(keys: Iterable[str], salt: str = "") -> NDArray[np.float64]:
    """`hash_fraction` of each key, `(n,)`, without an object of Python for each.

    Raises:
        ValueError: where a key is empty: it would tie all that have none together.
    """
    column = _column(keys)
    place = np.empty(len(column))
    for start in range(0, len(column), _ROWS):
        encoded = column[start : start + _ROWS].combine_chunks().dictionary_encode()
        distinct = _hash(encoded.dictionary, salt)
        place[start : start + len(encoded)] = distinct[encoded.indices.to_numpy()]
    return place


def _column(keys: Iterable[str]) -> pa.ChunkedArray:
    """Keys as an Arrow column; a column of a table as it is, without a copy."""
    if not isinstance(keys, pd.Series | pd.Index | np.ndarray | list | tuple):
        keys = list(keys)
    array = pa.array(keys, pa.large_string(), from_pandas=True)
    if array.null_count:
        raise ValueError(f"{array.null_count} of {len(array)} keys are empty")
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def _hash(keys: pa.Array, salt: str) -> NDArray[np.float64]:
    """`hash_fraction` of each of some distinct keys."""
    before, heads = f"{salt}\0".encode(), np.empty(len(keys), ">u8")
    for start in range(0, len(keys), _KEYS):
        part = keys[start : start + _KEYS].cast(pa.large_binary()).to_pylist()
        digests = b"".join([hashlib.sha256(before + key).digest()[:8] for key in part])
        heads[start : start + len(part)] = np.frombuffer(digests, ">u8")
    return (heads >> np.uint64(11)) / 2.0**53


def split_by_hash(keys: Iterable[str], train: float, val: float, salt: str = "") -> ExtensionArray:
    """`train`, `val` or `test` for each key, as Arrow strings; equal keys share a split.

    Args:
        keys: what must not be divided: identities, or image ids.
        train: share of keys for train, in expectation.
        val: share of keys for val; the rest is test.
        salt: another salt gives another split.
    """
    place = fractions(keys, salt)
    part = np.where(
        place < train, np.int8(0), np.where(place < train + val, np.int8(1), np.int8(2))
    )
    names = pa.DictionaryArray.from_arrays(pa.array(part), pa.array(["train", "val", "test"]))
    return pd.array(names.cast(pa.large_string()), dtype="str")


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
    label, names = pd.factorize(listing["label"])
    split, splits = pd.factorize(listing["split"])
    # A number for each label of each split: every step below works on these, not on the names.
    group = label * np.int64(len(splits)) + split
    kept = np.flatnonzero(np.bincount(label, minlength=len(names))[label] >= min_images)
    if max_labels is not None:
        groups, first = np.unique(group[kept], return_index=True)
        place = fractions(names)[groups // len(splits)]
        chosen = groups[_first_of_each(groups % len(splits), place, first, max_labels)]
        kept = kept[np.isin(group[kept], chosen)]
    if max_images is not None:
        place = fractions(listing["image_id"].iloc[kept])
        kept = kept[_first_of_each(group[kept], place, kept, max_images)]
    if len(kept) == len(listing):
        return listing.reset_index(drop=True)
    return listing.iloc[kept].reset_index(drop=True)


def _first_of_each(
    group: NDArray[np.int64],
    place: NDArray[np.float64],
    row: NDArray[np.int64],
    most: int,
) -> NDArray[np.bool_]:
    """Which items are among the `most` first of their group, by place and, where that is equal, by row."""
    order = np.lexsort((row, place, group))
    group = group[order]
    rank = np.arange(len(group)) - np.searchsorted(group, group, side="left")
    first = np.empty(len(group), bool)
    first[order] = rank < most
    return first
