"""Mean over the maps within each family of models and between each two, and what maps gain over none."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from unispace.analysis.family_means import family_means
from unispace.commands.common import evaluation as io
from unispace.commands.common.maps import read_measured
from unispace.config.methods import BASELINE
from unispace.evaluation.tidy import Cell, rows_of_cells

EXPERIMENT = "families"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: study, seed, family of each model")
    parser.add_argument("--measured", type=Path, nargs="+", required=True)
    parser.add_argument("--samples", type=Path, nargs="+", required=True)
    parser.add_argument("--metrics", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    pairs = read_measured(arguments.measured, arguments.samples)
    origin = io.origin(
        "evaluate_families", arguments.settings, files=[*arguments.measured, *arguments.samples]
    )
    found = []
    for names, source, target, mean in family_means(pairs, settings["families"], BASELINE):
        cell = Cell(
            study=settings["study"],
            seed=settings["seed"],
            origin=origin,
            experiment=EXPERIMENT,
            dataset=names["dataset"],
            fitted_on=names["fitted_on"],
            protocol=names["protocol"],
            method=names["method"],
            source=source,
            target=target,
        )
        found.append((cell, mean))
    io.write_metrics([rows_of_cells(found)], arguments.metrics, {})
