"""Put the models beside published results of people, where data and protocol match."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

from unispace.config.datasets import Dataset
from unispace.evaluation.human import compare
from unispace.records.humans import COMPARISON_SCHEMA, read_humans
from unispace.records.results import SCHEMA
from unispace.records.tables import read_table, write_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: datasets, split")
    parser.add_argument("--results", type=Path, required=True, help="all tidy rows")
    parser.add_argument("--humans", type=Path, required=True, help="published human results")
    parser.add_argument("--comparison", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    datasets = {name: Dataset.model_validate(d) for name, d in settings["datasets"].items()}
    results = read_table(arguments.results, SCHEMA)
    found = compare(results, read_humans(arguments.humans), datasets, settings["split"])
    write_table(found, COMPARISON_SCHEMA, arguments.comparison)
    shown = found[["model", "dataset", "metric", "value", "human", "status"]]
    logging.getLogger(__name__).info("people\n%s", shown.to_string(index=False))
