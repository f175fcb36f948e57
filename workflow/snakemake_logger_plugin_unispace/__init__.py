"""What Snakemake says while a study runs: which job, how far, how long still.

Snakemake finds this package by its name; `logger: unispace` in the profile chooses it. A dry run is shown as
Snakemake shows it.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_unispace.progress import Estimate, Job, clock, last_words, reason

# Seconds between two looks at the logs of running jobs.
_HEARTBEAT = 15.0

# Said by Snakemake at every start or before every job, and of no use to a reader.
_NOISE = (
    "Assuming unrestricted",
    "Building DAG",
    "Using shell",
    "Provided cores",
    "Rules claiming more threads",
    "Select jobs to execute",
    "Execute ",
    "host:",
    "Complete log",
    "Elapsed time",
    "Config file ",
    "Conda environments: ignored",
    # Said in the line of the job.
    "Trying to restart job",
)


# Rules that only name what is wanted; they take no time.
_TARGETS = ("all", "data", "tables", "models", "figures")


class LogHandler(LogHandlerBase):
    """One line when a job starts, one when it ends, and now and then one for each that runs.

    Attributes:
        retries: how often Snakemake begins a failed job again. No record says so; the Snakefile does.
    """

    retries = 0

    def __post_init__(self) -> None:
        """Start with nothing known."""
        self._jobs: dict[int, Job] = {}
        self._starts: Counter[int] = Counter()
        self._estimate = Estimate(Path("benchmarks"))
        self._started = time.monotonic()
        self._heart: threading.Thread | None = None
        self._stopped = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Say what a record is about, if it is about something."""
        if self.common_settings.dryrun:
            self._say(self.format(record))
            return
        match getattr(record, "event", None):
            case LogEvent.RUN_INFO:
                self._run_info(record)
            case LogEvent.RESOURCES_INFO:
                self._estimate.cores = int(getattr(record, "cores", None) or self._estimate.cores)
            case LogEvent.JOB_INFO:
                self._job_info(record)
            case LogEvent.JOB_FINISHED:
                self._job_finished(record)
            case LogEvent.JOB_ERROR:
                self._job_error(record)
            case LogEvent.ERROR:
                self._say(f"\n{record.getMessage()}")
            case None:
                text = record.getMessage()
                noise = not text or text.startswith(_NOISE) or text == "None"
                if record.levelno >= logging.WARNING or not noise:
                    self._say(text)
            case _:
                pass

    def close(self) -> None:
        """Stop looking at logs."""
        self._stopped.set()
        super().close()

    def _run_info(self, record: logging.LogRecord) -> None:
        counts: dict[str, int] = record.__dict__["stats"]
        stats = {k: v for k, v in counts.items() if k not in (*_TARGETS, "total")}
        self._estimate.expect(stats)
        self._say(f"{sum(stats.values())} jobs: " + ", ".join(f"{n} {r}" for r, n in stats.items()))
        if self._heart is None:
            self._heart = threading.Thread(target=self._beat, daemon=True)
            self._heart.start()

    def _job_info(self, record: logging.LogRecord) -> None:
        job = Job.from_record(record)
        if job.rule not in _TARGETS:
            self._jobs[job.number] = job
            self._starts[job.number] += 1
            self._estimate.begin(job)
            self._line("start", job, "")

    def _job_finished(self, record: logging.LogRecord) -> None:
        job = self._jobs.pop(record.__dict__["job_id"], None)
        if job is None:
            return
        self._estimate.end(job)
        self._line("done ", job, f"{clock(job.seconds())}  {self._estimate.text()}".rstrip())

    def _job_error(self, record: logging.LogRecord) -> None:
        job = self._jobs.pop(record.__dict__.get("jobid", -1), None)
        if job is None:
            self._say(record.getMessage())
            return
        words = f"{clock(job.seconds())}  log: {job.log}"
        start, allowed = self._starts[job.number], 1 + self.retries
        if start < allowed:
            self._estimate.again(job)
            self._line("again", job, f"{words}  start {start} of {allowed} failed")
        else:
            self._estimate.end(job)
            self._line("FAILED", job, words)
        self._say("\n".join(f"    {line}" for line in reason(job.log)))

    def _beat(self) -> None:
        """Tell from their logs how far the running jobs are."""
        while not self._stopped.wait(_HEARTBEAT):
            for job in list(self._jobs.values()):
                words = last_words(job.log)
                if words and words != job.said:
                    job.said = words
                    self._line("     ", job, words)

    def _line(self, what: str, job: Job, text: str) -> None:
        since = clock(time.monotonic() - self._started)
        done, total = self._estimate.done, self._estimate.total
        self._say(f"{since:>6}  {done:>3}/{total}  {what}  {job.rule}  {job.name}  {text}".rstrip())

    def _say(self, text: str) -> None:
        # One write for a line: several threads speak.
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    @property
    def writes_to_stream(self) -> bool:
        """It replaces Snakemake's own output."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """Snakemake's log file stays as it is."""
        return False

    @property
    def has_filter(self) -> bool:
        """--quiet is heeded by Snakemake's own filter."""
        return False

    @property
    def has_formatter(self) -> bool:
        """Dry runs use Snakemake's own formatter."""
        return False

    @property
    def needs_rulegraph(self) -> bool:
        """Not needed."""
        return False
