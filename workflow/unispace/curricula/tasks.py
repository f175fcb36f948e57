"""Data sets as they are trained on, from disk."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.config.backbones import Preprocessing
from unispace.config.base import BONA_FIDE
from unispace.config.curricula import TrainOn
from unispace.config.heads import Head
from unispace.curricula.heads import default_head
from unispace.curricula.validation import Validation, chosen
from unispace.errors import UserError
from unispace.records.images import ImageStore, decode_once
from unispace.records.manifest import read_manifest, rows_of_split

log = logging.getLogger(__name__)

ATTACK = "attack"
"""What every kind of attack is called by a binary head; by its name it is output 0, and bona fide output 1."""


@dataclass(frozen=True)
class Task:
    """A data set as it is trained on.

    Attributes:
        name: the data set.
        images: `(n, size, size, 3)` uint8, may be memory-mapped.
        labels: `(n,)` int64, counting from 0.
        label_names: the label of each number; those of a shared head are of all data sets that use it.
        head: the classifier over the labels.
        batch_size: images of a visit.
        share_head_of: the task whose head it uses; None where it has its own.
        sampling: whether every image or every label comes equally often.
        validation: images to validate on, where that is asked for.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    label_names: tuple[str, ...]
    head: Head
    batch_size: int
    share_head_of: str | None = None
    validation: Validation | None = None
    sampling: Literal["uniform", "balanced"] = "uniform"

    @property
    def head_name(self) -> str:
        """The task whose head it uses."""
        return self.share_head_of or self.name

    @cached_property
    def rows_by_label(self) -> list[NDArray[np.intp]]:
        """Rows of each label that it has, rising."""
        order = np.argsort(self.labels, kind="stable")
        ends = np.flatnonzero(np.diff(self.labels[order])) + 1
        return np.split(order, ends)


def load_task(
    name: str,
    folder: Path,
    settings: TrainOn,
    preprocessing: Preprocessing,
    scratch: Path,
    *,
    head: Head | None = None,
    validate: bool = False,
) -> Task:
    """The train split of a data set, with labels counted from 0 in the order of their names.

    For a binary head there are two of them, `attack` for all kinds and `bona_fide`.

    Args:
        name: the data set.
        folder: where its manifest and images lie.
        settings: how it is trained on.
        preprocessing: size and interpolation of the network's input.
        scratch: folder for decoded images, removed by the caller.
        head: its head, or that of the data set whose head it shares; left out: that of the settings, or the default
            of its domain.
        validate: whether the val split is loaded too.

    Raises:
        UserError: where the train split is empty or has one label only, a binary head finds no label `bona_fide`, or
            there is nothing to validate on.
    """
    path = folder / "manifest.parquet"
    manifest = read_manifest(path, ("row", "domain", "label", "split"))
    used = head or settings.head or default_head(manifest["domain"].iloc[0])
    if used.loss == "binary":
        manifest = _of_two_labels(manifest, name)
    rows = rows_of_split(manifest, "train", path)
    labels, names = pd.factorize(rows["label"], sort=True)
    if len(names) < 2:
        raise UserError(f"{name}: its train split has one label, {names[0]}; training needs two")
    store = ImageStore(folder / "images.npy")

    def decoded(wanted: pd.DataFrame) -> NDArray[np.uint8]:
        numbers = wanted["row"].to_numpy()
        how = preprocessing
        return decode_once(
            store, numbers, how.size, how.interpolation, scratch, how.aspect, how.resized
        )

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
        label_names=tuple(names),
        head=used,
        batch_size=settings.batch_size,
        share_head_of=settings.share_head_of,
        validation=validation,
        sampling=settings.sampling,
    )


def _of_two_labels(manifest: pd.DataFrame, name: str) -> pd.DataFrame:
    """A manifest in which all kinds of attack have one label."""
    kinds = manifest["label"]
    if not (kinds == BONA_FIDE).any():
        listed = ", ".join(sorted(kinds.astype(str).unique())[:5])
        raise UserError(
            f"{name}: a binary head tells `{BONA_FIDE}` from all other labels, and no image has that label; "
            f"it holds {listed}"
        )
    return manifest.assign(label=kinds.where(kinds == BONA_FIDE, ATTACK))


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
