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
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument(
        "--left-out", type=Path, required=True, help="JSON: what is not in the manifest"
    )
    parser.add_argument("--pairs", type=Path, required=True, help="its official pairs")


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    manifest = prepare(
        settings["name"],
        Dataset.model_validate(settings["dataset"]),
        settings["seed"],
        arguments.archive,
        arguments.manifest,
        arguments.images,
        arguments.left_out,
        arguments.pairs,
    )
    table = manifest.groupby("split").agg(images=("row", "size"), labels=("label", "nunique"))
    logging.getLogger(__name__).info("%s\n%s", settings["name"], table.to_string())
