"""What the commands that show examples of maps share: test images of the shown pairs, where their maps take them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.alignment.storage import load_maps
from unispace.commands.common import evaluation as io
from unispace.commands.common.maps import read_clouds
from unispace.errors import UserError, did_you_mean
from unispace.records.files import read_json


@dataclass(frozen=True)
class Met:
    """The test images of one map.

    Attributes:
        source, target, method: which map it is.
        probe: `(n, D)` vectors of the source model after the map.
        place: `(n, D)` vectors of the target model.
        status: "ok", or "failed: why" where one of the models failed: then the vectors stand for nothing.
    """

    source: str
    target: str
    method: str
    probe: NDArray[np.float32]
    place: NDArray[np.float32]
    status: str


@dataclass(frozen=True)
class Shown:
    """The maps that are shown, and the images that they are tested on.

    Attributes:
        fitted_on: data set that they were fitted on.
        dataset: data set of the images.
        index: `(n,)` rows of the embeddings' index, by `image_id`.
        maps: pair by pair, method by method.
    """

    fitted_on: str
    dataset: str
    index: pd.DataFrame
    maps: Iterator[Met]

    def about(self, met: Met) -> dict[str, str]:
        """What every row about a map says."""
        return {
            "fitted_on": self.fitted_on,
            "dataset": self.dataset,
            "source": met.source,
            "target": met.target,
            "method": met.method,
            "status": met.status,
        }


def read_shown(
    embeddings: Path, maps: Path, pairs: Sequence[Sequence[str]], methods: Sequence[str]
) -> Shown:
    """Read the maps of some pairs and the embeddings of the images that they are tested on.

    Args:
        embeddings: folder of all embeddings.
        maps: folder of the fitted maps.
        pairs: (source, target).
        methods: names of maps.

    Raises:
        UserError: a pair was not fitted, or by none of that name.
    """
    record = read_json(maps / "maps.json")
    dataset = record["test"]["dataset"]
    models = list(dict.fromkeys(model for pair in pairs for model in pair))
    clouds = read_clouds(embeddings, models, dataset, record["split"])
    # By name, as a product of matrices may round a row otherwise in another place of them.
    names = clouds.index["image_id"].sort_values()
    rows = names.index[names.isin(set(record["test"]["images"]))].to_numpy()
    vectors = {model: clouds.vectors[model][rows] for model in models}
    files = {(pair["source"], pair["target"]): pair["file"] for pair in record["pairs"]}
    failed = io.failures({model: embeddings / model / dataset for model in models})

    def met(source: str, target: str) -> Iterator[Met]:
        if (source, target) not in files:
            raise UserError(f"{maps / 'maps.json'}: no map from {source} to {target}")
        file = maps / files[source, target]
        fitted = load_maps(file)
        status = io.lost((source, target), failed) or "ok"
        for method in methods:
            if method not in fitted:
                raise UserError(f"{file}: no map `{method}`; {did_you_mean(method, fitted)}")
            yield Met(
                source,
                target,
                method,
                fitted[method].transform(vectors[source]),
                fitted[method].place(vectors[target]),
                status,
            )

    return Shown(
        record["fit"]["dataset"],
        dataset,
        clouds.index.iloc[rows].reset_index(drop=True),
        (one for source, target in pairs for one in met(source, target)),
    )
