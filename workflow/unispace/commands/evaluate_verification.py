"""Verify pairs of images of each data set of identities with one model."""

from __future__ import annotations

import argparse
from pathlib import Path

from unispace.commands.common.evaluation import configure_recognition, run_recognition
from unispace.evaluation.recognition import verify_images


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    configure_recognition(parser)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of the data sets, for official pairs"
    )


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    run_recognition(arguments, "verification", verify_images, arguments.data)
