"""Take statistics of a data set's tested images, for the controls of separability."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd

from unispace.analysis.image_statistics import image_statistics
from unispace.records.images import ImageStore
from unispace.records.manifest import read_manifest, rows_of_split
from unispace.records.results import IMAGE_STATISTICS, STATISTICS_SCHEMA
from unispace.records.tables import write_table

_BLOCK = 256


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: split, size")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--table", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    path = arguments.data / "manifest.parquet"
    manifest = rows_of_split(
        read_manifest(path, ["image_id", "row", "split"]), settings["split"], path
    )
    store, rows = ImageStore(arguments.data / "images.npy"), manifest["row"].to_numpy()
    parts = [
        image_statistics(store.batch(rows[start : start + _BLOCK], settings["size"], "bilinear"))
        for start in range(0, len(rows), _BLOCK)
    ]
    table = pd.DataFrame(np.concatenate(parts), columns=list(IMAGE_STATISTICS))
    table.insert(0, "image_id", manifest["image_id"])
    logging.getLogger(__name__).info("%d images\n%s", len(table), table.describe().to_string())
    write_table(table, STATISTICS_SCHEMA, arguments.table)
