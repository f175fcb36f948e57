"""Classify images of objects by their nearest neighbours in the train split."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from unispace.commands.common import evaluation as io
from unispace.errors import UserError
from unispace.evaluation.classification import classify, nearest_neighbours
from unispace.evaluation.tidy import Cell, rows


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--settings", required=True, help="JSON: study, model, seed, datasets, evaluation"
    )
    parser.add_argument(
        "--embeddings", type=Path, required=True, help="folder of the model's embeddings"
    )
    parser.add_argument("--metrics", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings, evaluation = io.load_settings(arguments.settings)
    tables = []
    for dataset in settings["datasets"]:
        folder = arguments.embeddings / dataset
        fit, test = io.load_split(folder, "train"), io.load_split(folder, evaluation.split)
        names = np.unique(fit.index["label"].to_numpy(str))
        unknown = sorted(set(test.index["label"]) - set(names))
        if unknown:
            raise UserError(
                f"{dataset}: class {unknown[0]!r} is in split {evaluation.split} but not in train; "
                f"neighbours can only name classes that they know"
            )
        predicted = nearest_neighbours(
            fit.vectors,
            np.searchsorted(names, fit.index["label"].to_numpy(str)),
            test.vectors,
            evaluation.neighbours,
        )
        cell = Cell(
            study=settings["study"],
            experiment="classification",
            dataset=dataset,
            protocol=f"knn-{evaluation.neighbours}",
            seed=settings["seed"],
            origin=io.origin("evaluate_classification", arguments.settings, fit, test),
            model=settings["model"],
        )
        rng = io.generator(settings["seed"], "classification", dataset)
        labels = np.searchsorted(names, test.index["label"].to_numpy(str))
        tables.append(rows(cell, classify(predicted, labels, evaluation.resamples, rng)))
    failed = io.failures({settings["model"]: arguments.embeddings / settings["datasets"][0]})
    io.write_metrics(tables, arguments.metrics, failed)
