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
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from unispace.reporting.times_section import without_times

OUTPUTS = ("data", "checkpoints", "results")
TRAINED = "micro/expert-face_hq/seed0"
LOG = f"logs/tiny/train_model/{TRAINED}.log"
STEPS, EVERY = 800, 50
# Most jobs that a run may begin before it is killed: a fifth of those of the tiny study.
AHEAD = 26


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
    """The checksum of each file that is no unfinished work, which hidden files are; of the page without its times."""
    found = {}
    for kind in OUTPUTS:
        for path in sorted((folder / kind).rglob("*")):
            name = path.relative_to(folder).as_posix()
            hidden = any(part.startswith(".") and part != ".embeddings" for part in path.parts)
            if path.is_file() and not hidden:
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


@dataclass
class Soak:
    """What came of a run that was killed again and again.

    Attributes:
        folder: the copy of the project.
        study: its study.
        expected: checksums of the outputs of a run that was not killed.
        record: what it exported of its provenance.
        kills: runs that were killed.
        early: those of them that had begun no job.
        exports: exports of provenance that were killed.
        at_work: by rule, how often a job of it was at work in a run that was killed.
        begun: jobs that were begun in all runs.
        done: jobs that have ended since the last cold start.
        complete: runs that came to their end, and were then begun anew from nothing.
        steps: of the training, taken in all starts since the last cold one.
        most: most steps that a start took again.
        starts: of the training.
        resumed: those of them that took up a saved state.
        repeated: steps taken again in all whole trainings.
    """

    folder: Path
    study: str
    expected: dict[str, str]
    record: bytes
    kills: int = 0
    early: int = 0
    exports: int = 0
    at_work: Counter[str] = field(default_factory=Counter)
    begun: int = 0
    done: set[str] = field(default_factory=set)
    complete: int = 0
    steps: list[int] = field(default_factory=list)
    most: int = 0
    starts: int = 0
    resumed: int = 0
    repeated: int = 0

    def round(self, draw: random.Random) -> None:
        """Begin a run and kill it, unless it ends before.

        The moment is drawn by what the run has done and not by a clock, since on a busy machine most moments would else
        be of its beginning: one of ten is killed while Snakemake starts, the others a moment after so many jobs have
        begun, or so many steps of the long training were taken. Where fewer jobs are left, half are killed in the last
        of them and half are let go.
        """
        log = self.folder / LOG
        log.unlink(missing_ok=True)
        run = start(self.folder, self.study)
        early, moment, spared = draw.random() < 0.1, draw.random(), draw.random() < 0.5
        jobs, steps = draw.randint(1, AHEAD), draw.randint(1, STEPS // 3)
        while not early and run.poll() is None:
            said = (self.folder / "run.log").read_text()
            begun = len(jobs_of(said, "start"))
            left = re.search(r" \d+/(\d+)  start  ", said)
            # In a run of fewer jobs the last of them stands for the one that was drawn.
            if left and begun >= min(jobs, int(left[1])) and not (spared and jobs > int(left[1])):
                break
            if log.exists() and log.read_text().count("  loss") >= steps:
                break
            time.sleep(0.05)
        try:
            code = run.wait(moment * (10 if early else 1))
        except subprocess.TimeoutExpired:
            kill_all(run)
            self.kills += 1
            self.look()
            return
        self.ended(code)

    def export(self, draw: random.Random) -> None:
        """Kill an export of the provenance; what is there afterwards is whole, and so is what the next one writes."""
        record = self.folder / f"provenance-{Path(self.study).stem}.jsonl"
        record.unlink(missing_ok=True)
        command = [sys.executable, "-m", "unispace", "provenance", "export", self.study]
        package = {**os.environ, "PYTHONPATH": str(self.folder / "workflow")}
        process = subprocess.Popen(command, cwd=self.folder, env=package)
        try:
            process.wait(draw.random() * 3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            self.exports += 1
        assert not record.exists() or record.read_bytes() == self.record
        subprocess.run(command, cwd=self.folder, env=package, check=True)
        assert record.read_bytes() == self.record
        assert not list(self.folder.glob(".provenance*.part"))
        record.unlink()

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
        assert set(self.steps) == set(range(1, STEPS + 1))
        self.complete += 1

    def begin_anew(self) -> None:
        """Remove all that was made."""
        for name in (*OUTPUTS, "logs", "benchmarks", ".snakemake"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self.steps = []
        self.done = set()

    def look(self) -> None:
        """After each run: what is whole is right; no job that had ended was begun, and no step taken that was saved."""
        said = (self.folder / "run.log").read_text()
        assert "LockException" not in said, said
        assert "Traceback" not in said, said
        assert self.differing() == []
        begun, done = jobs_of(said, "start"), jobs_of(said, "done")
        assert self.done.isdisjoint(begun), self.done.intersection(begun)
        self.begun += len(begun)
        self.done.update(done)
        self.early += not begun
        self.at_work.update({job.split()[0] for job in set(begun) - set(done)})
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
        return [name for name, digest in found.items() if self.expected.get(name) != digest]

    def report(self) -> str:
        """The figures."""
        rules = ", ".join(f"{rule} {count}" for rule, count in self.at_work.most_common())
        return (
            f"{self.kills} kills of runs, {self.early} of them before their first job, and {self.exports} of exports; "
            f"{self.complete} runs to the end, {len(self.expected)} files each, all identical; {self.begun} jobs begun, "
            f"none that had ended before\nat work when killed: {rules}\ntraining of {STEPS} steps: {self.starts} starts, "
            f"{self.resumed} resumed, {self.repeated} steps taken again in {self.complete} whole trainings, at most "
            f"{self.most} in a start (saved every {EVERY}), beyond that none"
        )
