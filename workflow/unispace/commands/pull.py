"""Get the published data and checkpoints of a study from the DVC remote, and tell Snakemake what they were made from.

The same as `dvc pull` and `unispace provenance restore`.
"""

from __future__ import annotations

import argparse

from unispace.commands.common.dvc import run_dvc
from unispace.commands.common.versions import KINDS, add_versions, versions_of
from unispace.commands.provenance import restore
from unispace.errors import UserError


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_versions(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    versions = versions_of(arguments.study)
    kinds = arguments.only or [kind for kind in KINDS if versions.pointer(kind).exists()]
    absent = [str(versions.pointer(k)) for k in kinds or KINDS if not versions.pointer(k).exists()]
    if absent:
        raise UserError(
            f"study {versions.study.study}: not published here, there is no {' nor '.join(absent)}"
        )
    files = [str(versions.pointer(kind)) for kind in kinds]
    run_dvc("pull", *files, what=f"{', '.join(files)} could not be pulled")
    restore(versions, kinds)
