"""provenance.jsonl: what each published output was made from, and which bytes it has.

A line is a job: its outputs with their checksums, and what Snakemake compares when it decides whether the job runs
again. The file stands in Git. In a clone it becomes Snakemake's own record again, for the outputs that have exactly
the published bytes, so Snakemake's triggers decide there as if the jobs had run there.

Left out is what differs between equal runs (times, the hash of a job object, logs) and what nothing is decided by
(the text of the conda environment, which is in Git).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from unispace.config.base import Sha256, canonical_json
from unispace.errors import UserError
from unispace.records.files import replacing, sha256_of

_SHOWN = 10


def _inside(path: str) -> str:
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ValueError(f"`{path}` leads out of the project, where it means nothing elsewhere")
    return path


ProjectPath = Annotated[str, AfterValidator(_inside)]


class Content(BaseModel):
    """The bytes of an output."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bytes: Annotated[int, Field(ge=0)]
    sha256: Sha256

    def is_in(self, file: Path) -> bool:
        """Whether a file has these bytes."""
        return file.stat().st_size == self.bytes and sha256_of(file) == self.sha256


class Job(BaseModel):
    """What a job made, and what it made it from. Names are Snakemake's, but for `inputs` and `outputs`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: str
    outputs: Annotated[dict[ProjectPath, Content], Field(min_length=1)]
    inputs: tuple[tuple[ProjectPath, str | None], ...]
    """Each with its checksum, or None for what has none, such as a folder."""
    params: tuple[str, ...]
    code: str | None
    shellcmd: str | None
    software_stack_hash: str | None
    container_img_url: str | None
    record_format_version: int

    def metadata(self, ended: float) -> dict[str, Any]:
        """Snakemake's record of one of the outputs.

        Args:
            ended: when the output was last written to, in seconds since 1970.
        """
        return {
            **self.model_dump(mode="json", exclude={"inputs", "outputs"}),
            "input": [path for path, _ in self.inputs],
            "input_checksums": {path: checksum for path, checksum in self.inputs if checksum},
            "incomplete": False,
            "starttime": ended,
            "endtime": ended,
        }


def write_provenance(path: Path, jobs: Iterable[Job]) -> None:
    """Write jobs, one a line."""
    with replacing(path) as temporary:
        lines = (canonical_json(job.model_dump(mode="json")) + "\n" for job in jobs)
        temporary.write_text("".join(lines), "utf-8")


def read_provenance(path: Path) -> list[Job]:
    """Read what `write_provenance` wrote.

    Raises:
        UserError: where the file is missing or a line is none of ours.
    """
    if not path.is_file():
        raise UserError(f"{path}: not there; nothing of this study was published here")
    jobs = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            jobs.append(Job.model_validate_json(line))
        except ValidationError as error:
            raise UserError(
                f"{path}:{number}: {reason(error)}; get it back with `git checkout {path}`"
            ) from None
    return jobs


def files_in(root: Path, folder: str) -> list[str]:
    """All files below a folder, relative to `root`; hidden ones are unfinished work and left out."""
    paths = (p.relative_to(root) for p in (root / folder).rglob("*") if p.is_file())
    return sorted(p.as_posix() for p in paths if not any(part.startswith(".") for part in p.parts))


def reason(error: ValidationError) -> str:
    """What is wrong with a line, in one sentence."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]


def listed(files: Sequence[str]) -> str:
    """Files for a message, one a line, the first of many."""
    shown = [f"    {file}" for file in files[:_SHOWN]]
    more = [f"    and {len(files) - _SHOWN} more"] if len(files) > _SHOWN else []
    return "\n".join(shown + more)
