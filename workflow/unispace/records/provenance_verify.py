"""Whether what lies in a clone is what was published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from unispace.records.provenance import Job, files_in, listed


@dataclass(frozen=True)
class Verdict:
    """The files of a folder beside what was published of it."""

    folder: str
    equal: tuple[str, ...]
    different: tuple[str, ...]
    absent: tuple[str, ...]
    unpublished: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether the folder holds the published files and nothing else."""
        return not (self.different or self.absent or self.unpublished)

    def text(self) -> str:
        """The verdict in words, with every file that differs named."""
        if self.holds:
            return f"{self.folder}: all {len(self.equal)} files have the published bytes"
        parts = {
            "other bytes than published": self.different,
            "published, and not here": self.absent,
            "here, and not published": self.unpublished,
        }
        said = [f"  {what}:\n{listed(files)}" for what, files in parts.items() if files]
        return f"{self.folder}: not what was published\n" + "\n".join(said)


def verify_folder(root: Path, jobs: Iterable[Job], folder: str) -> Verdict:
    """Compare the files of a folder with the published ones."""
    contents = {file: content for job in jobs for file, content in job.outputs.items()}
    published = {f: c for f, c in contents.items() if f.startswith(f"{folder}/")}
    here = files_in(root, folder)
    equal = [f for f in here if f in published and published[f].is_in(root / f)]
    return Verdict(
        folder=folder,
        equal=tuple(equal),
        different=tuple(f for f in here if f in published and f not in equal),
        absent=tuple(f for f in sorted(published) if f not in here),
        unpublished=tuple(f for f in here if f not in published),
    )
