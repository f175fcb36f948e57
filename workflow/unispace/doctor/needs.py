"""What a run needs against what the machine has: disk, memory, devices and time."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence

from unispace.config.study import Study
from unispace.doctor.findings import Finding
from unispace.doctor.machine import Machine, gigabytes
from unispace.doctor.space import Space
from unispace.records.benchmarks import Cost
from unispace.records.explanation import Explanation
from unispace.records.plan import PlannedJob

_MB = 1024 * 1024
# A disk that is as good as full stops other programs too.
_SPARE = 1.1


def disk_findings(space: Space, machine: Machine) -> list[Finding]:
    """Whether there is room for what will be written."""
    parts = ", ".join(f"{gigabytes(n)} {what}" for what, n in space.parts.items() if n)
    said = (
        f"about {gigabytes(space.bytes)} still to be written ({parts or 'tables and figures only'})"
    )
    if space.unknown:
        said += f", and what is not known: {'; '.join(space.unknown[:3])}"
    free = f"{gigabytes(machine.disk_free)} are free"
    if space.bytes > machine.disk_free:
        remedy = "free some, clone to a larger disk, or lower images_per_label, labels or size"
        return [Finding("disk", "error", f"{said}; only {free}", remedy)]
    if space.bytes * _SPARE > machine.disk_free:
        return [Finding("disk", "warning", f"{said}; {free}, which is close", "free some")]
    return [Finding("disk", "ok", f"{said}; {free}")]


def memory_findings(jobs: Sequence[tuple[PlannedJob, Cost]], machine: Machine) -> list[Finding]:
    """Whether each job fits into memory, and whether those do that run side by side.

    What a job needs is what its rule asks for (`mem_mb`), else the most that it or its like took before.
    """
    needs = sorted(
        ((job.mem_mb * _MB if job.mem_mb else cost.taken.memory * _MB, job) for job, cost in jobs),
        key=lambda need: -need[0],
    )
    if not needs or not needs[0][0]:
        return []
    most, job = needs[0]
    how = "by its rule" if job.mem_mb else "by earlier runs"
    said = f"{job.rule} {job.name}".strip() + f" needs {gigabytes(most)} of memory, {how}"
    if most > machine.memory:
        return [
            Finding(
                "memory",
                "error",
                f"{said}; this machine has {gigabytes(machine.memory)}",
                "run it on a larger machine, or lower batch_size or micro-batches, images or size in the study",
            )
        ]
    together = sum(need for need, _ in needs[: machine.cores])
    if together > machine.memory_free:
        fits = max(1, int(machine.memory_free // most))
        return [
            Finding(
                "memory",
                "warning",
                f"{machine.cores} jobs side by side may need {gigabytes(together)}; {gigabytes(machine.memory_free)} "
                f"are free now",
                f"end other programs, or snakemake --cores {fits}",
            )
        ]
    return [
        Finding(
            "memory",
            "ok",
            f"{said}; {machine.cores} side by side at most {gigabytes(together)} of "
            f"{gigabytes(machine.memory_free)} that are free",
        )
    ]


def time_findings(explained: Explanation) -> list[Finding]:
    """How long the run will take, and how that is known."""
    if not explained.explained:
        return [Finding("time", "ok", "all jobs are up to date; nothing would run")]
    known = [cost.known for _, cost in explained.explained]
    origin = ", ".join(f"{known.count(k)} from {_ORIGIN[k]}" for k in _ORIGIN if k in known)
    said = f"{len(known)} jobs, {explained.price()}; times of {origin}"
    if explained.unknown:
        said += f"; nothing is known of {', '.join(explained.unknown)}"
    return [Finding("time", "ok", said)]


_ORIGIN = {
    "this job": "their own last run",
    "this rule": "jobs of the same rule here",
    "default study": "the default study on two cores",
}


def device_findings(
    study: Study, jobs: Sequence[PlannedJob], machine: Machine, devices: Callable[[], int]
) -> list[Finding]:
    """Whether there is the device that rules ask for, and what precision costs without it.

    Args:
        study: the study.
        jobs: those that would run.
        machine: whether it has a driver; only then torch is asked, which takes seconds.
        devices: counts graphics processors.
    """
    wanting = sorted({job.rule for job in jobs if job.gpu})
    count = devices() if machine.gpu_driver else 0
    found = []
    if wanting and not count:
        found.append(
            Finding(
                "devices",
                "warning",
                f"{', '.join(wanting)} ask for a graphics processor and torch sees none: they compute on the CPU, "
                f"which takes many times as long",
                "install a driver that fits torch, or run with a profile for machines that have one",
            )
        )
    reduced = sorted(n for n, c in study.curricula.items() if c.precision != "float32")
    if reduced and not count:
        found.append(
            Finding(
                "devices",
                "warning",
                f"curricula.{reduced[0]}.precision is {study.curricula[reduced[0]].precision}, which many CPUs only "
                f"imitate, slower than float32",
                "precision: float32, or a machine with a graphics processor",
            )
        )
    if not found:
        seen = f"{count} graphics processors" if count else "no graphics processor"
        found.append(Finding("devices", "ok", f"{seen}; nothing that would run asks for one"))
    return found


def count_devices() -> int:
    """Graphics processors that torch can use; 0 where torch is not installed, which the versions tell."""
    if importlib.util.find_spec("torch") is None:
        return 0
    import torch

    return torch.cuda.device_count()
