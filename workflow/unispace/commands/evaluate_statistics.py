"""Tell the domain of images from their statistics alone: what takes no model."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from unispace.analysis.separability import matched_separability, separability, with_squares
from unispace.commands.common import evaluation as io
from unispace.commands.common.separability import (
    EXPERIMENT,
    about,
    add_statistics,
    statistics_of,
    tested,
)
from unispace.config.analysis import Separability
from unispace.evaluation.tidy import Cell, rows
from unispace.records.manifest import read_manifest, rows_of_split


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--settings", required=True, help="JSON: study, seed, datasets, evaluation, separability"
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    add_statistics(parser, required=True)
    parser.add_argument("--metrics", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings, evaluation = io.load_settings(arguments.settings)
    chosen = Separability.model_validate(settings["separability"])
    indices = {}
    for dataset in settings["datasets"]:
        path = arguments.data / dataset / "manifest.parquet"
        indices[dataset] = rows_of_split(read_manifest(path), evaluation.split, path)
    seen = tested(indices, chosen)
    statistics = statistics_of(indices, seen, arguments.statistics)
    features = with_squares(statistics, seen.images.fit)

    def rng() -> np.random.Generator:
        return io.generator(settings["seed"], EXPERIMENT)

    common, resamples = (seen.images, chosen.penalty), evaluation.resamples
    measures = {
        "statistics": separability(features, *common, resamples, rng(), confusion=True),
        # How alike the statistics are once they are matched.
        "statistics/matched": matched_separability(features, statistics, *common, resamples, rng()),
    }
    tables = [arguments.statistics / f"{dataset}.parquet" for dataset in settings["datasets"]]
    origin = io.origin("evaluate_statistics", arguments.settings, files=tables)
    io.write_metrics(
        (
            rows(Cell(**about(settings), protocol=protocol, origin=origin), found)
            for protocol, found in measures.items()
        ),
        arguments.metrics,
        {},
    )
