"""Mean over the maps within each family of models and between each two, and what maps gain over none."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd

from unispace.analysis.family_means import family_means
from unispace.commands.common import evaluation as io
from unispace.config.methods import BASELINE
from unispace.evaluation.tidy import Cell, rows
from unispace.records.results import PAIR_SAMPLES_SCHEMA, SCHEMA
from unispace.records.tables import read_table

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
    measured = pd.concat([read_table(p, SCHEMA) for p in arguments.measured], ignore_index=True)
    samples = pd.concat(
        [read_table(p, PAIR_SAMPLES_SCHEMA) for p in arguments.samples], ignore_index=True
    )
    origin = io.origin(
        "evaluate_families", arguments.settings, files=[*arguments.measured, *arguments.samples]
    )
    tables = []
    for names, source, target, mean in family_means(
        measured, samples, settings["families"], BASELINE
    ):
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
        tables.append(rows(cell, [mean]))
    io.write_metrics(tables, arguments.metrics, {})
