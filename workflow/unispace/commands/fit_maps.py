"""Fit the maps between the embedding spaces of all models: on one data set, or from one data set to another."""

from __future__ import annotations

import argparse
import itertools
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from unispace.alignment.cloud import Cloud
from unispace.alignment.fit import fit_all, fit_map
from unispace.alignment.mapping import Map
from unispace.alignment.storage import save_maps
from unispace.commands.common.evaluation import generator
from unispace.commands.common.maps import check_enough, read_fitting
from unispace.config.maps import Fitting, Maps
from unispace.config.methods import CEILING, Baseline, Method
from unispace.errors import UserError
from unispace.records.files import write_json
from unispace.records.names import pair_name

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: seed, fitting, models, maps")
    parser.add_argument("--embeddings", type=Path, required=True, help="folder of all embeddings")
    parser.add_argument("--output", type=Path, required=True, help="folder of the maps")


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    maps, models = Maps.model_validate(settings["maps"]), settings["models"]
    fitting = Fitting(**settings["fitting"])
    fit, test, part = read_fitting(arguments.embeddings, models, fitting, maps)
    identity = np.asarray(fit.identity, str)[part.fit]
    images = np.unique(identity, return_counts=True)[1]
    check_enough(fitting.fit, maps.methods, images)
    clouds = {m: Cloud(v[part.fit], identity, m) for m, v in fit.vectors.items()}
    record: dict[str, Any] = {
        "split": maps.split,
        "fit": {
            "dataset": fitting.fit,
            "images": int(part.fit.sum()),
            "identities": len(images),
            "single_image_identities": int(np.sum(images == 1)),
        },
        "test": {
            "dataset": fitting.test,
            "images": sorted(test.index["image_id"][part.test]),
            "identities": int(test.index["identity"][part.test].nunique()),
        },
        "shared_identities": part.shared,
        "pairs": [],
    }
    log.info(
        "fitted on %d images of %d identities of %s, tested on %d images of %d identities of %s",
        *(record["fit"][key] for key in ("images", "identities", "dataset")),
        len(record["test"]["images"]),
        *(record["test"][key] for key in ("identities", "dataset")),
    )
    for model in models:
        # What a model's own vectors reach in its own frame, the ceiling of every map into it.
        ceiling = fit_map(Baseline(), clouds[model], clouds[model], np.random.default_rng())
        _write(record, model, model, {CEILING: ceiling}, {CEILING: Baseline()}, arguments.output)

    def stream(source: str, target: str, method: str) -> np.random.Generator:
        return generator(settings["seed"], "fit-maps", fitting.fit, source, target, method)

    wanted = [(s, t) for s in models for t in models if s != t]
    fitted = fit_all(maps.methods, clouds, wanted, stream)
    try:
        for (source, target), found in itertools.groupby(fitted, key=lambda one: one[:2]):
            named = {m: f for *_, m, f in found}
            _write(record, source, target, named, maps.methods, arguments.output)
    except ValueError as error:
        raise UserError(f"{fitting.fit}: {error}") from error
    write_json(arguments.output / "maps.json", record)


def _write(
    record: dict[str, Any],
    source: str,
    target: str,
    found: Mapping[str, Map],
    methods: Mapping[str, Method],
    folder: Path,
) -> None:
    """Write the maps of a pair and what is to be known of them without reading them."""
    file = f"{pair_name(source, target)}.safetensors"
    save_maps(found, folder / file)
    told = {
        name: {
            "kind": fitted.method,
            "parameters": fitted.parameter_count,
            "effective_rank": round(fitted.effective_rank, 6),
            "rows": fitted.rows,
            "settings": methods[name].model_dump(mode="json", exclude={"kind"}),
            "chosen": dict(fitted.settings),
        }
        for name, fitted in found.items()
    }
    record["pairs"].append({"source": source, "target": target, "file": file, "methods": told})
    for name, one in told.items():
        log.info(
            "%s to %s: %s, %d parameters, effective rank %.1f, %d rows",
            *(source, target, name),
            *(one[key] for key in ("parameters", "effective_rank", "rows")),
        )
