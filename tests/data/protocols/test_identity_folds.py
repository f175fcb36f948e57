"""Folds: no identity in two, none moved by others, balanced pairs within each."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unispace.data.protocols.folds import fold_pairs, identity_folds

NAMES = st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=30)


@given(NAMES, NAMES, st.integers(2, 12))
def test_an_identity_is_in_one_fold_and_stays_there(names, more, folds):
    fold = identity_folds(names, folds)
    assert set(fold) <= set(range(1, folds + 1))
    for name, number in zip(names, fold, strict=True):
        digest = hashlib.sha256(b"folds\0" + name.encode()).hexdigest()
        assert number == int(int(digest[:16], 16) / 16**16 * folds) + 1
    together = identity_folds([*more, *names], folds)
    assert together[len(more) :].tolist() == fold.tolist()


def test_folds_are_about_equally_large():
    fold = identity_folds([f"person-{i}" for i in range(10_000)], 10)
    counts = np.bincount(fold)[1:]
    assert len(counts) == 10
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(1000)


def test_pairs_lie_within_folds_and_are_balanced():
    names = [f"p{i // 4}" for i in range(240)]
    fold = identity_folds(names, 5)
    pairs, number = fold_pairs(names, 5, np.random.default_rng(0))
    np.testing.assert_array_equal(fold[pairs.first], number)
    np.testing.assert_array_equal(fold[pairs.second], number)
    same = [names[i] == names[j] for i, j in zip(pairs.first, pairs.second, strict=True)]
    assert same == pairs.genuine.tolist()
    for part in range(1, 6):
        # Each of the identities has 4 images, thus 6 genuine pairs.
        genuine = 6 * len({name for name, f in zip(names, fold, strict=True) if f == part})
        assert np.sum(pairs.genuine & (number == part)) == genuine
        assert np.sum(~pairs.genuine & (number == part)) == genuine


def test_one_fold_is_none():
    with pytest.raises(ValueError, match="at least 2 folds, got 1"):
        identity_folds(["a"], 1)
