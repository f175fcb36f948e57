"""Where networks compute: on graphics processors that a job was given, or on the CPU."""

from __future__ import annotations

import logging
import os
from typing import Any

import torch
from torch import Tensor

from unispace.records.device_slots import VISIBLE, take_devices

log = logging.getLogger(__name__)

CPU = torch.device("cpu")


def devices_for(gpus: int, processes: int = 1) -> list[torch.device]:
    """The device of each process of a job.

    Graphics processors are held until the job ends, and no other is seen by it or by the processes that it starts. Where
    there is none, or torch cannot use it, the job says so and computes on the CPU.

    Args:
        gpus: that the job was granted; 0 is the CPU.
        processes: of the job; with fewer devices several share one.

    Returns:
        `processes` devices.
    """
    names = take_devices(gpus) if gpus else []
    if names:
        os.environ[VISIBLE] = ",".join(names)
    if not (names and torch.cuda.is_available()):
        if gpus:
            seen = f"torch cannot use {', '.join(names)}" if names else "there is none"
            log.warning("a graphics processor was asked for and %s: computing on the CPU", seen)
        return [CPU] * processes
    log.info("computing on graphics processor %s", ", ".join(names))
    # Without it the library of matrix products may give other bits in every run, which is refused.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    return [torch.device("cuda", process % len(names)) for process in range(processes)]


def use(device: torch.device) -> None:
    """Make a device that of this process, with the arithmetic of float32 in full."""
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.backends.cudnn.allow_tf32 = False


def moved(values: Any, device: torch.device) -> Any:
    """Values with every tensor in them, however deep in tuples and lists, on a device."""
    if isinstance(values, Tensor):
        return values.to(device)
    if isinstance(values, tuple | list):
        return type(values)(moved(value, device) for value in values)
    return values
