"""Recognise identities across models: probes through a map, gallery in the space of one target model."""

from __future__ import annotations

import argparse
import dataclasses
import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from unispace.alignment.maps import Map
from unispace.alignment.storage import key_of, load_maps
from unispace.commands.common import evaluation as io
from unispace.commands.common.maps import read_clouds
from unispace.evaluation.recognition import recognise_images
from unispace.evaluation.tidy import Cell, pair_samples_of
from unispace.records.code import version_of
from unispace.records.files import read_json, sha256_of_text
from unispace.records.kept_tables import KeptTables, key_of_parts
from unispace.records.results import CURVE_SCHEMA, MEASURED_PAIRS_SCHEMA, PAIR_SAMPLES_SCHEMA
from unispace.records.tables import write_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: study, target, seed, evaluation")
    parser.add_argument("--embeddings", type=Path, required=True, help="folder of all embeddings")
    parser.add_argument("--maps", type=Path, required=True, help="folder of the fitted maps")
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of the data sets, for official pairs"
    )
    parser.add_argument("--metrics", type=Path, required=True)
    parser.add_argument("--curves", type=Path, required=True)
    parser.add_argument("--samples", type=Path, required=True, help="metrics of every resample")
    parser.add_argument(
        "--kept", type=Path, help="what was made of each map, for the next time; left out: nothing"
    )


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings, evaluation = io.load_settings(arguments.settings)
    target, seed = settings["target"], settings["seed"]
    record = read_json(arguments.maps / "maps.json")
    fitted_on, dataset = record["fit"]["dataset"], record["test"]["dataset"]
    pairs = [pair for pair in record["pairs"] if pair["target"] == target]
    models = list(dict.fromkeys([target, *(pair["source"] for pair in pairs)]))
    clouds = read_clouds(arguments.embeddings, models, dataset, record["split"])
    rows = clouds.index["image_id"].isin(set(record["test"]["images"])).to_numpy()
    official = io.official_pairs(arguments.data, dataset, evaluation)
    own = clouds.vectors[target][rows]
    images = io.images_of(clouds.index[rows], own, own, official)
    cell = Cell(
        study=settings["study"], dataset=dataset, seed=seed, origin="", target=target,
        fitted_on=fitted_on,
    )  # fmt: skip

    # All maps of a pair come from the same files, which need hashing once.
    origins = {
        source: io.origin(
            "evaluate_maps", arguments.settings,
            clouds.embeddings[source], clouds.embeddings[target], official=official,
        )
        for source in models
    }  # fmt: skip

    def stream(kind: str) -> np.random.Generator:
        # One for all maps: they are compared on the same resamples.
        return io.generator(seed, "maps", kind, dataset)

    def measured(about: Cell, fitted: Map) -> dict[str, pd.DataFrame]:
        place = fitted.place(own)
        # Within one space both orders of a pair score alike.
        within = about.source == target
        probe = place if within else fitted.transform(clouds.vectors[str(about.source)][rows])
        compared = dataclasses.replace(images, probe=probe, target=place)
        metrics, curves = recognise_images(about, compared, evaluation, stream)
        return {"metrics": metrics, "curves": curves}

    kept = KeptTables(
        arguments.kept,
        {"metrics": MEASURED_PAIRS_SCHEMA, "curves": CURVE_SCHEMA},
        key_of_parts(
            version_of("evaluate_maps", "numpy", "scipy", "scikit-learn", "pandas", "pyarrow"),
            arguments.settings,
            clouds.index[rows].to_csv(index=False),
            "" if official is None else official.to_csv(index=False),
            own,
        ),
    )
    for pair in pairs:
        source = pair["source"]
        vectors = clouds.vectors[source][rows]
        for method, fitted in load_maps(arguments.maps / pair["file"]).items():
            origin = sha256_of_text(origins[source], key_of(fitted))
            about = dataclasses.replace(cell, source=source, method=method, origin=origin)
            key = key_of_parts(json.dumps(dataclasses.asdict(about)), vectors)
            kept.add(key, partial(measured, about, fitted))
    found = kept.tables()
    failed = io.failures({m: arguments.embeddings / m / dataset for m in sorted(models)})
    io.write_metrics([found["metrics"]], arguments.metrics, failed)
    samples = pair_samples_of([found["metrics"]])
    whole = ~samples[["source", "target"]].isin(list(failed)).any(axis=1)
    write_table(samples[whole], PAIR_SAMPLES_SCHEMA, arguments.samples)
    io.write_curves([found["curves"]], arguments.curves, failed)
