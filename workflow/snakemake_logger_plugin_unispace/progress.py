"""What is known of running jobs and of the time that is left."""

from __future__ import annotations

import csv
import logging
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Job:
    """A job that runs.

    Attributes:
        number: Snakemake's number of it.
        rule: its rule.
        name: its wildcards.
        log: its log file; empty where the rule has none.
        began: when, on the monotonic clock.
        said: the last line of its log that was shown.
    """

    number: int
    rule: str
    name: str
    log: str
    began: float = field(default_factory=time.monotonic)
    said: str = ""

    @classmethod
    def from_record(cls, record: logging.LogRecord) -> Job:
        """Read the record with which Snakemake announces a job."""
        about = record.__dict__
        names = [str(value) for value in (about.get("wildcards") or {}).values()]
        logs = [str(path) for path in about.get("log") or ()]
        return cls(about["jobid"], about["rule_name"], "/".join(names), logs[0] if logs else "")

    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self.began


class Estimate:
    """How long the jobs that are left will take, from this run and from earlier ones.

    Attributes:
        cores: jobs that run side by side.
        done, total: jobs that are finished, and all of this run.
    """

    def __init__(self, benchmarks: Path) -> None:
        """Look for durations of earlier runs below `benchmarks`."""
        self.cores, self.done, self.total = 1, 0, 0
        self._benchmarks = benchmarks
        self._waiting: Counter[str] = Counter()
        self._running: dict[int, Job] = {}
        self._seen: dict[str, list[float]] = {}
        self._earlier: dict[str, float | None] = {}

    def expect(self, stats: dict[str, int]) -> None:
        """Note how many jobs of each rule there will be."""
        self._waiting = Counter(stats)
        self.total = sum(stats.values())

    def begin(self, job: Job) -> None:
        """Note that a job runs."""
        self._waiting[job.rule] -= 1
        self._running[job.number] = job

    def end(self, job: Job) -> None:
        """Note that a job ended."""
        self._running.pop(job.number, None)
        self._seen.setdefault(job.rule, []).append(job.seconds())
        self.done += 1

    def again(self, job: Job) -> None:
        """Note that a job did not end and waits to run again."""
        self._running.pop(job.number, None)
        self._waiting[job.rule] += 1

    def seconds(self, rule: str) -> float | None:
        """How long a job of a rule takes; None where no such job has been seen."""
        if rule in self._seen:
            return sum(self._seen[rule]) / len(self._seen[rule])
        if rule not in self._earlier:
            self._earlier[rule] = self._from_benchmarks(rule)
        return self._earlier[rule]

    def text(self) -> str:
        """The time left in words; "at least" where jobs are left of which nothing is known."""
        left, unknown = 0.0, False
        for rule, count in self._waiting.items():
            each = self.seconds(rule)
            unknown = unknown or (each is None and count > 0)
            left += count * (each or 0.0)
        for job in self._running.values():
            each = self.seconds(job.rule)
            unknown = unknown or each is None
            left += max(0.0, (each or 0.0) - job.seconds())
        left /= self.cores
        if left < 1:
            return ""
        return f"{'at least' if unknown else 'about'} {clock(left)} left"

    def _from_benchmarks(self, rule: str) -> float | None:
        files = [
            *self._benchmarks.glob(f"*/{rule}.tsv"),
            *self._benchmarks.glob(f"*/{rule}/**/*.tsv"),
        ]
        times = []
        for file in files:
            with file.open(newline="") as stream:
                times += [float(row["s"]) for row in csv.DictReader(stream, delimiter="\t")]
        return sum(times) / len(times) if times else None


def clock(seconds: float) -> str:
    """Seconds as `7 s`, `3:05` or `1:02:03`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def last_words(log: str) -> str:
    """The last message of a job's log, without time and level."""
    for line in reversed(_lines(log)):
        parts = line.split(" INFO ", 1)
        if len(parts) == 2:
            return parts[1].strip()
    return ""


def reason(log: str) -> list[str]:
    """Why a job failed: its error message with what follows, or the end of its log."""
    lines = _lines(log)
    for number in range(len(lines) - 1, -1, -1):
        if " ERROR " in lines[number]:
            return [lines[number].split(" ERROR ", 1)[1].strip(), *lines[number + 1 :]]
    return lines[-20:]


def _lines(log: str) -> list[str]:
    path = Path(log)
    if not log or not path.is_file():
        return []
    return path.read_text("utf-8", errors="replace").splitlines()
