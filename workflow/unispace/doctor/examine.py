"""All that can be known before the first job."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from unispace.config.study import Study
from unispace.data.sources.raw import raw_files
from unispace.doctor.findings import Finding
from unispace.doctor.machine import Machine
from unispace.doctor.needs import (
    count_devices,
    device_findings,
    disk_findings,
    memory_findings,
    time_findings,
)
from unispace.doctor.networks import network_findings
from unispace.doctor.place import (
    dvc_findings,
    file_findings,
    lock_findings,
    provenance_findings,
    secret_findings,
    version_findings,
)
from unispace.doctor.sources import (
    ask_hub,
    image_findings,
    licence_findings,
    source_findings,
    weight_findings,
)
from unispace.doctor.space import space_needed
from unispace.errors import UserError
from unispace.records.explanation import Explanation
from unispace.records.provenance import Job


def examine(
    study: Study,
    root: Path,
    machine: Machine,
    published: Iterable[Job],
    pointers: Iterable[Path],
    plan: Callable[[], Explanation],
    *,
    online: bool = False,
    whole: bool = False,
) -> list[Finding]:
    """Look at everything that a run of a study depends on. Nothing is run, and nothing of the user's is changed.

    Args:
        study: the study, whose config is right.
        root: the folder that Snakemake runs in, which is the working folder.
        machine: what it has.
        published: jobs of the record in Git.
        pointers: .dvc files of the study.
        plan: asks Snakemake what would run; called last, and only where nothing keeps Snakemake from it.
        online: whether the hub is asked for weights that are not here.
        whole: whether large archives are read, too.
    """
    raw = [file for dataset in study.datasets.values() for file in raw_files(dataset.source)]
    found = [
        *lock_findings(root),
        *version_findings(root),
        *file_findings(root, machine, raw),
        *source_findings(study, root, whole),
        *network_findings(study),
        *weight_findings(study, root, ask_hub if online else None),
        *licence_findings(study),
        *image_findings(study, root),
        *dvc_findings(root, pointers),
        *provenance_findings(root, published),
        *secret_findings(root),
        *disk_findings(space_needed(study, root, machine.cores), machine),
    ]
    if any(finding.check == "sources" and finding.severity == "error" for finding in found):
        return [
            *found,
            Finding(
                "plan",
                "note",
                "memory and time are told when what is missing is there, since Snakemake plans nothing before",
            ),
        ]
    try:
        explained = plan()
    except UserError as error:
        return [
            *found,
            Finding("plan", "error", str(error), "mend what Snakemake names, then ask again"),
        ]
    jobs = [e.job for e, _ in explained.explained]
    return [
        *found,
        *device_findings(study, jobs, machine, count_devices),
        *memory_findings([(e.job, cost) for e, cost in explained.explained], machine),
        *time_findings(explained),
    ]
