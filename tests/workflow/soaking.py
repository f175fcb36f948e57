"""A study that is killed again and again, in all of its phases, and what must hold each time."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from killing import (
    OUTPUTS,
    descendants,
    files_of,
    hidden_files_of,
    is_at_work,
    jobs_of,
    kill_all,
    planned_in,
    start,
)

# Of the tiny study, in the order in which they first run. What has no name here is of the metrics.
PHASES = {
    "render": ("prepare_pretraining_data", "prepare_data"),
    "pretrain": ("pretrain_backbone",),
    "train": ("train_model",),
    "extract": ("extract_embeddings", "embed_prompts"),
    "maps": ("fit_maps",),
    "metrics": (),
    "figures": ("draw_figure", "draw_contact_sheet"),
    "tables": ("collect_results", "summarise_results"),
    "report": ("render_report",),
    # After the last job: Snakemake's own end, and the times that are put into the page.
    "end": (),
}
# Runs that are killed in a phase before the next one's turn comes, each time that all begins anew.
IN_EACH = 2
# Of runs that are killed, the share in which that hits Snakemake before its first job, and Snakemake alone.
EARLY, ALONE = 0.1, 0.25
# Exports of provenance that are killed after each whole run.
EXPORTS = 4


def phase_of(job: str) -> str:
    """The phase of a job, or of a rule."""
    rule = job.split()[0]
    return next((phase for phase, rules in PHASES.items() if rule in rules), "metrics")


def without_page(record: bytes) -> list[dict[str, Any]]:
    """The lines of exported provenance, without the checksum of the page, which holds the times of its run."""
    jobs = [json.loads(line) for line in record.splitlines()]
    for job in jobs:
        job["outputs"] = {k: v for k, v in job["outputs"].items() if not k.endswith(".html")}
    return jobs


@dataclass
class Training:
    """A long training of which each step is told in the log.

    Attributes:
        job: as it is called in the log of the run.
        log: its own log.
        total: its steps.
        every: steps between two saved states.
        steps: that were taken in all starts since the last cold one.
        starts: how often it began.
        resumed: how often it took up a saved state.
        repeated: steps taken again in all whole trainings.
        most: most steps that a start took again.
    """

    job: str
    log: str
    total: int
    every: int
    steps: list[int] = field(default_factory=list)
    starts: int = 0
    resumed: int = 0
    repeated: int = 0
    most: int = 0

    def taken(self, folder: Path) -> list[int]:
        """Steps that the log of the last start tells of."""
        log = folder / self.log
        text = log.read_text() if log.exists() else ""
        return [int(n) for n in re.findall(r"step (\d+) of \d+  loss", text)]

    def look(self, folder: Path) -> None:
        """Check the last start: one step after the other, beginning at most so far back as states are saved."""
        taken = self.taken(folder)
        if not taken:
            return
        text = (folder / self.log).read_text()
        self.starts += 1
        before = max(self.steps, default=0)
        again = before - taken[0] + 1
        assert taken == list(range(taken[0], taken[-1] + 1))
        assert 0 <= again <= self.every, f"{again} steps were taken again: {text[:500]}"
        if taken[0] > 1:
            self.resumed += 1
            assert f"resumed after step {taken[0] - 1} of {self.total}" in text
        self.most = max(self.most, again)
        self.steps += taken

    def ended(self) -> None:
        """Check that no step is missing."""
        assert set(self.steps) == set(range(1, self.total + 1))
        self.repeated += len(self.steps) - self.total

    def report(self) -> str:
        """The figures."""
        return (
            f"{self.job}, {self.total} steps, saved every {self.every}: {self.starts} starts, {self.resumed} resumed, "
            f"{self.repeated} steps taken again, at most {self.most} in a start"
        )


# Steps of the long trainings, and of the second those between two saved states; the first saves after each.
PRETRAINING, TRAINING, EVERY = 200, 400, 25


def long_trainings() -> list[Training]:
    """Those that `lengthen` makes."""
    logs, model = "logs/tiny", "micro/expert-face_hq"
    return [
        Training("pretrain_backbone micro", f"{logs}/pretrain_backbone/micro.log", PRETRAINING, 1),
        Training(
            f"train_model {model}/0", f"{logs}/train_model/{model}/seed0.log", TRAINING, EVERY
        ),
    ]


def lengthen(project) -> None:
    """Have two trainings of the tiny study run for some time, save often, and tell of each step in their logs."""
    study = "workflow/studies/tiny.yaml"
    project.change(study, "dataset: things, steps: 4", f"dataset: things, steps: {PRETRAINING}")
    project.change(
        study,
        "expert-face_hq:\n    steps: 4",
        f"expert-face_hq:\n    steps: {TRAINING}\n    checkpoint_every: {EVERY}",
    )
    room = "workflow/unispace/curricula"
    for module in ("training", "pretraining"):
        project.change(f"{room}/{module}.py", "REPORT_EVERY = 5.0", "REPORT_EVERY = -1.0")
    # A pretraining saves by time.
    project.change(f"{room}/pretraining.py", "SAVE_EVERY = 30.0", "SAVE_EVERY = -1.0")


@dataclass
class Soak:
    """What came of a run that was killed again and again.

    Attributes:
        folder: the copy of the project.
        study: its study.
        expected: checksums of the outputs of a run that was not killed.
        record: what it exported of its provenance.
        trainings: the long ones.
        kills: runs that were killed.
        alone: those of them in which Snakemake alone was killed, and its jobs were left to themselves.
        early: those of them that had begun no job.
        hit: kills by phase, of which jobs were at work.
        at_work: by rule, how often a job of it was at work in a run that was killed.
        cycle: `hit`, since the last cold start.
        exports: exports of provenance that were killed.
        begun: jobs that were begun in all runs.
        done: jobs that have ended since the last cold start.
        complete: runs that came to their end, and were then begun anew from nothing.
        compared: checksums that were compared with those of the run that was not killed.
    """

    folder: Path
    study: str
    expected: dict[str, str]
    record: bytes
    trainings: list[Training] = field(default_factory=long_trainings)
    kills: int = 0
    alone: int = 0
    early: int = 0
    hit: Counter[str] = field(default_factory=Counter)
    at_work: Counter[str] = field(default_factory=Counter)
    cycle: Counter[str] = field(default_factory=Counter)
    exports: int = 0
    begun: int = 0
    done: set[str] = field(default_factory=set)
    complete: int = 0
    compared: int = 0

    def round(self, draw: random.Random) -> None:
        """Begin a run and kill it, unless it ends before.

        When is drawn by what the run has done and not by a clock, since on a busy machine most moments would else be of
        its beginning. Each phase has its turn, so that all are met, also those of a single short job: the run is killed
        a moment after some job of that phase has begun, or in a long training some steps after.
        """
        for training in self.trainings:
            (self.folder / training.log).unlink(missing_ok=True)
        early, alone = draw.random() < EARLY, draw.random() < ALONE
        share, moment = draw.random(), draw.random()
        run = start(self.folder, self.study)
        if early:
            time.sleep(moment * 10)
        else:
            self.wait(run, share)
            time.sleep(moment)
        if run.poll() is not None:
            self.ended(run.returncode)
            return
        if alone:
            left = descendants(run.pid)
            run.kill()
            run.wait()
            # Servers and jobs see that it has gone, and end by themselves; a run that begins before is refused.
            end = time.monotonic() + 120
            while is_at_work(self.folder) or any(Path(f"/proc/{pid}").exists() for pid in left):
                assert time.monotonic() < end, "jobs outlived Snakemake by minutes"
                time.sleep(0.2)
        else:
            kill_all(run)
        self.kills += 1
        self.alone += alone
        print(
            f"kill {self.kills}{' of Snakemake alone' if alone else ''}: {', '.join(self.look()) or 'no job'}"
        )

    def wait(self, run: subprocess.Popen[str], share: float) -> None:
        """Wait for a job of the phase whose turn it is: which of those that are left, `share` says."""
        target, number = None, 1
        while run.poll() is None:
            said = (self.folder / "run.log").read_text()
            planned = planned_in(said)
            if target is None and planned:
                left = Counter({"end": 1})
                for rule, count in planned.items():
                    left[phase_of(rule)] += count
                turns = (p for p in PHASES if left[p] and self.cycle[p] < IN_EACH)
                target = next(turns, "none")
                # Of many jobs a part only, so that some are left for the next time.
                number = 1 + int(share * left[target] / IN_EACH)
            done = jobs_of(said, "done")
            if target == "end" and len(done) == sum(planned.values()):
                return
            long = [t for t in self.unfinished(target) if t.job not in done]
            if long:
                # Among trainings it is the long one that is killed, when it has taken some steps.
                if any(len(t.taken(self.folder)) >= share * t.total / 2 for t in long):
                    return
            elif sum(phase_of(job) == target for job in jobs_of(said, "start")) >= number:
                return
            time.sleep(0.05)

    def unfinished(self, phase: str | None) -> list[Training]:
        """Long trainings of a phase that have not ended."""
        return [t for t in self.trainings if phase_of(t.job) == phase and t.job not in self.done]

    def export(self, draw: random.Random) -> None:
        """Kill exports of the provenance; what is there afterwards is whole, and so is what the next one writes."""
        record = self.folder / f"provenance-{Path(self.study).stem}.jsonl"
        command = [sys.executable, "-m", "unispace", "provenance", "export", self.study]
        package = {**os.environ, "PYTHONPATH": str(self.folder / "workflow")}
        began = time.monotonic()
        subprocess.run(command, cwd=self.folder, env=package, check=True)
        seconds = time.monotonic() - began
        whole = record.read_bytes()
        assert without_page(whole) == without_page(self.record)
        for _ in range(EXPORTS):
            record.unlink(missing_ok=True)
            process = subprocess.Popen(command, cwd=self.folder, env=package)
            try:
                process.wait(draw.random() * seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                self.exports += 1
            assert not record.exists() or record.read_bytes() == whole
        subprocess.run(command, cwd=self.folder, env=package, check=True)
        assert record.read_bytes() == whole
        assert not list(self.folder.glob(".provenance*.part"))
        record.unlink()

    def finish(self) -> None:
        """Let a run come to its end."""
        for training in self.trainings:
            (self.folder / training.log).unlink(missing_ok=True)
        self.ended(start(self.folder, self.study).wait())

    def ended(self, code: int) -> None:
        """Everything is there, and nothing else."""
        said = (self.folder / "run.log").read_text()
        assert code == 0, said
        self.look()
        found = files_of(self.folder)
        assert found.keys() == self.expected.keys(), found.keys() ^ self.expected.keys()
        assert hidden_files_of(self.folder) == []
        for training in self.trainings:
            training.ended()
        self.complete += 1

    def begin_anew(self) -> None:
        """Remove all that was made; results that are expected were not."""
        for name in (*OUTPUTS, "logs", "benchmarks", ".snakemake"):
            for path in (self.folder / name).iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
                elif not path.name.startswith(("golden", "accepted")):
                    path.unlink()
        for training in self.trainings:
            training.steps = []
        self.done = set()
        self.cycle = Counter()

    def look(self) -> list[str]:
        """After each run: what is there is right; no job that had ended was begun, and no step taken that was saved.

        Returns:
            The jobs that had begun and not ended.
        """
        said = (self.folder / "run.log").read_text()
        for word in ("LockException", "Traceback", "FAILED"):
            assert word not in said, said
        found = files_of(self.folder)
        self.compared += len(found)
        wrong = [name for name, digest in found.items() if self.expected.get(name) != digest]
        assert wrong == []
        begun, done = jobs_of(said, "start"), jobs_of(said, "done")
        assert self.done.isdisjoint(begun), self.done.intersection(begun)
        self.begun += len(begun)
        self.done.update(done)
        self.early += not begun
        at_work = set(begun) - set(done)
        self.at_work.update(job.split()[0] for job in at_work)
        over = bool(begun) and len(done) == sum(planned_in(said).values())
        for phase in {"end"} if over else {phase_of(job) for job in at_work}:
            self.hit[phase] += 1
            long = self.unfinished(phase)
            self.cycle[phase] += not long or any(t.job in at_work for t in long)
        for training in self.trainings:
            training.look(self.folder)
        return sorted(at_work)

    def report(self) -> str:
        """The figures."""
        rules = ", ".join(f"{rule} {count}" for rule, count in self.at_work.most_common())
        phases = ", ".join(f"{phase} {self.hit[phase]}" for phase in PHASES)
        return "\n".join(
            [
                f"{self.kills} kills of runs ({self.early} before their first job; {self.alone} of Snakemake alone), and "
                f"{self.exports} of exports of provenance",
                f"{self.complete} runs to the end, {len(self.expected)} files each, all identical; {self.compared} "
                "comparisons of a file in all; none lost",
                f"{self.begun} jobs begun, none that had ended before",
                f"kills with jobs at work in phase: {phases}",
                f"at work when killed: {rules}",
                *(training.report() for training in self.trainings),
            ]
        )
