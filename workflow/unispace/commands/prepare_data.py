"""Render or read the images of a data set, split them, and store them with their manifest."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

from unispace.config.datasets import Dataset
from unispace.data.prepare import prepare


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: name, seed, dataset")
    parser.add_argument("--archive", type=Path, help="the fetched archive")
    parser.add_argument("--output", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--workers", type=int, default=1, help="processes that render")


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    manifest = prepare(
        settings["name"],
        Dataset.model_validate(settings["dataset"]),
        settings["seed"],
        arguments.archive,
        arguments.output,
        arguments.workers,
    )
    table = manifest.groupby("split").agg(images=("row", "size"), labels=("label", "nunique"))
    logging.getLogger(__name__).info("%s\n%s", settings["name"], table.to_string())
