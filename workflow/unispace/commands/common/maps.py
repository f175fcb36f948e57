"""What the commands about maps share: the embeddings of all models on what is fitted and on what is tested."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.config.maps import Fitting, Maps
from unispace.config.methods import Method, Penalised, Shuffled
from unispace.data.protocols.fitting import Partition, across, within
from unispace.errors import UserError
from unispace.evaluation.tidy import with_samples
from unispace.records.embeddings import Embeddings, read_embeddings
from unispace.records.results import PAIR_SAMPLES_SCHEMA, SCHEMA
from unispace.records.tables import read_table

log = logging.getLogger(__name__)


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
        UserError: as `check_together`.
    """
    found = {m: read_embeddings(folder / m / dataset).of_split(split) for m in models}
    check_together(dataset, found)
    index = next(iter(found.values())).index
    return Clouds(dataset, index, {m: np.asarray(e.vectors) for m, e in found.items()}, found)


def read_measured(measured: Sequence[Path], samples: Sequence[Path]) -> pd.DataFrame:
    """Tidy rows of tested maps with the metrics of their resamples, as `with_samples`."""
    found = pd.concat([read_table(path, SCHEMA) for path in measured], ignore_index=True)
    drawn = [read_table(path, PAIR_SAMPLES_SCHEMA) for path in samples]
    return with_samples(found, pd.concat(drawn, ignore_index=True))


def read_fitting(
    folder: Path, models: Sequence[str], fitting: Fitting, maps: Maps
) -> tuple[Clouds, Clouds, Partition]:
    """Read what maps are fitted on and what they are tested on, and divide it.

    Args:
        folder: of all embeddings.
        models: those that are mapped.
        fitting: the two data sets; where they are one, it is read once.
        maps: the study's part on maps.

    Raises:
        UserError: as `read_clouds` and `divided`.
    """
    fit = read_clouds(folder, models, fitting.fit, maps.split)
    same = fitting.test == fitting.fit
    test = fit if same else read_clouds(folder, models, fitting.test, maps.split)
    return fit, test, divided(fitting, fit, test, maps.fit_share)


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


def check_together(dataset: str, embeddings: dict[str, Embeddings]) -> None:
    """Refuse models that cannot be mapped to each other.

    Raises:
        UserError: where two models embed different images or are one model, where an image has two identities, or a
            vector is zero or not finite.
    """
    (first, reference), *others = embeddings.items()
    ids = reference.index["image_id"]
    for model, found in others:
        if not found.index["image_id"].equals(ids):
            raise UserError(_different_images(dataset, first, ids, model, found.index["image_id"]))
        unlike = found.index["identity"] != reference.index["identity"]
        if unlike.any():
            row = int(np.argmax(unlike))
            raise UserError(
                f"{dataset}: image {ids.iloc[row]} is of {reference.index['identity'].iloc[row]} to {first} and of "
                f"{found.index['identity'].iloc[row]} to {model}"
            )
    seen: dict[str, str] = {}
    for model, found in embeddings.items():
        key = found.card["key"]
        if key in seen:
            raise UserError(
                f"{dataset}: {seen[key]} and {model} are one model, their weights and preprocessing are the same; take "
                f"one out of maps.models"
            )
        seen[key] = model
        vectors = np.asarray(found.vectors)
        usable = np.isfinite(vectors).all(axis=1) & vectors.any(axis=1)
        if not usable.all():
            row = int(np.argmin(usable))
            kind = "zero" if np.isfinite(vectors[row]).all() else "not finite"
            raise UserError(
                f"{dataset}: {model} embeds image {ids.iloc[row]} as a vector that is {kind} "
                f"({int((~usable).sum())} such images); take the model out of maps.models, or the images out of the data"
            )


def _different_images(
    dataset: str, first: str, ids: pd.Series, model: str, others: pd.Series
) -> str:
    """What to say of two models whose lists of images differ."""
    told = []
    for one, mine, other, theirs in ((first, ids, model, others), (model, others, first, ids)):
        alone = sorted(set(mine) - set(theirs))
        if alone:
            told.append(f"{len(alone)} only by {one} and not by {other}, such as {alone[0]}")
    differing = "; ".join(told) or "the same ones in another order"
    return f"{dataset}: {first} and {model} embed different images: {differing}"


def check_enough(dataset: str, methods: Mapping[str, Method], images: NDArray[np.integer]) -> None:
    """Refuse methods for which the fit part has too few identities, or identities with too few images.

    Args:
        dataset: its name.
        methods: by name.
        images: `(identities,)`, how many each has in the fit part.

    Raises:
        UserError: which method needs what.
    """
    singles = int(np.sum(images == 1))
    for name, method in methods.items():
        inner = method.of if isinstance(method, Shuffled) else method
        fit_on = getattr(inner, "fit_on", "images")
        if fit_on == "other-images" and singles == len(images):
            raise UserError(
                f"{dataset}: `maps.methods.{name}` is fitted on other images of an identity, and each of the "
                f"{singles} identities of the fit part has a single image; write `fit_on: images`"
            )
        if fit_on == "other-images" and singles:
            log.warning(
                "%s: %s leaves out %d of %d identities, which have a single image",
                *(dataset, name, singles, len(images)),
            )
        if fit_on == "centroids" and len(images) < 2:
            raise UserError(
                f"{dataset}: `maps.methods.{name}` is fitted on centroids of identities, and the fit part has one "
                f"identity; raise maps.fit_share"
            )
        if isinstance(inner, Penalised) and isinstance(inner.alpha, tuple):
            usable = len(images) - (singles if fit_on == "other-images" else 0)
            if usable < inner.fold_count:
                raise UserError(
                    f"{dataset}: `maps.methods.{name}` chooses its penalty on {inner.fold_count} folds of identities, "
                    f"and the fit part has {usable} that it can use; write fewer `folds`, or one penalty"
                )
