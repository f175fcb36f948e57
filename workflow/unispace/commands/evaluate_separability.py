"""Tell the domain of images from a model's embeddings, beside shuffled domains and, where there are images, matched statistics."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from unispace.analysis.separability import matched_separability, separability, shuffled_accuracy
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


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--settings",
        required=True,
        help="JSON: study, model, seed, datasets, evaluation, separability",
    )
    parser.add_argument(
        "--embeddings", type=Path, required=True, help="folder of the model's embeddings"
    )
    add_statistics(parser, required=False)
    parser.add_argument("--metrics", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings, evaluation = io.load_settings(arguments.settings)
    chosen = Separability.model_validate(settings["separability"])
    parts = {
        d: io.load_split(arguments.embeddings / d, evaluation.split) for d in settings["datasets"]
    }
    indices = {d: part.index for d, part in parts.items()}
    seen = tested(indices, chosen)
    vectors = np.concatenate([part.vectors[seen.kept[d]] for d, part in parts.items()])
    common, resamples = (seen.images, chosen.penalty), evaluation.resamples

    def rng() -> np.random.Generator:
        return io.generator(settings["seed"], EXPERIMENT)

    measures = {"linear": separability(vectors, *common, resamples, rng(), confusion=True)}
    tables: list[Path] = []
    if arguments.statistics is not None:
        statistics = statistics_of(indices, seen, arguments.statistics)
        measures["linear/matched"] = matched_separability(
            vectors, statistics, *common, resamples, rng()
        )
        tables = [arguments.statistics / f"{dataset}.parquet" for dataset in parts]
    measures["linear/shuffled"] = [
        shuffled_accuracy(vectors, *common, chosen.shuffles, resamples, rng())
    ]
    origin = io.origin("evaluate_separability", arguments.settings, *parts.values(), files=tables)
    io.write_metrics(
        (
            rows(
                Cell(**about(settings), protocol=protocol, model=settings["model"], origin=origin),
                found,
            )
            for protocol, found in measures.items()
        ),
        arguments.metrics,
        io.failures({settings["model"]: arguments.embeddings / next(iter(parts))}),
    )
