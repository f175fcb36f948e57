"""Snakemake's benchmarks count forks to the jobs that they were made for, though they are children of a server."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import psutil
import snakemake.benchmark
from snakemake.benchmark import BenchmarkTimer

from fork_server.notes import running, take


def count_forks(notes: Path) -> None:
    """Change how Snakemake looks at the processes of a job, for the rest of this process.

    Args:
        notes: where servers note their forks, as `fork_server.notes` says.
    """

    class Tree(psutil.Process):
        """A process that has, beside its children, what was forked for it and for them."""

        def children(self, recursive: bool = False) -> list[psutil.Process]:
            found = super().children(recursive)
            for process in [self, *found]:
                # Most processes have no fork, and any may end at any time.
                with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess):
                    fork = psutil.Process(running(notes, process.pid))
                    found += [fork, *fork.children(recursive)]
            return found

    class Timer(BenchmarkTimer):
        """Looks at forks, too, and takes at the end what the system says that they used.

        The last look may be half a second before the end, which is more than many a job takes.
        """

        def __init__(self, pid: int, *arguments: Any, **options: Any) -> None:
            super().__init__(pid, *arguments, **options)
            self.main = Tree(pid)

        def cancel(self) -> None:
            super().cancel()
            record = self.bench_record
            for used in take(notes, self.pid):
                for key in [k for k in record.processed_procs if k[0] == used.fork]:
                    del record.processed_procs[key]
                record.processed_procs[used.fork, "fork"] = used.seconds
                if record.data_collected:
                    record.cpu_time = sum(record.processed_procs.values())
                    record.max_rss = max(record.max_rss, used.kilobytes / 1024)

    snakemake.benchmark.BenchmarkTimer = Timer
