"""From data sets on disk to what the training loop takes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from unispace.config.backbones import Preprocessing
from unispace.config.curricula import TrainOn
from unispace.curricula.heads import default_head
from unispace.curricula.training import Task
from unispace.errors import UserError
from unispace.records.images import ImageStore, decode_once
from unispace.records.manifest import read_manifest, rows_of_split

log = logging.getLogger(__name__)


def load_task(
    name: str, folder: Path, settings: TrainOn, preprocessing: Preprocessing, scratch: Path
) -> Task:
    """The train split of a data set, with labels counted from 0 in the order of their names.

    Args:
        name: the data set.
        folder: where its manifest and images lie.
        settings: how it is trained on.
        preprocessing: size and interpolation of the network's input.
        scratch: folder for decoded images, removed by the caller.

    Raises:
        UserError: where the train split is empty or has one label only.
    """
    path = folder / "manifest.parquet"
    rows = rows_of_split(read_manifest(path, ("row", "domain", "label", "split")), "train", path)
    labels, names = pd.factorize(rows["label"], sort=True)
    if len(names) < 2:
        raise UserError(f"{name}: its train split has one label, {names[0]}; training needs two")
    store = ImageStore(folder / "images.npy")
    images = decode_once(
        store,
        rows["row"].to_numpy(),
        preprocessing.size,
        preprocessing.interpolation,
        scratch,
    )
    log.info("%s: %d images of %d labels to train on", name, len(rows), len(names))
    return Task(
        name=name,
        images=images,
        labels=labels.astype(np.int64),
        label_names=tuple(names),
        head=settings.head or default_head(rows["domain"].iloc[0]),
        batch_size=settings.batch_size,
        weight=settings.weight,
        share_head_of=settings.share_head_of,
    )


def share_labels(tasks: Sequence[Task]) -> list[Task]:
    """Tasks whose labels are counted anew where several use one head: equal names are one label.

    Tasks with a head of their own stay as they are, and so does the order.
    """
    names: dict[str, set[str]] = {}
    for task in tasks:
        names.setdefault(task.head_name, set()).update(task.label_names)
    heads = {task.name: task.head for task in tasks}
    shared = []
    for task in tasks:
        union = np.asarray(sorted(names[task.head_name]), str)
        number = np.searchsorted(union, np.asarray(task.label_names, str))
        shared.append(
            replace(
                task,
                labels=number.astype(np.int64)[task.labels],
                label_names=tuple(union.tolist()),
                head=heads[task.head_name],
            )
        )
    return shared
