"""What jobs took in earlier runs, and what those of a plan will take."""

from __future__ import annotations

import csv
import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from unispace.records.files import replacing
from unispace.records.plan import Plan, PlannedJob

REFERENCE = Path(__file__).with_name("reference_times.csv")
"""What a job of each rule took in a whole run of the default study on two cores: number of jobs, mean CPU seconds, most
memory in MB. `unispace doctor --record-times` made it from the benchmarks of that run. Wall times are left out, since
they tell as much of what else the machine did; one thread that computes takes as long as its CPU time."""

Known = Literal["this job", "this rule", "default study", "unknown"]


@dataclass(frozen=True)
class Taken:
    """What a job takes: CPU seconds, wall seconds, most memory in MB. What was not measured is 0."""

    cpu: float
    wall: float
    memory: float


@dataclass(frozen=True)
class Cost:
    """What a job will take."""

    taken: Taken
    known: Known
    """From its own last run, the mean of jobs of its rule in all studies here, or their mean in the default study."""


class Costs:
    """Costs of jobs, from the files of the rules' `benchmark:` directives."""

    def __init__(self, root: Path, reference: Path = REFERENCE) -> None:
        """Look below `root`, the folder that Snakemake runs in."""
        self._root = root
        self._means: dict[str, Taken | None] = {}
        self._reference = read_reference(reference)

    def of(self, job: PlannedJob) -> Cost:
        """What a job will take."""
        own = read_benchmark(self._root / job.benchmark) if job.benchmark else None
        if own is not None:
            return Cost(own, "this job")
        if job.rule not in self._means:
            self._means[job.rule] = _mean(_files(self._root / "benchmarks", job.rule))
        mean = self._means[job.rule]
        if mean is not None:
            return Cost(mean, "this rule")
        if job.rule in self._reference:
            return Cost(self._reference[job.rule], "default study")
        return Cost(Taken(0, 0, 0), "unknown")


def read_benchmark(file: Path) -> Taken | None:
    """What one job took; None where there is no such file, or nothing in it.

    A job that ended before Snakemake looked at it has no CPU time; its wall time, which is shorter than that, stands in.
    """
    if not file.is_file():
        return None
    with file.open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    if not rows:
        return None
    row = rows[-1]
    wall = _number(row, "s")
    return Taken(_number(row, "cpu_time") or wall, wall, _number(row, "max_rss"))


def read_reference(file: Path = REFERENCE) -> dict[str, Taken]:
    """What a job of each rule took in the default study."""
    with file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {
        row["rule"]: Taken(
            float(row["cpu_seconds"]), float(row["cpu_seconds"]), float(row["memory_mb"])
        )
        for row in rows
    }


def write_reference(benchmarks: Path, file: Path = REFERENCE) -> int:
    """Write the means of a finished run of the default study.

    Args:
        benchmarks: folder of the times of its jobs, with a file or a folder for each rule.
        file: the table to be written.

    Returns:
        The number of rules.
    """
    rules = sorted({path.name.removesuffix(".tsv") for path in benchmarks.iterdir()})
    lines = ["rule,jobs,cpu_seconds,memory_mb"]
    for rule in rules:
        files = [*benchmarks.glob(f"{rule}.tsv"), *benchmarks.glob(f"{rule}/**/*.tsv")]
        taken = [found for found in map(read_benchmark, files) if found]
        mean = _average(taken)
        if mean:
            lines.append(f"{rule},{len(taken)},{mean.cpu:.2f},{mean.memory:.0f}")
    with replacing(file) as temporary:
        temporary.write_text("\n".join(lines) + "\n", "utf-8")
    return len(lines) - 1


def wall_seconds(plan: Plan, seconds: Mapping[int, float], cores: int) -> float:
    """How long the jobs of a plan take on some cores: each begins as soon as its inputs are there and cores are free.

    List scheduling in the order of the plan, which is never better than what Snakemake does by more than its own pauses.

    Args:
        plan: all jobs.
        seconds: wall time of each job that runs, by its place in the plan.
        cores: at least 1; a job takes as many as it has threads.
    """
    left = {n: {a for a in plan.jobs[n].after if a in seconds} for n in seconds}
    ready = sorted(n for n, after in left.items() if not after)
    running: list[tuple[float, int, int]] = []
    now, free = 0.0, cores
    while ready or running:
        for n in list(ready):
            threads = min(plan.jobs[n].threads, cores)
            if threads <= free:
                ready.remove(n)
                free -= threads
                heapq.heappush(running, (now + seconds[n], n, threads))
        now, done, threads = heapq.heappop(running)
        free += threads
        for n, after in left.items():
            if done in after:
                after.remove(done)
                if not after:
                    ready.append(n)
        ready.sort()
    return now


@cache
def _files(benchmarks: Path, rule: str) -> tuple[Path, ...]:
    """Times of the jobs of a rule in all studies that ran here."""
    return (*benchmarks.glob(f"*/{rule}.tsv"), *benchmarks.glob(f"*/{rule}/**/*.tsv"))


def _mean(files: Iterable[Path]) -> Taken | None:
    return _average([found for found in map(read_benchmark, files) if found])


def _average(taken: Sequence[Taken]) -> Taken | None:
    """Mean times; of memory the most, since that is what a job may need."""
    if not taken:
        return None
    count = len(taken)
    return Taken(
        sum(t.cpu for t in taken) / count,
        sum(t.wall for t in taken) / count,
        max(t.memory for t in taken),
    )


def _number(row: Mapping[str, str | None], column: str) -> float:
    """A measure; 0 where the job was too short for it (Snakemake writes `NA` or `-`)."""
    text = row.get(column) or "NA"
    return 0.0 if text in ("NA", "-") else float(text)
