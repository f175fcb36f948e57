"""Write the few numbers of a study that DVC compares between two commits (dvc.yaml)."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

from unispace.records.files import replacing, write_json
from unispace.records.results import SCHEMA
from unispace.records.tables import read_table
from unispace.reporting.headline_files import headline_numbers, headline_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: models, datasets")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--metrics", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--plots", type=Path, required=True, help="CSV file to write")


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    results = read_table(arguments.results, SCHEMA)
    numbers = headline_numbers(results, settings["models"], settings["datasets"])
    write_json(arguments.metrics, numbers)
    table = headline_table(numbers)
    with replacing(arguments.plots) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
    log = logging.getLogger(__name__)
    log.info("%d models, %d numbers of each at most", len(table), len(table.columns) - 1)
