"""Download a data set of the Hugging Face hub at one revision, and pack its images and labels as an archive."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

from unispace.config.datasets import HuggingfaceSource
from unispace.data.sources.export import export
from unispace.data.sources.huggingface import images_of, revision_of
from unispace.records.files import sha256_of, write_json

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: repo, revision, files, ...")
    parser.add_argument("--archive", type=Path, required=True)
    parser.add_argument(
        "--record", type=Path, required=True, help="where its revision goes, and was before"
    )


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    source = HuggingfaceSource.model_validate(json.loads(arguments.settings))
    revision = revision_of(source, arguments.record)
    count = export(images_of(source, revision), arguments.archive)
    log.info("%s at %s: %d images", source.repo, revision, count)
    write_json(
        arguments.record,
        {
            "bytes": arguments.archive.stat().st_size,
            "file": arguments.archive.name,
            "revision": revision,
            "sha256": sha256_of(arguments.archive),
            "source": source.model_dump(mode="json"),
            "trusted": "study" if source.revision else "first use",
        },
    )
