"""Graphics processors of this machine, each held by one job at a time.

A slot is a file that its holder has locked; the operating system gives the lock up with the process, however it ends.
So runs in several folders, which know nothing of each other, never share a device. Users do: each has slots of their own.
"""

from __future__ import annotations

import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""Environment variable that names the devices of a process, separated by commas."""
_DRIVER = Path("/proc/driver/nvidia/gpus")
_PAUSE = 0.5

# Open files of this process; held until it ends.
_held: list[int] = []


def visible_devices() -> list[str]:
    """Names of the devices that this process may use: those of the variable, or else all numbers that the driver knows."""
    named = os.environ.get(VISIBLE)
    if named is None:
        return [str(n) for n in range(len(list(_DRIVER.iterdir())))] if _DRIVER.is_dir() else []
    names: list[str] = []
    for name in (part.strip() for part in named.split(",")):
        # As CUDA reads it: what follows the first name that is none does not count.
        if not name or name == "-1":
            break
        names.append(name)
    return names


def take_devices(count: int, pause: Callable[[float], None] = time.sleep) -> list[str]:
    """Hold devices until this process ends; waits while other jobs hold them.

    In a job of Slurm its devices are those that Slurm gave it, and nobody else's: none is taken there that was not asked
    for, and none is locked, since their names may count from 0 in each job.

    Args:
        count: how many.
        pause: waits for some seconds.

    Returns:
        Their names; fewer than asked for where there are not as many, none where there are none.
    """
    if "SLURM_JOB_ID" in os.environ:
        return visible_devices()[:count] if os.environ.get(VISIBLE) else []
    names = visible_devices()
    count = min(count, len(names))
    said = False
    while True:
        taken: dict[str, int] = {}
        for name in names:
            if len(taken) < count and (file := _lock(name)) is not None:
                taken[name] = file
        if len(taken) == count:
            _held.extend(taken.values())
            return list(taken)
        # All or none, or two jobs that want two each would wait for each other for ever.
        for file in taken.values():
            os.close(file)
        if not said:
            log.info("%d of %d graphics processors are free; waiting", len(taken), len(names))
            said = True
        # Not in step with others that wait.
        pause(_PAUSE * (1 + os.getpid() % 7 / 7))


def _lock(name: str) -> int | None:
    """The locked file of a device; None where another process holds it."""
    folder = Path(tempfile.gettempdir()) / f"unispace-devices-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    file = os.open(folder / name.replace("/", "_"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file
