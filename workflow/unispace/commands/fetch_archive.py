"""Copy or download an archive and check its checksum."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from unispace.config.datasets import ArchiveSource
from unispace.data.sources.fetch import fetch
from unispace.records.files import write_json


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: path, sha256")
    parser.add_argument("--archive", type=Path, required=True)
    parser.add_argument("--record", type=Path, required=True, help="where its checksum goes")


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    source = ArchiveSource.model_validate({"kind": "archive", **json.loads(arguments.settings)})
    fetch(source.path, source.sha256, arguments.archive)
    write_json(
        arguments.record,
        {
            "file": arguments.archive.name,
            "sha256": source.sha256,
            "bytes": arguments.archive.stat().st_size,
        },
    )
