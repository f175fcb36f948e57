"""Search for identities among enrolled images, for each data set of identities."""

from __future__ import annotations

import argparse

from unispace.commands.common import evaluation
from unispace.evaluation.recognition import identify_images

configure = evaluation.configure_recognition


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    evaluation.run_recognition(arguments, "identification", identify_images)
