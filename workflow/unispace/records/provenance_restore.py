"""From the jobs of provenance.jsonl to Snakemake's record in a clone that has the published bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from unispace.records.provenance import Job, listed
from unispace.records.snakemake_metadata import (
    is_recorded,
    made_here,
    mark_incomplete,
    refuse_while_running,
    write_metadata,
)


@dataclass
class Restored:
    """What became of the published outputs in this clone."""

    restored: list[str] = field(default_factory=list)
    """Here, with the published bytes: Snakemake has their record."""
    absent: list[str] = field(default_factory=list)
    """Not here."""
    own: list[str] = field(default_factory=list)
    """Other bytes, made by a run of this clone, whose record stays."""
    damaged: list[str] = field(default_factory=list)
    """Other bytes, and nothing that would say from where: marked to be made anew."""

    def text(self) -> str:
        """What there is to say, or nothing where nothing was restored and nothing is wrong."""
        said = []
        if self.restored:
            said.append(
                f"{len(self.restored)} files have the published bytes: their record is Snakemake's now"
            )
        if self.own:
            said.append(
                "made by a run here and not the published ones; Snakemake judges them by that run "
                f"(`dvc checkout --force` brings the published ones):\n{listed(self.own)}"
            )
        if self.damaged:
            said.append(
                "not the published bytes, nor what a run here has finished; Snakemake makes them anew, or delete "
                f"them and get them again with `unispace pull`:\n{listed(self.damaged)}"
            )
        return "".join(f"{part}\n" for part in said)


def restore_jobs(root: Path, jobs: Iterable[Job]) -> Restored:
    """Give Snakemake the records of the outputs that have the published bytes.

    A job is taken as a whole: where one of its outputs is another, none gets the published record, because the
    records of one job must agree.

    Raises:
        UserError: where Snakemake runs.
    """
    refuse_while_running(root)
    result = Restored()
    for job in jobs:
        here = [output for output in job.outputs if (root / output).is_file()]
        result.absent += [output for output in job.outputs if output not in here]
        other = [output for output in here if not job.outputs[output].is_in(root / output)]
        for output in other:
            if made_here(root, output):
                result.own.append(output)
            else:
                mark_incomplete(root, output)
                result.damaged.append(output)
        for output in here if not other else ():
            write_metadata(root, output, job.metadata((root / output).stat().st_mtime))
            result.restored.append(output)
    return result


def unrecorded_jobs(root: Path, jobs: Iterable[Job]) -> list[Job]:
    """The jobs with an output that is here and of which Snakemake has no record, as after `dvc pull`."""
    return [
        job
        for job in jobs
        if any((root / o).is_file() and not is_recorded(root, o) for o in job.outputs)
    ]
