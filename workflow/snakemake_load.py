"""Two costs of Snakemake's own process that grow with a study, taken off while it runs.

In a study of 280 jobs they came to more CPU time than all evaluations together, in a process that starts no job
meanwhile. Neither changes what runs or what is recorded; both concern the pinned version, and the test of this file
tells when an upgrade makes one of them needless.
"""

from __future__ import annotations

import threading
from typing import Any


def lighten(workflow: Any) -> None:
    """Take both costs off a workflow that is about to run.

    Args:
        workflow: Snakemake's, with its scheduler and its record of outputs.
    """
    _look_again_once(workflow.scheduler)
    _read_once(workflow.persistence, workflow.iocache)


def _look_again_once(scheduler: Any) -> None:
    """Have one timer at most that wakes the scheduler.

    Snakemake 9.27 starts one whenever it has looked for jobs, which ends in a look for jobs: every finished job
    adds a look per second until the end, and each reads the sizes of the inputs of all jobs that are ready.
    """
    waiting: threading.Timer | None = None

    def look_again(delay: float) -> None:
        nonlocal waiting
        if waiting is not None and waiting.is_alive():
            return
        waiting = threading.Timer(delay, scheduler._open_jobs.release)
        waiting.daemon = True
        waiting.start()

    # Its name has this spelling.
    scheduler._schedule_reevalutation = look_again


def _read_once(persistence: Any, cache: Any) -> None:
    """Read the inputs of a finished job once, not once for each of its outputs.

    Snakemake's own cache is used, which it leaves off while jobs run; it is emptied before and after, since files
    change in between.
    """
    finished = persistence.finished

    async def finished_once(job: Any) -> None:
        cache.clear()
        cache.active = True
        try:
            await finished(job)
        finally:
            cache.deactivate()

    persistence.finished = finished_once
