"""From Snakemake's record of a run to the jobs of provenance.jsonl."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from unispace.config.base import canonical_json
from unispace.errors import UserError
from unispace.records.files import sha256_of
from unispace.records.provenance import Job, files_in, listed, reason
from unispace.records.snakemake_metadata import is_incomplete, read_metadata, refuse_while_running


def export_jobs(root: Path, places: Iterable[str]) -> list[Job]:
    """The jobs that made the files of some folders, or single files; what is not there was made by none.

    Raises:
        UserError: where Snakemake runs; where a file is unfinished or no output of Snakemake's; where a job read
            something outside the project.
    """
    refuse_while_running(root)
    outputs = [
        file
        for place in places
        for file in ([place] if (root / place).is_file() else files_in(root, place))
    ]
    unfinished = [file for file in outputs if is_incomplete(root, file)]
    if unfinished:
        raise UserError(f"unfinished; run snakemake again:\n{listed(unfinished)}")
    records = {file: read_metadata(root, file) for file in outputs}
    unknown = [file for file, record in records.items() if record is None]
    if unknown:
        raise UserError(
            f"not made by Snakemake here, so where they come from is not known; "
            f"delete them and run snakemake:\n{listed(unknown)}"
        )
    read = _Read(root)
    made = sorted((_origin(record, read), file) for file, record in records.items() if record)
    jobs = [_job(root, origin, [f for _, f in of]) for origin, of in groupby(made, lambda m: m[0])]
    return sorted(jobs, key=lambda job: min(job.outputs))


class _Read:
    """Checksums of what jobs have read, where Snakemake has noted none.

    It notes none of inputs whose names have no wildcards and that were not there when it began. Without one, a clone in which
    such a file is younger than what was made of it would make that again.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._found: dict[str, str] = {}

    def checksum(self, path: str, since: float) -> str | None:
        """Of a file that has not changed since a job began; None of another, which that job need not have read."""
        file = self._root / path
        if not file.is_file() or file.stat().st_mtime > since:
            return None
        if path not in self._found:
            self._found[path] = f"sha256:{sha256_of(file)}"
        return self._found[path]


def _origin(record: dict[str, Any], read: _Read) -> str:
    """What the outputs of one job have in common, as text."""
    checksums, began = record["input_checksums"], record["starttime"]
    kept = set(Job.model_fields) - {"inputs", "outputs"}
    inputs = [[p, checksums.get(p) or read.checksum(p, began)] for p in record["input"]]
    return canonical_json({**{name: record[name] for name in kept}, "inputs": inputs})


def _job(root: Path, origin: str, files: Sequence[str]) -> Job:
    sums = {f: {"bytes": (root / f).stat().st_size, "sha256": sha256_of(root / f)} for f in files}
    try:
        return Job.model_validate({**json.loads(origin), "outputs": sums})
    except ValidationError as error:
        raise UserError(f"{files[0]}: {reason(error)}") from None
