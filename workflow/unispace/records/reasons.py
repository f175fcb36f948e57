"""Why each job of a plan would run: what of its own changed, or which jobs it follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from unispace.records.differences import StudyKeys, differences, words_of
from unispace.records.files import sha256_of
from unispace.records.plan import Plan, PlannedJob
from unispace.records.snakemake_metadata import is_recorded, read_metadata

Kind = Literal[
    "new", "deleted", "unfinished", "parameter", "module", "file", "inputs", "command",
    "environment", "forced",
]  # fmt: skip

PACKAGE = "workflow/unispace/"


@dataclass(frozen=True)
class Cause:
    """One thing that makes a job run.

    Attributes:
        kind: what sort of thing.
        what: a key of the study, a file, or the rule's name.
        change: of a parameter `old -> new`; else empty.
    """

    kind: Kind
    what: str
    change: str = ""

    def text(self) -> str:
        """In words."""
        match self.kind:
            case "new":
                return "never made here"
            case "deleted":
                return f"deleted: {self.what}"
            case "unfinished":
                return f"left unfinished by a job that was killed: {self.what}"
            case "parameter":
                return f"{self.what}: {self.change}"
            case "module":
                return f"code changed: {self.what}"
            case "file":
                return f"other content: {self.what}"
            case "inputs":
                return f"other set of inputs: {self.change}"
            case "command":
                return f"the command of rule {self.what} changed"
            case "environment":
                return f"the software environment of rule {self.what} changed"
            case "forced":
                return "asked for"


@dataclass(frozen=True)
class Explained:
    """A job that would run, and why.

    Attributes:
        job: the job.
        causes: what of its own changed.
        follows: jobs of this plan whose outputs it reads, as places in `Plan.jobs`.
    """

    job: PlannedJob
    causes: tuple[Cause, ...]
    follows: tuple[int, ...]


def explain(plan: Plan, root: Path, study: Mapping[str, Any]) -> list[Explained]:
    """Why the jobs of a plan would run, in the order of the plan.

    What a job was made from comes from Snakemake's record of its outputs, and is compared for every job that runs, also
    where Snakemake saw no need to, since the job follows others anyway.

    Args:
        plan: all jobs.
        root: the folder that Snakemake runs in.
        study: the study, defaults filled in, to name its keys.
    """
    made, sums, keys = plan.made(), dict[str, str | None](), StudyKeys(study)
    return [
        Explained(
            job,
            tuple(dict.fromkeys(_causes(job, root, keys, made, sums))),
            tuple(n for n in job.after if plan.jobs[n].runs),
        )
        for job in plan.running()
    ]


def _causes(
    job: PlannedJob,
    root: Path,
    keys: StudyKeys,
    made: Mapping[str, PlannedJob],
    sums: dict[str, str | None],
) -> list[Cause]:
    reason = job.reason
    causes = [Cause("forced", job.rule)] if reason.forced and not reason.incomplete else []
    causes += [Cause("unfinished", file) for file in reason.incomplete]
    missing = [f for f in reason.missing if not (root / f).exists()]
    causes += [Cause("deleted", f) for f in missing if is_recorded(root, f)]
    recorded = next((f for f in job.outputs if is_recorded(root, f)), None)
    if recorded is None:
        return [*causes, Cause("new", job.rule)] if missing else causes
    record = read_metadata(root, recorded)
    if record is None:
        return causes
    for found in differences(record["params"], job.params):
        names = [*job.wildcards.values(), *words_of(job.params)]
        key = keys.key_of(found.path, found.new, names) or ".".join(found.path)
        causes.append(Cause("parameter", key or f"parameter of {job.rule}", found.text()))
    before = {path: record["input_checksums"].get(path) for path in record["input"]}
    changed = [
        *(f for f in job.inputs if f not in made and _differs(root / f, before.get(f), sums)),
        *reason.updated,
    ]
    causes += [_of_file(file) for file in dict.fromkeys(changed)]
    causes += _other_inputs(job, before)
    if record["code"] != job.code:
        causes.append(Cause("command", job.rule))
    if reason.software:
        causes.append(Cause("environment", job.rule))
    return causes


def _of_file(file: str) -> Cause:
    return Cause("module" if file.startswith(PACKAGE) else "file", file)


def _differs(file: Path, checksum: str | None, sums: dict[str, str | None]) -> bool:
    """Whether a file has other content than was recorded; what has no checksum is no reason."""
    if checksum is None:
        return False
    name = str(file)
    if name not in sums:
        sums[name] = sha256_of(file) if file.is_file() else None
    return sums[name] != checksum.removeprefix("sha256:")


def _other_inputs(job: PlannedJob, before: Mapping[str, str | None]) -> list[Cause]:
    """Inputs that came or went, of modules each alone, since that is what was edited."""
    came = [f for f in job.inputs if f not in before]
    went = [f for f in before if f not in job.inputs]
    causes = [
        Cause("module", f"{file} ({said})")
        for files, said in ((came, "imported now"), (went, "not imported any more"))
        for file in files
        if file.startswith(PACKAGE)
    ]
    rest = [
        f"{said} {_first([f for f in files if not f.startswith(PACKAGE)])}"
        for files, said in ((came, "with"), (went, "without"))
        if any(not f.startswith(PACKAGE) for f in files)
    ]
    return [*causes, Cause("inputs", job.rule, ", ".join(rest))] if rest else causes


def _first(files: Sequence[str]) -> str:
    return files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
