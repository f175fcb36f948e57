"""Verify all pairs of images of each data set of identities with one model."""

from __future__ import annotations

import argparse

from unispace.commands.common import evaluation
from unispace.evaluation.recognition import verify_images

configure = evaluation.configure_recognition


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    evaluation.run_recognition(arguments, "verification", verify_images)
