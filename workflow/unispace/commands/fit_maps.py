"""Fit the maps between the embedding spaces of models on one data set."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np

from unispace.alignment.maps import METHODS
from unispace.alignment.storage import save_map
from unispace.config.maps import Maps
from unispace.data.splits import split_by_hash
from unispace.errors import UserError
from unispace.records.embeddings import Embeddings, read_embeddings
from unispace.records.files import write_json
from unispace.records.names import pair_name

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: dataset, maps, pairs")
    parser.add_argument("--embeddings", type=Path, required=True, help="folder of all embeddings")
    parser.add_argument("--output", type=Path, required=True, help="folder of the maps")


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    maps = Maps.model_validate(settings["maps"])
    dataset = settings["dataset"]
    clouds = {
        model: read_embeddings(arguments.embeddings / model / dataset).of_split(maps.split)
        for model in maps.models
    }
    _same_images(clouds)
    index = next(iter(clouds.values())).index
    part = split_by_hash(index["identity"], maps.fit_share, 0.0, salt="maps")
    fit = np.asarray(part == "train")
    if fit.sum() < 2 or fit.all():
        raise UserError(
            f"{dataset}: split `{maps.split}` has {index['identity'].nunique()} identities, too few to "
            f"divide into {maps.fit_share:.0%} for fitting and the rest for testing"
        )
    record: dict[str, Any] = {
        "dataset": dataset,
        "split": maps.split,
        "fit_images": int(fit.sum()),
        "test_images": sorted(index["image_id"][~fit]),
        "pairs": [],
    }
    for source, target in settings["pairs"]:
        name = pair_name(source, target)
        methods = {}
        for method in maps.methods.chosen():
            options = getattr(maps.methods, method).model_dump()
            fitted = METHODS[method](
                np.asarray(clouds[source].vectors[fit]),
                np.asarray(clouds[target].vectors[fit]),
                **options,
            )
            save_map(fitted, arguments.output / name / f"{method}.safetensors")
            methods[method] = {
                "parameters": fitted.parameter_count,
                "effective_rank": round(fitted.effective_rank, 6),
                "settings": options,
            }
            log.info(
                "%s to %s: %s, %d parameters, effective rank %.1f",
                source,
                target,
                method,
                fitted.parameter_count,
                fitted.effective_rank,
            )
        record["pairs"].append(
            {"source": source, "target": target, "folder": name, "methods": methods}
        )
    write_json(arguments.output / "maps.json", record)


def _same_images(clouds: dict[str, Embeddings]) -> None:
    """Refuse models whose embeddings are not of the same images in the same order."""
    (first, reference), *others = clouds.items()
    for model, cloud in others:
        if not cloud.index["image_id"].equals(reference.index["image_id"]):
            differing = set(cloud.index["image_id"]) ^ set(reference.index["image_id"])
            shown = sorted(differing)[0] if differing else "none, but their order differs"
            raise UserError(f"{first} and {model} embed different images, such as {shown}")
