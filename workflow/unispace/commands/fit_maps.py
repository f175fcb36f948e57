"""Fit the maps between the embedding spaces of models on one data set."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.alignment.cloud import Cloud
from unispace.alignment.fit import fit_all
from unispace.alignment.storage import save_map
from unispace.commands.common.evaluation import generator
from unispace.config.maps import Maps
from unispace.config.methods import Method, Penalised, Shuffled
from unispace.data.splits import split_by_hash
from unispace.errors import UserError
from unispace.records.embeddings import Embeddings, read_embeddings
from unispace.records.files import write_json
from unispace.records.names import pair_name

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: dataset, seed, maps, pairs")
    parser.add_argument("--embeddings", type=Path, required=True, help="folder of all embeddings")
    parser.add_argument("--output", type=Path, required=True, help="folder of the maps")


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    maps = Maps.model_validate(settings["maps"])
    dataset, pairs = settings["dataset"], [tuple(pair) for pair in settings["pairs"]]
    embeddings = {
        model: read_embeddings(arguments.embeddings / model / dataset).of_split(maps.split)
        for model in maps.models
    }
    check_together(dataset, embeddings)
    index = next(iter(embeddings.values())).index
    part = split_by_hash(index["identity"], maps.fit_share, 0.0, salt="maps")
    fit = np.asarray(part == "train")
    if fit.sum() < 2 or fit.all():
        raise UserError(
            f"{dataset}: split `{maps.split}` has {index['identity'].nunique()} identities, too few to "
            f"divide into {maps.fit_share:.0%} for fitting and the rest for testing"
        )
    identity = index["identity"].to_numpy(dtype=object)[fit]
    images = np.unique(identity.astype(str), return_counts=True)[1]
    check_enough(dataset, maps.methods, images)
    clouds = {
        model: Cloud(np.asarray(found.vectors[fit]), identity.astype(str), model)
        for model, found in embeddings.items()
    }

    def stream(source: str, target: str, name: str) -> np.random.Generator:
        return generator(settings["seed"], "fit_maps", dataset, source, target, name)

    told: dict[tuple[str, str], dict[str, Any]] = {pair: {} for pair in pairs}
    for source, target, name, fitted in fit_all(maps.methods, clouds, pairs, stream):
        save_map(fitted, arguments.output / pair_name(source, target) / f"{name}.safetensors")
        rank = fitted.effective_rank
        told[source, target][name] = {
            "kind": fitted.method,
            "parameters": fitted.parameter_count,
            "effective_rank": round(rank, 6),
            "rows": fitted.rows,
            "settings": maps.methods[name].model_dump(mode="json", exclude={"kind"}),
            "chosen": dict(fitted.settings),
        }
        log.info(
            "%s to %s: %s, %d parameters, effective rank %.1f%s",
            *(source, target, name, fitted.parameter_count, rank),
            "".join(f", {key} {value}" for key, value in fitted.settings.items()),
        )
    record = {
        "dataset": dataset,
        "split": maps.split,
        "fit_images": int(fit.sum()),
        "fit_identities": len(images),
        "singles": int(np.sum(images == 1)),
        "test_images": sorted(index["image_id"][~fit]),
        "pairs": [
            {"source": s, "target": t, "folder": pair_name(s, t), "methods": told[s, t]}
            for s, t in pairs
        ],
    }
    write_json(arguments.output / "maps.json", record)


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
