"""Recognise identities across models: probes through a map, gallery in the target space."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np

from unispace.alignment.storage import load_map
from unispace.commands.common import evaluation as io
from unispace.evaluation.recognition import identify_images, verify_images
from unispace.evaluation.tidy import Cell
from unispace.records.embeddings import read_embeddings
from unispace.records.files import read_json, sha256_of, sha256_of_text


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: study, dataset, seed, evaluation")
    parser.add_argument("--embeddings", type=Path, required=True, help="folder of all embeddings")
    parser.add_argument("--maps", type=Path, required=True, help="folder of the data set's maps")
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of the data sets, for official pairs"
    )
    parser.add_argument("--metrics", type=Path, required=True)
    parser.add_argument("--curves", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings, evaluation = io.load_settings(arguments.settings)
    dataset, seed = settings["dataset"], settings["seed"]
    official = io.official_pairs(arguments.data, dataset, evaluation)
    record = read_json(arguments.maps / "maps.json")
    tested = set(record["test_images"])
    metrics, curves = [], []
    for pair in record["pairs"]:
        source, target = (
            read_embeddings(arguments.embeddings / pair[end] / dataset).of_split(record["split"])
            for end in ("source", "target")
        )
        rows = source.index["image_id"].isin(tested).to_numpy()
        index = source.index[rows]
        for method in pair["methods"]:
            path = arguments.maps / pair["folder"] / f"{method}.safetensors"
            fitted = load_map(path)
            cell = Cell(
                study=settings["study"],
                dataset=dataset,
                seed=seed,
                origin=sha256_of_text(
                    io.origin(
                        "evaluate_maps", arguments.settings, source, target, official=official
                    ),
                    sha256_of(path),
                ),
                source=pair["source"],
                target=pair["target"],
                method=method,
                fitted_on=dataset,
            )
            images = io.images_of(
                index,
                fitted.transform(np.asarray(source.vectors[rows])),
                fitted.place(np.asarray(target.vectors[rows])),
                official,
            )
            for experiment, evaluate in (
                ("verification", verify_images),
                ("identification", identify_images),
            ):
                # One stream for all maps: they are compared on the same resamples.
                stream = partial(io.generator, seed, "maps", experiment, dataset)
                rows_of, curves_of = evaluate(cell, images, evaluation, stream)
                metrics.append(rows_of)
                curves.append(curves_of)
    ends = {pair[end] for pair in record["pairs"] for end in ("source", "target")}
    failed = io.failures({model: arguments.embeddings / model / dataset for model in sorted(ends)})
    io.write_metrics(metrics, arguments.metrics, failed)
    io.write_curves(curves, arguments.curves, failed)
