"""Bring a file of a registered data set into the project: from a mirror, this machine or its publisher."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from unispace.config.datasets import RegisteredSource
from unispace.data.registry import lookup
from unispace.data.sources.registered import fetch_registered
from unispace.errors import UserError, did_you_mean


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: name, sha256")
    parser.add_argument("--file", required=True, help="which of the set's files")
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
    entry = lookup(source.name)
    files = {file.name: file for file in entry.files}
    if arguments.file not in files:
        raise UserError(
            f"{entry.name} has no file `{arguments.file}`; {did_you_mean(arguments.file, files)}"
        )
    fetch_registered(
        entry,
        files[arguments.file],
        source.sha256,
        arguments.mirror or None,
        arguments.archive,
        arguments.record,
    )
