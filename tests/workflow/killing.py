"""Kill a run of Snakemake with all its processes, at any moment, and see what is left."""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from unispace.reporting.times_section import without_times

OUTPUTS = ("data", "checkpoints", "results")
TRAINED = "micro/expert-face_hq/seed0"
LOG = f"logs/tiny/train_model/{TRAINED}.log"
STEPS, EVERY = 800, 50


def lengthen(project) -> None:
    """Have one training of the tiny study run for some time, save often, and tell of each step in its log."""
    project.change(
        "workflow/studies/tiny.yaml",
        "expert-face_hq:\n    steps: 4",
        f"expert-face_hq:\n    steps: {STEPS}\n    checkpoint_every: {EVERY}",
    )
    project.change(
        "workflow/unispace/curricula/training.py", "REPORT_EVERY = 5.0", "REPORT_EVERY = 0"
    )


def lasting(path: Path) -> bytes:
    """What is in a file, without the times of the run in the page."""
    content = path.read_bytes()
    return without_times(content.decode()).encode() if path.suffix == ".html" else content


def files_of(folder: Path) -> dict[str, str]:
    """The checksum of each file that is no unfinished work, which hidden files are, and does not hold times."""
    found = {}
    for kind in OUTPUTS:
        for path in sorted((folder / kind).rglob("*")):
            name = path.relative_to(folder).as_posix()
            hidden = any(part.startswith(".") and part != ".embeddings" for part in path.parts)
            if path.is_file() and not hidden and path.name != "times.csv":
                found[name] = hashlib.sha256(lasting(path)).hexdigest()
    return found


def hidden_files_of(folder: Path) -> list[str]:
    """Unfinished work."""
    return [
        path.relative_to(folder).as_posix()
        for kind in OUTPUTS
        for path in sorted((folder / kind).rglob(".*"))
        if path.is_file()
    ]


def start(folder: Path, study: str, *options: str) -> subprocess.Popen[str]:
    """Begin a run, in a session of its own, its words in run.log."""
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "UNISPACE_DATA")}
    with (folder / "run.log").open("w") as log:
        return subprocess.Popen(
            [
                str(Path(sys.executable).parent / "snakemake"),
                *("--cores", "2", "--configfile", study, *options),
            ],
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
    """SIGKILL to Snakemake, its jobs and its servers at once."""
    for process in (run.pid, *descendants(run.pid)):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
    run.wait()


@dataclass
class Soak:
    """What came of a run that was killed again and again.

    Attributes:
        folder: the copy of the project.
        study: its study.
        expected: checksums of the outputs of a run that was not killed.
        times: files that name times, which no two runs agree on.
        kills: runs that were killed.
        complete: runs that came to their end, and were then begun anew from nothing.
        steps: of the training, taken in all starts since the last cold one.
        most: most steps that a start took again.
        starts: of the training.
        resumed: those of them that took up a saved state.
        repeated: steps taken again in all whole trainings.
        trained: whole trainings.
    """

    folder: Path
    study: str
    expected: dict[str, str]
    times: frozenset[str] = frozenset()
    kills: int = 0
    complete: int = 0
    steps: list[int] = field(default_factory=list)
    most: int = 0
    starts: int = 0
    resumed: int = 0
    repeated: int = 0
    trained: int = 0

    def round(self, draw: random.Random, longest: float) -> None:
        """Begin a run and kill it after a while, unless it ends before.

        One of five is killed while Snakemake starts; the others some time after their first job has begun, since on
        a busy machine most moments would else be of the start.
        """
        (self.folder / LOG).unlink(missing_ok=True)
        run = start(self.folder, self.study)
        early, moment = draw.random() < 0.2, draw.random()
        while not early and run.poll() is None:
            if re.search(r"  start  \w", (self.folder / "run.log").read_text()):
                break
            time.sleep(0.1)
        try:
            code = run.wait(moment * (10 if early else longest))
        except subprocess.TimeoutExpired:
            kill_all(run)
            self.kills += 1
            self.look()
            return
        self.ended(code)

    def finish(self) -> None:
        """Let a run come to its end."""
        (self.folder / LOG).unlink(missing_ok=True)
        self.ended(start(self.folder, self.study).wait())

    def ended(self, code: int) -> None:
        """Everything is there, nothing else, and nothing to do."""
        said = (self.folder / "run.log").read_text()
        assert code == 0, said
        self.look()
        assert self.differing() == []
        found = files_of(self.folder)
        assert found.keys() == self.expected.keys(), found.keys() ^ self.expected.keys()
        assert hidden_files_of(self.folder) == []
        self.repeated += len(self.steps) - len(set(self.steps))
        self.trained += 1
        assert set(self.steps) == set(range(1, STEPS + 1))
        self.complete += 1

    def begin_anew(self) -> None:
        """Remove all that was made."""
        for name in (*OUTPUTS, "logs", "benchmarks", ".snakemake"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self.steps = []

    def look(self) -> None:
        """After each kill: what is whole is right, and no step was taken that a saved state held."""
        said = (self.folder / "run.log").read_text()
        assert "LockException" not in said, said
        assert "Traceback" not in said, said
        assert self.differing() == []
        log = self.folder / LOG
        if not log.exists():
            return
        text = log.read_text()
        taken = [int(n) for n in re.findall(r"step (\d+) of \d+  loss", text)]
        if not taken:
            return
        self.starts += 1
        before = max(self.steps, default=0)
        again = before - taken[0] + 1
        assert taken == list(range(taken[0], taken[-1] + 1))
        assert 0 <= again <= EVERY, f"{again} steps were taken again: {text[:500]}"
        if taken[0] > 1:
            self.resumed += 1
            assert f"resumed after step {taken[0] - 1} of {STEPS}" in text
        self.most = max(self.most, again)
        self.steps += taken

    def differing(self) -> list[str]:
        """Files that are there under their names and are not as in the run that was not killed."""
        found = files_of(self.folder)
        return [
            name
            for name, digest in found.items()
            if name not in self.times and self.expected.get(name) != digest
        ]

    def report(self) -> str:
        """The figures."""
        return (
            f"{self.kills} kills, {self.complete} runs to the end, {len(self.expected)} files each, all but "
            f"{len(self.times)} compared; training of {STEPS} steps: {self.starts} starts, {self.resumed} resumed, "
            f"{self.repeated} steps taken again in {self.trained} whole trainings, at most {self.most} in a start "
            f"(saved every {EVERY})"
        )
