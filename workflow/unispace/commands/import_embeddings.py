"""Take embeddings of a data set that were made elsewhere into the store."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from unispace.embedding.own import OwnFiles, import_embeddings


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--settings", required=True, help="JSON: where, dataset, domain, splits, card"
    )
    parser.add_argument("--vectors", required=True, help="the array, as the study names it")
    parser.add_argument("--index", required=True, help="its index, as the study names it")
    parser.add_argument("--manifest", type=Path, required=True, help="of the data set")
    parser.add_argument("--output", type=Path, required=True, help="folder of the embeddings")


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    import_embeddings(
        settings["dataset"],
        settings["domain"],
        OwnFiles(settings["where"], arguments.vectors, arguments.index),
        settings["card"],
        arguments.manifest,
        arguments.output,
        settings["splits"],
    )
