"""Record what a run made as the version that belongs to the next commit.

Writes provenance.jsonl and, through DVC, data.dvc and checkpoints.dvc. Nothing leaves this machine: `dvc push` does that.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from unispace.commands.common.dvc import run_dvc
from unispace.commands.common.published import gather_jobs, write_jobs
from unispace.commands.common.versions import Versions, add_versions, versions_of
from unispace.errors import UserError
from unispace.records.pointer import begin_pointer, read_pointer

log = logging.getLogger(__name__)

# Results are small, or made from checkpoints within minutes: published only where asked for.
USUAL = ("data", "checkpoints")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_versions(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    versions = versions_of(arguments.study)
    kinds = arguments.only or [k for k in USUAL if Path(versions.folder(k)).is_dir()]
    if not kinds:
        raise UserError(f"{versions.folder('data')}: nothing there; run snakemake first")
    jobs = gather_jobs(versions, kinds)
    for kind in kinds:
        _commit(versions, kind)
    write_jobs(versions, kinds, jobs)
    pointers = " ".join(str(versions.pointer(kind)) for kind in kinds)
    # Results that Git keeps itself; it ignores those of most studies until they are added.
    numbers = versions.places("results")[1:] if "results" in kinds else ()
    add = " ".join(["git add", *(["--force"] if numbers else []), pointers, *numbers])
    # Named, since other studies' bytes need not be on this machine.
    log.info(
        "now commit it and bring the bytes to the remote:\n"
        "  %s %s && git commit\n  dvc push %s   # needs a remote: docs/versions.md",
        add,
        versions.provenance,
        pointers,
    )


def _commit(versions: Versions, kind: str) -> None:
    """Let DVC take a folder into its cache and write its pointer.

    Raises:
        UserError: where DVC cannot.
    """
    path = versions.pointer(kind)
    begin_pointer(path, versions.folder(kind))
    folder = versions.folder(kind)
    run_dvc("commit", "--quiet", "--force", str(path), what=f"{folder} could not be recorded")
    pointer = read_pointer(path)
    log.info("%s: %s, %d files, %.1f MB", path, pointer.folder, pointer.files, pointer.bytes / 1e6)
