"""What the commands of separability share: images of all tasks in one order, and their statistics."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.analysis.choice import whole_labels
from unispace.analysis.separability import Images
from unispace.config.analysis import Separability
from unispace.errors import UserError
from unispace.records.results import IMAGE_STATISTICS, STATISTICS_SCHEMA
from unispace.records.tables import read_table

EXPERIMENT = "separability"


@dataclass(frozen=True, eq=False)
class Tested:
    """The images that the classifier sees.

    Attributes:
        images: their domains, clusters and sides.
        kept: for each data set, `(m,)` which rows of its index are among them.
    """

    images: Images
    kept: dict[str, NDArray[np.bool_]]


def add_statistics(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Declare where the statistics of the images are; where a data set has no images, there are none."""
    parser.add_argument(
        "--statistics",
        type=Path,
        required=required,
        help="folder with the statistics of each data set",
    )


def tested(indices: dict[str, pd.DataFrame], settings: Separability) -> Tested:
    """Choose and divide images.

    Args:
        indices: of each data set, its tested images with domain and label.
        settings: of the separability.
    """
    kept = {d: whole_labels(index["label"], settings.images) for d, index in indices.items()}
    chosen = [index.loc[kept[d], ["domain", "label"]] for d, index in indices.items()]
    listing = pd.concat(chosen, ignore_index=True)
    return Tested(Images.of(listing["domain"], listing["label"], settings.fit_share), kept)


def statistics_of(
    indices: dict[str, pd.DataFrame], seen: Tested, folder: Path
) -> NDArray[np.float64]:
    """Statistics of the chosen images, `(n, s)` in their order.

    Args:
        indices: as for `tested`, with image_id.
        seen: which of them were chosen.
        folder: with the statistics of each data set.

    Raises:
        UserError: where an image has none.
    """
    statistics = []
    for dataset, index in indices.items():
        path = folder / f"{dataset}.parquet"
        measured = read_table(path, STATISTICS_SCHEMA).set_index("image_id")
        unknown = ~index["image_id"].isin(measured.index)
        if unknown.any():
            raise UserError(
                f"{path}: no statistics of image {index['image_id'][unknown].iloc[0]!r}; "
                f"delete the file and run snakemake again"
            )
        part = index[seen.kept[dataset]]
        statistics.append(measured.loc[part["image_id"], list(IMAGE_STATISTICS)].to_numpy())
    return np.concatenate(statistics)


def about(settings: dict[str, Any]) -> dict[str, Any]:
    """What all rows of one command have in common; the data set is all of them together."""
    return {
        "study": settings["study"],
        "experiment": EXPERIMENT,
        "dataset": "+".join(settings["datasets"]),
        "seed": settings["seed"],
    }
