"""Between Snakemake's record, the files that are here, and the record in Git: per study and kind of outputs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from unispace.commands.common.versions import Versions, versions_of_study
from unispace.config.study import Study
from unispace.errors import UserError
from unispace.records.provenance import Job, listed, read_provenance, write_provenance
from unispace.records.provenance_export import export_jobs
from unispace.records.provenance_restore import Restored, restore_jobs, unrecorded_jobs
from unispace.records.run_lock import is_running

log = logging.getLogger(__name__)


def belongs(job: Job, *places: str) -> bool:
    """Whether outputs of a job lie in one of some folders, or are one of some files."""
    return any(output == p or output.startswith(f"{p}/") for output in job.outputs for p in places)


def read_jobs(versions: Versions, kinds: Sequence[str]) -> list[Job]:
    """The published jobs of some kinds of outputs.

    Raises:
        UserError: where nothing was published.
    """
    places = [place for kind in kinds for place in versions.places(kind)]
    return [job for job in read_provenance(versions.provenance) if belongs(job, *places)]


def gather_jobs(versions: Versions, kinds: Sequence[str]) -> list[Job]:
    """The jobs that made the outputs that are here.

    Raises:
        UserError: where there are none, or something is there that the study does not make.
    """
    jobs = []
    for kind in kinds:
        made = export_jobs(Path(), versions.places(kind))
        if not made:
            raise UserError(f"{versions.folder(kind)}: nothing there; run snakemake first")
        _refuse_leftovers(versions, kind, [file for job in made for file in job.outputs])
        jobs += made
    return jobs


def _refuse_leftovers(versions: Versions, kind: str, files: Sequence[str]) -> None:
    """Keep what an earlier form of the study left behind from being published with it."""
    parts, folder = versions.parts(kind), versions.folder(kind)
    if parts is None:
        return
    left = [f for f in files if not any(f.startswith(f"{folder}/{part}/") for part in parts)]
    if left:
        raise UserError(
            f"{folder}: not part of the study as it is now; delete it or put it back into the study:\n"
            f"{listed(left)}"
        )


def write_jobs(versions: Versions, kinds: Sequence[str], jobs: Sequence[Job]) -> None:
    """Write the jobs of some kinds of outputs into the record in Git; the lines of the others stay."""
    before = read_provenance(versions.provenance) if versions.provenance.exists() else []
    places = [place for kind in kinds for place in versions.places(kind)]
    others = [job for job in before if not belongs(job, *places)]
    lines = sorted([*others, *jobs], key=lambda job: min(job.outputs))
    write_provenance(versions.provenance, lines)
    log.info("%s: %d jobs of %s", versions.provenance, len(jobs), ", ".join(kinds))


def recall_pulled(study: Study) -> Restored:
    """Give Snakemake the published record of files that it has none of, before it decides what runs.

    Without a record Snakemake takes a file that is new enough for good, whatever the study says now. While a run
    is under way nothing is touched: the outputs of its jobs have no record yet.

    Raises:
        UserError: where the record in Git is damaged.
    """
    if not any(Path().glob("provenance*.jsonl")) or is_running(Path()):
        return Restored()
    path = versions_of_study(study).provenance
    jobs = read_provenance(path) if path.exists() else []
    return restore_jobs(Path(), unrecorded_jobs(Path(), jobs))
