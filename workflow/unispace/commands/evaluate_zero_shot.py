"""Classify images of objects by texts about their classes."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from unispace.commands.common import evaluation as io
from unispace.data.held_out import HELD_OUT
from unispace.errors import UserError
from unispace.evaluation.tidy import Cell, rows
from unispace.evaluation.zero_shot import zero_shot
from unispace.records.embeddings import read_embeddings
from unispace.records.prompts import read_prompts


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    io.configure_test(parser, "study, model, seed, datasets, templates")
    parser.add_argument(
        "--prompts", type=Path, required=True, help="folder of the backbone's prompts"
    )


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings, evaluation = io.load_settings(arguments.settings)
    tables = []
    for dataset in settings["datasets"]:
        embeddings = read_embeddings(arguments.embeddings / dataset)
        there = set(embeddings.index["split"])
        # Classes that nothing was trained on are named among themselves: a row of its own.
        for split in dict.fromkeys([evaluation.split, *({HELD_OUT} & there)]):
            images = embeddings.of_split(split)
            label = images.index["label"].to_numpy(str)
            classes = np.unique(label)
            for templates in settings["templates"]:
                prompts = read_prompts(arguments.prompts / dataset / templates).of_labels(
                    classes.tolist()
                )
                if prompts.vectors.shape[1] != images.vectors.shape[1]:
                    raise UserError(
                        f"{settings['model']}: its images are vectors of {images.vectors.shape[1]} values and the "
                        f"prompts of {prompts.vectors.shape[1]}; they are of two networks"
                    )
                protocol = f"zero-shot:{templates}"
                cell = Cell(
                    study=settings["study"],
                    experiment="classification",
                    dataset=dataset,
                    protocol=protocol if split == evaluation.split else f"{protocol}/{split}",
                    seed=settings["seed"],
                    origin=io.origin("evaluate_zero_shot", arguments.settings, images, prompts),
                    model=settings["model"],
                )
                measures = zero_shot(
                    images.vectors,
                    np.searchsorted(classes, label),
                    prompts.vectors,
                    np.arange(len(classes)),
                    evaluation.resamples,
                    io.generator(settings["seed"], "classification", dataset),
                )
                tables.append(rows(cell, measures))
    failed = io.failures({settings["model"]: arguments.embeddings / settings["datasets"][0]})
    io.write_metrics(tables, arguments.metrics, failed)
    io.write_samples(tables, arguments.samples, failed)
