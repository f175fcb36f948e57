"""Compare the tuned models of a backbone with its base model and its experts, image by image."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.commands.common import evaluation as io
from unispace.errors import UserError
from unispace.evaluation.changes import change
from unispace.evaluation.measure import Measure
from unispace.evaluation.tasks import TaskNumber, task_numbers
from unispace.evaluation.tidy import Cell, rows
from unispace.records.code import code_of
from unispace.records.files import sha256_of, sha256_of_text
from unispace.records.results import SAMPLES_SCHEMA, SCHEMA
from unispace.records.tables import read_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--settings", required=True, help="JSON: study, seed, domains, changes, evaluation"
    )
    parser.add_argument(
        "--measured", type=Path, nargs="+", required=True, help="metrics of the backbone's models"
    )
    parser.add_argument(
        "--samples", type=Path, nargs="+", required=True, help="their metrics of every resample"
    )
    parser.add_argument("--metrics", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings, evaluation = io.load_settings(arguments.settings)
    measured = _Measured.read(arguments.measured, arguments.samples)
    code = [sha256_of(path) for path in code_of("evaluate_changes")]
    tables = []
    for model, reference, datasets in settings["changes"]:
        for dataset in datasets:
            for number in task_numbers(settings["domains"][dataset], evaluation):
                for protocol, further in measured.protocols(model, dataset, number):
                    one, other = (
                        measured.found(m, dataset, protocol, number) for m in (model, reference)
                    )
                    cell = Cell(
                        study=settings["study"],
                        experiment="change",
                        dataset=dataset,
                        protocol=f"paired/{further}" if further else "paired",
                        seed=settings["seed"],
                        origin=sha256_of_text(arguments.settings, one.origin, other.origin, *code),
                        model=model,
                        source=reference,
                    )
                    tables.append(rows(cell, [change(one.measure, other.measure)]))
    io.write_metrics(tables, arguments.metrics)


@dataclass(frozen=True)
class _Found:
    """A published number with its samples, and the hash of what it comes from."""

    measure: Measure
    origin: str


@dataclass(frozen=True)
class _Measured:
    """The published numbers of some models and their samples."""

    metrics: pd.DataFrame
    samples: dict[tuple[str, ...], NDArray[np.float64]]

    @classmethod
    def read(cls, metrics: list[Path], samples: list[Path]) -> _Measured:
        """Read the tables of all experiments and models."""
        drawn = pd.concat([read_table(path, SAMPLES_SCHEMA) for path in samples])
        keys = ["model", "dataset", "experiment", "protocol", "metric"]
        return cls(
            pd.concat([read_table(path, SCHEMA) for path in metrics], ignore_index=True),
            {
                tuple(map(str, key)): part.sort_values("resample")["value"].to_numpy(float)
                for key, part in drawn.groupby(keys, sort=False)
            },
        )

    def _rows(self, model: str, dataset: str, number: TaskNumber) -> pd.DataFrame:
        table = self.metrics
        return table[
            (table["model"] == model)
            & (table["dataset"] == dataset)
            & (table["experiment"] == number.experiment)
            & (table["metric"] == number.metric)
        ]

    def protocols(self, model: str, dataset: str, number: TaskNumber) -> Iterator[tuple[str, str]]:
        """By which protocols a number was taken, and what tells each from the others.

        Raises:
            UserError: where it was taken by none.
        """
        taken = self._rows(model, dataset, number)["protocol"]
        found = [(str(p), number.further(str(p))) for p in taken]
        known = [(protocol, further) for protocol, further in found if further is not None]
        if not known:
            raise UserError(
                f"{model} on {dataset}: no {number.metric} by {number.protocol} among the metrics; "
                f"delete results/<study>/metrics and run snakemake again"
            )
        yield from known

    def found(self, model: str, dataset: str, protocol: str, number: TaskNumber) -> _Found:
        """A number of a model.

        Raises:
            UserError: where it is missing.
        """
        rows_of = self._rows(model, dataset, number)
        rows_of = rows_of[rows_of["protocol"] == protocol]
        if len(rows_of) != 1:
            raise UserError(
                f"{model} on {dataset}: {len(rows_of)} rows of {number.metric} by {protocol}, needs one"
            )
        row = rows_of.to_dict("records")[0]
        numbers = (float(row[name]) for name in ("value", "lower", "upper"))
        key = (model, dataset, number.experiment, protocol, number.metric)
        measure = Measure(
            row["metric"],
            *numbers,
            int(row["n"]),
            row["unit"],
            row["status"],
            samples=self.samples.get(key),
        )
        return _Found(measure, row["origin"])
