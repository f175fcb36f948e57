"""What the tested maps say of models and families: centrality, dendrogram, asymmetry, and whether it is chance."""

from __future__ import annotations

import argparse
import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from unispace.analysis.compatibility import Compatibility
from unispace.analysis.structure import Structure, structure
from unispace.commands.common import evaluation as io
from unispace.commands.common.maps import read_measured
from unispace.config.methods import CEILING
from unispace.evaluation.tasks import TaskNumber, task_numbers
from unispace.evaluation.tidy import Cell, rows
from unispace.records.files import read_json
from unispace.records.results import (
    ASYMMETRY_SCHEMA,
    LINKAGE_SCHEMA,
)
from unispace.records.tables import write_table

EXPERIMENT = "compatibility"
_PERMUTATIONS = 10_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--settings",
        required=True,
        help="JSON: study, seed, dataset, pairs of model and family, methods, evaluation",
    )
    parser.add_argument("--embeddings", type=Path, required=True, help="folder of all embeddings")
    parser.add_argument("--measured", type=Path, nargs="+", required=True)
    parser.add_argument("--samples", type=Path, nargs="+", required=True)
    parser.add_argument("--metrics", type=Path, required=True)
    parser.add_argument("--linkage", type=Path, required=True, help="steps of the dendrograms")
    parser.add_argument("--asymmetry", type=Path, required=True, help="both directions of pairs")


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings, evaluation = io.load_settings(arguments.settings)
    dataset, families = settings["dataset"], dict(settings["families"])
    cards = {m: arguments.embeddings / m / dataset / "embedding.json" for m in families}
    dimension = {model: read_json(card)["dimension"] for model, card in cards.items()}
    pairs = read_measured(arguments.measured, arguments.samples)
    cell = Cell(
        study=settings["study"],
        dataset=dataset,
        seed=settings["seed"],
        origin=io.origin(
            "analyse_compatibility",
            arguments.settings,
            files=[*arguments.measured, *arguments.samples, *cards.values()],
        ),
        experiment=EXPERIMENT,
        fitted_on=str(pairs["fitted_on"].iloc[0]),
    )
    # Maps between spaces of attack detection have no such number; those of identities have both.
    numbers = task_numbers("face_hq", evaluation)[::-1]
    tables, linkages, asymmetries = [], [], []
    for number in numbers:
        of_number = _of(pairs, number)
        for method in settings["methods"]:
            here = of_number[of_number["method"].isin([method, CEILING])]
            about = dataclasses.replace(cell, method=method, protocol=str(here["protocol"].iloc[0]))
            found = structure(
                Compatibility.of(here, list(families)),
                families,
                dimension,
                _PERMUTATIONS,
                partial(io.generator, settings["seed"], EXPERIMENT, dataset),
            )
            tables += _rows(about, number.metric, found)
            names = _names(about, number.metric)
            linkages.append(found.merges.assign(**names))
            asymmetries.append(found.pairs.assign(**names))
    # The reason of a failed model already stands in the rows of its maps.
    io.write_metrics(tables, arguments.metrics, {})
    for parts, schema, path in (
        (linkages, LINKAGE_SCHEMA, arguments.linkage),
        (asymmetries, ASYMMETRY_SCHEMA, arguments.asymmetry),
    ):
        filled = [part for part in parts if len(part)]
        whole = pd.concat(filled, ignore_index=True) if filled else schema.empty_table().to_pandas()
        write_table(whole[schema.names], schema, path)


def _of(pairs: pd.DataFrame, number: TaskNumber) -> pd.DataFrame:
    """The rows of a number by its protocol, whatever the data add to the protocol's name."""
    protocols = [p for p in pairs["protocol"].unique() if number.further(p) == ""]
    kept = (
        pairs["protocol"].isin(protocols)
        & (pairs["experiment"] == number.experiment)
        & (pairs["metric"] == number.metric)
    )
    return pairs[kept]


def _rows(cell: Cell, metric: str, found: Structure) -> list[pd.DataFrame]:
    """Tidy rows, the metric before the name of what was made of it."""
    parts = [(cell, found.findings)]
    parts += [(dataclasses.replace(cell, model=m), ends) for m, ends in found.models.items()]
    return [
        rows(about, [dataclasses.replace(m, metric=f"{metric} {m.metric}") for m in measures])
        for about, measures in parts
    ]


def _names(cell: Cell, metric: str) -> dict[str, Any]:
    """What every row of the two tables says."""
    return {
        "fitted_on": cell.fitted_on,
        "dataset": cell.dataset,
        "method": cell.method,
        "protocol": cell.protocol,
        "metric": metric,
    }
