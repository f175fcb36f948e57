"""Bring the archive of a registered data set into the project: from a mirror, this machine or its publisher."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from unispace.config.datasets import RegisteredSource
from unispace.data.registry import lookup
from unispace.data.sources.registered import fetch_registered


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: name, sha256")
    parser.add_argument("--mirror", help="folder or URL prefix that is tried first")
    parser.add_argument("--archive", type=Path, required=True)
    parser.add_argument(
        "--record", type=Path, required=True, help="where its checksum goes, and was before"
    )


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    source = RegisteredSource.model_validate(
        {"kind": "registered", **json.loads(arguments.settings)}
    )
    fetch_registered(
        lookup(source.name),
        source.sha256,
        arguments.mirror or None,
        arguments.archive,
        arguments.record,
    )
