"""Which identities a map is fitted on and which it is tested on; never one on both sides."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unispace.config.maps import Shared
from unispace.data.splits import fractions

Bools = NDArray[np.bool_]

SALT = "maps"
"""Of the hash that divides identities: that of the split of a data set is another one."""


@dataclass(frozen=True, eq=False)
class Partition:
    """Who is on which side.

    Attributes:
        fit: `(n_fit,)` which images of the fit data set maps are fitted on.
        test: `(n_test,)` which images of the tested data set they are tested on.
        shared: identities that both data sets hold, by name.
    """

    fit: Bools
    test: Bools
    shared: int


def within(identity: Sequence[str], share: float) -> Partition:
    """Divide the identities of one data set by a hash of their names.

    Args:
        identity: `(n,)` names.
        share: of the identities for the fit, in expectation, in (0, 1).
    """
    fit = fractions(identity, SALT) < share
    return Partition(fit, ~fit, 0)


def across(fitted: Sequence[str], tested: Sequence[str], share: float, shared: Shared) -> Partition:
    """All of one data set for the fit and all of another for the test, but for identities in both.

    Identities are the same where their names are, written with or without capitals, accents and underscores: the
    names of public sets are those of known persons.

    Args:
        fitted: `(n_fit,)` names in the data set that maps are fitted on.
        tested: `(n_test,)` names in the one that they are tested on.
        share: of the shared identities that are for the fit, where they are divided.
        shared: `leave-out`: not fitted on; `divide`: by the same hash as within one data set.
    """
    names = plain_names(fitted), plain_names(tested)
    both = np.intersect1d(*names)
    here, there = (np.isin(side, both) for side in names)
    if shared == "leave-out":
        return Partition(~here, np.ones(len(names[1]), bool), len(both))
    drawn = [fractions(side, SALT) < share for side in names]
    return Partition(~here | drawn[0], ~there | ~drawn[1], len(both))


def shuffled(identity: Sequence[str], share: float, seed: int) -> Partition:
    """Divide the identities of one data set at random, as published: the first 70 % of a shuffled list.

    The paper gives its seeds and no more; NumPy's generator draws here, so that splits are like the published ones
    and not the same.

    Args:
        identity: `(n,)` names.
        share: of the identities for the fit, rounded down, at least 1.
        seed: of the split.
    """
    names, code = np.unique(np.asarray(identity, str), return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    chosen = np.zeros(len(names), bool)
    chosen[order[: max(1, int(share * len(names)))]] = True
    return Partition(chosen[code], ~chosen[code], 0)


def plain_names(identity: Sequence[str]) -> NDArray[np.str_]:
    """Names without capitals, accents, underscores and needless blanks, `(n,)`.

    Examples:
        >>> plain_names(["José_María  Aznar", "jose maria aznar"]).tolist()
        ['jose maria aznar', 'jose maria aznar']
    """
    names, code = np.unique(np.asarray(identity, str), return_inverse=True)
    return np.array([_plain(name) for name in names.tolist()], str)[code]


def _plain(name: str) -> str:
    split = unicodedata.normalize("NFKD", name)
    bare = "".join(letter for letter in split if not unicodedata.combining(letter))
    return " ".join(bare.replace("_", " ").casefold().split())
