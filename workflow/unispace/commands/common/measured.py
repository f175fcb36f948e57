"""Numbers of models that other jobs published, with their samples, to be compared."""

from __future__ import annotations

import argparse
import math
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.errors import UserError
from unispace.evaluation.measure import Measure
from unispace.records.results import SAMPLES_SCHEMA, SCHEMA
from unispace.records.tables import read_table

_KEYS = ["model", "dataset", "experiment", "protocol", "metric"]


def configure(parser: argparse.ArgumentParser, settings: str) -> None:
    """Declare the arguments of a command that compares published numbers; `settings` says what its JSON holds."""
    parser.add_argument("--settings", required=True, help=f"JSON: {settings}")
    parser.add_argument(
        "--measured", type=Path, nargs="+", required=True, help="metrics of the backbone's models"
    )
    parser.add_argument(
        "--samples", type=Path, nargs="+", required=True, help="their metrics of every resample"
    )
    parser.add_argument("--metrics", type=Path, required=True)


@dataclass(frozen=True)
class Found:
    """A published number with its samples, and the hash of what it comes from."""

    measure: Measure
    origin: str


@dataclass(frozen=True)
class Measured:
    """The published numbers of some models and their samples.

    Attributes:
        rows: tidy rows of model, dataset, experiment and metric.
        samples: `(resamples,)` of model, dataset, experiment, protocol and metric.
    """

    rows: dict[tuple[str, ...], list[dict[Hashable, Any]]]
    samples: dict[tuple[str, ...], NDArray[np.float64]]

    @classmethod
    def read(cls, metrics: list[Path], samples: list[Path]) -> Measured:
        """Read the tables of all experiments and models."""
        tables = (read_table(path, SCHEMA) for path in metrics)
        return cls.of(pd.concat(tables, ignore_index=True), samples)

    @classmethod
    def of(cls, metrics: pd.DataFrame, samples: list[Path]) -> Measured:
        """Tidy rows of models, with their samples from these tables."""
        if not samples:
            return cls(_rows(metrics), {})
        drawn = pd.concat([read_table(path, SAMPLES_SCHEMA) for path in samples])
        # Once for all; within a group the order stays.
        drawn = drawn.sort_values("resample", kind="stable")
        return cls(
            _rows(metrics),
            {
                tuple(map(str, key)): part.to_numpy(float)
                for key, part in drawn.groupby(_KEYS, sort=False)["value"]
            },
        )

    def protocols(self, model: str, dataset: str, experiment: str, metric: str) -> list[str]:
        """By which protocols a metric was taken, in the order of the rows; also where it failed."""
        rows = self.rows.get((model, dataset, experiment, metric), [])
        return [str(row["protocol"]) for row in rows]

    def found(self, model: str, dataset: str, experiment: str, protocol: str, metric: str) -> Found:
        """A number of a model.

        Raises:
            UserError: where it is missing, or stands twice.
        """
        taken = self.rows.get((model, dataset, experiment, metric), [])
        rows = [row for row in taken if row["protocol"] == protocol]
        if len(rows) != 1:
            others = ", ".join(str(row["protocol"]) for row in taken) or "no protocol"
            raise UserError(
                f"{model} on {dataset}: {len(rows)} rows of {metric} by {protocol}, needs one "
                f"(there is {metric} by {others}); delete results/<study>/metrics and run snakemake again"
            )
        row = rows[0]
        measure = Measure(
            row["metric"],
            float(row["value"]),
            float(row["lower"]),
            float(row["upper"]),
            int(row["n"]),
            row["unit"],
            row["status"],
            chance=None if math.isnan(row["chance"]) else float(row["chance"]),
            samples=self.samples.get((model, dataset, experiment, protocol, metric)),
        )
        return Found(measure, row["origin"])


def _rows(metrics: pd.DataFrame) -> dict[tuple[str, ...], list[dict[Hashable, Any]]]:
    rows: dict[tuple[str, ...], list[dict[Hashable, Any]]] = {}
    for row in metrics.to_dict("records"):
        key = tuple(str(row[name]) for name in _KEYS if name != "protocol")
        rows.setdefault(key, []).append(row)
    return rows
