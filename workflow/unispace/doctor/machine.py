"""What the machine has, as far as a run depends on it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import psutil

_PROC_DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True)
class Machine:
    """The machine that this process runs on, or one that a test thinks up.

    Attributes:
        cores: that jobs may use.
        memory: bytes of main memory.
        memory_free: of these, what programs can have now.
        disk_free: bytes that this user can still write where the project lies.
        open_files: how many files a process may have open; None where there is no limit.
        gpu_driver: whether a driver of graphics processors is loaded.
    """

    cores: int
    memory: int
    memory_free: int
    disk_free: int
    open_files: int | None
    gpu_driver: bool


def this_machine(root: Path, cores: int) -> Machine:
    """Look at this machine.

    Args:
        root: the folder that Snakemake runs in.
        cores: that jobs may use.
    """
    memory = psutil.virtual_memory()
    return Machine(
        cores,
        memory.total,
        memory.available,
        shutil.disk_usage(root).free,
        _open_files(),
        _PROC_DRIVER.exists(),
    )


def _open_files() -> int | None:
    if os.name != "posix":
        return None
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def gigabytes(count: float) -> str:
    """Bytes as `1.2 GB`, or in MB where that says more."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
