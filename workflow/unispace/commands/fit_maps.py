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
from unispace.commands.common.kept_maps import KeptMap, KeptMaps, Told
from unispace.commands.common.maps import check_enough, read_fitting
from unispace.config.maps import Fitting, Maps
from unispace.config.methods import CEILING, Baseline, Method
from unispace.errors import UserError
from unispace.records.code import version_of
from unispace.records.files import write_json
from unispace.records.kept_tables import key_of_parts
from unispace.records.names import pair_name

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: seed, fitting, models, maps")
    parser.add_argument("--embeddings", type=Path, required=True, help="folder of all embeddings")
    parser.add_argument("--output", type=Path, required=True, help="folder of the maps")
    parser.add_argument(
        "--kept", type=Path, help="folder of what was fitted, for the next time; left out: nothing"
    )


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
        alone = {CEILING: KeptMap(ceiling, _told(ceiling, Baseline()))}
        _write(record, model, model, alone, arguments.output)

    def stream(source: str, target: str, method: str) -> np.random.Generator:
        return generator(settings["seed"], "fit-maps", fitting.fit, source, target, method)

    kept = KeptMaps(arguments.kept)
    about = key_of_parts(
        version_of("fit_maps", "numpy", "scipy", "scikit-learn", "safetensors"),
        json.dumps([settings["seed"], fitting.fit]),
        identity,
    )
    vectors = {model: key_of_parts(cloud.vectors) for model, cloud in clouds.items()}
    try:
        for one, other in itertools.combinations(models, 2):
            both = [(one, other), (other, one)]
            keys = {
                ends: {
                    # The numbers that a map draws are called after these names.
                    name: key_of_parts(
                        about, json.dumps([*ends, name]), method.model_dump_json(),
                        *(vectors[end] for end in ends),
                    )
                    for name, method in maps.methods.items()
                }
                for ends in both
            }  # fmt: skip
            old = {ends: kept.of_pair(*ends, keys[ends]) for ends in both}
            # A method is fitted in both directions, which share what they have in common: bits do not depend on
            # what was kept.
            changed = {
                name: method
                for name, method in maps.methods.items()
                if any(name not in old[ends] for ends in both)
            }
            fitted = {(s, t, m): f for s, t, m, f in fit_all(changed, clouds, both, stream)}
            for ends in both:
                found = {
                    name: KeptMap(fitted[*ends, name], _told(fitted[*ends, name], method))
                    if name in changed
                    else old[ends][name]
                    for name, method in maps.methods.items()
                }
                file = _write(record, *ends, found, arguments.output)
                kept.keep(*ends, file, keys[ends], {name: one.told for name, one in found.items()})
    except ValueError as error:
        raise UserError(f"{fitting.fit}: {error}") from error
    kept.forget_others()
    write_json(arguments.output / "maps.json", record)


def _told(fitted: Map, method: Method) -> Told:
    """What is to be known of a map without reading it."""
    return {
        "kind": fitted.method,
        "parameters": fitted.parameter_count,
        "effective_rank": round(fitted.effective_rank, 6),
        "rows": fitted.rows,
        "settings": method.model_dump(mode="json", exclude={"kind"}),
        "chosen": dict(fitted.settings),
    }


def _write(
    record: dict[str, Any], source: str, target: str, found: Mapping[str, KeptMap], folder: Path
) -> Path:
    """Write the maps of a pair and what is told of them; gives the file."""
    file = folder / f"{pair_name(source, target)}.safetensors"
    save_maps({name: one.fitted for name, one in found.items()}, file)
    told = {name: one.told for name, one in found.items()}
    record["pairs"].append({"source": source, "target": target, "file": file.name, "methods": told})
    for name, one in told.items():
        log.info(
            "%s to %s: %s, %d parameters, effective rank %.1f, %d rows",
            *(source, target, name),
            *(one[key] for key in ("parameters", "effective_rank", "rows")),
        )
    return file
