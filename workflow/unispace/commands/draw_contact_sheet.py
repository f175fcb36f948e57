"""Draw a contact sheet of a data set: a row of images for each of a few labels."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

from unispace.config.base import ATTACK_DOMAINS
from unispace.errors import UserError
from unispace.records.images import ImageStore
from unispace.records.manifest import read_manifest
from unispace.reporting.sheets import choose, choose_attacks, draw_sheet, save_sheet


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: labels (rows), images (columns)")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--image", type=Path, required=True, help="the sheet, as PNG")
    parser.add_argument("--table", type=Path, required=True, help="what is on it, as CSV")


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    manifest = read_manifest(
        arguments.data / "manifest.parquet",
        ("image_id", "row", "domain", "label", "identity", "split"),
        ("identity_2",),
    )
    if manifest.empty:
        raise UserError(f"{arguments.data}: holds no image; check the data set's source")
    known = manifest["identity"].notna().any()
    if manifest["domain"].iloc[0] in ATTACK_DOMAINS and known:
        chosen = choose_attacks(manifest, settings["images"])
    else:
        chosen = choose(manifest, settings["labels"], settings["images"])
    sheet = draw_sheet(chosen, ImageStore(arguments.data / "images.npy"))
    save_sheet(sheet, arguments.image, arguments.table)
    logging.getLogger(__name__).info(
        "%d images of %d labels", len(chosen), chosen["label"].nunique()
    )
