"""Audit the data sets of a study: counts, sizes, duplicates, and leaks from training into test."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

from unispace.data.audit.audit import audit, refuse_leaks
from unispace.data.audit.images import read_images
from unispace.data.audit.parts import Plan
from unispace.records.audit import SCHEMA
from unispace.records.files import write_json
from unispace.records.left_out import read_left_out
from unispace.records.tables import write_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--settings",
        required=True,
        help="JSON: datasets, families, trained, tested, split, allow, without_images",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--summary", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    log = logging.getLogger(__name__)
    settings = json.loads(arguments.settings)
    order = settings.pop("datasets")
    families = {name: settings["families"][name] for name in order}
    plan = Plan(**{**settings, "families": families})
    folders = {name: arguments.data / name for name in order}
    left_out = {name: read_left_out(folder / "left_out.json") for name, folder in folders.items()}
    result = audit(read_images(folders, plan.without_images), left_out, plan)
    for leak in result.leaks:
        # A failed job leaves its log and nothing else: here stand all that a message has no room for.
        log.info("%s: %s", leak.name, ", ".join(leak.subjects))
    refuse_leaks(result)
    write_table(result.table, SCHEMA, arguments.table)
    write_json(arguments.summary, result.summary())
    notes = result.table[result.table["severity"] == "note"]
    log.info("%d notes\n%s", len(notes), notes.to_string(index=False))
