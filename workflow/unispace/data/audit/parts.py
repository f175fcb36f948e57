"""The parts of a study's data, its splits of data sets, and which of them must share nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TRAIN = "train"
"""The split that weights are made on."""
_ORDER = (TRAIN, "val", "test")


@dataclass(frozen=True)
class Plan:
    """What a study does with its data sets.

    Attributes:
        families: of each data set, in the order of the study: where its identities get their names.
        trained: data sets that weights are made on.
        tested: data sets that models are tested on.
        split: the split that is tested.
        allow: names of the leaks that are let pass.
        registered: name in the registry of each tested data set, None where it has none.
        weights: of each backbone with weights from outside, their name and the sets that they are said to have seen.
        without_images: data sets of which there is a list and no image.
    """

    families: Mapping[str, str]
    trained: Sequence[str]
    tested: Sequence[str]
    split: str
    allow: Sequence[str]
    registered: Mapping[str, str | None] = field(default_factory=dict)
    weights: Mapping[str, tuple[str, Sequence[str]]] = field(default_factory=dict)
    without_images: Sequence[str] = ()


@dataclass(frozen=True)
class Part:
    """A split of a data set."""

    dataset: str
    split: str

    def __str__(self) -> str:
        return f"{self.dataset}/{self.split}"


def parts_of(images: pd.DataFrame, plan: Plan) -> tuple[list[Part], NDArray[np.int64]]:
    """The parts, ordered by data set and split, and the number of the part of each image."""
    found = images[["dataset", "split"]].drop_duplicates()
    place = {name: i for i, name in enumerate(plan.families)}
    known = [Part(*row) for row in found.itertuples(index=False)]
    known.sort(key=lambda part: (place[part.dataset], _rank(part.split), part.split))
    (dataset, datasets), (split, splits) = (
        pd.factorize(images[name]) for name in ("dataset", "split")
    )
    number = np.full((len(datasets), len(splits)), -1)
    for i, part in enumerate(known):
        number[datasets.get_loc(part.dataset), splits.get_loc(part.split)] = i
    return known, number[dataset, split]


def _rank(split: str) -> int:
    return _ORDER.index(split) if split in _ORDER else len(_ORDER)


def is_leak(trained: Part, tested: Part, plan: Plan) -> bool:
    """Whether the two must share no identity and no image.

    Within a data set its training and its tested split must be apart, whoever uses them. Between data sets it counts
    whether the study trains on the one and tests on the other.
    """
    if (trained.split, tested.split) != (TRAIN, plan.split):
        return False
    used = trained.dataset in plan.trained and tested.dataset in plan.tested
    return used or (trained.dataset == tested.dataset and trained != tested)
