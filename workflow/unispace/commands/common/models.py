"""The arguments of the commands that write a model."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_model_outputs(parser: argparse.ArgumentParser) -> None:
    """Declare where the three files of a model go."""
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--history", type=Path, required=True)
    parser.add_argument("--card", type=Path, required=True)


def add_training(parser: argparse.ArgumentParser) -> None:
    """Declare what a training needs beside its settings and data."""
    parser.add_argument("--timing", type=Path, required=True, help="how fast it went")
    parser.add_argument("--resume", type=Path, required=True, help="folder of unfinished trainings")
    parser.add_argument("--threads", type=int, required=True)
