"""Data sets as they are trained on, from disk."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.config.backbones import Preprocessing
from unispace.config.curricula import Head, TrainOn
from unispace.curricula.heads import default_head
from unispace.curricula.validation import Validation, chosen
from unispace.errors import UserError
from unispace.records.images import ImageStore, decode_once
from unispace.records.manifest import read_manifest, rows_of_split

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """A data set as it is trained on.

    Attributes:
        name: the data set.
        images: `(n, size, size, 3)` uint8, may be memory-mapped.
        labels: `(n,)` int64, counting from 0.
        head: the classifier over the labels.
        batch_size: images of a visit.
        validation: images to validate on, where that is asked for.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    head: Head
    batch_size: int
    validation: Validation | None = None


def load_task(
    name: str,
    folder: Path,
    settings: TrainOn,
    preprocessing: Preprocessing,
    scratch: Path,
    *,
    validate: bool = False,
) -> Task:
    """The train split of a data set, with labels counted from 0 in the order of their names.

    Args:
        name: the data set.
        folder: where its manifest and images lie.
        settings: how it is trained on.
        preprocessing: size and interpolation of the network's input.
        scratch: folder for decoded images, removed by the caller.
        validate: whether the val split is loaded too.

    Raises:
        UserError: where the train split is empty or has one label only, or there is nothing to validate on.
    """
    path = folder / "manifest.parquet"
    manifest = read_manifest(path, ("row", "domain", "label", "split"))
    rows = rows_of_split(manifest, "train", path)
    labels, names = pd.factorize(rows["label"], sort=True)
    if len(names) < 2:
        raise UserError(f"{name}: its train split has one label, {names[0]}; training needs two")
    store = ImageStore(folder / "images.npy")

    def decoded(wanted: pd.DataFrame) -> NDArray[np.uint8]:
        numbers = wanted["row"].to_numpy()
        size, interpolation = preprocessing.size, preprocessing.interpolation
        return decode_once(store, numbers, size, interpolation, scratch)

    validation = None
    if validate:
        held = _validated(manifest, name)
        validation = Validation(decoded(held), pd.factorize(held["label"])[0].astype(np.int64))
        log.info("%s: %d images to validate on", name, len(held))
    log.info("%s: %d images of %d labels to train on", name, len(rows), len(names))
    return Task(
        name=name,
        images=decoded(rows),
        labels=labels.astype(np.int64),
        head=settings.head or default_head(rows["domain"].iloc[0]),
        batch_size=settings.batch_size,
        validation=validation,
    )


def _validated(manifest: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows of a manifest that are validated on."""
    rows = manifest[manifest["split"] == "val"].reset_index(drop=True)
    labels = pd.factorize(rows["label"])[0].astype(np.int64)
    rows = rows.iloc[chosen(labels, name)]
    if rows["label"].nunique() < 2 or not rows["label"].duplicated().any():
        raise UserError(
            f"{name}: its val split has no two labels with two images of one, so validate_every finds nothing to "
            f"measure; give it a larger share in splits.val, or set validate_every to 0"
        )
    return rows
