"""Begin a run of Snakemake, kill it with all its processes, and see what it has said and left."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from unispace.records.run_lock import occupation
from unispace.reporting.times_section import without_times

OUTPUTS = ("data", "checkpoints", "results")
# Hidden folders of finished work.
_SHELVES = (".embeddings", ".kept")


def lasting(path: Path) -> bytes:
    """What is in a file, without the times of the run in the page."""
    content = path.read_bytes()
    return without_times(content.decode()).encode() if path.suffix == ".html" else content


def files_of(folder: Path) -> dict[str, str]:
    """The checksum of each file that is no unfinished work, which hidden files are; of the page without its times."""
    found = {}
    for name in _names(folder):
        hidden = any(part.startswith(".") and part != ".embeddings" for part in name.parts)
        if not hidden:
            content = lasting(folder / name)
            found[name.as_posix()] = hashlib.sha256(content).hexdigest()
    return found


def hidden_files_of(folder: Path) -> list[str]:
    """Unfinished work."""
    return [
        name.as_posix()
        for name in _names(folder)
        if any(part.startswith(".") and part not in _SHELVES for part in name.parts)
    ]


def _names(folder: Path) -> list[Path]:
    """All files of the outputs, from the folder."""
    return [
        path.relative_to(folder)
        for kind in OUTPUTS
        for path in sorted((folder / kind).rglob("*"))
        if path.is_file()
    ]


def start(folder: Path, study: str, *options: str) -> subprocess.Popen[str]:
    """Begin a run of a study on two cores, as `launch`."""
    snakemake = Path(sys.executable).parent / "snakemake"
    return launch(folder, str(snakemake), "--cores", "2", "--configfile", study, *options)


def launch(folder: Path, *command: str) -> subprocess.Popen[str]:
    """Begin a run, in a session of its own, its words in run.log."""
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "UNISPACE_DATA")}
    with (folder / "run.log").open("w") as log:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=clean,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            text=True,
            start_new_session=True,
        )


def descendants(process: int) -> set[int]:
    """Ids of all processes below one."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                status = (folder / "stat").read_text()
            except OSError:
                # It has ended meanwhile.
                continue
            parents[int(folder.name)] = int(status.rpartition(")")[2].split()[1])
    found, todo = set(), {process}
    while todo:
        todo = {child for child, parent in parents.items() if parent in todo} - found
        found |= todo
    return found


def kill_all(run: subprocess.Popen[str]) -> None:
    """SIGKILL to Snakemake, its jobs and its servers at once.

    They are stopped first, or one that is begun in the same moment would be left alive.
    """
    known: set[int] = set()
    while new := {run.pid, *descendants(run.pid)} - known:
        _signal(new, signal.SIGSTOP)
        known |= new
    _signal(known, signal.SIGKILL)
    run.wait()


def _signal(processes: set[int], number: signal.Signals) -> None:
    for process in processes:
        # It may have ended meanwhile.
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def is_at_work(folder: Path) -> bool:
    """Whether a run or one of its jobs is alive in a folder."""
    return occupation(folder).alive


def planned_in(said: str) -> dict[str, int]:
    """Jobs that a run is going to do, by rule; none as long as its log does not say."""
    line = re.search(r"^\d+ jobs: (.*)$", said, re.MULTILINE)
    return {rule: int(n) for n, rule in re.findall(r"(\d+) (\w+)", line[1])} if line else {}


def jobs_of(said: str, word: str) -> list[str]:
    """Rule and wildcards of each job of which a run's log says that it has begun (`start`) or ended (`done`)."""
    found = []
    for line in said.splitlines():
        parts = re.split(r" {2,}", line.strip())
        if len(parts) > 3 and parts[2] == word:
            # What follows a job's name are times.
            named = parts[4:5] if not re.match(r"\d+( s|:)|at least", "".join(parts[4:5])) else []
            found.append(" ".join([parts[3], *named]))
    return found
