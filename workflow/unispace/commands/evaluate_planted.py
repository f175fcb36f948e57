"""Test the protocols of maps on planted models, where the truth is known."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np

from unispace.analysis.planted_maps import SOURCE, TARGET, WORLDS, planted_maps
from unispace.commands.common import evaluation as io
from unispace.evaluation.measure import Measure
from unispace.evaluation.recognition import recognise_images
from unispace.evaluation.tidy import Cell, rows

EXPERIMENT = "planted"
IDENTIFICATION = ("enrol-one", "self-excluded", "paper")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: study, seed, evaluation")
    parser.add_argument("--metrics", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings, evaluation = io.load_settings(arguments.settings)
    # Whatever the study asks of its own models: here the protocols are on trial, the published one above all.
    evaluation = evaluation.model_copy(
        update={"identification": IDENTIFICATION, "verification": ("all-pairs",)}
    )
    seed = settings["seed"]
    tables = []
    for world in WORLDS:

        def stream(kind: str, world: str = world) -> np.random.Generator:
            return io.generator(seed, EXPERIMENT, kind, world)

        for planted in planted_maps(world, seed):
            cell = Cell(
                study=settings["study"],
                dataset=world,
                seed=seed,
                origin=io.origin("evaluate_planted", arguments.settings),
                source=SOURCE,
                target=TARGET,
                method=planted.method,
                fitted_on=world,
            )
            found, _ = recognise_images(cell, planted.images, evaluation, stream)
            tables.append(found.assign(experiment=EXPERIMENT))
            if planted.expected is not None:
                about = dataclasses.replace(cell, experiment=EXPERIMENT, protocol="theory")
                tables.append(rows(about, [_exact(planted.expected, len(planted.images.identity))]))
    io.write_metrics(tables, arguments.metrics, {})


def _exact(expected: float, n: int) -> Measure:
    """What theory gives, without an interval of its own."""
    return Measure("Rank-1", expected, expected, expected, n, "theory")
