"""Carry Snakemake's record of what was made from what through Git.

export   after a run: write the record of the outputs that are here, with their checksums, to provenance.jsonl
restore  in a clone, after `dvc pull`: make it Snakemake's record for the files that have the published bytes
verify   say whether the files that are here have the published bytes, and name those that have not
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from unispace.commands.common.published import belongs, gather_jobs, read_jobs, write_jobs
from unispace.commands.common.versions import KINDS, Versions, add_versions, versions_of
from unispace.errors import UserError
from unispace.records.pointer import read_pointer
from unispace.records.provenance import Job, listed
from unispace.records.provenance_restore import restore_jobs
from unispace.records.provenance_verify import verify_folder

log = logging.getLogger(__name__)

HERE = Path()


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("action", choices=("export", "restore", "verify"))
    add_versions(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    versions = versions_of(arguments.study)
    match arguments.action:
        case "export":
            export(
                versions, arguments.only or [k for k in KINDS if Path(versions.folder(k)).is_dir()]
            )
        case "restore":
            restore(versions, arguments.only or KINDS)
        case "verify":
            verify(versions, arguments.only)


def export(versions: Versions, kinds: Sequence[str]) -> None:
    """Write the record of what is here.

    Raises:
        UserError: where there is nothing, or something that the study does not make.
    """
    write_jobs(versions, kinds, gather_jobs(versions, kinds))


def restore(versions: Versions, kinds: Sequence[str]) -> None:
    """Give Snakemake the published record.

    Raises:
        UserError: where files are neither the published ones nor made by a run here.
    """
    result = restore_jobs(HERE, read_jobs(versions, kinds))
    if result.damaged:
        raise UserError(result.text().rstrip())
    log.info("%s", result.text().rstrip())
    if result.absent:
        log.info("not here, so made when they are needed:\n%s", listed(result.absent))


def verify(versions: Versions, only: Sequence[str] | None) -> None:
    """Compare what is here with what was published.

    Raises:
        UserError: where a file differs, is missing or is too many, or nothing is here at all.
    """
    jobs = read_jobs(versions, KINDS)
    published = [k for k in KINDS if any(belongs(job, versions.folder(k)) for job in jobs)]
    missing = [kind for kind in only or () if kind not in published]
    if missing:
        raise UserError(f"{versions.provenance}: nothing of {', '.join(missing)} was published")
    kinds = only or [kind for kind in published if Path(versions.folder(kind)).is_dir()]
    if not kinds:
        raise UserError(f"nothing to compare yet; published are: {', '.join(published)}")
    verdicts = [verify_folder(HERE, jobs, versions.folder(kind)) for kind in kinds]
    for verdict in verdicts:
        if verdict.holds:
            log.info("%s", verdict.text())
    wrong = [verdict.text() for verdict in verdicts if not verdict.holds]
    wrong += [said for kind in kinds for said in _apart(versions, kind, jobs)]
    if wrong:
        raise UserError("\n".join(wrong))


def _apart(versions: Versions, kind: str, jobs: Sequence[Job]) -> list[str]:
    """What is to say where DVC's file and the record in Git are not of one publication."""
    path, folder = versions.pointer(kind), versions.folder(kind)
    if not path.exists():
        return []
    pointer = read_pointer(path)
    contents = [c for job in jobs if belongs(job, folder) for c in job.outputs.values()]
    if (pointer.files, pointer.bytes) == (len(contents), sum(c.bytes for c in contents)):
        return []
    return [
        f"{path} and {versions.provenance} are not of one publication "
        f"({pointer.files} and {len(contents)} files): run `unispace publish` and commit both"
    ]
