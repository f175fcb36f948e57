"""Test the protocols of maps on planted models, and the rule of TMR@FMR on planted scores, where the truth is known."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from unispace.analysis import planted_scores
from unispace.analysis.planted_maps import SOURCE, TARGET, WORLDS, planted_maps
from unispace.commands.common import evaluation as io
from unispace.evaluation.measure import Measure
from unispace.evaluation.recognition import recognise_images
from unispace.evaluation.tidy import Cell, rows
from unispace.evaluation.verification import verify

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
                n = len(planted.images.identity)
                tables.append(rows(about, [_exact("Rank-1", planted.expected, n)]))
    scored = Cell(
        study=settings["study"],
        dataset=planted_scores.NAME,
        seed=seed,
        origin=io.origin("evaluate_planted", arguments.settings),
        experiment=EXPERIMENT,
        source=planted_scores.SPACE,
        target=planted_scores.SPACE,
    )
    rng = io.generator(seed, EXPERIMENT, planted_scores.NAME)
    tables += _operating_points(scored, evaluation.resamples, rng)
    io.write_metrics(tables, arguments.metrics, {})


def _operating_points(cell: Cell, resamples: int, rng: np.random.Generator) -> list[pd.DataFrame]:
    """TMR at each FMR as measured and as counted."""
    measures, _ = verify(planted_scores.planted_scores(), planted_scores.FMR, resamples, rng)
    measured = [measure for measure in measures if measure.metric.startswith("TMR@FMR=")]
    counted = [
        _exact(measure.metric, planted_scores.expected_tmr(target), measure.n)
        for measure, target in zip(measured, planted_scores.FMR, strict=True)
    ]
    return [
        rows(dataclasses.replace(cell, protocol=planted_scores.PROTOCOL), measured),
        rows(dataclasses.replace(cell, protocol="theory"), counted),
    ]


def _exact(metric: str, expected: float, n: int) -> Measure:
    """What theory gives, without an interval of its own."""
    return Measure(metric, expected, expected, expected, n, "theory")
