"""What the commands about maps share: the embeddings of all models on what is fitted and on what is tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.config.maps import Fitting
from unispace.data.protocols.fitting import Partition, across, within
from unispace.errors import UserError
from unispace.records.embeddings import Embeddings, read_embeddings

SAME = "same-model"
"""What stands as method where probe and gallery are of one model: the ceiling of what a map into it can reach."""


@dataclass(frozen=True)
class Clouds:
    """Vectors of one split of a data set in all models.

    Attributes:
        dataset: its name.
        index: `(n,)` rows of the embeddings' index.
        vectors: of each model, `(n, d_model)` float32 of unit length, rows as in `index`.
        embeddings: of each model, for its card.
    """

    dataset: str
    index: pd.DataFrame
    vectors: dict[str, NDArray[np.float32]]
    embeddings: dict[str, Embeddings]

    @property
    def identity(self) -> list[str]:
        """Names, `(n,)`."""
        return list(self.index["identity"])


def read_clouds(folder: Path, models: Sequence[str], dataset: str, split: str) -> Clouds:
    """Read the embeddings of all models on one split of a data set.

    Raises:
        UserError: two models embed other images, or the same ones in another order.
    """
    found = {m: read_embeddings(folder / m / dataset).of_split(split) for m in models}
    (first, reference), *others = found.items()
    names = reference.index["image_id"]
    for model, cloud in others:
        other = cloud.index["image_id"]
        if other.equals(names):
            continue
        missing, more = sorted(set(names) - set(other)), sorted(set(other) - set(names))
        said = [
            f"{whose} has {len(images)} that {which} lacks, such as {images[0]}"
            for whose, which, images in ((first, model, missing), (model, first, more))
            if images
        ]
        raise UserError(
            f"{dataset}: {first} and {model} embed different images: "
            + ("; ".join(said) or "the same ones in another order")
        )
    return Clouds(
        dataset, reference.index, {m: np.asarray(e.vectors) for m, e in found.items()}, found
    )


def divided(fitting: Fitting, fit: Clouds, test: Clouds, share: float) -> Partition:
    """Which images maps are fitted on and which they are tested on.

    Raises:
        UserError: fewer than two identities on a side.
    """
    if fitting.shared is None:
        part = within(fit.identity, share)
    else:
        part = across(fit.identity, test.identity, share, fitting.shared)
    for clouds, rows, use in ((fit, part.fit, "to fit on"), (test, part.test, "to test on")):
        people = clouds.index["identity"][rows].nunique()
        if people < 2:
            raise UserError(
                f"{clouds.dataset}: {people} of its {clouds.index['identity'].nunique()} identities "
                f"are left {use}, at least 2 are needed"
                + (
                    f"; {part.shared} are in both data sets: write `shared: divide`"
                    if part.shared
                    else "; change maps.fit_share, or take a data set with more identities"
                )
            )
    return part
