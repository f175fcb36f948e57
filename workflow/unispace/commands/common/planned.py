"""What Snakemake would do with a study: asked of Snakemake itself, in a process of its own."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from unispace.commands.common.versions import DEFAULT
from unispace.config.parse import load_yaml, parse_study
from unispace.config.study import Study
from unispace.errors import UserError
from unispace.records.code import PACKAGE
from unispace.records.plan import Plan, read_plan

STUDY_FILES = (".yaml", ".yml")


def add_cores(parser: argparse.ArgumentParser) -> None:
    """Declare the number of cores that times are told for."""
    parser.add_argument(
        "--cores",
        type=_positive,
        default=cores_here(),
        help="cores that times are estimated for; else those of this machine",
    )


def cores_here() -> int:
    """The cores that this process may use."""
    # Not on macOS.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def read_study(file: Path) -> Study:
    """A study that was checked.

    Raises:
        UserError: where there is none, or with everything that is wrong in it.
    """
    if not Path("Snakefile").is_file():
        raise UserError("no Snakefile here; call this at the top of the project")
    if not file.is_file():
        raise UserError(f"{file}: no such study; there are config.yaml and workflow/studies/")
    text = file.read_text("utf-8")
    return parse_study(load_yaml(text, str(file)), str(file), text)


def plan_of(study: Path, targets: Sequence[str] = ()) -> Plan:
    """What Snakemake would do.

    Args:
        study: file of the study.
        targets: files or rules; none for the whole study.

    Raises:
        UserError: where Snakemake refuses, with what it says.
    """
    config = [] if study == DEFAULT else ["--configfile", str(study)]
    path = os.pathsep.join(filter(None, (str(PACKAGE.parent), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(  # noqa: S603  # this interpreter, and names of files as a list
        [sys.executable, "-m", "snakemake_plan", *targets, *config],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UserError(f"Snakemake cannot plan {study}:\n{_said(done.stderr)}")
    return read_plan(done.stdout)


def _said(stderr: str) -> str:
    """What Snakemake said, without what it says at every start."""
    noise = ("Using workflow specific profile", "Building DAG", "Assuming unrestricted")
    lines = [line for line in stderr.splitlines() if line.strip() and not line.startswith(noise)]
    return "\n".join(lines)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is no number of cores")
    return number
