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
    parser.add_argument("--resume", type=Path, required=True, help="folder of unfinished trainings")
    parser.add_argument("--threads", type=int, required=True)
    add_gpus(parser)


def add_gpus(parser: argparse.ArgumentParser) -> None:
    """Declare on how many graphics processors a command may compute."""
    parser.add_argument("--gpus", type=int, default=0, help="graphics processors; 0: the CPU")
